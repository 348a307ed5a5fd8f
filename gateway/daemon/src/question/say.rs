//! What the desk told, as the answer to the orders of a message: which are held or not taken, the reminders, and texts.

use hutong_enforce::recognition::Verdict;
use hutong_enforce::recognition::desk::{Degraded, ItemTold, Mode, Shown, Told};
use hutong_fhir::{Finding, Location, Severity};
use hutong_receive::order_answer::{Control, OrderTold, REMINDERS_MAX, ReminderTold};

use super::read::{Asked, Order};

/// Told, in the words of HL7 v2.
pub(super) struct Heard {
    pub(super) orders: Vec<OrderTold>,
    pub(super) findings: Vec<Finding>,
    /// (id, status) of ServiceRequests that are not as their message says.
    pub(super) states: Vec<(String, &'static str)>,
}

impl Heard {
    /// Where what was told could not be said.
    pub(super) fn nothing(asked: &Asked) -> Heard {
        Heard { orders: asked.plain(), findings: vec![degraded(Degraded::Unreadable)], states: Vec::new() }
    }
}

/// `base`: of the links.
pub(super) fn heard(told: &Told, asked: &Asked, base: &str) -> Heard {
    let mut heard = Heard { orders: asked.plain(), findings: Vec::new(), states: Vec::new() };
    if let Some(why) = told.degraded {
        heard.findings.push(degraded(why));
    }
    for (order, out) in asked.orders.iter().zip(&mut heard.orders) {
        let Some(question) = &order.asked else { continue };
        let items: Vec<&ItemTold> = told.items.iter().filter(|item| item.order == question.order).collect();
        if let Some((mode, finding)) = said(&items, order, told.degraded, base, out) {
            heard.findings.push(finding);
            let id = order.reference.strip_prefix("ServiceRequest/").unwrap_or_default();
            match mode {
                Mode::Remind => {}
                Mode::Hold => heard.states.push((id.to_owned(), "on-hold")),
                Mode::Refuse => heard.states.push((id.to_owned(), "draft")),
            }
        }
    }
    if asked.is_visit() {
        at_visit(told, base, &mut heard);
    }
    if told.degraded.is_some() && heard.orders.iter().all(|order| order.reminders.is_empty()) {
        let nothing = ReminderTold { mode: "remind", degraded: word(told.degraded), ..ReminderTold::default() };
        match heard.orders.first_mut() {
            Some(first) => first.reminders.push(nothing),
            None => heard.orders.push(OrderTold { reminders: vec![nothing], ..OrderTold::default() }),
        }
    }
    heard
}

/// Says what there is to an order; `None`: nothing.
fn said(items: &[&ItemTold], order: &Order, degraded: Option<Degraded>, base: &str, out: &mut OrderTold) -> Option<(Mode, Finding)> {
    let mode = effect(items, degraded)?;
    out.control = match mode {
        Mode::Remind => Control::Ok,
        Mode::Hold => Control::Held,
        Mode::Refuse => Control::Unable,
    };
    for item in items.iter().filter(|item| !item.reminders.is_empty()) {
        for shown in &item.reminders {
            if out.notes.len() < REMINDERS_MAX {
                out.notes.push(note(item, shown));
            }
            out.reminders.push(reminder(item, shown, mode, degraded, base));
        }
    }
    out.notes.push(advice(mode));
    Some((mode, finding(mode, order.at.clone())))
}

/// What happens to an order. An order is held or refused only where none of its items need be examined again, and only
/// where everything could be looked at.
pub(super) fn effect(items: &[&ItemTold], degraded: Option<Degraded>) -> Option<Mode> {
    let binds = |item: &ItemTold| item.ruling.verdict == Verdict::Recognise && !item.reminders.is_empty();
    let mode = items.iter().filter(|item| binds(item)).map(|item| item.mode).max()?;
    let whole = degraded.is_none() && items.iter().all(|item| binds(item));
    Some(if whole { mode } else { Mode::Remind })
}

fn at_visit(told: &Told, base: &str, heard: &mut Heard) {
    let mut all = OrderTold::default();
    for item in &told.items {
        all.reminders.extend(item.reminders.iter().map(|shown| reminder(item, shown, Mode::Remind, told.degraded, base)));
    }
    if !all.reminders.is_empty() {
        let count = all.reminders.len();
        let finding = Finding::new(Severity::Information, "recognition.remind", "informational", 0).says(
            format!("该患者有 {count} 项可互认的检查检验结果，见 ZRR；开单前请先调阅"),
            format!("this patient has {count} results to recognise, see ZRR; look at them before ordering"),
        );
        heard.findings.push(finding);
        heard.orders.push(all);
    }
}

fn reminder(item: &ItemTold, shown: &Shown, mode: Mode, degraded: Option<Degraded>, base: &str) -> ReminderTold {
    let rule = shown.reminder.rule.as_ref();
    ReminderTold {
        item: (item.ruling.item.clone(), shown.item_name.clone()),
        verdict: item.ruling.verdict.code(),
        report: shown.reminder.report_number.clone(),
        institution: (shown.reminder.institution.clone(), shown.institution_name.clone()),
        reported_us: hutong_enforce::recognition::moment(&shown.reported),
        value: shown.value.clone(),
        until_us: shown.until_us,
        rule: rule.map(|r| (r.set.clone(), r.version.clone(), r.line.to_string())).unwrap_or_default(),
        mark: shown.reminder.mark.clone().unwrap_or_default(),
        certificate: shown.reminder.certificate.clone().unwrap_or_default(),
        reminder: shown.reminder.id.clone(),
        link: if shown.link.is_empty() { String::new() } else { format!("{base}/{}", shown.link.trim_start_matches('/')) },
        mode: match mode {
            Mode::Remind => "remind",
            Mode::Hold => "hold",
            Mode::Refuse => "refuse",
        },
        degraded: word(degraded),
    }
}

fn word(degraded: Option<Degraded>) -> &'static str {
    match degraded {
        None => "",
        Some(Degraded::Late) => "late",
        Some(Degraded::Unreadable) => "unreadable",
        Some(Degraded::TooMany) => "too-many",
    }
}

/// One result in words.
fn note(item: &ItemTold, shown: &Shown) -> (String, String) {
    let (name, place, value) = (&item.name, &shown.institution_name, &shown.value);
    let day = shown.reported.get(..10).unwrap_or(&shown.reported);
    let report = &shown.reminder.report_number;
    (
        format!("{name}：{place} {day} 已有可互认的结果 {value}（报告号 {report}）"),
        format!("{name}: {place} has a result to recognise of {day}, {value} (report {report})"),
    )
}

/// What the doctor is to do.
fn advice(mode: Mode) -> (String, String) {
    let (zh, en) = match mode {
        Mode::Remind => (
            "请先调阅；予以互认的，撤回本申请（ORC-1=CA 并附 ZRA）；不互认的，用 ZRA 说明理由。",
            "Look at it first. To recognise it, withdraw the order (ORC-1 CA with ZRA); if not, say why in ZRA.",
        ),
        Mode::Hold => (
            "本申请已暂缓，等待医师答复：予以互认则撤回，说明不互认理由（ZRA）后即生效。",
            "The order is held for the doctor's answer: recognise the result and withdraw it, or give a reason (ZRA) and it goes ahead.",
        ),
        Mode::Refuse => (
            "本申请未被接收：已有可互认的结果。确需复查的，附理由（ZRA 或 ORC-16）重新开立。",
            "The order was not taken: there is a result to recognise. If it must be repeated, place it again with a reason (ZRA or ORC-16).",
        ),
    };
    (zh.to_owned(), en.to_owned())
}

fn finding(mode: Mode, at: Location) -> Finding {
    let (severity, rule, issue, code) = match mode {
        Mode::Remind => (Severity::Warning, "recognition.remind", "informational", 0),
        Mode::Hold => (Severity::Warning, "recognition.hold", "business-rule", 0),
        Mode::Refuse => (Severity::Error, "recognition.refuse", "business-rule", 199),
    };
    let (zh, en) = advice(mode);
    let said = |zh: &str, en: &str, rest: (String, String)| (format!("{zh}{}", rest.0), format!("{en}{}", rest.1));
    let (zh, en) = said("已有可互认的检查检验结果，见 ZRR。", "There is a result to recognise, see ZRR. ", (zh, en));
    Finding::new(severity, rule, issue, code).at(at).says(zh, en)
}

fn degraded(why: Degraded) -> Finding {
    let (zh, en) = match why {
        Degraded::Late => ("互认提醒未能在 500 毫秒内完成", "the reminder was not ready within 500 ms"),
        Degraded::Unreadable => ("既往结果暂时无法读取", "earlier results cannot be read at the moment"),
        Degraded::TooMany => ("既往结果过多，未能全部核对", "there are more earlier results than can be looked at"),
    };
    Finding::new(Severity::Warning, "recognition.degraded", "incomplete", 0).says(
        format!("{zh}；申请照常接收，未作完整提醒，已记录。请医师自行查阅既往结果。"),
        format!("{en}; the orders were taken without a complete reminder, which is on record. Please look for earlier results."),
    )
}
