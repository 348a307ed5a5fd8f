//! What is known of a record that is to be sent: from its event, the reminder that it names, the registries and the store.

use std::collections::BTreeMap;

use hutong_commit::projection::{ReadError, Reader};
use hutong_enforce::recognition::record::{Answered, Choice, Context, Reminder, Trigger};
use hutong_identify::registry::Registry;
use hutong_paper::moment;
use serde_json::Value;

use crate::community::Shared;
use crate::recognition::read_json;

/// What is to be told.
pub(super) struct Telling<'a> {
    pub(super) guid: &'a str,
    pub(super) at_us: i64,
    pub(super) context: &'a Context,
    pub(super) trigger: Trigger,
    pub(super) item: &'a str,
    pub(super) reminder: &'a Reminder,
    /// The answer, and whether it is being revoked.
    pub(super) answer: Option<(&'a Answered, bool)>,
}

/// Values by the names of [`super::form::KNOWN`].
pub(super) fn values(telling: &Telling<'_>, reader: &Reader, community: &Shared) -> Result<BTreeMap<&'static str, String>, ReadError> {
    let Telling { context, reminder, .. } = telling;
    let reference = if reminder.report.is_empty() { &reminder.result } else { &reminder.report };
    let report = read_json(reader, reference)?.unwrap_or_default();
    let patient = read_json(reader, &context.patient)?.unwrap_or_default();
    let visit = if context.visit.starts_with("Encounter/") { read_json(reader, &context.visit)? } else { None };
    let mut out = BTreeMap::from([
        ("guid", telling.guid.to_owned()),
        ("time", seconds(telling.at_us)),
        ("institution", context.institution.clone()),
        ("doctor", context.doctor.clone()),
        ("order", bare(&context.order)),
        ("visit", visit.map_or_else(|| bare(&context.visit), |v| first_value(&v).unwrap_or_else(|| bare(&context.visit)))),
        ("patient", first_value(&patient).unwrap_or_else(|| bare(&context.patient))),
        ("card-type", if has_card(&patient) { "01" } else { "99" }.to_owned()),
        ("item", telling.item.to_owned()),
        ("trigger", if telling.trigger == Trigger::Visit { "1" } else { "2" }.to_owned()),
        ("reminder", reminder.id.clone()),
        ("report", reference.clone()),
        ("report-number", reminder.report_number.clone()),
        ("report-institution", reminder.institution.clone()),
        ("report-name", text(&report["code"])),
    ]);
    let time = [&report["issued"], &report["effectiveDateTime"], &report["effectivePeriod"]["start"]].into_iter().find_map(Value::as_str);
    out.insert("report-time", time.map(china).unwrap_or_default());
    let community = community.read();
    places(&mut out, telling, &community.registry);
    if let Some((answer, revoked)) = telling.answer {
        let status = match (revoked, answer.choice) {
            (true, _) => "2",
            (false, Choice::Recognised) => "1",
            (false, Choice::Refused) => "0",
        };
        out.insert("status", status.to_owned());
        out.insert("reason", answer.reason.clone());
        out.insert("reason-name", community.tables.reasons.get(&answer.reason).map(|r| r.zh.clone()).unwrap_or_default());
        out.insert("diagnosis", answer.diagnosis.clone());
        if revoked {
            out.insert("answer", answer.id.clone());
        }
        if answer.choice == Choice::Recognised {
            out.insert("saved-fen", answer.saved_fen.to_string());
        }
    }
    Ok(out)
}

/// What the registries say of who asked, who examined and what.
fn places(out: &mut BTreeMap<&'static str, String>, telling: &Telling<'_>, registry: &Registry) {
    let item = registry.item(telling.item, telling.at_us);
    // what is not listed comes from where it is kept: an Observation of a laboratory, a report of an image
    let is_laboratory = item.map_or(telling.reminder.result.starts_with("Observation/"), |i| i.kind == "laboratory");
    out.insert("item-type", if is_laboratory { "LIS" } else { "PACS" }.to_owned());
    let region = |code: &str| registry.institution(code, telling.at_us).map(|i| i.region.clone());
    let (asking, examining) = (region(&telling.context.institution), region(&telling.reminder.institution));
    let city = |r: &Option<String>| r.as_ref().and_then(|r| r.get(..4)).map(str::to_owned);
    let crosses = city(&asking).is_some() && city(&examining).is_some() && city(&asking) != city(&examining);
    out.insert("cross-city", i32::from(crosses).to_string());
    let name = registry.institution(&telling.reminder.institution, telling.at_us).map(|i| i.name.clone());
    out.insert("report-institution-name", name.unwrap_or_default());
}

/// Without the type of a reference.
fn bare(reference: &str) -> String {
    reference.rsplit('/').next().unwrap_or("").to_owned()
}

fn first_value(resource: &Value) -> Option<String> {
    resource["identifier"].as_array()?.iter().find_map(|i| i["value"].as_str()).map(str::to_owned)
}

/// Whether a resident's identity card is known (OID of 居民身份证).
fn has_card(patient: &Value) -> bool {
    let systems = patient["identifier"].as_array().into_iter().flatten().filter_map(|i| i["system"].as_str());
    systems.into_iter().any(|s| s.ends_with("2.16.156.10011.1.3"))
}

fn text(concept: &Value) -> String {
    let coded = || concept["coding"].as_array()?.iter().find_map(|c| c["display"].as_str().or(c["code"].as_str()));
    concept["text"].as_str().or_else(coded).unwrap_or_default().to_owned()
}

/// `2026-11-22 08:30:05` in China.
fn seconds(us: i64) -> String {
    format!("{}:{:02}", moment(us), us.div_euclid(1_000_000).rem_euclid(60))
}

/// A time of FHIR as platforms write it; what is no whole time stays as it is.
fn china(time: &str) -> String {
    hutong_enforce::recognition::moment(time).map_or_else(|| time.to_owned(), seconds)
}
