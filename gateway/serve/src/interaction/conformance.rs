//! The loaded conformance resources: read by id, searched by address, name, title, status and version.

use hutong_wire::limits::{Limits, size};

use crate::answer::Answer;
use crate::bundle::{Bundle, Mode};
use crate::library::Edition;
use crate::measure::Compared;
use crate::negotiate::Handling;
use crate::params::{self, Fields};
use crate::refusal::{self, Refusal};
use crate::shelf;

pub(crate) fn read(edition: &Edition, kind: &str, id: &str) -> Result<Answer, Refusal> {
    edition.shelf().read(kind, id).map(|r| Answer::fhir(r.body.clone())).ok_or_else(Refusal::not_found)
}

pub(crate) fn search(edition: &Edition, kind: &str, fields: &Fields, base: &str, limits: &Limits) -> Result<Answer, Refusal> {
    let mut wanted = Vec::new();
    let mut left_out = Vec::new();
    let mut honoured = fields.honoured();
    let (mut count, mut cursor) = (None, None);
    for (name, value) in &fields.list {
        match name.as_str() {
            "_count" if count.is_some() => return Err(Refusal::given_twice("_count")),
            "_count" => count = Some(params::count(value, limits)?),
            "_cursor" => cursor = Some(value.as_str()),
            _ if shelf::parameters(kind).any(|(known, _)| known == name) => {
                if shelf::parameters(kind).any(|(known, of)| known == name && of == "date") {
                    value.split(',').try_for_each(|v| Compared::read(v).map(drop).ok_or_else(|| Refusal::bad_date(name)))?;
                }
                honoured.push(name, value);
                wanted.push((name.clone(), value.clone()));
            }
            _ => {
                let known: Vec<&str> = shelf::parameters(kind).map(|(n, _)| n).collect();
                let refusal = Refusal::unknown_parameter(name, &known.join(", "));
                if fields.handling == Handling::Strict {
                    return Err(refusal);
                }
                left_out.push(refusal);
            }
        }
    }
    let address = format!("{base}/{kind}");
    let mark = honoured.mark(&address);
    let from = match cursor {
        Some(cursor) => params::open_cursor(cursor, &mark)?.parse::<usize>().map_err(|_| Refusal::bad_cursor())?,
        None => 0,
    };
    if let Some(count) = count {
        honoured.push("_count", count.to_string());
    }
    let count = count.unwrap_or(size(limits.search_count_default));
    let found = edition.shelf().find(kind, &wanted);
    let page: Vec<_> = found.iter().skip(from).take(count).collect();
    let next = from.saturating_add(page.len());
    let own = honoured.url(&address, cursor);
    let next = (next < found.len() && !page.is_empty()).then(|| honoured.url(&address, Some(&format!("{mark}.{next}"))));
    let mut links = vec![("self", own.as_str())];
    links.extend(next.as_deref().map(|next| ("next", next)));
    let bytes = page.iter().map(|r| r.body.len() + 128).sum();
    let mut bundle = Bundle::new("searchset", Some(found.len() as u64), &links, bytes);
    for r in page {
        bundle.found(base, r.kind, &r.id, &r.body, Mode::Match);
    }
    if !left_out.is_empty() {
        let mut said = Vec::new();
        refusal::outcome(&left_out, "warning", &mut said);
        bundle.found(base, "", "", &said, Mode::Outcome);
    }
    Ok(Answer::fhir(bundle.finish()))
}
