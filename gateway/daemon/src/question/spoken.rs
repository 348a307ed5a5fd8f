//! The doctor's answer to a reminder, as it comes in `ZRA`: viewed, recognised, refused, revoked.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use hutong_enforce::recognition::desk::{Acted, Decision, Reply};
use hutong_fhir::{Finding, Severity};
use hutong_receive::ack;
use hutong_receive::order_answer::Control;

use super::read::{Asked, Spoken, place};
use super::{Circumstances, Decided, Questions, TURN};
use crate::recognition;
use crate::shown::Processed;

/// `ZRA` in one message.
const SPOKEN_MAX: usize = 100;

impl Questions {
    /// All answers of a message, or what is wrong with them.
    pub(super) async fn answered(
        self: &Arc<Self>,
        asked: &Asked,
        message: &Processed,
        way: &Circumstances<'_>,
        decided: &mut Decided,
    ) -> Result<(), Vec<Finding>> {
        let replies = replies(asked, way)?;
        let until = Instant::now() + TURN;
        let (questions, before) = (Arc::clone(self), way.before);
        let work = tokio::task::spawn_blocking(move || {
            if !questions.wait(before, until) {
                return Err(vec![busy()]);
            }
            let all = || replies.into_iter().map(|(n, reply)| questions.reply(n, reply)).collect::<Vec<_>>();
            catch_unwind(AssertUnwindSafe(all)).map_err(|_| vec![ack::internal_fault()])
        });
        let acted = work.await.unwrap_or_else(|_| Err(vec![ack::internal_fault()]))?;
        let wrong: Vec<Finding> = acted.iter().filter_map(|acted| acted.as_ref().err()).flatten().cloned().collect();
        if !wrong.is_empty() {
            return Err(wrong);
        }
        for (acted, spoken) in acted.into_iter().flatten().zip(&asked.spoken) {
            done(&acted, spoken, message.event_us(), decided);
        }
        Ok(())
    }

    /// Judges one answer. Blocks.
    fn reply(&self, n: u32, reply: Reply) -> Result<Done, Vec<Finding>> {
        let about = Some(&reply.reminder).filter(|r| !r.is_empty()).and_then(|r| self.desk.reminded(r));
        let mut reply = reply;
        if let Some((_, context, _)) = about.as_ref().filter(|(_, context, _)| !context.order.is_empty()) {
            // the order as it was asked about; the message that answers may name it otherwise
            context.order.clone_into(&mut reply.context.order);
            context.order.clone_into(&mut reply.order);
        }
        let acted = self.desk.reply(&reply).map_err(|findings| findings.into_iter().map(|f| located(f, n)).collect::<Vec<_>>())?;
        Ok(Done { acted, decision: reply.decision })
    }
}

/// An answer that was taken.
struct Done {
    acted: Acted,
    decision: Decision,
}

/// The answers as the desk wants them, by number of their segment; or what is wrong with the segments themselves.
fn replies(asked: &Asked, way: &Circumstances<'_>) -> Result<Vec<(u32, Reply)>, Vec<Finding>> {
    if asked.spoken.len() > SPOKEN_MAX {
        return Err(vec![wrong(
            "too-many",
            104,
            0,
            0,
            &format!("一条消息中的 ZRA 不得超过 {SPOKEN_MAX} 个"),
            &format!("a message holds at most {SPOKEN_MAX} ZRA"),
        )]);
    }
    let mut findings = Vec::new();
    let mut replies: Vec<(u32, Reply)> = Vec::new();
    for spoken in &asked.spoken {
        match reply(spoken, asked, way) {
            Err(finding) => findings.push(finding),
            Ok(reply) => {
                let again = replies.iter().any(|(_, before)| same(before, &reply));
                if again {
                    findings.push(wrong(
                        "answered-twice",
                        205,
                        spoken.sequence,
                        2,
                        "同一条提醒在一条消息中只能答复一次",
                        "a reminder is answered once in a message",
                    ));
                }
                replies.push((spoken.sequence, reply));
            }
        }
    }
    if findings.is_empty() { Ok(replies) } else { Err(findings) }
}

/// Two decisions on one result; a view beside a decision is none.
fn same(a: &Reply, b: &Reply) -> bool {
    let decides = |r: &Reply| r.decision != Decision::View;
    let named = (&a.reminder, &a.order, &a.result) == (&b.reminder, &b.order, &b.result);
    named && decides(a) && decides(b)
}

fn reply(spoken: &Spoken, asked: &Asked, way: &Circumstances<'_>) -> Result<Reply, Finding> {
    let n = spoken.sequence;
    let decision = match &*spoken.decision {
        "view" => Decision::View,
        "recognise" => Decision::Recognise,
        "refuse" => Decision::Refuse { reason: spoken.reason.clone(), diagnosis: spoken.diagnosis.clone() },
        "revoke" => Decision::Revoke,
        _ => {
            let (zh, en) = (
                "ZRA-4 须为 view（调阅）、recognise（互认）、refuse（不互认）或 revoke（撤销）",
                "ZRA-4 is view, recognise, refuse or revoke",
            );
            return Err(wrong("decision", 103, n, 4, zh, en));
        }
    };
    let behind = spoken.behind.and_then(|nth| asked.orders.get(nth));
    let order = behind.map(|order| order.reference.clone()).unwrap_or_default();
    if spoken.reminder.is_empty() && spoken.report.is_empty() {
        let (zh, en) = (
            "ZRA 未说明答复的是哪条提醒：请填 ZRA-2（ZRR-13），或报告号 ZRA-3（ZRR-5）",
            "ZRA does not say which reminder it answers: give ZRA-2 (from ZRR-13), or the report's number in ZRA-3 (ZRR-5)",
        );
        return Err(wrong("reminder", 101, n, 2, zh, en));
    }
    let mut context = asked.context_of(behind);
    for (own, place) in [(&spoken.doctor, &mut context.doctor), (&spoken.department, &mut context.department)] {
        if !own.is_empty() {
            own.clone_into(place);
        }
    }
    order.clone_into(&mut context.order);
    // a clock that is ahead must not make an answer of tomorrow
    let at_us = spoken.at_us.map_or(way.now_us, |at| at.min(way.now_us));
    Ok(Reply { reminder: spoken.reminder.clone(), order, result: spoken.report.clone(), context, at_us, decision })
}

/// What is put on record of an answer that was taken, and what is said.
fn done(done: &Done, spoken: &Spoken, event_us: i64, decided: &mut Decided) {
    decided.events.extend(done.acted.records.iter().map(recognition::draft));
    let mut is_told = false;
    for tree in &done.acted.resources {
        let Some(resource) = recognition::resource(tree, event_us) else { continue };
        is_told |= resource.resource_type == "ServiceRequest";
        decided.resources.push(resource);
    }
    let Some(order) = spoken.behind.and_then(|n| decided.orders.get_mut(n)) else { return };
    let is_withdrawn = is_told || order.control == Control::Cancelled;
    let (zh, en) = match done.decision {
        Decision::View => ("已记录调阅。", "The view is on record."),
        Decision::Recognise if is_withdrawn => ("已记录互认，本申请撤回。", "The result is recognised and the order withdrawn."),
        Decision::Recognise => {
            ("已记录互认；本申请还有其他项目，未撤回。", "The result is recognised; the order has further items and is not withdrawn.")
        }
        Decision::Refuse { .. } => ("已记录不互认及理由，本申请生效。", "The refusal and its reason are on record; the order goes ahead."),
        Decision::Revoke => ("已撤销先前的答复。", "The earlier answer is revoked."),
    };
    if done.decision == Decision::Recognise && is_withdrawn {
        order.control = Control::Cancelled;
    }
    order.notes.push((zh.to_owned(), en.to_owned()));
}

/// The desk's finding, at the field of the segment that it is about.
fn located(finding: Finding, n: u32) -> Finding {
    let (field, hl7_code) = match &*finding.rule {
        "recognition.reason" => (5, 103),
        "recognition.diagnosis" => (6, 101),
        "recognition.doctor" => (7, 101),
        "recognition.answered" => (2, 205),
        "recognition.late" => (0, 207),
        _ => (2, 204),
    };
    Finding { location: place("ZRA", n, field), hl7_code, severity: Severity::Error, ..finding }
}

fn wrong(what: &str, code: u16, n: u32, field: u32, zh: &str, en: &str) -> Finding {
    let finding = Finding::new(Severity::Error, "recognition.answer", "value", code).at(place("ZRA", n.max(1), field)).says(zh, en);
    Finding { rule: format!("recognition.answer.{what}").into(), ..finding }
}

fn busy() -> Finding {
    Finding::new(Severity::Error, "recognition.answer.busy", "transient", 207).says(
        "平台暂时无法处理医师的答复，消息本身没有问题，请稍后重发（用新的控制号）",
        "the doctor's answer cannot be worked on at the moment; nothing is wrong with the message, send it again later under a new control id",
    )
}
