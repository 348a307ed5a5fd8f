//! `GET [base]/Patient/[id]/[type]?…`: what there is of one patient (<https://hl7.org/fhir/R4/compartmentdefinition-patient.html>).
//!
//! A resource belongs to the patient whom its `patient` or `subject` names. That the patient also stands elsewhere in it (as
//! a performer, say) does not make it his record here.

use hutong_commit::search::table::{ParamKind, TypeTable};
use hutong_wire::limits::Limits;

use crate::answer::Answer;
use crate::params::{self, Fields};
use crate::refusal::Refusal;
use crate::source::Source;

pub(crate) fn answer(
    source: &dyn Source,
    patient: &str,
    table: &'static TypeTable,
    fields: &Fields,
    base: &str,
    limits: &Limits,
) -> Result<Answer, Refusal> {
    let member = membership(table).ok_or_else(|| Refusal::not_in_compartment(table.resource_type))?;
    // a patient who may not be seen is one who does not exist
    let found = source.read("Patient", patient)?.ok_or_else(Refusal::not_found)?;
    if found.deleted {
        return Err(Refusal::gone(found.version));
    }
    let address = format!("{base}/Patient/{patient}/{}", table.resource_type);
    let asked = params::parse_search(fields, table, &address, Some((member, format!("Patient/{patient}"))), limits)?;
    super::search::run(source, asked, &address, base)
}

/// The parameter by which a type belongs to a patient.
pub(crate) fn membership(table: &TypeTable) -> Option<&'static str> {
    let named = |name: &str| table.param(name).filter(|p| p.kind == ParamKind::Reference && p.targets.contains(&"Patient"));
    named("patient").or_else(|| named("subject")).map(|p| p.name)
}
