//! `GET [base]/[type]/[id]`: the current version (<https://hl7.org/fhir/R4/http.html#read>).

use http::HeaderMap;
use http::header::{IF_MODIFIED_SINCE, IF_NONE_MATCH};
use hutong_commit::search::Version;

use crate::answer::Answer;
use crate::refusal::Refusal;
use crate::source::Source;
use crate::time;

pub(crate) fn answer(source: &dyn Source, kind: &str, id: &str, headers: &HeaderMap) -> Result<Answer, Refusal> {
    let found = source.read(kind, id)?.ok_or_else(Refusal::not_found)?;
    if found.deleted {
        return Err(Refusal::gone(found.version));
    }
    let unchanged = has_already(headers, &found);
    let answer = Answer::fhir(found.body).versioned(found.version, found.last_updated_us);
    Ok(if unchanged { answer.not_modified() } else { answer })
}

/// RFC 9110 §13.2.2: `If-None-Match` decides alone where it is given.
fn has_already(headers: &HeaderMap, found: &Version) -> bool {
    let mut tags = headers.get_all(IF_NONE_MATCH).iter().peekable();
    if tags.peek().is_some() {
        let version = found.version.to_string();
        return tags.filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(',')).map(str::trim).any(|tag| {
            tag == "*"
                || tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"').and_then(|t| t.strip_suffix('"')) == Some(version.as_str())
        });
    }
    let since = headers.get(IF_MODIFIED_SINCE).and_then(|v| v.to_str().ok()).and_then(time::parse_http_date);
    since.is_some_and(|since| found.last_updated_us.div_euclid(1_000_000) <= since)
}
