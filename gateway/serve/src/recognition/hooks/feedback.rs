//! `POST /cds-services/{id}/feedback`: a suggestion was accepted (the doctor recognises), or the card overridden with a
//! reason (the doctor does not). A card that is dismissed without a reason is put on file, and is no answer.

use hutong_enforce::recognition::desk::{Decision, Reply};
use hutong_enforce::recognition::record::{Choice, Context};
use hutong_fhir::{Finding, Key};
use serde_json::{Value, json};

use super::answer;
use super::card::suggestion;
use super::request::{read, text};
use crate::answer::Answer;
use crate::recognition::reply::wrong;
use crate::recognition::{At, NotActed, Sent, now_us, who};
use crate::refusal::Refusal;
use crate::time::parse_instant;

/// Entries of one feedback.
const ENTRIES_MAX: usize = 50;
/// Results of one report that a card can stand for.
const RESULTS_MAX: usize = 200;
/// Characters of a comment that are taken as the diagnosis.
const COMMENT_MAX: usize = 200;

/// One entry, read.
struct Entry {
    card: String,
    /// `None`: dismissed without a reason.
    decision: Option<Decision>,
}

impl At<'_> {
    pub(super) fn feedback(&self, body: &[u8]) -> Result<Answer, Refusal> {
        let call = read(body)?;
        let missing = || Refusal::hook("feedback", "必填，应为非空数组", "it is required, an array that is not empty");
        let list = call.get("feedback").and_then(Value::as_array).filter(|l| !l.is_empty()).ok_or_else(missing)?;
        if list.len() > ENTRIES_MAX {
            return Err(Refusal::hook("feedback", "一次最多 50 条", "at most 50 entries at once"));
        }
        // the whole is read before anything of it is done
        let entries = list.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        let mut findings = Vec::new();
        for entry in &entries {
            findings.extend(self.one(entry, body)?);
        }
        Ok(if findings.is_empty() { answer(&json!({})) } else { wrong(&findings) })
    }

    /// Does what one entry says. Findings: what speaks against it.
    fn one(&self, entry: &Entry, body: &[u8]) -> Result<Vec<Finding>, Refusal> {
        let context = match self.office.reminded_to(self.asker, &entry.card) {
            Ok(context) => context,
            Err(_) => return Err(Refusal::unknown_reminder()),
        };
        let sent = Sent { what: "recognition/feedback", protocol: "cds-hooks", source: self.asker.name(), request: body };
        let Some(decision) = &entry.decision else {
            let kept = self.office.keep(sent, b"{}", Vec::new(), Vec::new());
            return kept.map(|()| Vec::new()).map_err(|_| Refusal::unavailable());
        };
        let Some((shown, _, standing)) = self.office.desk.reminded(&entry.card) else { return Err(Refusal::unknown_reminder()) };
        // a client may tell the same more than once
        if standing.is_some_and(|choice| choice == of(decision)) {
            return Ok(Vec::new());
        }
        let context = Context { channel: "cds-hooks".to_owned(), ..context };
        let reply = |reminder: &str, result: &str| Reply {
            reminder: reminder.to_owned(),
            order: context.order.clone(),
            result: result.to_owned(),
            context: context.clone(),
            // when it came: an old or wrong clock of the client must not change figures of the past
            at_us: now_us(),
            decision: decision.clone(),
        };
        match self.office.act(self.asker, &reply(&entry.card, ""), sent, |_| b"{}".to_vec()) {
            Ok(_) => {}
            Err(NotActed::Wrong(findings)) => return Ok(findings),
            Err(NotActed::Unknown) => return Err(Refusal::unknown_reminder()),
            Err(NotActed::Unkept) => return Err(Refusal::unavailable()),
        }
        // the card stood for all items of the order that this report answers; those without a reminder have none to answer
        if !context.order.is_empty() {
            for result in self.siblings(&shown.reminder.report, &shown.reminder.result) {
                if let Err(NotActed::Unkept) = self.office.act(self.asker, &reply("", &result), sent, |_| b"{}".to_vec()) {
                    return Err(Refusal::unavailable());
                }
            }
        }
        Ok(Vec::new())
    }

    /// The other results of a report.
    fn siblings(&self, report: &str, own: &str) -> Vec<String> {
        let Some(tree) = who::stored(self, report) else { return Vec::new() };
        let all = tree.root().all(Key::of("result")).filter_map(|r| r.at("reference"));
        all.filter(|r| *r != own).take(RESULTS_MAX).map(str::to_owned).collect()
    }
}

fn of(decision: &Decision) -> Choice {
    if matches!(decision, Decision::Recognise) { Choice::Recognised } else { Choice::Refused }
}

fn entry(value: &Value) -> Result<Entry, Refusal> {
    let card = text(value, "/card", "feedback.card")?.to_owned();
    let at = text(value, "/outcomeTimestamp", "feedback.outcomeTimestamp")?;
    let bad_time = || Refusal::hook("feedback.outcomeTimestamp", "应为带时区的时刻", "an instant with its zone is expected");
    parse_instant(at).ok_or_else(bad_time)?;
    let decision = match text(value, "/outcome", "feedback.outcome")? {
        "accepted" => {
            let bad = || Refusal::hook("feedback.acceptedSuggestions", "应列出本卡片的建议", "a suggestion of this card is expected");
            let accepted = value.get("acceptedSuggestions").and_then(Value::as_array).ok_or_else(bad)?;
            let ours = suggestion(&card);
            accepted.iter().find(|s| s.get("id").and_then(Value::as_str) == Some(&ours)).ok_or_else(bad)?;
            Some(Decision::Recognise)
        }
        "overridden" => overridden(value),
        _ => return Err(Refusal::hook("feedback.outcome", "应为 accepted 或 overridden", "accepted or overridden is expected")),
    };
    Ok(Entry { card, decision })
}

/// With a reason it is a refusal; the comment is the diagnosis where the reason wants one.
fn overridden(value: &Value) -> Option<Decision> {
    let reason = value.pointer("/overrideReason/reason/code").and_then(Value::as_str).filter(|c| !c.is_empty())?;
    let comment = value.pointer("/overrideReason/userComment").and_then(Value::as_str).unwrap_or_default();
    Some(Decision::Refuse { reason: reason.to_owned(), diagnosis: comment.trim().chars().take(COMMENT_MAX).collect() })
}
