//! The loaded conformance resources: read by id, searched by address, name, title, status, version and what else R4 gives them.

use std::borrow::Cow;

use hutong_wire::limits::Limits;

use crate::answer::Answer;
use crate::library::Edition;
use crate::listing::Listing;
use crate::measure::Compared;
use crate::params::Fields;
use crate::refusal::Refusal;
use crate::shelf;

pub(crate) fn read(edition: &Edition, kind: &str, id: &str) -> Result<Answer, Refusal> {
    edition.shelf().read(kind, id).map(|r| Answer::fhir(r.body.clone())).ok_or_else(Refusal::not_found)
}

pub(crate) fn search(edition: &Edition, kind: &str, fields: &Fields, base: &str, limits: &Limits) -> Result<Answer, Refusal> {
    let known: Vec<&str> = shelf::parameters(kind).map(|(name, _)| name).collect();
    let mut wanted = Vec::new();
    let listing = Listing::read(fields, limits, &known, |name, value| {
        if shelf::parameters(kind).any(|(known, of)| known == name && of == "date") {
            value.split(',').try_for_each(|v| Compared::read(v).map(drop).ok_or_else(|| Refusal::bad_date(name)))?;
        }
        wanted.push((name.to_owned(), value.to_owned()));
        Ok(())
    })?;
    let found = edition.shelf().find(kind, &wanted);
    listing.page((base, kind), limits, &found, None, |r| Ok(Some((r.id.as_str(), Cow::Borrowed(r.body.as_slice())))))
}
