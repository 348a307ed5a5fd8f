//! `/admin/…`: what an operator sees and does. JSON in and out; what is wrong is an OperationOutcome.

use http::StatusCode;
use http::header::{ACCEPT, HeaderMap};
use hutong_fhir::outcome;
use hutong_validate::Syntax;

use crate::answer::Answer;
use crate::community::{Admin, AdminAsk, AdminRefusal, ReportAsk};
use crate::document::Sent;
use crate::params::Fields;
use crate::refusal::Refusal;

pub(crate) fn answer(admin: &dyn Admin, caller: &str, path: &str, body: Option<Sent>, fields: &Fields) -> Result<Answer, Refusal> {
    if body.as_ref().is_some_and(|b| b.syntax != Syntax::Json) {
        return Err(Refusal::not_json());
    }
    let body = body.as_ref().map(|b| b.text.as_ref());
    match admin.answer(&AdminAsk { caller, path, query: &fields.list, body }) {
        Ok(value) => Ok(Answer::other("application/json; charset=utf-8", value.to_string().into_bytes())),
        Err(refused) => refusal(refused),
    }
}

/// A report, of all institutions or of one only.
pub(crate) fn report(admin: &dyn Admin, path: &str, only: Option<&str>, headers: &HeaderMap, fields: &Fields) -> Result<Answer, Refusal> {
    let accept = headers.get(ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or("");
    match admin.report(&ReportAsk { path, query: &fields.list, only, accept }) {
        Ok(report) => {
            let answer = Answer::other(report.content_type, report.bytes);
            Ok(match report.file_name {
                Some(name) => answer.saved_as(&name),
                None => answer,
            })
        }
        Err(refused) => refusal(refused),
    }
}

fn refusal(refused: AdminRefusal) -> Result<Answer, Refusal> {
    match refused {
        AdminRefusal::NoSuchPath => Err(Refusal::no_such_path()),
        AdminRefusal::Unavailable => Err(Refusal::unavailable()),
        AdminRefusal::Wrong(findings) => {
            let mut out = Vec::with_capacity(512);
            outcome::write(&findings, &mut out);
            let mut answer = Answer::fhir(out);
            answer.status = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(answer)
        }
    }
}
