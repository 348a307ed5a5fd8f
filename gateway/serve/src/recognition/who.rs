//! About whom and by whom: a patient as this gateway knows it, and the codes of institution, department and doctor.

use hutong_fhir::json::{self, JsonLimits};
use hutong_fhir::{NodeRef, Tree};

use super::At;
use crate::community::Grade;

/// A stored resource by its reference `Type/id`; `None`: none, deleted, or not to be read now.
pub(crate) fn stored(at: &At<'_>, reference: &str) -> Option<Tree> {
    let (kind, id) = reference.split_once('/')?;
    let version = at.source.read(kind, id).ok()?.filter(|v| !v.deleted)?;
    json::parse(&version.body, &JsonLimits::default()).ok().map(|(tree, _)| tree)
}

/// `Patient/<id>` of the asker's own record of a patient, found by id, else by what is said of the patient. `None`: not
/// known, or not one of the asker's.
pub(crate) fn patient(at: &At<'_>, id: &str, described: Option<NodeRef<'_>>) -> Option<String> {
    let id = id.strip_prefix("Patient/").unwrap_or(id);
    let known = stored(at, &format!("Patient/{id}")).map(|_| id.to_owned());
    let known = known.or_else(|| {
        let likely = at.community?.matches(described?);
        likely.into_iter().find(|l| l.grade == Grade::Certain).map(|l| l.patient)
    })?;
    let Some(institution) = at.asker.institution else { return Some(format!("Patient/{known}")) };
    let mut records = vec![known.clone()];
    records.extend(at.community.map(|c| c.others(&known)).unwrap_or_default());
    let own = records.into_iter().find(|record| at.office.ledger.registered(record, institution))?;
    Some(format!("Patient/{own}"))
}

/// The code by which the registries know an institution, department or doctor: what a string or identifier says, else the
/// first identifier of the resource that a reference names, else the id that it names.
pub(crate) fn code(at: &At<'_>, value: NodeRef<'_>) -> Option<String> {
    if let Some(text) = value.value() {
        return Some(by_reference(at, text));
    }
    let own = value.at("value").or_else(|| value.at("identifier.value"));
    own.map(str::to_owned).or_else(|| value.at("reference").map(|r| by_reference(at, r)))
}

/// As [`code`], of a text that is a reference or a code.
pub(crate) fn by_reference(at: &At<'_>, text: &str) -> String {
    let Some((_, id)) = text.split_once('/') else { return text.to_owned() };
    let code = stored(at, text).and_then(|tree| tree.root().at("identifier.value").map(str::to_owned));
    code.unwrap_or_else(|| id.to_owned())
}
