//! CDS Hooks 2.0 (<https://cds-hooks.hl7.org/2.0/>): the services `hutong-patient-view`, `hutong-order-select` and
//! `hutong-order-sign`, their discovery and their feedback.
//!
//! What a request holds beyond the specification is tolerated, as it says. `fhirServer` and `fhirAuthorization` are not used:
//! earlier results are here, and no other server is called.

mod card;
mod feedback;
mod request;

use hutong_enforce::recognition::record::Trigger;
use hutong_wire::limits::ms;
use serde_json::{Value, json};

use super::{At, Sent};
use crate::answer::Answer;
use crate::document;
use crate::refusal::Refusal;

const JSON: &str = "application/json; charset=utf-8";

/// A hook that is served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Hook {
    PatientView,
    OrderSelect,
    OrderSign,
}

impl Hook {
    const ALL: [Hook; 3] = [Hook::PatientView, Hook::OrderSelect, Hook::OrderSign];

    fn name(self) -> &'static str {
        match self {
            Hook::PatientView => "patient-view",
            Hook::OrderSelect => "order-select",
            Hook::OrderSign => "order-sign",
        }
    }

    /// Its `id`, the last part of the service's address.
    fn service(self) -> &'static str {
        match self {
            Hook::PatientView => "hutong-patient-view",
            Hook::OrderSelect => "hutong-order-select",
            Hook::OrderSign => "hutong-order-sign",
        }
    }

    fn named(service: &str) -> Result<Hook, Refusal> {
        let known = || Refusal::no_such_service(&Hook::ALL.map(Hook::service).join(", "));
        Hook::ALL.into_iter().find(|h| h.service() == service).ok_or_else(known)
    }

    fn trigger(self) -> Trigger {
        if self == Hook::PatientView { Trigger::Visit } else { Trigger::Order }
    }

    fn title(self) -> &'static str {
        match self {
            Hook::PatientView => "检查检验结果互认：接诊提醒 / Mutual recognition of results: at a visit",
            Hook::OrderSelect => "检查检验结果互认：选择项目时提醒 / Mutual recognition of results: when an order is selected",
            Hook::OrderSign => "检查检验结果互认：开单提醒 / Mutual recognition of results: when orders are signed",
        }
    }

    fn description(self) -> &'static str {
        match self {
            Hook::PatientView => {
                "接诊时列出医共体内其他机构仍在有效期内、可互认的结果。 / At a visit: results of other institutions of the community that are still valid and to be recognised."
            }
            Hook::OrderSelect | Hook::OrderSign => {
                "开单时查找可互认的既往结果，提供撤单、调阅与不互认原因。 / At an order: earlier results that make it unnecessary, with a link to each, the withdrawal of the order, and reasons against."
            }
        }
    }
}

/// An address below `/cds-services`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum HooksRoute {
    Discovery,
    Call(String),
    Feedback(String),
}

impl HooksRoute {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            HooksRoute::Discovery => "cds-discovery",
            HooksRoute::Call(_) => "cds-service",
            HooksRoute::Feedback(_) => "cds-feedback",
        }
    }
}

/// `GET /cds-services`
pub(crate) fn discovery() -> Answer {
    let service = |hook: Hook| {
        json!({
            "hook": hook.name(),
            "title": hook.title(),
            "description": hook.description(),
            "id": hook.service(),
            "prefetch": {
                "patient": "Patient/{{context.patientId}}",
                "encounter": "Encounter/{{context.encounterId}}",
                "user": "{{context.userId}}"
            },
            "usageRequirements": "每次调用均须带令牌（Authorization: Bearer …）；patientId 须为本网关中本机构的患者，否则须预取 patient。 / Each call needs a token (Authorization: Bearer …); patientId is that of the institution's Patient here, else patient must be prefetched."
        })
    };
    answer(&json!({"services": Hook::ALL.map(service)}))
}

fn answer(value: &Value) -> Answer {
    Answer::other(JSON, value.to_string().into_bytes())
}

impl At<'_> {
    /// `POST /cds-services/{id}` and `…/feedback`
    pub(crate) fn hooks(&self, route: &HooksRoute, body: Option<&document::Sent>) -> Result<Answer, Refusal> {
        let text: &[u8] = body.map_or(b"", |b| &b.text);
        match route {
            HooksRoute::Discovery => Ok(discovery()),
            HooksRoute::Call(service) => self.call(Hook::named(service)?, text),
            HooksRoute::Feedback(service) => {
                Hook::named(service)?;
                self.feedback(text)
            }
        }
    }

    fn call(&self, hook: Hook, text: &[u8]) -> Result<Answer, Refusal> {
        let ask = self.hook_question(hook, &request::read(text)?)?;
        let Some(ask) = ask else { return Ok(answer(&json!({"cards": []}))) };
        let told = self.office.ask(&ask, ms(self.limits.recognition_answer_ms));
        let cards = card::cards(&told, hook == Hook::PatientView, &self.office.desk.reasons(), self.root());
        let said = json!({"cards": cards}).to_string().into_bytes();
        let sent = Sent { what: "recognition/ask", protocol: "cds-hooks", source: self.asker.name(), request: text };
        self.office.keep_question(sent, &told, &said)?;
        Ok(Answer::other(JSON, said))
    }
}
