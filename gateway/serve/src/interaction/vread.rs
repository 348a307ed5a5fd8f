//! `GET [base]/[type]/[id]/_history/[vid]`: one version (<https://hl7.org/fhir/R4/http.html#vread>).

use crate::answer::Answer;
use crate::refusal::Refusal;
use crate::source::Source;

pub(crate) fn answer(source: &dyn Source, kind: &str, id: &str, version: u64) -> Result<Answer, Refusal> {
    let found = source.vread(kind, id, version)?.ok_or_else(Refusal::not_found)?;
    if found.deleted {
        return Err(Refusal::gone(found.version));
    }
    Ok(Answer::fhir(found.body).versioned(found.version, found.last_updated_us))
}
