//! `POST [base]/Task/$recognition-answer`: the doctor looked at a result, recognises it, refuses it with a reason, or takes
//! an answer back. The answer is a Bundle with the Task, its Provenance and, where it is withdrawn, the order. Defined in
//! `profiles/community/operations`.

use hutong_enforce::recognition::desk::{Acted, Decision, Reply};
use hutong_enforce::recognition::record::Context;
use hutong_fhir::{Finding, Key, NodeRef, Tree, json, outcome};

use super::check::{status, value};
use super::{At, NotActed, Sent, now_us, who};
use crate::answer::Answer;
use crate::document;
use crate::refusal::Refusal;

pub(crate) const PARAMETERS: [&str; 9] =
    ["reminder", "order", "result", "decision", "reason", "diagnosis", "practitioner", "department", "institution"];

impl At<'_> {
    /// Answers `$recognition-answer`.
    pub(crate) fn reply(&self, body: Option<&document::Sent>) -> Result<Answer, Refusal> {
        let body = body.ok_or_else(Refusal::not_parameters)?;
        let document = body.read(self.limits)?;
        let reply = self.answered(document.tree.root())?;
        let what = if reply.decision == Decision::View { "recognition/view" } else { "recognition/answer" };
        let sent = Sent { what, protocol: "fhir", source: self.asker.name(), request: &body.text };
        match self.office.act(self.asker, &reply, sent, |acted| bundle(acted, self.base)) {
            Ok((_, answer)) => Ok(Answer::fhir(answer)),
            Err(NotActed::Unknown) => Err(Refusal::unknown_reminder()),
            Err(NotActed::Wrong(findings)) => Ok(wrong(&findings)),
            Err(NotActed::Unkept) => Err(Refusal::unavailable()),
        }
    }

    fn answered(&self, root: NodeRef<'_>) -> Result<Reply, Refusal> {
        if root.resource_type() != Some("Parameters") {
            return Err(Refusal::not_parameters());
        }
        for parameter in root.all(Key::of("parameter")) {
            let name = parameter.at("name").unwrap_or_default();
            if !PARAMETERS.contains(&name) {
                return Err(Refusal::unknown_parameter(name, &PARAMETERS.join(", ")));
            }
        }
        let text = |name: &str| value(root, name).and_then(|v| v.value().or_else(|| v.at("reference"))).unwrap_or_default().to_owned();
        let decision = match text("decision").as_str() {
            "view" => Decision::View,
            "recognise" => Decision::Recognise,
            "refuse" => Decision::Refuse { reason: text("reason"), diagnosis: text("diagnosis") },
            "revoke" => Decision::Revoke,
            _ => {
                let (zh, en) = ("应为 view、recognise、refuse 或 revoke", "view, recognise, refuse or revoke is expected");
                return Err(Refusal::recognition_parameter("decision", zh, en));
            }
        };
        let (reminder, order, result) = (text("reminder"), text("order"), text("result"));
        if reminder.is_empty() && result.is_empty() {
            let (zh, en) =
                ("缺少提醒标识；也可给出申请（order）与结果（result）", "the reminder is missing; order and result may stand for it");
            return Err(Refusal::recognition_parameter("reminder", zh, en));
        }
        let code = |name| value(root, name).and_then(|v| who::code(self, v));
        let context = Context {
            institution: self.institution(code("institution"))?,
            department: code("department").unwrap_or_default(),
            doctor: code("practitioner").unwrap_or_default(),
            order: order.clone(),
            channel: "fhir".to_owned(),
            ..Context::default()
        };
        Ok(Reply { reminder, order, result, context, at_us: now_us(), decision })
    }
}

/// Findings as they are answered: what speaks against an answer is no fault of the request's form.
pub(super) fn wrong(findings: &[Finding]) -> Answer {
    let mut out = Vec::with_capacity(512);
    outcome::write(findings, &mut out);
    let mut answer = Answer::fhir(out);
    answer.status = status(findings.first().map_or("", |f| f.issue));
    answer
}

/// What came of it, as a Bundle of type collection.
fn bundle(acted: &Acted, base: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(4096);
    out.extend_from_slice(br#"{"resourceType":"Bundle","type":"collection""#);
    for (n, resource) in acted.resources.iter().enumerate() {
        out.extend_from_slice(if n == 0 { br#","entry":[{"fullUrl":""# } else { br#",{"fullUrl":""# });
        json::escape(&url(resource, base), &mut out);
        out.extend_from_slice(br#"","resource":"#);
        json::write(resource.root(), &mut out);
        out.push(b'}');
    }
    out.extend_from_slice(if acted.resources.is_empty() { b"}" } else { b"]}" });
    out
}

fn url(resource: &Tree, base: &str) -> String {
    let root = resource.root();
    format!("{base}/{}/{}", root.resource_type().unwrap_or_default(), root.at("id").unwrap_or_default())
}
