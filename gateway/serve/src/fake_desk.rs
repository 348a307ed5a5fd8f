//! A desk and a ledger in memory for tests of this crate: one patient, one item for which there is one earlier result.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use hutong_enforce::recognition::desk::{Acted, Ask, Decision, Desk, ItemTold, Mode, Reply, Shown, Told};
use hutong_enforce::recognition::record::{Answered, Asked, Choice, Context, Record, Reminder, Revoked, Viewed};
use hutong_enforce::recognition::{Considered, Fall, ItemRuling, RuleRef, Verdict};
use hutong_fhir::json::{self, JsonLimits};
use hutong_fhir::{Finding, Severity, Tree};

use crate::{Kept, Ledger, Unkept};

pub(crate) const GUID: &str = "6d6a4b0e-6f0a-4f5e-9d1f-0c6a2f0b7a11";
pub(crate) const OTHER: &str = "6d6a4b0e-6f0a-4f5e-9d1f-0c6a2f0b7a12";
pub(crate) const SIG: &str = "abc";

#[derive(Default)]
pub(crate) struct FakeDesk {
    pub(crate) asked: Mutex<Vec<Ask>>,
    pub(crate) replies: Mutex<Vec<Reply>>,
    pub(crate) standing: Mutex<Option<Choice>>,
    pub(crate) slow_ms: AtomicU64,
    pub(crate) faulty: AtomicBool,
    pub(crate) mode: Mutex<Mode>,
}

pub(crate) fn shown() -> Shown {
    Shown {
        reminder: Reminder {
            id: GUID.into(),
            result: "Observation/glu".into(),
            patient: "Patient/p9".into(),
            report: "DiagnosticReport/r1".into(),
            report_number: "20260918-17".into(),
            institution: "XRMYY".into(),
            rule: Some(RuleRef { set: "hubei".into(), version: "2023".into(), line: 12 }),
            mark: Some("全国HR".into()),
            certificate: Some("NCCL-2026-001".into()),
        },
        item_name: "葡萄糖".into(),
        institution_name: "秀山县人民医院|*x*".into(),
        reported: "2026-09-18T15:00:00+08:00".into(),
        value: "7.82 mmol/L ↑ (3.90-6.10)".into(),
        until_us: Some(1_792_252_800_000_000),
        link: format!("recognition/{GUID}?until=4102444800&sig={SIG}"),
    }
}

fn question() -> Context {
    Context {
        institution: "h1".into(),
        doctor: "D7".into(),
        patient: "Patient/p1".into(),
        order: "ServiceRequest/a".into(),
        ..Context::default()
    }
}

fn tree(text: &str) -> Tree {
    json::parse(text.as_bytes(), &JsonLimits::default()).ok().unwrap().0
}

fn refused(rule: &'static str, issue: &'static str) -> Result<Acted, Vec<Finding>> {
    Err(vec![Finding::new(Severity::Error, rule, issue, 204).says("不可以", "it may not be")])
}

impl Desk for FakeDesk {
    fn ask(&self, ask: &Ask) -> Told {
        std::thread::sleep(std::time::Duration::from_millis(self.slow_ms.load(Ordering::Relaxed)));
        assert!(!self.faulty.load(Ordering::Relaxed), "as asked by the test");
        self.asked.lock().unwrap().push(ask.clone());
        let considered = |result: &str, fell: Option<Fall>| Considered {
            result: result.into(),
            report: "DiagnosticReport/r1".into(),
            rule: shown().reminder.rule,
            until_us: fell.is_none().then_some(1_792_252_800_000_000),
            fell,
            mark: Some("全国HR".into()),
            certificate: None,
        };
        let recognised = |order: &str| ItemTold {
            order: order.into(),
            name: "葡萄糖".into(),
            mode: *self.mode.lock().unwrap(),
            ruling: ItemRuling {
                item: "GLU".into(),
                verdict: Verdict::Recognise,
                considered: vec![
                    considered("Observation/glu", None),
                    considered("Observation/old", Some(Fall::Expired { until_us: 1_767_283_199_000_000 })),
                ],
            },
            reminders: vec![shown()],
        };
        let of = |order: &str, name: &str, item: &str, verdict: Verdict| ItemTold {
            order: order.into(),
            name: name.into(),
            mode: Mode::Remind,
            ruling: ItemRuling { item: item.into(), verdict, considered: Vec::new() },
            reminders: Vec::new(),
        };
        let mut items = Vec::new();
        for order in &ask.orders {
            let code = order.codes.first().map_or("", |(_, c)| c.as_str());
            items.push(match code {
                "GLU" => recognised(&order.order),
                "K" => of(&order.order, "钾", "K", Verdict::MayRepeat { because: Fall::NoMark }),
                "NA" => of(&order.order, "钠", "NA", Verdict::NoPriorResult),
                _ => of(&order.order, &order.name, "", Verdict::NoPriorResult),
            });
        }
        if ask.orders.is_empty() {
            items.push(recognised(""));
        }
        let record = Record::Asked(Asked {
            id: OTHER.into(),
            at_us: ask.at_us,
            trigger: ask.trigger,
            context: ask.context.clone(),
            items: Vec::new(),
            ms: 1,
            degraded: false,
        });
        Told { id: OTHER.into(), items, degraded: None, position: 17, records: vec![record] }
    }

    fn reply(&self, reply: &Reply) -> Result<Acted, Vec<Finding>> {
        let mut standing = self.standing.lock().unwrap();
        let reminder = if reply.reminder.is_empty() { GUID.to_owned() } else { reply.reminder.clone() };
        if reply.reminder.is_empty() && (reply.result.as_str(), reply.order.as_str()) != ("Observation/glu", "ServiceRequest/a") {
            return refused("recognition.reminder", "not-found");
        }
        let (id, at_us, context) = (OTHER.to_owned(), reply.at_us, reply.context.clone());
        let answered = |choice, reason: &str, diagnosis: &str| Answered {
            id: id.clone(),
            at_us,
            reminder: reminder.clone(),
            context: context.clone(),
            item: "GLU".into(),
            result: "Observation/glu".into(),
            choice,
            reason: reason.into(),
            counts: true,
            diagnosis: diagnosis.into(),
            saved_fen: 500,
            price_table: "p 1".into(),
        };
        let record = match (&reply.decision, *standing) {
            (Decision::View, _) => Record::Viewed(Viewed { id, at_us, reminder, context }),
            (Decision::Revoke, None) => return refused("recognition.not-answered", "not-found"),
            (Decision::Revoke, Some(_)) => {
                *standing = None;
                Record::Revoked(Revoked { id, at_us, answer: OTHER.into(), context })
            }
            (_, Some(_)) => return refused("recognition.answered", "conflict"),
            (Decision::Recognise, None) => {
                *standing = Some(Choice::Recognised);
                Record::Answered(answered(Choice::Recognised, "", ""))
            }
            (Decision::Refuse { reason, .. }, None) if reason.is_empty() => return refused("recognition.reason", "code-invalid"),
            (Decision::Refuse { reason, diagnosis }, None) => {
                if reason == "99" && diagnosis.is_empty() {
                    return refused("recognition.diagnosis", "required");
                }
                *standing = Some(Choice::Refused);
                Record::Answered(answered(Choice::Refused, reason, diagnosis))
            }
        };
        self.replies.lock().unwrap().push(reply.clone());
        let resources = [
            format!(r#"{{"resourceType":"Task","id":"{GUID}","status":"completed","intent":"order"}}"#),
            r#"{"resourceType":"Provenance","id":"v1"}"#.to_owned(),
        ];
        Ok(Acted { resources: resources.iter().map(|r| tree(r)).collect(), records: vec![record], standing: None })
    }

    fn opens(&self, _reminder: &str, until_s: i64, signature: &str) -> bool {
        signature == SIG && until_s == 4_102_444_800
    }

    fn reminded(&self, reminder: &str) -> Option<(Shown, Context, Option<Choice>)> {
        (reminder == GUID).then(|| (shown(), question(), *self.standing.lock().unwrap()))
    }

    fn reasons(&self) -> Vec<(String, String, String, bool)> {
        vec![
            ("01".into(), "病情变化".into(), "the condition changed".into(), false),
            ("99".into(), "连续监测".into(), "to watch the course".into(), true),
        ]
    }
}

/// Patients `p1` are h1's own, `p9` another's.
#[derive(Default)]
pub(crate) struct FakeLedger {
    pub(crate) kept: Mutex<Vec<Kept>>,
    pub(crate) full: AtomicBool,
}

impl Ledger for FakeLedger {
    fn keep(&self, kept: Kept) -> Result<(), Unkept> {
        if self.full.load(Ordering::Relaxed) {
            return Err(Unkept);
        }
        self.kept.lock().unwrap().push(kept);
        Ok(())
    }

    fn registered(&self, patient: &str, institution: &str) -> bool {
        patient == "p1" && institution == "h1"
    }
}
