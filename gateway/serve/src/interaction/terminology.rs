//! Questions about codes: `$lookup`, `$validate-code`, `$subsumes`, `$expand`, `$translate`
//! (<https://hl7.org/fhir/R4/terminology-service.html>), answered from what is loaded.

use std::time::{SystemTime, UNIX_EPOCH};

use hutong_fhir::json;
use hutong_wire::limits::Limits;

use crate::answer::Answer;
use crate::document::Sent;
use crate::library::Edition;
use crate::operation::{Operation, Type};
use crate::parameters;
use crate::params::Fields;
use crate::refusal::Refusal;
use crate::time;

pub(crate) fn answer(
    edition: &Edition,
    operation: Operation,
    (kind, id): (&str, Option<&str>),
    body: Option<Sent>,
    fields: &Fields,
    limits: &Limits,
) -> Result<Answer, Refusal> {
    let mut parameters = match body {
        Some(sent) => parameters::of_body(operation, sent.read(limits)?.tree, fields)?,
        None => parameters::of_address(operation, fields)?,
    };
    if let Some(id) = id {
        let subject = edition.shelf().read(kind, id).ok_or_else(Refusal::not_found)?;
        if parameters::named(&parameters, operation.subject()).next().is_some() {
            return Err(Refusal::given_twice(operation.subject()));
        }
        parameters::add(&mut parameters, operation.subject(), Type::Uri, &subject.url)?;
    }
    let terminology = &edition.knowledge.terminology;
    let answered = match operation {
        Operation::Lookup => terminology.lookup(&parameters),
        Operation::Subsumes => terminology.subsumes(&parameters),
        Operation::ValidateCodeInSystem => terminology.validate_code_in_system(&parameters),
        Operation::ValidateCodeInSet => terminology.validate_code(&parameters),
        Operation::Expand => terminology.expand(&parameters, &now()),
        Operation::Translate => terminology.translate(&parameters),
        Operation::Validate
        | Operation::Match
        | Operation::RecognitionCheck
        | Operation::RecognitionAnswer
        | Operation::EvaluateMeasure
        | Operation::CollectData => {
            return Err(Refusal::unknown_operation());
        }
    };
    let answered = answered.map_err(|finding| Refusal::of_finding(&finding))?;
    let mut out = Vec::with_capacity(1024);
    json::write(answered.root(), &mut out);
    Ok(Answer::fhir(out))
}

/// When an expansion is made.
fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    time::instant(i64::try_from(since.as_micros()).unwrap_or(0))
}
