//! A doctor's answer to a reminder: viewed, recognised, not recognised and why, taken back. Judged against what was
//! reminded of and answered before; what it leaves behind is given back, to be journalled by whoever took it.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Instant;

use hutong_enforce::recognition::desk::{Acted, Decision, Reply};
use hutong_enforce::recognition::record::{Answered, Choice, Context, Record, Reminder, Revoked, Trigger, Viewed};
use hutong_fhir::{Finding, Location, Severity};

use super::task::{self, Done, State};
use super::view::{self, Pair};
use super::{PROMISED, Recognition, TIME_MAX, recall};
use crate::community::Community;

/// What an answer is about.
struct About {
    reminder: Reminder,
    item: String,
    trigger: Trigger,
    /// Of the answer: what it does not say is the question's.
    context: Context,
    pair: Pair,
    /// Id of the Task.
    task: String,
}

impl Recognition {
    pub(super) fn acted(&self, reply: &Reply) -> Result<Acted, Vec<Finding>> {
        // answers are judged one after the other, by what those before them left
        let mut promised = self.promised.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.store.wait_applied(self.store.durable(), TIME_MAX) {
            return Err(refused("recognition.late", "transient", LATE));
        }
        let community = self.community.read();
        if reply.decision == Decision::Revoke {
            let (acted, pair) = self.revoked(&community, reply)?;
            promised.remove(&pair);
            self.counts.answered.fetch_add(1, Ordering::Relaxed);
            return Ok(acted);
        }
        let about = about(&community, reply)?;
        let standing = community.recognition.answer(&about.pair).cloned();
        if reply.decision == Decision::View {
            self.counts.answered.fetch_add(1, Ordering::Relaxed);
            return Ok(self.viewed(&community, reply, &about, standing));
        }
        promised.retain(|_, since| since.elapsed() < PROMISED);
        if standing.is_some() || promised.contains_key(&about.pair) {
            return Err(refused("recognition.answered", "conflict", ANSWERED));
        }
        let answered = self.answer_of(&community, reply, &about)?;
        let order = if answered.choice == Choice::Recognised { self.withdrawn(&community, &about) } else { self.held(&about) };
        let state = if answered.choice == Choice::Recognised { State::Recognised } else { State::Refused };
        let resources = self.resources(&community, reply.at_us, &about, state, Some(&answered), order);
        promised.insert(about.pair, Instant::now());
        self.counts.answered.fetch_add(1, Ordering::Relaxed);
        Ok(Acted { resources, records: vec![Record::Answered(answered.clone())], standing: Some(answered) })
    }

    fn viewed(&self, community: &Community, reply: &Reply, about: &About, standing: Option<Answered>) -> Acted {
        let viewed =
            Viewed { id: self.guids.next(), at_us: reply.at_us, reminder: about.reminder.id.clone(), context: about.context.clone() };
        // a result that is looked at again after it was decided about is still decided about
        let resources = match standing {
            Some(_) => Vec::new(),
            None => self.resources(community, reply.at_us, about, State::Viewed, None, None),
        };
        Acted { resources, records: vec![Record::Viewed(viewed)], standing: None }
    }

    fn answer_of(&self, community: &Community, reply: &Reply, about: &About) -> Result<Answered, Vec<Finding>> {
        if about.context.doctor.is_empty() {
            return Err(refused("recognition.doctor", "required", NO_DOCTOR));
        }
        let mut answered = Answered {
            id: self.guids.next(),
            at_us: reply.at_us,
            reminder: about.reminder.id.clone(),
            context: about.context.clone(),
            item: about.item.clone(),
            result: about.reminder.result.clone(),
            choice: Choice::Recognised,
            reason: String::new(),
            counts: false,
            diagnosis: String::new(),
            saved_fen: 0,
            price_table: String::new(),
        };
        if let Decision::Refuse { reason, diagnosis } = &reply.decision {
            let known = community.tables.reasons.get(reason).ok_or_else(|| unknown_reason(community, reason))?;
            if known.wants_diagnosis && diagnosis.trim().is_empty() {
                return Err(refused("recognition.diagnosis", "required", NO_DIAGNOSIS));
            }
            answered.choice = Choice::Refused;
            answered.reason.clone_from(&known.code);
            answered.counts = known.counts;
            diagnosis.trim().clone_into(&mut answered.diagnosis);
        } else if let Some((price, version)) = community.registry.price(&about.context.institution, &about.item, reply.at_us) {
            answered.saved_fen = price.fen;
            answered.price_table = format!("prices {version}").trim_end().to_owned();
        }
        Ok(answered)
    }

    fn revoked(&self, community: &Community, reply: &Reply) -> Result<(Acted, Pair), Vec<Finding>> {
        let view = &community.recognition;
        let about = about(community, reply).ok();
        let standing = about.as_ref().and_then(|a| view.answer(&a.pair)).or_else(|| {
            // the reminder may be forgotten while the answer is not
            view.answer_to(&reply.reminder).or_else(|| view.answer(&view::pair(&reply.result, &with_order(&reply.context, &reply.order))))
        });
        let Some(answer) = standing.filter(|a| is_of(&reply.context, &a.context)) else {
            return Err(refused("recognition.not-answered", "not-found", NOT_ANSWERED));
        };
        let context = merged(&reply.context, &answer.context);
        let revoked = Revoked { id: self.guids.next(), at_us: reply.at_us, answer: answer.id.clone(), context: context.clone() };
        let about = About {
            reminder: about.map(|a| a.reminder).unwrap_or_else(|| Reminder {
                id: answer.reminder.clone(),
                result: answer.result.clone(),
                ..Reminder::default()
            }),
            item: answer.item.clone(),
            trigger: if answer.context.order.is_empty() { Trigger::Visit } else { Trigger::Order },
            task: task_id(view, &answer.reminder, &answer.context),
            pair: view::pair(&answer.result, &answer.context),
            context,
        };
        let resources = self.resources(community, reply.at_us, &about, State::Revoked, Some(answer), None);
        Ok((Acted { resources, records: vec![Record::Revoked(revoked)], standing: None }, about.pair))
    }

    /// The order, where each of its items is recognised now: nothing is left of it to be done.
    fn withdrawn(&self, community: &Community, about: &About) -> Option<serde_json::Value> {
        let found = recall::read_json(&self.reader, &about.context.order).ok().flatten()?;
        let codings = found["code"]["coding"].as_array()?;
        let at_us = crate::ingest::now_us();
        let of = |coding: &serde_json::Value| {
            let (system, code) = (coding["system"].as_str().unwrap_or(""), coding["code"].as_str()?);
            community.registry.item_of(&about.context.institution, system, code, at_us)
        };
        let item = codings.iter().find_map(of)?;
        let own = [item.code.clone()];
        let parts = if item.parts.is_empty() { &own[..] } else { &item.parts };
        let recognised = |part: &String| *part == about.item || community.recognition.recognises(&about.context, part);
        let standing = !matches!(found["status"].as_str(), Some("revoked" | "entered-in-error" | "completed" | "stopped"));
        (standing && parts.iter().all(recognised)).then_some(found)
    }

    /// The order, where it waited for this answer: it goes ahead.
    fn held(&self, about: &About) -> Option<serde_json::Value> {
        let found = recall::read_json(&self.reader, &about.context.order).ok().flatten()?;
        (found["status"] == "on-hold").then_some(found)
    }

    fn resources(
        &self,
        community: &Community,
        at_us: i64,
        about: &About,
        state: State,
        answer: Option<&Answered>,
        order: Option<serde_json::Value>,
    ) -> Vec<hutong_fhir::Tree> {
        let registry = &community.registry;
        let name = registry.practitioner(&about.context.institution, &about.context.doctor, at_us).map(|p| p.name.as_str());
        let institution = registry.institution(&about.context.institution, at_us).map(|i| i.name.as_str());
        let reason = answer.and_then(|a| community.tables.reasons.get(&a.reason));
        task::resources(&Done {
            task: &about.task,
            provenance: &self.guids.next(),
            at_us,
            state,
            reminder: &about.reminder,
            trigger: about.trigger,
            context: &about.context,
            doctor_name: name.unwrap_or(""),
            institution_name: institution.unwrap_or(""),
            answer,
            reason,
            order,
        })
    }
}

/// Finds the reminder.
fn about(community: &Community, reply: &Reply) -> Result<About, Vec<Finding>> {
    let view = &community.recognition;
    let given = if reply.reminder.is_empty() {
        let context = with_order(&reply.context, &reply.order);
        let by_result = view.given_for(&view::pair(&reply.result, &context));
        by_result.or_else(|| view.given_of_report(&reply.result, context.occasion()))
    } else {
        view.reminder(&reply.reminder)
    };
    let given = given.filter(|g| is_of(&reply.context, &g.question.context));
    let given = given.ok_or_else(|| refused("recognition.reminder", "not-found", NO_REMINDER))?;
    let mut context = merged(&with_order(&reply.context, &reply.order), &given.question.context);
    context.patient.clone_from(&given.question.context.patient);
    Ok(About {
        reminder: given.reminder.clone(),
        item: given.item.clone(),
        trigger: given.question.trigger,
        pair: view::pair(&given.reminder.result, &context),
        task: task_id(view, &given.reminder.id, &context),
        context,
    })
}

/// The Task of a reminder is known by the reminder's GUID; where a visit's reminder is answered for an order, by both.
fn task_id(view: &view::View, reminder: &str, context: &Context) -> String {
    let own = view.reminder(reminder).is_none_or(|g| g.question.context.occasion() == context.occasion());
    if own { reminder.to_owned() } else { hutong_fhir::id::from_identity("recognition", "Task", [reminder, context.occasion()]) }
}

/// Whether somebody may speak of a reminder: a reminder is its institution's.
fn is_of(who: &Context, question: &Context) -> bool {
    who.institution.is_empty() || who.institution == question.institution
}

fn with_order(context: &Context, order: &str) -> Context {
    let mut context = context.clone();
    if !order.is_empty() {
        order.clone_into(&mut context.order);
    }
    context
}

/// What is said, and for the rest what the question said.
fn merged(said: &Context, question: &Context) -> Context {
    let or = |a: &String, b: &String| if a.is_empty() { b.clone() } else { a.clone() };
    Context {
        institution: question.institution.clone(),
        department: or(&said.department, &question.department),
        doctor: or(&said.doctor, &question.doctor),
        patient: or(&question.patient, &said.patient),
        order: or(&said.order, &question.order),
        visit: or(&said.visit, &question.visit),
        channel: or(&said.channel, &question.channel),
        is_test: said.is_test || question.is_test,
    }
}

/// Chinese and English.
type Texts = (&'static str, &'static str);

const LATE: Texts = (
    "暂时无法核对先前的答复，未作处理；请稍后再试",
    "what was answered before cannot be looked at right now; nothing was done, try again later",
);
const NO_REMINDER: Texts = (
    "没有这条互认提醒：标识或申请与结果不对，或已超过可答复的期限；请重新开单或打开病历，按新的提醒答复",
    "there is no such reminder: its id, or order and result, are not right, or the time to answer is over; place the order or open the visit again and answer the new reminder",
);
const ANSWERED: Texts = (
    "该结果对该申请已有答复；要改，请先撤销原答复",
    "this result was answered for this order already; to change the answer, revoke it first",
);
const NOT_ANSWERED: Texts = (
    "没有可撤销的答复：尚未答复、已撤销，或已超过可撤销的期限",
    "there is no answer to revoke: there was none, it was revoked already, or the time to revoke it is over",
);
const NO_DOCTOR: Texts = ("缺少决定的医师；请写明医师工号", "the doctor who decides is missing; say who it is");
const NO_DIAGNOSIS: Texts = ("该理由须写明诊断；请补充", "this reason needs the diagnosis; add it");

fn refused(rule: &'static str, code: &'static str, (zh, en): Texts) -> Vec<Finding> {
    vec![Finding::new(Severity::Error, rule, code, 204).at(Location::Whole).says(zh, en)]
}

fn unknown_reason(community: &Community, reason: &str) -> Vec<Finding> {
    let codes: Vec<&str> = community.tables.reasons.all().iter().map(|r| r.code.as_str()).collect();
    let codes = codes.join(" ");
    let finding = Finding::new(Severity::Error, "recognition.reason", "code-invalid", 103).says(
        format!("不互认须写明理由，且在理由表中；可用代码：{codes}"),
        format!("a refusal needs a reason that is in the list; codes: {codes}"),
    );
    vec![finding.with_value(reason)]
}
