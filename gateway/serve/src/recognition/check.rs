//! `POST [base]/ServiceRequest/$recognition-check`: whether earlier results make draft orders unnecessary, or, at the
//! opening of a visit, what there is to recognise. The answer is a Parameters resource; for people it holds an
//! OperationOutcome. Defined in `profiles/community/operations`.

use http::StatusCode;
use hutong_enforce::recognition::desk::{Ask, Degraded, ItemTold, Mode, Shown, Told};
use hutong_enforce::recognition::record::{Context, Trigger};
use hutong_enforce::recognition::{Considered, RuleRef, Setting, Verdict};
use hutong_fhir::{Key, NodeRef, Tree};
use hutong_wire::limits::{ms, size};
use serde_json::{Value, json};

use super::draft::{Drafts, setting};
use super::{At, Sent, now_us, who};
use crate::answer::Answer;
use crate::document;
use crate::refusal::Refusal;
use crate::time;

/// Names of parameters.
pub(crate) const PARAMETERS: [&str; 9] =
    ["order", "patient", "trigger", "setting", "institution", "department", "doctor", "visit", "reason"];

impl At<'_> {
    /// Answers `$recognition-check`.
    pub(crate) fn check(&self, body: Option<&document::Sent>) -> Result<Answer, Refusal> {
        let missing = || Refusal::recognition_parameter("order", "缺少申请草稿", "the draft order is missing");
        let body = body.ok_or_else(missing)?;
        let document = body.read(self.limits)?;
        let ask = self.question(&document.tree)?;
        let told = self.office.ask(&ask, ms(self.limits.recognition_answer_ms));
        let answer = parameters(&told, self.root()).to_string().into_bytes();
        let sent = Sent { what: "recognition/ask", protocol: "fhir", source: self.asker.name(), request: &body.text };
        self.office.keep_question(sent, &told, &answer)?;
        Ok(Answer::fhir(answer))
    }

    fn question(&self, tree: &Tree) -> Result<Ask, Refusal> {
        let root = tree.root();
        let mut drafts = Drafts::default();
        let alone = root.resource_type() != Some("Parameters");
        if alone {
            drafts.take(root, None);
        } else {
            for parameter in root.all(Key::of("parameter")) {
                let name = parameter.at("name").unwrap_or_default();
                if !PARAMETERS.contains(&name) {
                    return Err(Refusal::unknown_parameter(name, &PARAMETERS.join(", ")));
                }
                if name == "order" {
                    drafts.take(parameter.get("resource").unwrap_or(parameter), None);
                }
            }
        }
        if drafts.others > 0 {
            return Err(Refusal::recognition_parameter(
                "order",
                "应为 ServiceRequest 或其 Bundle",
                "a ServiceRequest, or a Bundle of them, is expected",
            ));
        }
        let given = |name: &'static str| if alone { None } else { value(root, name) };
        let trigger = match given("trigger").and_then(NodeRef::value) {
            None if drafts.orders.is_empty() && alone => Trigger::Order,
            None | Some("order") => Trigger::Order,
            Some("visit") => Trigger::Visit,
            Some(_) => return Err(Refusal::recognition_parameter("trigger", "应为 order 或 visit", "order or visit is expected")),
        };
        if trigger == Trigger::Order && drafts.orders.is_empty() {
            return Err(Refusal::recognition_parameter("order", "缺少申请草稿", "the draft order is missing"));
        }
        let orders_max = size(self.limits.recognition_orders);
        if drafts.orders.len() > orders_max {
            return Err(Refusal::too_many_orders(orders_max));
        }
        if let Some(reason) = given("reason").and_then(NodeRef::value) {
            drafts.orders.iter_mut().for_each(|order| order.exceptions.push(reason.to_owned()));
        }
        let patient = self.patient_of(given("patient"), &drafts)?;
        Ok(Ask {
            trigger,
            source: self.asker.name().to_owned(),
            context: Context {
                institution: self.institution(given("institution").and_then(|v| who::code(self, v)))?,
                department: given("department").and_then(|v| who::code(self, v)).unwrap_or_default(),
                doctor: given("doctor").and_then(|v| who::code(self, v)).unwrap_or_default(),
                patient,
                order: String::new(),
                visit: given("visit").and_then(|v| v.value().or_else(|| v.at("reference"))).unwrap_or_default().to_owned(),
                channel: "fhir".to_owned(),
                is_test: drafts.is_test,
            },
            same: Vec::new(),
            setting: setting_of(given("setting").and_then(NodeRef::value))?,
            at_us: now_us(),
            orders: drafts.orders,
        })
    }

    fn patient_of(&self, given: Option<NodeRef<'_>>, drafts: &Drafts) -> Result<String, Refusal> {
        let named = given.and_then(|v| v.value().or_else(|| v.at("reference")));
        let mut all: Vec<&str> = drafts.patients.iter().map(String::as_str).collect();
        all.extend(named);
        all.iter_mut().for_each(|p| *p = p.strip_prefix("Patient/").unwrap_or(p));
        all.sort_unstable();
        all.dedup();
        match all[..] {
            [id] => who::patient(self, id, None).ok_or_else(|| Refusal::unknown_patient(false)),
            [] => Err(Refusal::recognition_parameter("patient", "缺少患者", "the patient is missing")),
            _ => Err(Refusal::recognition_parameter("patient", "各申请的患者不一致", "the orders are not of one patient")),
        }
    }

    /// The institution for which is asked: that of the token, or for a program on this machine the one that is named.
    pub(super) fn institution(&self, named: Option<String>) -> Result<String, Refusal> {
        match (self.asker.institution, named) {
            (Some(own), Some(named)) if own != named => Err(Refusal::not_your_institution()),
            (Some(own), _) => Ok(own.to_owned()),
            (None, named) => Ok(named.unwrap_or_default()),
        }
    }
}

/// The value of a parameter, whichever `value[x]` holds it.
pub(super) fn value<'t>(root: NodeRef<'t>, name: &str) -> Option<NodeRef<'t>> {
    let parameter = root.all(Key::of("parameter")).find(|p| p.at("name") == Some(name))?;
    parameter.children().find(|c| c.name().starts_with("value"))
}

fn setting_of(code: Option<&str>) -> Result<Option<Setting>, Refusal> {
    let Some(code) = code else { return Ok(None) };
    let known = setting(code);
    let wrong = || {
        Refusal::recognition_parameter(
            "setting",
            "应为 outpatient、emergency 或 inpatient",
            "outpatient, emergency or inpatient is expected",
        )
    };
    known.map(Some).ok_or_else(wrong)
}

/// The answer as Parameters.
fn parameters(told: &Told, root: &str) -> Value {
    let mut all = vec![
        json!({"name": "id", "valueId": told.id}),
        json!({"name": "position", "valueString": told.position.to_string()}),
        json!({"name": "degraded", "valueBoolean": told.degraded.is_some()}),
    ];
    if let Some(why) = told.degraded {
        all.push(json!({"name": "degradedReason", "valueCode": degraded_code(why)}));
    }
    all.extend(told.items.iter().map(|item| json!({"name": "item", "part": item_parts(item, root)})));
    all.push(json!({"name": "outcome", "resource": outcome(told)}));
    json!({"resourceType": "Parameters", "parameter": all})
}

fn item_parts(told: &ItemTold, root: &str) -> Vec<Value> {
    let ItemTold { order, name, mode, ruling, reminders } = told;
    let listed = !ruling.item.is_empty();
    let mut parts = Vec::new();
    push_text(&mut parts, "order", order);
    push_text(&mut parts, "item", &ruling.item);
    push_text(&mut parts, "name", name);
    parts.push(json!({"name": "verdict", "valueCode": if listed { ruling.verdict.code() } else { "not-listed" }}));
    parts.push(json!({"name": "mode", "valueCode": mode_code(*mode)}));
    match &ruling.verdict {
        Verdict::MayRepeat { because } => parts.push(json!({"name": "because", "valueCode": because.code()})),
        Verdict::Excepted { reason } => parts.push(json!({"name": "because", "valueCode": reason})),
        Verdict::Recognise | Verdict::NoPriorResult => {}
    }
    parts.extend(reminders.iter().map(|shown| json!({"name": "reminder", "part": reminder_parts(shown, root)})));
    parts.extend(ruling.considered.iter().map(|c| json!({"name": "candidate", "part": candidate_parts(c)})));
    parts
}

fn reminder_parts(shown: &Shown, root: &str) -> Vec<Value> {
    let reminder = &shown.reminder;
    let mut parts = vec![json!({"name": "id", "valueId": reminder.id})];
    push_reference(&mut parts, "result", &reminder.result);
    push_reference(&mut parts, "report", &reminder.report);
    push_text(&mut parts, "reportNumber", &reminder.report_number);
    push_text(&mut parts, "institution", &reminder.institution);
    push_text(&mut parts, "institutionName", &shown.institution_name);
    if !shown.reported.is_empty() {
        parts.push(json!({"name": "reported", "valueDateTime": shown.reported}));
    }
    push_text(&mut parts, "value", &shown.value);
    push_common(&mut parts, reminder.rule.as_ref(), shown.until_us, reminder.mark.as_deref(), reminder.certificate.as_deref());
    parts.push(json!({"name": "link", "valueUrl": link(root, &shown.link)}));
    parts
}

fn candidate_parts(considered: &Considered) -> Vec<Value> {
    let mut parts = Vec::new();
    push_reference(&mut parts, "result", &considered.result);
    push_reference(&mut parts, "report", &considered.report);
    push_common(&mut parts, considered.rule.as_ref(), considered.until_us, considered.mark.as_deref(), considered.certificate.as_deref());
    if let Some(fall) = &considered.fell {
        let (zh, en) = fall.says();
        parts.push(json!({"name": "fell", "valueCode": fall.code()}));
        parts.push(json!({"name": "fellText", "valueString": format!("{zh}。 / {en}.")}));
    }
    parts
}

/// Rule, validity and evidence.
fn push_common(parts: &mut Vec<Value>, rule: Option<&RuleRef>, until_us: Option<i64>, mark: Option<&str>, certificate: Option<&str>) {
    if let Some(rule) = rule {
        let mut of_rule = Vec::new();
        push_text(&mut of_rule, "set", &rule.set);
        push_text(&mut of_rule, "version", &rule.version);
        of_rule.push(json!({"name": "line", "valueInteger": rule.line}));
        parts.push(json!({"name": "rule", "part": of_rule}));
    }
    if let Some(until) = until_us {
        parts.push(json!({"name": "until", "valueInstant": time::instant(until)}));
    }
    push_text(parts, "mark", mark.unwrap_or_default());
    push_text(parts, "certificate", certificate.unwrap_or_default());
}

/// FHIR knows no empty values.
fn push_text(parts: &mut Vec<Value>, name: &str, text: &str) {
    if !text.is_empty() {
        parts.push(json!({"name": name, "valueString": text}));
    }
}

fn push_reference(parts: &mut Vec<Value>, name: &str, reference: &str) {
    if !reference.is_empty() {
        parts.push(json!({"name": name, "valueReference": {"reference": reference}}));
    }
}

/// Address of the page of a reminder.
pub(super) fn link(root: &str, path: &str) -> String {
    format!("{root}/{}", path.trim_start_matches('/'))
}

fn mode_code(mode: Mode) -> &'static str {
    match mode {
        Mode::Remind => "remind",
        Mode::Hold => "hold",
        Mode::Refuse => "refuse",
    }
}

fn degraded_code(why: Degraded) -> &'static str {
    match why {
        Degraded::Late => "late",
        Degraded::Unreadable => "unreadable",
        Degraded::TooMany => "too-many",
    }
}

/// Why not everything was looked at, for people.
pub(super) fn degraded_text(why: Degraded) -> (&'static str, &'static str) {
    match why {
        Degraded::Late => {
            ("未能在时限内查询既往结果，申请可照常提交", "earlier results could not be looked up in time; the order may go on")
        }
        Degraded::Unreadable => ("既往结果暂时无法读取，申请可照常提交", "earlier results cannot be read now; the order may go on"),
        Degraded::TooMany => ("既往结果过多，未能全部比对", "there are more earlier results than are looked at"),
    }
}

/// What is said to people: one issue an item.
fn outcome(told: &Told) -> Value {
    let issue = |severity: &str, rule: &str, zh: &str, en: &str| json!({"severity": severity, "code": "informational", "details": {"text": format!("{zh}。 / {en}.")}, "diagnostics": rule});
    let mut issues = Vec::new();
    if let Some(why) = told.degraded {
        let (zh, en) = degraded_text(why);
        issues.push(issue("warning", "recognition.degraded", zh, en));
    }
    for item in &told.items {
        let name = &item.name;
        issues.push(match (&item.ruling.verdict, item.ruling.item.is_empty()) {
            (_, true) => issue(
                "information",
                "recognition.not-listed",
                &format!("{name}：不在互认项目目录中"),
                &format!("{name}: not in the community's list of items"),
            ),
            (Verdict::Recognise, _) => {
                let n = item.reminders.len();
                let zh = format!("{name}：有 {n} 个既往结果可互认，不得重复检查检验");
                issue("warning", "recognition.recognise", &zh, &format!("{name}: {n} earlier result(s) to recognise; do not repeat"))
            }
            (Verdict::MayRepeat { because }, _) => {
                let (zh, en) = because.says();
                let (zh, en) = (format!("{name}：可以重新检查检验，既往结果{zh}"), format!("{name}: may be repeated: {en}"));
                issue("information", "recognition.may-repeat", &zh, &en)
            }
            (Verdict::Excepted { reason }, _) => issue(
                "information",
                "recognition.excepted",
                &format!("{name}：按原因 {reason} 可以重新检查检验"),
                &format!("{name}: may be repeated for reason {reason}"),
            ),
            (Verdict::NoPriorResult, _) => {
                issue("information", "recognition.no-prior-result", &format!("{name}：没有既往结果"), &format!("{name}: no earlier result"))
            }
        });
    }
    if issues.is_empty() {
        issues.push(issue("information", "recognition.no-prior-result", "没有可互认的既往结果", "there is no earlier result to recognise"));
    }
    json!({"resourceType": "OperationOutcome", "issue": issues})
}

/// The status of findings against a doctor's answer.
pub(super) fn status(issue: &str) -> StatusCode {
    match issue {
        "conflict" | "duplicate" => StatusCode::CONFLICT,
        "not-found" => StatusCode::NOT_FOUND,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}
