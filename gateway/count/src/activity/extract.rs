//! From the resources of one message to what it says of activity. Which fields these are stands in `gateway/docs/counting.md`.

use super::event::{Event, Of, Visit, Word};
use hutong_enforce::recognition::moment;
use hutong_fhir::NodeRef;

const COMMUNITY: &str = "http://fhir.med-community.cn/gw/StructureDefinition/";
/// WS 364 手术级别
const OPERATION_LEVEL: &str = "urn:oid:2.16.156.10011.2.3.1.258";
/// Events of one message; a message with more is cut off there.
const MOST: usize = 1_000;

/// What a message says of activity. `institution`: the code of the one that sent it.
///
/// Visits are told by ADT messages and by Encounters themselves: what an order or a report repeats of its visit is no
/// visit, for reports come from where somebody reads, not from where the patient is.
pub fn events_of(resources: &[NodeRef<'_>], institution: &str) -> Vec<Event> {
    let message = Message::of(resources, institution);
    let mut out: Vec<Event> = Vec::new();
    for resource in resources {
        let event = match resource.resource_type() {
            Some("Encounter") if message.tells_visits() => message.visit(*resource),
            Some("ServiceRequest") if is_referral(*resource) => message.referral(*resource),
            Some("Procedure") if message.tells_visits() => message.operation(*resource),
            Some("DiagnosticReport") if is_ecg(*resource) => message.tracing(*resource),
            Some("MedicationRequest") => message.prescription(*resource),
            _ => None,
        };
        out.extend(event);
    }
    out.truncate(MOST);
    out
}

/// The resources of a message, and what it is.
struct Message<'m, 't> {
    resources: &'m [NodeRef<'t>],
    institution: &'m str,
    /// Of an HL7 v2 message: `A01`, `I12`.
    event: Option<&'t str>,
}

impl<'m, 't> Message<'m, 't> {
    fn of(resources: &'m [NodeRef<'t>], institution: &'m str) -> Message<'m, 't> {
        let header = resources.iter().find(|r| r.resource_type() == Some("MessageHeader"));
        let event = header.and_then(|h| h.at("eventCoding.code"));
        Message { resources, institution, event }
    }

    /// What a reference of this message means. Few are asked for: no table is made.
    fn find(&self, reference: &str) -> Option<NodeRef<'t>> {
        let (kind, id) = reference.split_once('/')?;
        self.resources.iter().find(|r| r.at("id") == Some(id) && r.resource_type() == Some(kind)).copied()
    }

    fn tells_visits(&self) -> bool {
        self.event.is_none_or(|e| e.starts_with('A'))
    }

    fn event(&self, key: String, resource: NodeRef<'t>, of: Of) -> Option<Event> {
        let patient = resource.at("subject.reference").and_then(|p| self.find(p));
        let test = is_tagged(resource, "HTEST") || patient.is_some_and(|p| is_tagged(p, "HTEST"));
        let at_us = extension(resource, "business-event").and_then(|e| e.at("valueDateTime")).and_then(moment);
        (!key.ends_with('/')).then(|| Event { institution: self.institution.to_owned(), key, at_us, test, of })
    }

    fn visit(&self, encounter: NodeRef<'t>) -> Option<Event> {
        let status = encounter.at("status").unwrap_or("");
        let word = match (status, self.event) {
            ("cancelled" | "entered-in-error", _) => Word::Cancelled,
            (_, Some("A13")) => Word::Reopened,
            ("finished", _) => Word::Ended,
            ("planned", _) => Word::Planned,
            (_, Some("A01" | "A04" | "A06" | "A07") | None) => Word::Begun,
            _ => Word::Told,
        };
        let leaving = encounter.get("hospitalization");
        let start_us = encounter.at("period.start").and_then(moment);
        let numbered = encounter.get("identifier").is_some_and(|i| i.at("value").is_some_and(|v| !v.is_empty()));
        let text = |value: Option<&str>| value.unwrap_or("").to_owned();
        let visit = Visit {
            word,
            class: text(encounter.at("class.code").filter(|c| *c != "UNK")),
            start_us,
            end_us: encounter.at("period.end").and_then(moment),
            department: text(self.department(encounter)),
            disposition: text(leaving.and_then(|l| l.at("dischargeDisposition.coding.code"))),
            destination: text(leaving.and_then(|l| self.destination(l))),
            checkup: is_tagged(encounter, "check-up"),
            unnumbered: !numbered && start_us.is_none(),
        };
        self.event(reference("Encounter", encounter), encounter, Of::Visit(visit))
    }

    /// Code of the department, else its name.
    fn department(&self, encounter: NodeRef<'t>) -> Option<&'t str> {
        let provider = encounter.at("serviceProvider.reference").and_then(|r| self.find(r))?;
        let is_department = provider.at("type.coding.code") == Some("dept");
        provider.at("identifier.value").or(provider.at("name")).filter(|_| is_department)
    }

    /// The institution that the patient went to.
    fn destination(&self, leaving: NodeRef<'t>) -> Option<&'t str> {
        let place = leaving.at("destination.reference").and_then(|r| self.find(r));
        let told = place.and_then(|p| p.at("type.coding.code").or(p.at("identifier.value")).or(p.at("name")));
        leaving.at("destination.identifier.value").or(told)
    }

    fn referral(&self, request: NodeRef<'t>) -> Option<Event> {
        let to = request.get("performer").and_then(|p| {
            let organization = p.at("reference").and_then(|r| self.find(r));
            p.at("identifier.value").or(organization.and_then(|o| o.at("identifier.value").or(o.at("name"))))
        });
        let live = !matches!(request.at("status"), Some("revoked" | "entered-in-error"));
        let own = reference("ServiceRequest", request);
        // without a visit it is a stay of nobody
        let visit = request.at("encounter.reference").unwrap_or(&own).to_owned();
        self.event(visit, request, Of::Referral { request: own.clone(), to: to.unwrap_or("").to_owned(), live })
    }

    fn operation(&self, procedure: NodeRef<'t>) -> Option<Event> {
        let start = procedure.at("performedPeriod.start").or(procedure.at("performedDateTime"));
        let live = !matches!(procedure.at("status"), Some("entered-in-error" | "not-done"));
        let of = Of::Operation {
            procedure: reference("Procedure", procedure),
            start_us: start.and_then(moment),
            level: operation_level(procedure),
            live,
        };
        self.event(procedure.at("encounter.reference")?.to_owned(), procedure, of)
    }

    fn tracing(&self, report: NodeRef<'t>) -> Option<Event> {
        let live = !matches!(report.at("status"), Some("cancelled" | "entered-in-error"));
        let taken = report.at("effectiveDateTime").or(report.at("effectivePeriod.start")).or(report.at("issued"));
        let of = Of::Tracing { day_us: taken.and_then(moment), live };
        let mut event = self.event(reference("DiagnosticReport", report), report, of)?;
        if let Some(place) = extension(report, "exam-organization").and_then(|e| e.at("valueReference.identifier.value")) {
            place.clone_into(&mut event.institution);
        }
        Some(event)
    }

    /// Drugs with one number are one prescription: that of the group, of the prescription, of the order.
    fn prescription(&self, request: NodeRef<'t>) -> Option<Event> {
        let number = request.at("groupIdentifier.value").or(request.at("identifier.value"))?;
        let class = request.at("encounter.reference").and_then(|r| self.find(r)).and_then(|e| e.at("class.code"));
        let of = Of::Prescription {
            item: reference("MedicationRequest", request),
            written_us: request.at("authoredOn").and_then(moment),
            inpatient: class == Some("IMP") || request.at("category.coding.code") == Some("inpatient"),
            live: !matches!(request.at("status"), Some("cancelled" | "entered-in-error")),
        };
        self.event(number.to_owned(), request, of)
    }
}

fn reference(kind: &str, resource: NodeRef<'_>) -> String {
    format!("{kind}/{}", resource.at("id").unwrap_or(""))
}

fn all_named<'t>(node: NodeRef<'t>, name: &'static str) -> impl Iterator<Item = NodeRef<'t>> {
    node.children().filter(move |c| c.name() == name)
}

fn extension<'t>(node: NodeRef<'t>, name: &str) -> Option<NodeRef<'t>> {
    all_named(node, "extension").find(|e| e.at("url").and_then(|u| u.strip_prefix(COMMUNITY)) == Some(name))
}

fn is_tagged(resource: NodeRef<'_>, code: &str) -> bool {
    resource.get("meta").is_some_and(|m| all_named(m, "tag").any(|t| t.at("code") == Some(code)))
}

fn codings<'t>(resource: NodeRef<'t>, name: &'static str) -> impl Iterator<Item = NodeRef<'t>> {
    all_named(resource, name).flat_map(|c| all_named(c, "coding"))
}

fn is_referral(request: NodeRef<'_>) -> bool {
    // SNOMED CT: patient referral
    codings(request, "category").any(|c| matches!(c.at("code"), Some("referral" | "3457005")))
}

fn is_ecg(report: NodeRef<'_>) -> bool {
    codings(report, "category").any(|c| matches!(c.at("code"), Some("ECG" | "EC" | "ecg")))
}

/// 手术级别 1–4, as an extension of the procedure's modifiers (PR1-16); 0 = not said.
fn operation_level(procedure: NodeRef<'_>) -> u8 {
    let modifiers =
        all_named(procedure, "extension").filter(|e| e.at("url").and_then(|u| u.strip_prefix(COMMUNITY)) == Some("procedure-modifier"));
    let levels = modifiers
        .flat_map(|e| codings(e, "valueCodeableConcept"))
        .filter(|c| c.at("system") == Some(OPERATION_LEVEL))
        .filter_map(|c| c.at("code")?.trim_start_matches('0').parse().ok());
    levels.filter(|level| (1..=4).contains(level)).max().unwrap_or(0)
}
