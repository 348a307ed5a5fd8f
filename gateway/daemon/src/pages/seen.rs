//! What the messages of a case say of it: read from the entries of the journal, patients' names masked.

use hutong_commit::entry::Entry;
use hutong_commit::store::Store;
use hutong_console::Masked;
use hutong_count::cases::{CaseRow, Event, Kind, Ledger, Sighting};
use hutong_count::period::day_of;
use hutong_fhir::calendar::civil;
use hutong_paper::Text;
use serde_json::Value;

use crate::community::CASE;

/// What a page shows of a report.
#[derive(Default)]
pub(super) struct Seen {
    /// 检查号, else whatever number it has.
    pub(super) number: String,
    pub(super) patient: Masked,
    pub(super) sex: Text,
    pub(super) age: Option<u16>,
    pub(super) item: Text,
    /// Who signed it.
    pub(super) readers: Vec<String>,
}

/// What an entry says of a case.
pub(crate) fn sightings(entry: &Entry, ledger: &Ledger, case: u32) -> Vec<Sighting> {
    let of_it = |s: &Sighting| s.ids.iter().any(|id| ledger.case_of(*id) == Some(case));
    entry
        .events()
        .filter(|(kind, _)| *kind == CASE)
        .filter_map(|(_, body)| match serde_json::from_slice::<Event>(body) {
            Ok(Event::Seen(sighting)) if of_it(&sighting) => Some(sighting),
            _ => None,
        })
        .collect()
}

impl Seen {
    /// From the entry of the report, else of the first evidence. `ledger` is asked for short moments only.
    pub(super) fn of(store: &Store, ledger: impl Fn(&Entry) -> Vec<Sighting>, row: &CaseRow) -> Seen {
        let seq = if row.report > 0 { row.report } else { row.evidence.first().copied().unwrap_or(0) };
        let Ok(entry) = store.entry(seq) else { return Seen::default() };
        let said = ledger(&entry);
        let sighting = said.iter().find(|s| s.kind == Kind::Report).or_else(|| said.first());
        let body = |reference: &str| {
            let of = |r: &hutong_commit::entry::ResourceRef<'_>| reference.split_once('/') == Some((r.resource_type(), r.id()));
            let found = entry.resources().find(of)?;
            serde_json::from_slice::<Value>(found.body()).ok()
        };
        let mut out = Seen::default();
        if let Some(report) = sighting.and_then(|s| body(&s.resource)) {
            out.number = number(&report);
            out.item = item(&report);
            out.readers = report["resultsInterpreter"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|r| r["display"].as_str())
                .map(str::to_owned)
                .collect();
        }
        if let Some(patient) = sighting.and_then(|s| body(&s.patient)) {
            out.patient = Masked::name(name(&patient));
            out.sex = match patient["gender"].as_str() {
                Some("male") => Text::new("男", "male"),
                Some("female") => Text::new("女", "female"),
                _ => Text::default(),
            };
            out.age = patient["birthDate"].as_str().and_then(|d| age(d, row.reported_us));
        }
        out
    }
}

fn name(patient: &Value) -> &str {
    let names = patient["name"].as_array().map(Vec::as_slice).unwrap_or_default();
    names.iter().find_map(|n| n["text"].as_str()).unwrap_or("")
}

fn item(report: &Value) -> Text {
    let code = &report["code"];
    let coding = || code["coding"].as_array().into_iter().flatten().find_map(|c| c["display"].as_str().or(c["code"].as_str()));
    code["text"].as_str().or_else(coding).map_or_else(Text::default, |t| Text::same(t.to_owned()))
}

/// 检查号 (accession, filler's number), else the first number there is.
fn number(report: &Value) -> String {
    let all = report["identifier"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is = |i: &Value, wanted: &str| i["type"]["coding"].as_array().is_some_and(|c| c.iter().any(|c| c["code"] == wanted));
    let found = ["ACSN", "FILL"].iter().find_map(|wanted| all.iter().find(|i| is(i, wanted))).or_else(|| all.first());
    found.and_then(|i| i["value"].as_str()).unwrap_or("—").to_owned()
}

/// Whole years at a moment.
fn age(born: &str, at_us: i64) -> Option<u16> {
    let mut parts = born.splitn(3, '-').map(|p| p.parse::<i64>().ok());
    let year = parts.next()??;
    let (month, day) = (parts.next().flatten().unwrap_or(1), parts.next().flatten().unwrap_or(1));
    let (now, m, d) = civil(day_of(at_us));
    u16::try_from(now - year - i64::from((m, d) < (month, day))).ok().filter(|a| *a < 150)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ages_and_numbers() {
        // 2026-11-22 in China
        const AT: i64 = 1_795_276_800_000_000;
        for (born, years) in [("1968-11-22", Some(58)), ("1968-11-23", Some(57)), ("2026", Some(0)), ("1700-01-01", None), ("", None)] {
            assert_eq!(age(born, AT), years, "{born}");
        }
        let of = |code: &str, value: &str| json!({ "type": { "coding": [{ "code": code }] }, "value": value });
        assert_eq!(number(&json!({ "identifier": [of("PLAC", "O1"), of("FILL", "F1"), of("ACSN", "A1")] })), "A1");
        assert_eq!(number(&json!({ "identifier": [of("PLAC", "O1")] })), "O1");
        assert_eq!(number(&json!({})), "—");
    }
}
