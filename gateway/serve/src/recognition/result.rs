//! An earlier result as a doctor reads it, from the resources that are stored: the report with its values, and of the
//! patient what tells that it is the right one.

use hutong_fhir::calendar::{china_day, civil, days};
use hutong_fhir::{Key, NodeRef, Tree};

use super::{At, now_us, who};

/// Results of one report that are shown.
const ROWS_MAX: usize = 200;
const FINDINGS: &str = "http://fhir.med-community.cn/gw/StructureDefinition/findings";

/// Name, sex and age; nothing else of the patient is shown.
#[derive(Default)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) sex: &'static str,
    /// Years at this moment.
    pub(super) age: Option<i64>,
}

/// One value.
pub(super) struct Row {
    /// The one of the reminder.
    pub(super) own: bool,
    pub(super) name: String,
    pub(super) value: String,
    /// `↑`, `↓`, or the interpretation's text.
    pub(super) flag: String,
    pub(super) reference: String,
    pub(super) method: String,
    pub(super) comment: String,
}

/// The report.
#[derive(Default)]
pub(super) struct Report {
    pub(super) title: String,
    pub(super) rows: Vec<Row>,
    pub(super) findings: String,
    /// A doctor's conclusion: shown, never recognised.
    pub(super) conclusion: String,
    /// Addresses of images and documents, `https` or `http`.
    pub(super) images: Vec<String>,
    /// The result is no longer what it was: cancelled or entered in error.
    pub(super) withdrawn: bool,
}

pub(super) fn person(at: &At<'_>, reference: &str) -> Person {
    let Some(tree) = who::stored(at, reference) else { return Person::default() };
    let root = tree.root();
    let name = root.at("name.text").map(str::to_owned);
    let name = name.or_else(|| Some(format!("{}{}", root.at("name.family")?, root.at("name.given").unwrap_or_default())));
    let sex = match root.at("gender") {
        Some("male") => "男 Male",
        Some("female") => "女 Female",
        _ => "",
    };
    Person { name: name.unwrap_or_default(), sex, age: root.at("birthDate").and_then(|b| age(b, now_us())) }
}

/// Whole years from `YYYY-MM-DD` until now, in China's days.
fn age(birth: &str, now_us: i64) -> Option<i64> {
    let part = |from: usize, to: usize| birth.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    if days(year, month, day) * 86_400 > now_us / 1_000_000 {
        return None;
    }
    let (y, m, d) = civil(china_day(now_us));
    Some(y - year - i64::from((m, d) < (month, day)))
}

/// The report of a reminder; where there is none, its result alone.
pub(super) fn report(at: &At<'_>, result: &str, report: &str) -> Report {
    let mut out = Report::default();
    let own = who::stored(at, result);
    out.withdrawn = own.as_ref().is_none_or(|tree| is_withdrawn(tree.root()));
    if let Some(tree) = who::stored(at, report) {
        let root = tree.root();
        out.title = text_of(root.get("code")).unwrap_or_default();
        out.conclusion = root.at("conclusion").unwrap_or_default().to_owned();
        let findings = root.all(Key::of("extension")).find(|e| e.at("url") == Some(FINDINGS));
        out.findings = findings.and_then(|e| e.at("valueString").or_else(|| e.at("valueMarkdown"))).unwrap_or_default().to_owned();
        let addresses = root.all(Key::of("presentedForm")).filter_map(|f| f.at("url"));
        out.images = addresses.filter(|u| is_address(u)).map(str::to_owned).collect();
        for study in root.all(Key::of("imagingStudy")).filter_map(|s| s.at("reference")).take(8) {
            out.images.extend(who::stored(at, study).iter().flat_map(|s| endpoints(at, s.root())));
        }
        for reference in root.all(Key::of("result")).filter_map(|r| r.at("reference")).take(ROWS_MAX) {
            if let Some(tree) = who::stored(at, reference) {
                out.rows.push(row(tree.root(), reference == result));
            }
        }
    }
    if !out.rows.iter().any(|r| r.own)
        && let Some(tree) = own.filter(|tree| tree.root().resource_type() == Some("Observation"))
    {
        out.rows.insert(0, row(tree.root(), true));
    }
    out
}

fn is_withdrawn(root: NodeRef<'_>) -> bool {
    matches!(root.at("status"), Some("cancelled" | "entered-in-error"))
}

fn endpoints(at: &At<'_>, study: NodeRef<'_>) -> Vec<String> {
    let all = study.all(Key::of("endpoint")).filter_map(|e| who::stored(at, e.at("reference")?));
    all.filter_map(|e: Tree| e.root().at("address").map(str::to_owned)).filter(|u| is_address(u)).collect()
}

/// A link that a browser follows as an address and nothing else.
fn is_address(url: &str) -> bool {
    (url.starts_with("https://") || url.starts_with("http://")) && !url.chars().any(|c| c.is_control() || c.is_whitespace())
}

fn row(root: NodeRef<'_>, own: bool) -> Row {
    let range = root.get("referenceRange").map(range).unwrap_or_default();
    let interpretation = root.get("interpretation");
    let flag = match interpretation.and_then(|i| i.at("coding.code")) {
        Some("H" | "HH" | "HU") => "↑".to_owned(),
        Some("L" | "LL" | "LU") => "↓".to_owned(),
        Some("N") => String::new(),
        _ => text_of(interpretation).unwrap_or_default(),
    };
    Row {
        own,
        name: text_of(root.get("code")).unwrap_or_default(),
        value: value(root),
        flag,
        reference: range,
        method: text_of(root.get("method")).unwrap_or_default(),
        comment: root.at("note.text").unwrap_or_default().to_owned(),
    }
}

fn value(root: NodeRef<'_>) -> String {
    let Some(value) = root.children().find(|c| c.name().starts_with("value")) else {
        let parts = root.all(Key::of("component")).map(|c| format!("{} {}", text_of(c.get("code")).unwrap_or_default(), value(c)));
        return parts.collect::<Vec<_>>().join("；");
    };
    if let Some(text) = value.value() {
        return text.to_owned();
    }
    match value.name() {
        "valueQuantity" => quantity(value),
        "valueCodeableConcept" => text_of(Some(value)).unwrap_or_default(),
        "valueRange" => range(value),
        "valueRatio" => {
            let side = |name| value.get(name).map(quantity).unwrap_or_default();
            format!("{} : {}", side("numerator"), side("denominator"))
        }
        _ => String::new(),
    }
}

fn quantity(quantity: NodeRef<'_>) -> String {
    let unit = quantity.at("unit").or_else(|| quantity.at("code")).unwrap_or_default();
    let text = format!("{}{} {unit}", quantity.at("comparator").unwrap_or_default(), quantity.at("value").unwrap_or_default());
    text.trim_end().to_owned()
}

fn range(range: NodeRef<'_>) -> String {
    let side = |name: &str| range.get(name).and_then(|q| q.at("value"));
    match (range.at("text"), side("low"), side("high")) {
        (Some(text), _, _) => text.to_owned(),
        (None, Some(low), Some(high)) => format!("{low}–{high}"),
        (None, Some(low), None) => format!("≥ {low}"),
        (None, None, Some(high)) => format!("≤ {high}"),
        (None, None, None) => String::new(),
    }
}

/// Text of a CodeableConcept, else a display, else a code.
fn text_of(concept: Option<NodeRef<'_>>) -> Option<String> {
    let concept = concept?;
    let coding = || concept.all(Key::of("coding"));
    let display = || coding().find_map(|c| c.at("display"));
    concept.at("text").or_else(display).or_else(|| coding().find_map(|c| c.at("code"))).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hutong_fhir::json::{self, JsonLimits};

    #[test]
    fn a_row_reads_like_a_report() {
        for (text, expected) in [
            (
                r#"{"resourceType":"Observation","code":{"text":"葡萄糖"},"valueQuantity":{"value":7.82,"unit":"mmol/L"},"interpretation":[{"coding":[{"code":"H"}]}],"referenceRange":[{"low":{"value":3.90},"high":{"value":6.10}}]}"#,
                "葡萄糖 7.82 mmol/L ↑ 3.90–6.10",
            ),
            (
                r#"{"resourceType":"Observation","code":{"coding":[{"code":"X"}]},"valueString":"阴性","referenceRange":[{"text":"阴性"}]}"#,
                "X 阴性  阴性",
            ),
            (
                r#"{"resourceType":"Observation","code":{"text":"血压"},"component":[{"code":{"text":"收缩压"},"valueQuantity":{"comparator":">","value":120}}]}"#,
                "血压 收缩压 >120  ",
            ),
            (r#"{"resourceType":"Observation"}"#, "   "),
        ] {
            let (tree, _) = json::parse(text.as_bytes(), &JsonLimits::default()).ok().unwrap();
            let row = row(tree.root(), false);
            assert_eq!(format!("{} {} {} {}", row.name, row.value, row.flag, row.reference), expected);
        }
    }

    #[test]
    fn age_is_in_whole_years_and_links_are_addresses() {
        // 2026-11-23 00:00 in China
        let now = 1_795_363_200_000_000;
        for (birth, expected) in [("1956-11-23", Some(70)), ("1956-11-24", Some(69)), ("1956", None), ("2030-01-01", None)] {
            assert_eq!(age(birth, now), expected, "{birth}");
        }
        for (url, expected) in
            [("https://pacs/x", true), ("javascript:alert(1)", false), ("https://a b", false), ("data:text/html,x", false)]
        {
            assert_eq!(is_address(url), expected, "{url}");
        }
    }
}
