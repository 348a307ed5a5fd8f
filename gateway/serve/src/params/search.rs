//! The parameters of a search → [`Query`], with the list of what was honoured and of what was left out.
//!
//! What a name, modifier or value means is decided by the store's own tables; here is what they cannot know: limits of
//! the interface, pages, and what a client is told.

use std::time::SystemTime;

use hutong_commit::search::table::{ParamKind, Parameter, TypeTable, types};
use hutong_commit::search::{Cursor, Query, QueryError, QueryFault};
use hutong_wire::limits::{Limits, size};

use super::{Fields, Honoured, count, open_cursor};
use crate::negotiate::Handling;
use crate::refusal::Refusal;

/// Parameters that shape the result of every search.
const RESULT: &str = "_count, _sort, _include, _revinclude, _total, _summary, _cursor, _format, _pretty";
const ONCE: [&str; 5] = ["_count", "_sort", "_total", "_summary", "_cursor"];

/// A search as it will be run.
pub(crate) struct Asked {
    pub(crate) query: Query,
    pub(crate) honoured: Honoured,
    /// Only under lenient handling: what was left out, as the refusals that strict handling would have given.
    pub(crate) left_out: Vec<Refusal>,
    /// Binds a cursor to this search.
    pub(crate) mark: String,
    /// The cursor as the client gave it.
    pub(crate) cursor: Option<String>,
}

/// Reads the parameters of a search for resources of `table`, whose results are found at `address`. `member` is a condition
/// that the address itself puts (a compartment's).
pub(crate) fn parse(
    fields: &Fields,
    table: &'static TypeTable,
    address: &str,
    member: Option<(&str, String)>,
    limits: &Limits,
) -> Result<Asked, Refusal> {
    let own = usize::from(member.is_some());
    let mut pairs: Vec<(String, String)> = member.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let mut cursor = None;
    for (name, value) in &fields.list {
        if ONCE.contains(&name.as_str()) && fields.list.iter().filter(|(n, _)| n == name).count() > 1 {
            return Err(Refusal::given_twice(name));
        }
        match name.as_str() {
            "_cursor" => cursor = Some(value.clone()),
            "_count" => pairs.push((name.clone(), count(value, limits)?.to_string())),
            _ => pairs.push((name.clone(), value.clone())),
        }
    }
    let (mut query, refused) = Query::read(table.resource_type, &pairs, now_us()).map_err(|e| explain(&e, table))?;
    let mut left_out = Vec::new();
    for error in &refused {
        let refusal = explain(error, table);
        // only what is not supported can be left out; what is wrong stays wrong
        if fields.handling == Handling::Strict || refusal.issue != "not-supported" {
            return Err(refusal);
        }
        left_out.push(refusal);
    }
    if !pairs.iter().any(|(name, _)| name == "_count") {
        query.count = size(limits.search_count_default).min(size(limits.search_count));
    }
    let mut honoured = fields.honoured();
    query.applied().into_iter().skip(own).for_each(|(name, value)| honoured.push(name, value));
    let mark = honoured.mark(address);
    if let Some(cursor) = &cursor {
        query.after = Some(Cursor::decode(open_cursor(cursor, &mark)?).ok_or_else(Refusal::bad_cursor)?);
    }
    Ok(Asked { query, honoured, left_out, mark, cursor })
}

/// Only for the prefix `ap`, whose width depends on the distance from now.
fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// What a client is told of a refused parameter: its name, and what would have been accepted.
fn explain(error: &QueryError, table: &'static TypeTable) -> Refusal {
    let name = error.parameter.as_str();
    let bare = name.split(':').next().unwrap_or(name);
    match (error.fault, bare) {
        (QueryFault::UnknownType, _) => Refusal::unknown_type(table.resource_type),
        (QueryFault::TooCostly, _) => Refusal::too_costly("参数的值太多或太长", "too many or too long values"),
        (_, "_include" | "_revinclude") if bare != name => Refusal::unknown_modifier(name, "-"),
        (QueryFault::UnknownParameter | QueryFault::NotSupported, "_sort") => Refusal::unsupported_value(name, &sortable(table).join(", ")),
        (_, "_include") => Refusal::unsupported_value(name, &includes(table).join(", ")),
        (_, "_revinclude") => Refusal::unsupported_value(name, &revincludes(table).join(", ")),
        (_, "_summary") => Refusal::unsupported_value(name, "count, false"),
        (_, "_total") => Refusal::unsupported_value(name, "none, estimate, accurate"),
        (QueryFault::UnknownModifier, _) => {
            let known = table.param(bare).map(|p| modifiers(table, p).join(", ")).filter(|list| !list.is_empty());
            Refusal::unknown_modifier(name, known.as_deref().unwrap_or("-"))
        }
        (QueryFault::BadValue, _) => {
            let kind = table.param(bare).map_or("", |p| p.kind.code());
            Refusal::bad_value(name, &format!("不是合法的 {kind} 值"), &format!("it is not a valid {kind} value"))
        }
        (QueryFault::UnknownParameter | QueryFault::NotSupported, _) => Refusal::unknown_parameter(name, &supported(table)),
    }
}

fn supported(table: &TypeTable) -> String {
    let names: Vec<&str> = table.params.iter().map(|p| p.name).collect();
    format!("{}, {RESULT}", names.join(", "))
}

/// Whether the store takes this pair: asked of the very code that serves the searches.
fn takes(table: &TypeTable, name: &str, value: &str) -> bool {
    let pairs = [(name.to_owned(), value.to_owned())];
    Query::read(table.resource_type, &pairs, 0).is_ok_and(|(_, refused)| {
        refused.iter().all(|e| !matches!(e.fault, QueryFault::UnknownModifier | QueryFault::UnknownParameter | QueryFault::NotSupported))
    })
}

/// The modifiers that a parameter takes; for references the types it can be narrowed to are not listed.
pub(crate) fn modifiers(table: &TypeTable, parameter: &Parameter) -> Vec<&'static str> {
    let all = ["missing", "exact", "contains", "not", "identifier"];
    all.into_iter().filter(|m| takes(table, &format!("{}:{m}", parameter.name), "true")).collect()
}

/// The keys of `_sort`.
pub(crate) fn sortable(table: &TypeTable) -> Vec<&'static str> {
    table.params.iter().map(|p| p.name).filter(|name| takes(table, "_sort", name)).collect()
}

/// The values that `_include` may have.
pub(crate) fn includes(table: &TypeTable) -> Vec<String> {
    references(table).map(|p| format!("{}:{}", table.resource_type, p.name)).collect()
}

/// The values that `_revinclude` may have.
pub(crate) fn revincludes(table: &TypeTable) -> Vec<String> {
    let ours = table.resource_type;
    let points = |p: &&Parameter| p.targets.is_empty() || p.targets.contains(&ours);
    types().iter().flat_map(|from| references(from).filter(points).map(|p| format!("{}:{}", from.resource_type, p.name))).collect()
}

fn references(table: &TypeTable) -> impl Iterator<Item = &Parameter> {
    table.params.iter().filter(|p| p.kind == ParamKind::Reference)
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn ask(lenient: bool, query: &str) -> Result<Asked, Refusal> {
        let limits = Limits::default();
        let mut headers = HeaderMap::new();
        if lenient {
            headers.insert("prefer", "handling=lenient".parse().unwrap());
        }
        let fields = Fields::read(query, "", &headers, &limits)?;
        let table = hutong_commit::search::table::of("Observation").unwrap();
        parse(&fields, table, "http://h/fhir/Observation", None, &limits)
    }

    #[test]
    fn what_is_refused_and_what_can_be_left_out() {
        for (query, rule, can_be_left_out) in [
            ("pateint=1", "search.parameter", true),
            ("code:above=1", "search.modifier", true),
            ("_elements=id", "search.parameter", true),
            ("_include=*", "search.value", true),
            ("_include:iterate=Observation:subject", "search.modifier", true),
            ("_revinclude=Nothing:x", "search.value", true),
            ("_sort=subject", "search.value", true),
            ("_summary=text", "search.value", true),
            ("_total=roughly", "search.value", true),
            ("patient.organization.name=x", "search.parameter", true),
            ("date=2026-13", "search.value", false),
            ("_count=-1", "search.value", false),
            ("_count=1&_count=2", "search.repeated", false),
            ("_cursor=0000", "search.cursor", false),
            ("patient=", "search.value", false),
        ] {
            let strict = ask(false, query).err().unwrap();
            assert_eq!((strict.status.as_u16(), strict.rule), (400, rule), "{query}");
            let lenient = ask(true, query);
            assert_eq!(lenient.as_ref().is_ok_and(|a| a.left_out == [strict.clone()]), can_be_left_out, "{query}");
            if let Ok(asked) = lenient {
                assert_eq!(asked.honoured.url("x", None), "x", "{query}: what was left out is not in the self link");
            }
        }
    }

    #[test]
    fn what_is_supported_is_said() {
        let unknown = ask(false, "pateint=1").err().unwrap();
        assert!(
            unknown.en.contains("pateint")
                && unknown.en.contains("_id, ")
                && unknown.en.contains("patient, ")
                && unknown.en.contains("_revinclude")
        );
        let modifier = ask(false, "code:above=1").err().unwrap();
        assert!(modifier.en.ends_with("supports: missing, not"), "{}", modifier.en);
        let sort = ask(false, "_sort=subject").err().unwrap();
        assert!(sort.en.contains("date") && sort.en.contains("_lastUpdated") && !sort.en.contains("subject"), "{}", sort.en);
        let include = ask(false, "_include=*").err().unwrap();
        assert!(include.en.contains("Observation:subject"), "{}", include.en);
    }

    #[test]
    fn the_self_link_is_what_is_done() {
        let asked = ask(false, "patient=1&_count=1000000&code=http%3A%2F%2Floinc.org%7C2345-7&_format=json").ok().unwrap();
        assert_eq!(asked.query.count, 500);
        assert_eq!(asked.honoured.url("x", None), "x?patient=1&code=http://loinc.org|2345-7&_count=500&_format=json");
        assert_eq!(ask(false, "patient=1").ok().unwrap().query.count, 50);
    }
}
