//! What an answer leaves behind as FHIR: the Task (CNMutualRecognition), its Provenance, and the order as revoked.

use hutong_commit::search::date::instant;
use hutong_enforce::recognition::Reason;
use hutong_enforce::recognition::record::{Answered, Context, Reminder, Trigger};
use hutong_fhir::Tree;
use serde_json::{Value, json};

use super::recall::parse;

const BASE: &str = "http://fhir.med-community.cn/gw";

/// Where a reminder stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    Viewed,
    Recognised,
    Refused,
    Revoked,
}

impl State {
    /// `recognition-status`, and the Task's own status.
    fn codes(self) -> (&'static str, &'static str) {
        match self {
            State::Viewed => ("viewed", "in-progress"),
            State::Recognised => ("recognised", "completed"),
            State::Refused => ("not-recognised", "completed"),
            // not cancelled: a Task that has ended could not be answered anew in the same moment
            State::Revoked => ("revoked", "completed"),
        }
    }
}

/// What was done.
pub(crate) struct Done<'a> {
    /// Ids.
    pub(crate) task: &'a str,
    pub(crate) provenance: &'a str,
    pub(crate) at_us: i64,
    pub(crate) state: State,
    pub(crate) reminder: &'a Reminder,
    pub(crate) trigger: Trigger,
    pub(crate) context: &'a Context,
    /// Empty: not in the registry.
    pub(crate) doctor_name: &'a str,
    pub(crate) institution_name: &'a str,
    /// Given, or taken back.
    pub(crate) answer: Option<&'a Answered>,
    pub(crate) reason: Option<&'a Reason>,
    /// The order as it stands in the store, where it is withdrawn, or goes ahead after it waited for the answer.
    pub(crate) order: Option<Value>,
}

/// The Task first.
pub(crate) fn resources(done: &Done<'_>) -> Vec<Tree> {
    let mut all = vec![task(done)];
    all.extend(done.order.as_ref().map(|order| decided(order, done)));
    all.push(provenance(done, &all));
    all.iter().filter_map(|resource| parse(resource.to_string().as_bytes())).collect()
}

fn task(done: &Done<'_>) -> Value {
    let (business, status) = done.state.codes();
    let coding = |system: &str, code: &str| json!({ "coding": [{ "system": format!("{BASE}/CodeSystem/{system}"), "code": code }] });
    let extension = |name: &str, kind: &str, value: Value| json!({ "url": format!("{BASE}/StructureDefinition/{name}"), kind: value });
    let mode = if done.trigger == Trigger::Visit { "1" } else { "2" };
    let mut extensions = vec![extension("reminder-mode", "valueCodeableConcept", coding("reminder-mode", mode))];
    let is_refused = done.state == State::Refused;
    if is_refused && done.answer.is_some_and(|a| !a.counts) {
        extensions.push(extension("excluded-from-rate", "valueBoolean", json!(true)));
    }
    let mut task = json!({
        "resourceType": "Task",
        "id": done.task,
        "meta": { "profile": [format!("{BASE}/StructureDefinition/CNMutualRecognition")] },
        "extension": extensions,
    });
    let uuid = |id: &str| json!({ "system": "urn:ietf:rfc:3986", "value": format!("urn:uuid:{id}") });
    let mut identifiers = vec![uuid(&done.reminder.id)];
    identifiers.extend(done.answer.map(|a| uuid(&a.id)));
    task["identifier"] = json!(identifiers);
    if !done.context.order.is_empty() {
        task["basedOn"] = json!([order(done.context)]);
    }
    task["status"] = json!(status);
    task["businessStatus"] = coding("recognition-status", business);
    task["intent"] = json!("order");
    task["code"] = coding("task-code", "mutual-recognition-decision");
    task["focus"] = json!({ "reference": done.reminder.result });
    task["for"] = json!({ "reference": done.context.patient });
    if done.context.visit.starts_with("Encounter/") {
        task["encounter"] = json!({ "reference": done.context.visit });
    }
    let at = instant(done.at_us);
    task["authoredOn"] = json!(done.answer.map_or_else(|| at.clone(), |a| instant(a.at_us)));
    task["lastModified"] = json!(at);
    task["owner"] = who(done);
    let outputs = outputs(done, &coding);
    if !outputs.is_empty() {
        task["output"] = json!(outputs);
    }
    task
}

fn outputs(done: &Done<'_>, coding: &impl Fn(&str, &str) -> Value) -> Vec<Value> {
    let mut outputs = Vec::new();
    let Some(answer) = done.answer else { return outputs };
    let mut output = |kind: &str, name: &str, value: Value| outputs.push(json!({ "type": coding("task-parameter", kind), name: value }));
    if done.state == State::Recognised && !answer.price_table.is_empty() {
        // exact: fen are whole, and no binary fraction of a yuan
        let number: Value = serde_json::from_str(&hutong_paper::yuan(answer.saved_fen)).unwrap_or_default();
        output("saved-amount", "valueMoney", json!({ "value": number, "currency": "CNY" }));
    }
    if done.state == State::Refused {
        let mut reason = coding("recognition-reason", reason_code(&answer.reason, done.reason));
        reason["text"] = json!(done.reason.map_or_else(|| answer.reason.clone(), |r| format!("{} {}", r.code, r.zh)));
        output("reason", "valueCodeableConcept", reason);
    }
    if done.state == State::Refused && !answer.diagnosis.is_empty() {
        output("diagnosis", "valueCodeableConcept", json!({ "text": answer.diagnosis }));
    }
    outputs
}

/// The community's own code of a reason: of the six of the 办法 by their number, else by what it is.
fn reason_code(code: &str, reason: Option<&Reason>) -> &'static str {
    match reason.and_then(|r| r.legal) {
        Some(1) => "condition-changed",
        Some(2) => "rapidly-changing",
        Some(3) => "major-measure",
        Some(4) => "emergency",
        Some(5) => "forensic",
        None if reason.is_some_and(|r| r.wants_diagnosis) => "continuous-monitoring",
        None if code == "98" => "no-images",
        _ => "other",
    }
}

/// The order: one of ours, or by the sender's number.
fn order(context: &Context) -> Value {
    if context.order.starts_with("ServiceRequest/") {
        return json!({ "reference": context.order });
    }
    json!({ "type": "ServiceRequest", "identifier": { "system": numbers(&context.institution, "order"), "value": context.order } })
}

/// The doctor; a view may be nobody's we know, then it is the institution's.
fn who(done: &Done<'_>) -> Value {
    let context = done.context;
    let named = |mut it: Value, name: &str| {
        if !name.is_empty() {
            it["display"] = json!(name);
        }
        it
    };
    if context.doctor.starts_with("Practitioner/") || context.doctor.starts_with("PractitionerRole/") {
        return named(json!({ "reference": context.doctor }), done.doctor_name);
    }
    if context.doctor.is_empty() {
        return institution(done);
    }
    let identifier = json!({ "system": numbers(&context.institution, "practitioner"), "value": context.doctor });
    named(json!({ "type": "Practitioner", "identifier": identifier }), done.doctor_name)
}

fn institution(done: &Done<'_>) -> Value {
    let identifier = json!({ "system": format!("{BASE}/NamingSystem/community-institution"), "value": done.context.institution });
    let mut it = json!({ "type": "Organization", "identifier": identifier });
    if !done.institution_name.is_empty() {
        it["display"] = json!(done.institution_name);
    }
    it
}

fn numbers(institution: &str, what: &str) -> String {
    let safe =
        |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c.to_string() } else { format!("-{:x}", u32::from(c)) };
    format!("{BASE}/NamingSystem/{}/{what}", institution.chars().map(safe).collect::<String>())
}

/// The order, taken back because an earlier result is recognised; or active because none is.
fn decided(order: &Value, done: &Done<'_>) -> Value {
    let mut order = order.clone();
    order["status"] = json!(if done.state == State::Recognised { "revoked" } else { "active" });
    if let Some(meta) = order["meta"].as_object_mut() {
        meta.retain(|name, _| name != "versionId" && name != "lastUpdated");
    }
    if order["meta"].as_object().is_some_and(serde_json::Map::is_empty)
        && let Some(members) = order.as_object_mut()
    {
        members.retain(|name, _| name != "meta");
    }
    let url = |name: &str| format!("{BASE}/StructureDefinition/{name}");
    let (check, decision) = (url("recognition-check"), url("recognition-decision"));
    let coded = json!({ "coding": [{ "system": format!("{BASE}/CodeSystem/recognition-check"), "code": "decided" }] });
    let mut extensions: Vec<Value> = order["extension"].as_array().cloned().unwrap_or_default();
    extensions.retain(|e| e["url"] != check && e["url"] != decision);
    extensions.push(json!({ "url": check, "valueCodeableConcept": coded }));
    extensions.push(json!({ "url": decision, "valueReference": { "reference": format!("Task/{}", done.task) } }));
    order["extension"] = json!(extensions);
    order
}

/// Who did it, for which institution, to what, by which result.
fn provenance(done: &Done<'_>, targets: &[Value]) -> Value {
    let target = |r: &Value| json!({ "reference": format!("{}/{}", r["resourceType"].as_str()?, r["id"].as_str()?) }).into();
    let targets: Vec<Value> = targets.iter().filter_map(target).collect();
    let operation = match done.state {
        State::Viewed => "CREATE",
        State::Recognised | State::Refused => "UPDATE",
        State::Revoked => "NULLIFY",
    };
    json!({
        "resourceType": "Provenance",
        "id": done.provenance,
        "target": targets,
        "occurredDateTime": instant(done.at_us),
        "recorded": instant(done.at_us),
        // beside ours the code of what became of the record: the binding is extensible
        "activity": { "coding": [
            { "system": format!("{BASE}/CodeSystem/recognition-status"), "code": done.state.codes().0 },
            { "system": "http://terminology.hl7.org/CodeSystem/v3-DataOperation", "code": operation },
        ] },
        "agent": [{ "who": who(done), "onBehalfOf": institution(done) }],
        "entity": [{ "role": "source", "what": { "reference": done.reminder.result } }],
    })
}
