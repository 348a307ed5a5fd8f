//! What a person decides of cases: whether two parts are one, and that a period is published.

use std::sync::PoisonError;

use hutong_commit::entry::{EventDraft, ResourceDraft};
use hutong_count::cases::{Close, Decided, Event, Id, Ledger};
use hutong_count::period::{Period, day_of};
use hutong_serve::{AdminAsk, AdminRefusal};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{CASE, End, Pair, work_ended};
use super::{Desk, read, text, wrong};
use crate::ingest::now_us;

/// Shown at once.
const SHOWN: usize = 200;
const HOUR_US: i64 = 3_600_000_000;
/// Days back where none are asked.
const DAYS: i64 = 30;
const DAYS_MAX: i64 = 3_660;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PairAsked {
    /// Numbers of cases.
    a: u32,
    b: u32,
    by: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CloseAsked {
    period: String,
    by: String,
    reason: String,
}

impl Desk {
    /// Parts that may belong together, the most likely first.
    pub(super) fn doubts(&self, query: &[(String, String)]) -> Result<Value, AdminRefusal> {
        let (from, now) = since(query)?;
        let community = self.community.read();
        let doubts = community.cases.doubts(from, now, SHOWN);
        let doubts: Vec<Value> = doubts
            .iter()
            .map(|d| {
                let item = community.work.of(Pair { order: d.order_case, report: d.report_case });
                json!({ "orderCase": d.order_case, "reportCase": d.report_case, "orderEntry": d.order_seq,
                    "reportEntry": d.report_seq, "orderReceipt": self.receipt(d.order_seq), "reportReceipt": self.receipt(d.report_seq),
                    "confidence": d.confidence, "because": d.because,
                    "task": item.map(|(task, _)| format!("Task/{task}")), "sinceUs": item.map(|(_, since)| since) })
            })
            .collect();
        Ok(json!({ "doubts": doubts }))
    }

    /// Parts without their other half, oldest first, with their age.
    pub(super) fn orphans(&self, query: &[(String, String)]) -> Result<Value, AdminRefusal> {
        let (from, now) = since(query)?;
        let mut orphans = self.community.read().cases.orphans(from, now, usize::MAX);
        let all = orphans.len();
        orphans.sort_by_key(|o| o.since_us);
        let orphans: Vec<Value> = orphans
            .iter()
            .take(SHOWN)
            .map(|o| {
                json!({ "case": o.case, "lack": o.lack, "sinceUs": o.since_us, "ageHours": (now - o.since_us) / HOUR_US,
                    "institution": o.exam, "modality": o.modality, "entry": o.seq, "receipt": self.receipt(o.seq) })
            })
            .collect();
        Ok(json!({ "all": all, "orphans": orphans }))
    }

    /// Of an entry of the journal, so that its message can be looked up.
    fn receipt(&self, seq: u64) -> String {
        self.acts.store().entry(seq).map(|e| e.receipt().to_owned()).unwrap_or_default()
    }

    /// Two parts are one case, or are not.
    pub(super) fn pair(&self, ask: &AdminAsk<'_>, body: &[u8], joins: bool) -> Result<Value, AdminRefusal> {
        let asked: PairAsked = read(body)?;
        let by = text("by", asked.by)?;
        let reason = text("reason", asked.reason)?;
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let (a, b) = (self.number_of("a", asked.a)?, self.number_of("b", asked.b)?);
        {
            let community = self.community.read();
            if community.cases.case_of(a) == community.cases.case_of(b) {
                return Err(wrong("cases.same", "a 与 b 已是同一例", "a and b are one case already"));
            }
        }
        let decided = Decided { a, b, by: by.clone() };
        let event = if joins { Event::Joined(decided) } else { Event::Apart(decided) };
        let what = if joins { "cases/join" } else { "cases/apart" };
        let end = if joins { End::Joined } else { End::Apart };
        let item = self.item(asked.a, asked.b).and_then(|(pair, task)| work_ended(pair, &task, end, Some((&by, &reason)), now_us()));
        let (tasks, ended): (Vec<ResourceDraft>, Vec<EventDraft>) = item.into_iter().unzip();
        let said = json!({ "a": asked.a, "b": asked.b, "by": by });
        // the decision before the end of its work item: whoever looks in between sees neither twice
        let events = std::iter::once(draft(&event)?).chain(ended).collect();
        self.journal_all(ask, what, body, said, tasks, events)
    }

    /// The work item of two cases, whichever is named first.
    fn item(&self, a: u32, b: u32) -> Option<(Pair, String)> {
        let community = self.community.read();
        let pairs = [Pair { order: a, report: b }, Pair { order: b, report: a }];
        pairs.into_iter().find_map(|pair| Some((pair, community.work.of(pair)?.0.to_owned())))
    }

    /// A period is published before it closes by itself.
    pub(super) fn close(&self, ask: &AdminAsk<'_>, body: &[u8]) -> Result<Value, AdminRefusal> {
        let asked: CloseAsked = read(body)?;
        let by = text("by", asked.by)?;
        text("reason", asked.reason)?;
        let ended = Period::parse(&asked.period).is_some_and(|p| p.last < day_of(now_us()));
        if !ended {
            return Err(wrong(
                "cases.period",
                "period 应写作 2026、2026Q3 或 2026-09，且已经结束",
                "period is written 2026, 2026Q3 or 2026-09, and has ended",
            ));
        }
        let event = Event::Close(Close { period: asked.period.clone(), by: by.clone() });
        self.journal(ask, "cases/close", body, json!({ "period": asked.period, "by": by }), draft(&event)?)
    }

    /// A number by which a case is found: of the messages it was made of.
    fn number_of(&self, name: &str, case: u32) -> Result<Id, AdminRefusal> {
        let entries = self.community.read().cases.entries(case);
        for seq in entries {
            let entry = self.acts.store().entry(seq).map_err(|_| AdminRefusal::Unavailable)?;
            let of_cases = entry.events().filter(|(kind, _)| *kind == CASE);
            let seen: Vec<Event> = of_cases.filter_map(|(_, body)| serde_json::from_slice(body).ok()).collect();
            if let Some(id) = found(&self.community.read().cases, &seen, case) {
                return Ok(id);
            }
        }
        Err(wrong(
            "cases.unknown",
            &format!("{name}：没有这一例，或它的号码已不再查找；例号见 hutong cases doubts"),
            &format!("{name}: there is no such case, or its numbers are not looked for any more; see hutong cases doubts"),
        ))
    }
}

fn found(ledger: &Ledger, seen: &[Event], case: u32) -> Option<Id> {
    let ids = seen.iter().filter_map(|e| if let Event::Seen(s) = e { Some(&s.ids) } else { None }).flatten();
    let moved = |id: Id| ledger.case_of(id).filter(|found| *found == case || ledger.entries(case) == ledger.entries(*found));
    ids.copied().find(|id| moved(*id).is_some())
}

fn draft(event: &Event) -> Result<EventDraft, AdminRefusal> {
    let body = serde_json::to_vec(event).map_err(|_| AdminRefusal::Unavailable)?;
    Ok(EventDraft { kind: CASE.to_owned(), body })
}

/// `?days=`, as the span of time up to now.
fn since(query: &[(String, String)]) -> Result<(i64, i64), AdminRefusal> {
    let asked = query.iter().find(|(n, _)| n == "days").map(|(_, v)| v.parse::<i64>());
    let days = match asked {
        None => DAYS,
        Some(Ok(days)) if (1..=DAYS_MAX).contains(&days) => days,
        Some(_) => {
            return Err(wrong("cases.days", &format!("days 应为 1 至 {DAYS_MAX}"), &format!("days must be 1 to {DAYS_MAX}")));
        }
    };
    let now = now_us();
    Ok((now - days * 24 * HOUR_US, now))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use hutong_count::cases::{IdKind, Kind, Modality, Sighting, Status};
    use hutong_identify::{Event as Identity, Person};
    use hutong_serve::Admin;

    use super::*;
    use crate::act::{Act, Acts};
    use crate::community::{IDENTITY, Shared};
    use crate::indicators::{Indicators, Setting};

    fn tell(acts: &Acts, kind: &str, body: Vec<u8>) {
        let (receipt, events) = (acts.receipt(), vec![EventDraft { kind: kind.to_owned(), body }]);
        let (request, answer, resources) = (Vec::new(), Vec::new(), Vec::new());
        acts.record(Act { receipt, what: "test", source: "t", protocol: "test", request, answer, resources, events }).unwrap();
    }

    fn desk(dir: &std::path::Path) -> (Desk, Acts, Shared) {
        let opened = crate::runtime::open(dir, &crate::config::Config::default()).unwrap();
        let (store, community) = (opened.store, opened.community);
        assert!(store.wait_applied(store.durable(), Duration::from_secs(60)));
        let acts = Acts::new(Arc::clone(&store));
        let person = Identity::Record { key: "Patient/1".into(), person: Person::default() };
        tell(&acts, IDENTITY, serde_json::to_vec(&person).unwrap());
        for (kind, source, number) in [(Kind::Order, "T1", "A"), (Kind::Report, "C1", "B")] {
            let mut s = Sighting::new(kind, source, &format!("{kind:?}/1"));
            (s.ids, s.patient) = (vec![Id::new(IdKind::Accession, source, number)], "Patient/1".into());
            (s.modality, s.status, s.exam) = (Modality::Ecg, Status::Final, "T1".into());
            tell(&acts, CASE, serde_json::to_vec(&Event::Seen(s)).unwrap());
        }
        let indicators = Indicators::load(Setting::default()).ok().unwrap();
        (Desk::new(community.clone(), acts.clone(), indicators), acts, community)
    }

    fn get(desk: &Desk, path: &str) -> Value {
        desk.answer(&AdminAsk { caller: "local", path, query: &[], body: None }).ok().unwrap()
    }

    fn post(desk: &Desk, path: &str, body: Value) -> Option<Value> {
        let body = body.to_string();
        desk.answer(&AdminAsk { caller: "local", path, query: &[], body: Some(body.as_bytes()) }).ok()
    }

    #[test]
    fn a_doubt_is_decided_once() {
        for (path, cases_after) in [("cases/join", 1), ("cases/apart", 2)] {
            let dir = tempfile::tempdir().unwrap();
            let (desk, _acts, community) = desk(dir.path());
            let orphans = get(&desk, "cases/orphans");
            assert_eq!((orphans["all"].as_u64(), orphans["orphans"][0]["ageHours"].as_i64()), (Some(2), Some(0)), "{orphans}");
            let doubts = get(&desk, "cases/doubts");
            let doubt = &doubts["doubts"][0];
            let pair = json!({ "a": doubt["orderCase"], "b": doubt["reportCase"], "by": "质控员", "reason": "同一张单" });
            let mut without = pair.clone();
            without["reason"] = json!(" ");
            assert!(post(&desk, path, without).is_none(), "no reason, no decision");
            assert!(post(&desk, path, json!({ "a": 0, "b": 99, "by": "A", "reason": "R" })).is_none(), "no such case");
            let said = post(&desk, path, pair.clone()).unwrap();
            assert!(said["receipt"].is_string());
            assert_eq!(get(&desk, "cases/doubts")["doubts"], json!([]), "{path}");
            let id = |source, number| community.read().cases.case_of(Id::new(IdKind::Accession, source, number));
            let all: std::collections::BTreeSet<_> = [id("T1", "A"), id("C1", "B")].into();
            assert_eq!(all.len(), cases_after, "{path}");
            if cases_after == 1 {
                assert!(post(&desk, path, pair).is_none(), "they are one already");
            }
        }
    }

    #[test]
    fn a_period_is_closed_when_it_has_ended() {
        let dir = tempfile::tempdir().unwrap();
        let (desk, _acts, _community) = desk(dir.path());
        for (period, ok) in [("2020Q1", true), ("2999", false), ("soon", false)] {
            let body = json!({ "period": period, "by": "A", "reason": "R" });
            assert_eq!(post(&desk, "cases/close", body).is_some(), ok, "{period}");
        }
    }
}
