//! The parameters of a request: read under limits, each either honoured or refused, never ignored.

mod search;

use http::HeaderMap;
use hutong_wire::limits::{Limits, size};

pub(crate) use search::{Asked, includes, modifiers, parse as parse_search, revincludes, sortable};

use crate::negotiate::{self, Form, Handling};
use crate::percent;
use crate::refusal::Refusal;
use crate::time;

/// Names and values, decoded, in their order, without those that settle the form of the answer.
pub(crate) struct Fields {
    pub(crate) list: Vec<(String, String)>,
    /// `_format` and `_pretty` as given, for the self link.
    shape: Vec<(String, String)>,
    pub(crate) handling: Handling,
}

impl Fields {
    /// Reads the query string and, for `POST …/_search`, the form in the body.
    pub(crate) fn read(query: &str, body: &str, headers: &HeaderMap, limits: &Limits) -> Result<Fields, Refusal> {
        let mut fields = Fields { list: Vec::new(), shape: Vec::new(), handling: negotiate::handling(headers) };
        for field in percent::fields(query).chain(percent::fields(body)) {
            let (name, value) = field.map_err(|_| Refusal::bad_encoding())?;
            if fields.list.len() + fields.shape.len() == size(limits.search_parameters) {
                return Err(Refusal::too_many_parameters(size(limits.search_parameters)));
            }
            if value.len() > size(limits.search_value_bytes) {
                return Err(Refusal::value_too_long(&name, size(limits.search_value_bytes)));
            }
            let list = if matches!(&*name, "_format" | "_pretty") { &mut fields.shape } else { &mut fields.list };
            list.push((name.into_owned(), value.into_owned()));
        }
        Ok(fields)
    }

    /// The form of the answer.
    pub(crate) fn form(&self, headers: &HeaderMap) -> Result<Form, Refusal> {
        let get = |wanted: &str| {
            let mut found = self.shape.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
            let first = found.next();
            if found.next().is_some() { Err(Refusal::given_twice(wanted)) } else { Ok(first) }
        };
        negotiate::form(headers, get("_format")?, get("_pretty")?)
    }

    /// For interactions that have no parameters of their own. Lenient handling does not help here: only the Bundle of a
    /// search has a place to say what was left out.
    pub(crate) fn none_left(&self) -> Result<(), Refusal> {
        self.list.first().map_or(Ok(()), |(name, _)| Err(Refusal::unknown_parameter(name, "_format, _pretty")))
    }

    /// Begins the list of what was honoured.
    pub(crate) fn honoured(&self) -> Honoured {
        Honoured { query: Vec::new(), shape: self.shape.clone() }
    }
}

/// What was honoured, for links that tell the truth.
pub(crate) struct Honoured {
    query: Vec<(String, String)>,
    shape: Vec<(String, String)>,
}

impl Honoured {
    pub(crate) fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.query.push((name.into(), value.into()));
    }

    /// `address?name=value&…`, with the cursor of a page last.
    pub(crate) fn url(&self, address: &str, cursor: Option<&str>) -> String {
        let mut out = String::with_capacity(address.len() + 128);
        out.push_str(address);
        let cursor = cursor.map(|c| ("_cursor", c));
        let all = self.query.iter().chain(&self.shape).map(|(n, v)| (n.as_str(), v.as_str())).chain(cursor);
        for (i, (name, value)) in all.enumerate() {
            out.push(if i == 0 { '?' } else { '&' });
            percent::encode(name, &mut out);
            out.push('=');
            percent::encode(value, &mut out);
        }
        out
    }

    /// A mark of what is asked, without how it is cut into pages: a cursor is good for one such mark only.
    pub(crate) fn mark(&self, address: &str) -> String {
        let mut hash: u32 = 0x811c_9dc5;
        let parts = self.query.iter().filter(|(name, _)| name != "_count").flat_map(|(n, v)| [n.as_str(), v.as_str()]);
        for byte in std::iter::once(address).chain(parts).flat_map(|part| part.bytes().chain([0])) {
            // FNV-1a: a slip of the client is to be noticed, not a forger
            hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
        format!("{hash:08x}")
    }
}

/// Takes the mark from a cursor and checks it.
pub(crate) fn open_cursor<'c>(cursor: &'c str, mark: &str) -> Result<&'c str, Refusal> {
    cursor.strip_prefix(mark).and_then(|rest| rest.strip_prefix('.')).ok_or_else(Refusal::bad_cursor)
}

/// The effective `_count`: more than the greatest allowed is cut, as FHIR permits, and the self link says so.
pub(crate) fn count(value: &str, limits: &Limits) -> Result<usize, Refusal> {
    let bad = || Refusal::bad_value("_count", "应为非负整数", "a whole number, 0 or more, is expected");
    if value.is_empty() || !value.bytes().all(|b| b.is_ascii_digit()) {
        return Err(bad());
    }
    // digits only: what does not fit is just very large
    Ok(value.parse::<usize>().unwrap_or(usize::MAX).min(size(limits.search_count)))
}

/// An instant, to microseconds since 1970.
pub(crate) fn moment(name: &str, value: &str) -> Result<i64, Refusal> {
    let zh = "应为带时区的时刻，如 2026-11-21T08:00:00+08:00";
    let en = "an instant with its zone is expected, such as 2026-11-21T08:00:00+08:00";
    time::parse_instant(value).ok_or_else(|| Refusal::bad_value(name, zh, en))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Fields, Refusal> {
        Fields::read(query, "", &HeaderMap::new(), &Limits::default())
    }

    #[test]
    fn limits_of_a_request() {
        for (query, expected) in [
            ("name=x&_format=json&_pretty=true", Ok(1)),
            (&"a=1&".repeat(64), Ok(64)),
            (&"a=1&".repeat(10_000), Err("search.parameters_max")),
            (&format!("name={}", "%25".repeat(1024)), Ok(1)),
            (&format!("name={}", "%25".repeat(1025)), Err("search.value_max")),
            ("name=%00", Err("http.percent")),
            ("name=%C0%AF", Err("http.percent")),
            ("n%zz=1", Err("http.percent")),
        ] {
            assert_eq!(read(query).map(|f| f.list.len()).map_err(|r| r.rule), expected, "{query:.20}");
        }
        assert_eq!(read("_format=json&_format=xml").ok().unwrap().form(&HeaderMap::new()).unwrap_err().rule, "search.repeated");
    }

    #[test]
    fn links_tell_what_was_honoured() {
        let fields = read("_pretty=true&_format=json").ok().unwrap();
        let mut honoured = fields.honoured();
        honoured.push("code", "http://loinc.org|1&2");
        honoured.push("_count", "2");
        assert_eq!(
            honoured.url("http://h/fhir/Observation", Some("ab.c")),
            "http://h/fhir/Observation?code=http%3A//loinc.org|1%262&_count=2&_pretty=true&_format=json&_cursor=ab.c".replace("%3A", ":")
        );
        let mark = honoured.mark("x");
        honoured.query[1].1 = "3".to_owned();
        assert_eq!(mark, honoured.mark("x"), "pages of another size are pages of the same search");
        honoured.push("status", "final");
        assert_ne!(mark, honoured.mark("x"));
        assert_eq!(open_cursor(&format!("{mark}.c.d"), &mark), Ok("c.d"));
        assert!(open_cursor("c", &mark).is_err());
    }

    #[test]
    fn counts() {
        let limits = Limits::default();
        for (value, expected) in [
            ("0", Some(0)),
            ("20", Some(20)),
            ("1000000", Some(500)),
            ("99999999999999999999999", Some(500)),
            ("-1", None),
            ("", None),
            ("1.5", None),
        ] {
            assert_eq!(count(value, &limits).ok(), expected, "{value}");
        }
    }
}
