//! A case judged by `conformance/schemas/case.schema.json` before it is run: a section that cannot be what was meant is told
//! as such, not as a difference.

use hutong_map::case::Case;
use serde_json::{Value, json};

use crate::cli::lang::{Lang, lang};
use crate::schema::Schema;

/// What is wrong with the sections, a line each.
pub(super) fn faults(schema: &Schema, case: &Case<'_>) -> Vec<String> {
    let (resources, findings) = case.expected();
    let message = case.message();
    let segments: Vec<&str> = message.split('\r').collect();
    let mut value = json!({"message": segments, "site": case.sites()});
    if let Some(text) = resources {
        match serde_json::from_str::<Value>(text) {
            Ok(list) => value["resources"] = list,
            Err(error) => return vec![format!("resources: {error}")],
        }
    }
    if let Some(text) = findings {
        value["findings"] = text.lines().filter(|l| !l.trim().is_empty()).map(finding).collect();
    }
    let words = |fault: crate::schema::Fault| format!("{}: {}", fault.pointer, if lang() == Lang::Zh { fault.zh } else { fault.en });
    schema.faults(&value).into_iter().map(words).collect()
}

/// `severity rule location`
fn finding(line: &str) -> Value {
    let mut parts = line.trim().splitn(3, ' ');
    let mut next = || parts.next().unwrap_or_default();
    json!({"severity": next(), "rule": next(), "location": next()})
}
