//! `GET [base]/[type]?…` and `POST [base]/[type]/_search` (<https://hl7.org/fhir/R4/http.html#search>).

use hutong_commit::search::Page;
use hutong_commit::search::table::TypeTable;
use hutong_wire::limits::Limits;

use crate::answer::Answer;
use crate::bundle::{Bundle, Mode};
use crate::params::{self, Asked, Fields};
use crate::refusal::{self, Refusal};
use crate::source::Source;

pub(crate) fn answer(
    source: &dyn Source,
    table: &'static TypeTable,
    fields: &Fields,
    base: &str,
    limits: &Limits,
) -> Result<Answer, Refusal> {
    let address = format!("{base}/{}", table.resource_type);
    let asked = params::parse_search(fields, table, &address, None, limits)?;
    run(source, asked, &address, base)
}

/// Runs a search and writes its Bundle; `address` is where a client repeats it.
pub(crate) fn run(source: &dyn Source, mut asked: Asked, address: &str, base: &str) -> Result<Answer, Refusal> {
    let page = source.search(&asked.query)?;
    let own = asked.honoured.url(address, asked.cursor.as_deref());
    let next = page.next.as_ref().map(|after| asked.honoured.url(address, Some(&format!("{}.{}", asked.mark, after.encode()))));
    let mut links = vec![("self", own.as_str())];
    links.extend(next.as_deref().map(|next| ("next", next)));
    if page.included_cut {
        asked.left_out.push(Refusal::includes_cut());
    }
    Ok(Answer::fhir(bundle(&page, &asked, &links, base)))
}

fn bundle(page: &Page, asked: &Asked, links: &[(&str, &str)], base: &str) -> Vec<u8> {
    let all = page.matches.iter().chain(&page.included);
    let bytes = all.map(|row| row.version.body.len() + 128).sum();
    let mut bundle = Bundle::new("searchset", page.total, links, bytes);
    for (rows, mode) in [(&page.matches, Mode::Match), (&page.included, Mode::Include)] {
        for row in rows {
            bundle.found(base, row.resource_type, &row.id, &row.version.body, mode);
        }
    }
    if !asked.left_out.is_empty() {
        let mut said = Vec::new();
        refusal::outcome(&asked.left_out, "warning", &mut said);
        bundle.found(base, "", "", &said, Mode::Outcome);
    }
    bundle.finish()
}
