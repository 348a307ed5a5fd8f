//! `meta.versionId` and `meta.lastUpdated` are not part of a stored body; they are put in when it is read.

use std::fmt::Write;

use super::scan::{Scan, Shape};
use crate::search::date;

/// The body with its version and time (µs since 1970). The members of a `meta` of its own stay, but for these two.
pub(crate) fn meta(body: &[u8], version: u64, last_updated_us: i64) -> Vec<u8> {
    let mut text = String::with_capacity(96);
    // writing to a string cannot fail
    let _ = write!(text, r#""meta":{{"versionId":"{version}","lastUpdated":"{}""#, date::instant(last_updated_us));
    let mut out = Vec::with_capacity(body.len() + text.len() + 2);
    let Some(found) = find(body) else {
        // not an object: nothing that was ever accepted
        return body.to_vec();
    };
    let part = |from: usize, to: usize| body.get(from..to).unwrap_or_default();
    match found.meta {
        Some((from, value, to)) => {
            out.extend_from_slice(part(0, from));
            out.extend_from_slice(text.as_bytes());
            others(part(value, to), &mut out);
            out.push(b'}');
            out.extend_from_slice(part(to, body.len()));
        }
        None => {
            out.extend_from_slice(part(0, found.after_id));
            if found.after_id > found.first {
                out.push(b',');
            }
            out.extend_from_slice(text.as_bytes());
            out.push(b'}');
            if found.after_id == found.first && !found.empty {
                out.push(b',');
            }
            out.extend_from_slice(part(found.after_id, body.len()));
        }
    }
    out
}

struct Place {
    /// Behind the opening brace.
    first: usize,
    empty: bool,
    /// Behind the last of `resourceType` and `id`, or `first`.
    after_id: usize,
    /// Start of the name, start and end of the value.
    meta: Option<(usize, usize, usize)>,
}

fn find(body: &[u8]) -> Option<Place> {
    let mut scan = Scan::new(body);
    if scan.shape() != Some(Shape::Object) {
        return None;
    }
    scan.enter();
    let mut place = Place { first: scan.at(), empty: true, after_id: scan.at(), meta: None };
    while scan.more() {
        place.empty = false;
        let from = scan.at();
        let name = scan.name()?;
        scan.shape()?;
        let value = scan.at();
        match name {
            b"resourceType" | b"id" => {
                scan.skip();
                place.after_id = scan.at();
            }
            b"meta" => {
                scan.skip();
                place.meta = Some((from, value, scan.at()));
                break;
            }
            _ => {
                scan.skip();
            }
        }
    }
    Some(place)
}

/// The members of a meta object but `versionId` and `lastUpdated`, each behind a comma.
fn others(object: &[u8], out: &mut Vec<u8>) {
    let mut scan = Scan::new(object);
    if scan.shape() != Some(Shape::Object) {
        return;
    }
    scan.enter();
    while scan.more() {
        let from = scan.at();
        let Some(name) = scan.name() else { return };
        scan.skip();
        if !matches!(name, b"versionId" | b"lastUpdated") {
            out.push(b',');
            out.extend_from_slice(object.get(from..scan.at()).unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meta_stands_behind_the_id_or_where_it_was() {
        let ours = r#""meta":{"versionId":"3","lastUpdated":"1970-01-01T00:00:00.001Z""#;
        let cases = [
            (r#"{"resourceType":"Patient","id":"1","active":true}"#, r#"{"resourceType":"Patient","id":"1",@},"active":true}"#),
            (r#"{"resourceType":"Patient","id":"1"}"#, r#"{"resourceType":"Patient","id":"1",@}}"#),
            (r#"{"active":true}"#, r#"{@},"active":true}"#),
            ("{}", "{@}}"),
            (
                r#"{"resourceType":"Patient","id":"1","meta":{"profile":["p"],"versionId":"9"},"active":true}"#,
                r#"{"resourceType":"Patient","id":"1",@,"profile":["p"]},"active":true}"#,
            ),
            (
                r#"{"id":"1","contained":[{"meta":{"versionId":"8"}}],"meta":{}}"#,
                r#"{"id":"1","contained":[{"meta":{"versionId":"8"}}],@}}"#,
            ),
            (r#"{"id": "1" , "meta" : {"lastUpdated":"x"} , "a":1}"#, r#"{"id": "1" , @} , "a":1}"#),
        ];
        for (body, want) in cases {
            let spliced = String::from_utf8(meta(body.as_bytes(), 3, 1_999)).unwrap();
            assert_eq!(spliced, want.replace('@', ours), "{body}");
        }
    }
}
