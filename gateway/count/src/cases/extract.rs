//! From the resources of one message to what it says of cases. What stands where is told in `gateway/docs/placement.md`.

use super::sighting::{Id, IdKind, Kind, Modality, Sighting, Status};
use hutong_enforce::recognition::moment;
use hutong_fhir::NodeRef;
use std::collections::HashMap;

const COMMUNITY: &str = "http://fhir.med-community.cn/gw/";
const DICOM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const SECTION: &str = "http://terminology.hl7.org/CodeSystem/v2-0074";
/// 检查报告单号、检验报告单号
const REPORT_NUMBERS: [&str; 2] = ["urn:oid:2.16.156.10011.1.32", "urn:oid:2.16.156.10011.1.33"];
/// Sightings of one message; a message with more is cut off there.
const MOST: usize = 1_000;

/// What the registries know.
pub trait Master {
    fn is_institution(&self, code: &str) -> bool;
    /// Whether it is 基层 now.
    fn is_primary(&self, code: &str) -> bool;
    /// The community's item of an institution's code.
    fn item(&self, institution: &str, system: &str, code: &str) -> Option<String>;
}

/// What a message says of cases. `institution`: the code of the one that sent it.
///
/// A number's assigner is an institution; whatever else stands there (`A1002^HIS`) is a system of the sender's. What a report repeats of its order, specimen and images is the report's word, and no evidence of them.
pub fn sightings_of(resources: &[NodeRef<'_>], institution: &str, master: &dyn Master) -> Vec<Sighting> {
    let message = Message::of(resources, institution, master);
    let mut out = Vec::new();
    for report in message.of_type("DiagnosticReport") {
        let sighting = message.report(report);
        out.extend(message.own_examination(&sighting, report));
        out.push(sighting);
    }
    let by_report = !out.is_empty();
    for order in message.of_type("ServiceRequest").filter(|o| !message.is_repeated(*o)) {
        out.push(message.order(order));
    }
    for specimen in message.of_type("Specimen") {
        if let Some(sighting) = message.specimen(specimen, by_report) {
            out.push(sighting);
        }
    }
    if !by_report {
        out.extend(message.of_type("ImagingStudy").filter_map(|s| message.study(s)));
    }
    out.retain(|s| !s.ids.is_empty());
    out.truncate(MOST);
    out
}

/// The resources of a message, found by their references.
struct Message<'t> {
    all: Vec<(&'t str, NodeRef<'t>)>,
    by_reference: HashMap<String, NodeRef<'t>>,
    institution: &'t str,
    /// MSH-4.
    facility: Option<&'t str>,
    master: &'t dyn Master,
}

impl<'t> Message<'t> {
    fn of(resources: &[NodeRef<'t>], institution: &'t str, master: &'t dyn Master) -> Message<'t> {
        let all: Vec<(&str, NodeRef<'_>)> = resources.iter().filter_map(|r| Some((r.resource_type()?, *r))).collect();
        let by_reference = all.iter().map(|(kind, r)| (reference(kind, *r), *r)).collect();
        let facility = all.iter().find(|(kind, _)| *kind == "MessageHeader").and_then(|(_, header)| header.at("sender.display"));
        Message { all, by_reference, institution, facility, master }
    }

    fn of_type(&self, kind: &'static str) -> impl Iterator<Item = NodeRef<'t>> {
        self.all.iter().filter(move |(k, _)| *k == kind).map(|(_, r)| *r)
    }

    /// An institution that a resource names; what the sender calls itself is the institution that it sends for.
    fn place(&self, node: NodeRef<'t>, name: &str) -> Option<&'t str> {
        let code = extension(node, name)?.at("valueReference.identifier.value")?;
        let itself = Some(code) == self.facility && !self.master.is_institution(code);
        Some(if itself { self.institution } else { code })
    }

    fn begin(&self, kind: Kind, name: &str, resource: NodeRef<'t>) -> Sighting {
        let mut s = Sighting::new(kind, self.institution, &reference(name, resource));
        s.patient = resource.at("subject.reference").unwrap_or("").to_owned();
        s.item = self.item(resource);
        s.modality = modality(resource);
        s.test = has_tag(resource, "HTEST") || self.patient_is_test(&s.patient);
        s.checkup = has_tag(resource, "check-up") || self.of_type("Encounter").any(|e| has_tag(e, "check-up"));
        s
    }

    /// What was asked for: the community's item; else its name, for each institution has codes of its own; else the code.
    fn item(&self, resource: NodeRef<'t>) -> String {
        let Some(coding) = resource.get("code").and_then(|c| c.get("coding")) else { return String::new() };
        let (system, code) = (coding.at("system").unwrap_or(""), coding.at("code").unwrap_or(""));
        if let Some(item) = self.master.item(self.institution, system, code) {
            return format!("item|{item}");
        }
        match coding.at("display").map(str::trim).filter(|name| !name.is_empty()) {
            Some(name) => format!("name|{name}"),
            None if code.is_empty() => String::new(),
            None => format!("{system}|{code}"),
        }
    }

    fn patient_is_test(&self, patient: &str) -> bool {
        self.by_reference.get(patient).is_some_and(|p| has_tag(*p, "HTEST"))
    }

    fn report(&self, report: NodeRef<'t>) -> Sighting {
        let mut s = self.begin(Kind::Report, "DiagnosticReport", report);
        s.status = status(report.at("status"));
        s.examined_us = begun(report);
        s.reported_us = match report.at("issued") {
            // when it was withdrawn stands apart from when it had been issued
            issued if s.status.is_void() => extension(report, "business-event").and_then(|e| e.at("valueDateTime")).or(issued),
            issued => issued,
        }
        .and_then(moment);
        let read = self.place(report, "report-organization").or_else(|| self.interpreter_place(report));
        s.read = self.performed(report, read).unwrap_or("").to_owned();
        // the sender as the last resort says nothing of where it was examined
        s.exam = self.place(report, "exam-organization").filter(|e| *e != self.institution).unwrap_or("").to_owned();
        s.readers =
            report.all_named("resultsInterpreter").filter_map(|i| i.at("reference").or(i.at("display"))).map(str::to_owned).collect();
        s.critical = extension(report, "critical-value").is_some() || self.results(report).any(is_critical);
        for order in self.referred(report, "basedOn") {
            s.ordered_us = s.ordered_us.or_else(|| order.at("authoredOn").and_then(moment));
        }
        self.number(&mut s, report);
        self.settle_ids(s)
    }

    /// A 基层 institution that sends a result which is not final, or which it read itself, has examined, unless a number of it
    /// is another institution's: what is read above later has this message as its evidence.
    fn own_examination(&self, s: &Sighting, report: NodeRef<'t>) -> Option<Sighting> {
        let own_word =
            s.exam.is_empty() && !s.status.is_void() && (!s.status.is_final() || s.read.is_empty() || s.read == self.institution);
        if !own_word || s.examined_us.is_none() || !self.master.is_primary(self.institution) {
            return None;
        }
        let elsewhere = |n: &Number<'t>| n.kind != IdKind::Study && self.assigner(n) != self.institution;
        if self.numbers_of(report).iter().any(|(_, n)| elsewhere(n)) {
            return None;
        }
        let said = s.clone();
        Some(Sighting {
            status: Status::Unknown,
            ordered_us: None,
            reported_us: None,
            read: String::new(),
            readers: Vec::new(),
            critical: false,
            kind: Kind::Study,
            ..said
        })
    }

    /// Where all results were made, if each says so: a report that is only passed on names its sender.
    fn performed(&self, report: NodeRef<'t>, read: Option<&'t str>) -> Option<&'t str> {
        if read.is_some_and(|r| r != self.institution) {
            return read;
        }
        let mut places = self.results(report).map(|r| self.place(r, "report-organization"));
        let first = places.next().flatten();
        first.filter(|place| places.all(|p| p == Some(place))).or(read)
    }

    /// The numbers of a report and of what it refers to.
    fn numbers_of(&self, report: NodeRef<'t>) -> Vec<(NodeRef<'t>, Number<'t>)> {
        let parts = ["basedOn", "specimen", "imagingStudy"].into_iter().flat_map(|name| self.referred(report, name));
        std::iter::once(report).chain(parts).flat_map(|r| numbers(r).map(move |n| (r, n))).collect()
    }

    /// All numbers of a report, a 登记号 before the others: it says best which examination it is.
    fn number(&self, s: &mut Sighting, report: NodeRef<'t>) {
        let mut all = self.numbers_of(report);
        all.sort_by_key(|(_, n)| !n.is_accession);
        s.accession = all.first().is_some_and(|(_, n)| n.is_accession);
        for (_, n) in &all {
            push(&mut s.ids, Id::new(n.kind, self.assigner(n), n.value));
        }
        if s.exam.is_empty() {
            return;
        }
        // A number without assigner is the sender's. Of what was examined elsewhere it may as well be that institution's.
        for (_, n) in all.iter().filter(|(r, n)| r.resource_type() != Some("ImagingStudy") && self.assigner(n) == self.institution) {
            if matches!(n.kind, IdKind::Order | IdKind::Accession) {
                push(&mut s.ids, Id::new(n.kind, &s.exam, n.value));
            }
        }
    }

    fn order(&self, order: NodeRef<'t>) -> Sighting {
        let control = extension(order, "order-control").and_then(|e| e.at("valueCode"));
        let placed = matches!(control, None | Some("NW" | "RO" | "XO" | "SN" | "PA" | "CH"));
        let mut s = self.begin(if placed { Kind::Order } else { Kind::Status }, "ServiceRequest", order);
        s.status = status(order.at("status"));
        s.exam = self.place(order, "order-organization").filter(|e| *e != self.institution).unwrap_or("").to_owned();
        s.ordered_us = if placed { order.at("authoredOn").and_then(moment) } else { None };
        self.add_numbers(&mut s.ids, order);
        let own = s.resource.clone();
        let studies = self.of_type("ImagingStudy").filter(|i| i.all_named("basedOn").any(|b| b.at("reference") == Some(own.as_str())));
        for part in self.referred(order, "specimen").chain(studies) {
            self.add_numbers(&mut s.ids, part);
        }
        self.settle_ids(s)
    }

    /// A specimen that was taken is evidence of where; one that was received, or is told of in a report, is not.
    fn specimen(&self, specimen: NodeRef<'t>, by_report: bool) -> Option<Sighting> {
        let received = specimen.at("receivedTime").and_then(moment);
        let rejected = specimen.at("status") == Some("unsatisfactory") || extension(specimen, "rejection-reason").is_some();
        let taken = begun_at(specimen.get("collection"), "collected");
        if by_report && !rejected {
            return None;
        }
        let is_evidence = taken.is_some() && received.is_none() && !rejected && !by_report;
        let mut s = self.begin(if is_evidence { Kind::Specimen } else { Kind::Status }, "Specimen", specimen);
        (s.examined_us, s.received_us, s.rejected) = (taken, received, rejected);
        self.add_numbers(&mut s.ids, specimen);
        let own = s.resource.clone();
        let mut orders: Vec<NodeRef<'_>> =
            self.of_type("ServiceRequest").filter(|o| o.all_named("specimen").any(|r| r.at("reference") == Some(own.as_str()))).collect();
        let all: Vec<NodeRef<'_>> = self.of_type("ServiceRequest").collect();
        if orders.is_empty() && all.len() == 1 {
            orders = all;
        }
        for order in orders {
            self.add_numbers(&mut s.ids, order);
            fill_modality(&mut s, order);
        }
        Some(self.settle_ids(s))
    }

    /// Images of an order are not taken yet; those of a status are.
    fn study(&self, study: NodeRef<'t>) -> Option<Sighting> {
        let mut s = self.begin(Kind::Study, "ImagingStudy", study);
        let ordered = self.of_type("ServiceRequest").any(|o| self.order(o).kind == Kind::Order);
        s.examined_us = study.at("started").and_then(moment);
        if s.examined_us.is_none() || (ordered && study.at("status") != Some("available")) {
            return None;
        }
        s.exam = self.place(study, "exam-organization").filter(|e| *e != self.institution).unwrap_or("").to_owned();
        self.add_numbers(&mut s.ids, study);
        for order in self.referred(study, "basedOn") {
            self.add_numbers(&mut s.ids, order);
        }
        Some(self.settle_ids(s))
    }

    /// Whether an order is what a report of this message repeats.
    fn is_repeated(&self, order: NodeRef<'t>) -> bool {
        let own = reference("ServiceRequest", order);
        self.of_type("DiagnosticReport").any(|r| r.all_named("basedOn").any(|b| b.at("reference") == Some(own.as_str())))
    }

    fn referred(&self, from: NodeRef<'t>, element: &'static str) -> impl Iterator<Item = NodeRef<'t>> {
        from.all_named(element).filter_map(|r| self.by_reference.get(r.at("reference")?).copied())
    }

    fn results(&self, report: NodeRef<'t>) -> impl Iterator<Item = NodeRef<'t>> {
        self.referred(report, "result")
    }

    fn interpreter_place(&self, report: NodeRef<'t>) -> Option<&'t str> {
        self.referred(report, "resultsInterpreter").find_map(|role| role.at("organization.identifier.value"))
    }

    fn add_numbers(&self, ids: &mut Vec<Id>, resource: NodeRef<'_>) {
        for n in numbers(resource) {
            push(ids, Id::new(n.kind, self.assigner(&n), n.value));
        }
    }

    /// A registered institution, else the sender: nothing said, or a system of its own.
    fn assigner(&self, n: &Number<'t>) -> &'t str {
        match n.assigner {
            // a UID is unique by itself
            _ if n.kind == IdKind::Study => "",
            written if self.master.is_institution(written) => written,
            _ => self.institution,
        }
    }

    fn settle_ids(&self, mut s: Sighting) -> Sighting {
        if s.ids.is_empty() && !s.resource.ends_with('/') {
            s.ids.push(Id::new(IdKind::Resource, "", &s.resource));
        }
        s
    }
}

/// What a node has under a name, all of it.
trait AllNamed<'t> {
    fn all_named(self, name: &'static str) -> impl Iterator<Item = NodeRef<'t>>;
}

impl<'t> AllNamed<'t> for NodeRef<'t> {
    fn all_named(self, name: &'static str) -> impl Iterator<Item = NodeRef<'t>> {
        self.children().filter(move |c| c.name() == name)
    }
}

fn reference(kind: &str, resource: NodeRef<'_>) -> String {
    format!("{kind}/{}", resource.at("id").unwrap_or(""))
}

fn extension<'t>(node: NodeRef<'t>, name: &str) -> Option<NodeRef<'t>> {
    node.all_named("extension")
        .find(|e| e.at("url").and_then(|u| u.strip_prefix(COMMUNITY)).and_then(|u| u.strip_prefix("StructureDefinition/")) == Some(name))
}

fn has_tag(resource: NodeRef<'_>, code: &str) -> bool {
    resource.get("meta").is_some_and(|m| m.all_named("tag").any(|t| t.at("code") == Some(code)))
}

fn is_critical(observation: NodeRef<'_>) -> bool {
    let flagged =
        observation.all_named("interpretation").any(|i| i.all_named("coding").any(|c| matches!(c.at("code"), Some("HH" | "LL" | "AA"))));
    flagged || extension(observation, "critical-value").is_some()
}

fn begun(report: NodeRef<'_>) -> Option<i64> {
    begun_at(Some(report), "effective")
}

/// `effectiveDateTime`, or the start of `effectivePeriod`.
fn begun_at(node: Option<NodeRef<'_>>, stem: &str) -> Option<i64> {
    let node = node?;
    let (exact, period) = match stem {
        "effective" => ("effectiveDateTime", "effectivePeriod.start"),
        _ => ("collectedDateTime", "collectedPeriod.start"),
    };
    node.at(exact).or_else(|| node.at(period)).and_then(moment)
}

/// A number of a resource.
struct Number<'t> {
    kind: IdKind,
    /// A 登记号.
    is_accession: bool,
    /// As written; empty: not said.
    assigner: &'t str,
    value: &'t str,
}

/// All numbers of a resource.
fn numbers<'t>(resource: NodeRef<'t>) -> impl Iterator<Item = Number<'t>> {
    let of = resource.resource_type().unwrap_or("");
    resource.children().filter(|c| matches!(c.name(), "identifier" | "accessionIdentifier")).filter_map(move |i| {
        let value = i.at("value").filter(|v| !v.is_empty())?;
        let system = i.at("system").unwrap_or("");
        let code = i.at("type.coding.code");
        let kind = match (code, of) {
            (Some("PLAC"), _) => IdKind::Order,
            (Some("FILL" | "ACSN"), _) => IdKind::Accession,
            (_, "DiagnosticReport") if REPORT_NUMBERS.contains(&system) || i.at("type.text") == Some("报告单号") => IdKind::Report,
            (_, "ImagingStudy") if system == "urn:dicom:uid" => IdKind::Study,
            (_, "ImagingStudy") if REPORT_NUMBERS.contains(&system) => IdKind::Accession,
            (_, "Specimen") => IdKind::Accession,
            _ => return None,
        };
        let assigner = i.at("assigner.identifier.value").or(i.at("assigner.display")).unwrap_or("");
        Some(Number { kind, is_accession: code == Some("ACSN"), assigner, value })
    })
}

fn push(ids: &mut Vec<Id>, id: Id) {
    if !ids.contains(&id) {
        ids.push(id);
    }
}

fn fill_modality(s: &mut Sighting, from: NodeRef<'_>) {
    if s.modality == Modality::Unknown {
        s.modality = modality(from);
    }
}

fn status(code: Option<&str>) -> Status {
    match code {
        Some("registered" | "draft") => Status::Registered,
        Some("active" | "on-hold") => Status::Active,
        Some("completed") => Status::Completed,
        Some("partial" | "preliminary") => Status::Preliminary,
        Some("final") => Status::Final,
        Some("amended" | "appended") => Status::Amended,
        Some("corrected") => Status::Corrected,
        Some("cancelled" | "revoked") => Status::Cancelled,
        Some("entered-in-error") => Status::EnteredInError,
        _ => Status::Unknown,
    }
}

/// The most telling coding of the category: a DICOM modality, the community's own kind, the section of HL7 table 0074.
fn modality(resource: NodeRef<'_>) -> Modality {
    let codings = || resource.all_named("category").flat_map(|c| c.all_named("coding")).chain(resource.all_named("modality"));
    let of = |system: &str, read: fn(&str) -> Modality| {
        codings().filter(|c| c.at("system") == Some(system)).filter_map(|c| c.at("code")).map(read).find(|m| *m != Modality::Unknown)
    };
    of(DICOM, by_dicom)
        .or_else(|| of("http://fhir.med-community.cn/gw/CodeSystem/service-category", by_kind))
        .or_else(|| of(SECTION, by_section))
        .unwrap_or_default()
}

fn by_dicom(code: &str) -> Modality {
    match code {
        "CR" | "DX" | "DR" => Modality::Xr,
        "CT" => Modality::Ct,
        "MR" => Modality::Mr,
        "MG" => Modality::Mg,
        "US" => Modality::Us,
        "NM" | "PT" => Modality::Nm,
        "ECG" => Modality::Ecg,
        "EMG" => Modality::Emg,
        "EEG" => Modality::Eeg,
        "SM" | "PATH" => Modality::Path,
        "LAB" => Modality::Lab,
        _ => Modality::Other,
    }
}

fn by_section(code: &str) -> Modality {
    match code {
        "LAB" | "BG" | "BLB" | "CG" | "CH" | "CP" | "GE" | "HM" | "IMM" | "MB" | "MCB" | "MYC" | "OSL" | "SR" | "TX" | "VR" => {
            Modality::Lab
        }
        "SP" | "PAT" => Modality::Path,
        "CT" => Modality::Ct,
        "NMR" => Modality::Mr,
        "NMS" => Modality::Nm,
        "RUS" | "OUS" | "VUS" | "US" | "CUS" => Modality::Us,
        "RX" | "XRC" | "DR" => Modality::Xr,
        "EC" => Modality::Ecg,
        // 神经电生理: which of them is not said
        "EN" => Modality::Eeg,
        _ => Modality::Unknown,
    }
}

fn by_kind(code: &str) -> Modality {
    match code {
        "laboratory" => Modality::Lab,
        "ecg" => Modality::Ecg,
        "pathology" => Modality::Path,
        "emg" => Modality::Emg,
        "eeg" => Modality::Eeg,
        _ => Modality::Unknown,
    }
}
