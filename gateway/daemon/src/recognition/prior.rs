//! From FHIR to facts: what an Observation or DiagnosticReport says to the decision, and to a person.

use hutong_enforce::recognition::{ItemKind, Marks, Prior, Status, moment};
use hutong_fhir::{NodeRef, ucum};

const GATEWAY: &str = "http://fhir.med-community.cn/gw/StructureDefinition/";
const UCUM: &str = "http://unitsofmeasure.org";
/// Characters of a value that a reminder shows.
const VALUE_MAX: usize = 200;

/// What a result or its report says of itself, before it is known whose institution and item it is.
pub(crate) struct Facts {
    pub(crate) prior: Prior,
    /// (system, code) of what was examined.
    pub(crate) codes: Vec<(String, String)>,
    /// `Patient/<id>`
    pub(crate) patient: String,
    /// References of Organizations that may have examined, or their codes, the surest first.
    pub(crate) organizations: Vec<String>,
    pub(crate) report_number: String,
    /// As it is shown.
    pub(crate) value: String,
    /// Bears a sign such as ★ that something else has to explain.
    signed: bool,
    /// References of ImagingStudies that hold its images.
    pub(crate) studies: Vec<String>,
    /// Reference of the last result of the report.
    last: String,
}

/// Of a laboratory result and the report that holds it.
pub(crate) fn of_observation(observation: NodeRef<'_>, report: Option<NodeRef<'_>>, marks: &Marks) -> Facts {
    let mut facts = common(observation, marks);
    facts.prior.result = reference("Observation", observation);
    facts.prior.status = status(observation.at("status"));
    facts.prior.collected = effective(observation);
    facts.prior.reported = text(observation, "issued");
    facts.value = value(observation);
    facts.prior.has_data = has_value(observation) || all(observation, "component").any(has_value);
    let quantity = observation.get("valueQuantity");
    facts.prior.unit = quantity.map(unit).unwrap_or_default();
    facts.prior.reference = range(observation);
    if let Some(report) = report {
        with_report(&mut facts, report, marks);
        // a result that is sound is worth nothing in a report that was withdrawn
        let of_report = status(report.at("status"));
        if matches!(of_report, Status::Cancelled | Status::EnteredInError) {
            facts.prior.status = of_report;
        }
    }
    facts
}

/// Of an examination whose report is the result: imaging, tracing, pathology.
pub(crate) fn of_report(report: NodeRef<'_>, kind: ItemKind, marks: &Marks) -> Facts {
    let mut facts = common(report, marks);
    facts.prior.result = reference("DiagnosticReport", report);
    facts.prior.status = status(report.at("status"));
    facts.prior.studied = effective(report);
    with_report(&mut facts, report, marks);
    // findings are what was seen; the impression is the doctor's conclusion and is not shown
    let findings = extension(report, "findings").and_then(|e| e.at("valueString"));
    facts.value = cut(findings.unwrap_or_default());
    facts.studies = all(report, "imagingStudy").filter_map(|s| s.at("reference")).map(str::to_owned).collect();
    let (here, there) = data(report, kind);
    facts.prior.reachable = here;
    facts.prior.has_data = here || there || !facts.studies.is_empty();
    facts
}

/// Whether its images or its recording are here, and whether they are said to be somewhere.
fn data(report: NodeRef<'_>, kind: ItemKind) -> (bool, bool) {
    let (mut here, mut there) = (all(report, "media").next().is_some(), false);
    for form in all(report, "presentedForm") {
        let kind_of = form.at("contentType").unwrap_or("").to_ascii_lowercase();
        // a PDF of an image's report is its text; of an ECG it is the tracing
        let is_data = kind == ItemKind::Tracing
            || ["image/", "video/", "application/dicom"].iter().any(|k| kind_of.starts_with(k))
            || (kind_of.is_empty() && form.get("url").is_some());
        if is_data {
            let opens = form.at("url").is_some_and(|url| url.starts_with("http://") || url.starts_with("https://"));
            here |= opens || form.get("data").is_some();
            there |= form.get("url").is_some();
        }
    }
    (here, there)
}

/// Whether an ImagingStudy can be opened: it stands, and says where or of what it consists.
pub(crate) fn opens(study: NodeRef<'_>) -> bool {
    let stands = !matches!(study.at("status"), Some("cancelled" | "entered-in-error" | "registered"));
    stands && (study.get("endpoint").is_some() || study.get("series").is_some() || study.get("numberOfInstances").is_some())
}

fn common(resource: NodeRef<'_>, marks: &Marks) -> Facts {
    let code = resource.get("code");
    let codings = || code.into_iter().flat_map(|c| all(c, "coding"));
    let codes = codings().filter_map(|c| Some((c.at("system").unwrap_or("").to_owned(), c.at("code")?.to_owned()))).collect();
    let mut prior = Prior { is_test: is_test(resource), method: String::new(), ..Prior::default() };
    let names = codings().filter_map(|c| c.at("display")).chain(code.and_then(|c| c.at("text")));
    prior.marks.extend(names.map(str::to_owned));
    let given = given_marks(resource);
    let sent = code.into_iter().flat_map(|c| all(c, "extension")).filter_map(|e| e.at("valueString"));
    let signed = sent.chain(prior.marks.iter().map(String::as_str)).any(|name| marks.has_sign(name))
        || given.iter().any(|text| marks.has_sign(text) && !explains(text, marks));
    // what explains a sign says nothing of an item without it, wherever it stands
    prior.marks.extend(given.into_iter().filter(|text| signed || !explains(text, marks)));
    prior.orders = all(resource, "basedOn").filter_map(|r| r.at("reference")).map(str::to_owned).collect();
    let mut organizations: Vec<String> = examined_at(resource).into_iter().collect();
    let performers = all(resource, "performer").filter_map(|p| p.at("reference")).filter(|r| r.starts_with("Organization/"));
    organizations.extend(performers.map(str::to_owned));
    let patient = resource.at("subject.reference").unwrap_or("").to_owned();
    Facts {
        prior,
        codes,
        patient,
        organizations,
        report_number: String::new(),
        value: String::new(),
        signed,
        studies: Vec::new(),
        last: String::new(),
    }
}

/// Whether a text says what a sign stands for: `★ 等同于 鄂HR`.
fn explains(text: &str, marks: &Marks) -> bool {
    marks.has_sign(text) && !marks.find(&[text.to_owned()]).is_empty()
}

/// What the report adds.
fn with_report(facts: &mut Facts, report: NodeRef<'_>, marks: &Marks) {
    let prior = &mut facts.prior;
    prior.report = reference("DiagnosticReport", report);
    let issued = text(report, "issued");
    if !issued.is_empty() {
        prior.reported = issued;
    }
    // what was done first counts: nothing is held valid for longer because the analyser's time stands beside the collection's
    let collected = effective(report);
    if let Some(of_report) = moment(&collected)
        && moment(&prior.collected).is_none_or(|own| of_report < own)
    {
        prior.collected = collected;
    }
    prior.orders.extend(all(report, "basedOn").filter_map(|r| r.at("reference")).map(str::to_owned));
    prior.is_test |= is_test(report);
    let notes = all(report, "extension").filter(|e| e.at("url").and_then(|u| u.strip_prefix(GATEWAY)) == Some("note"));
    let notes = notes.filter_map(|e| e.at("valueAnnotation.text").or_else(|| e.at("valueString"))).map(str::to_owned);
    for written in notes.chain(given_marks(report)) {
        // "★ 等同于 鄂HR" speaks of the items that bear the sign, "鄂HR" alone of all
        if facts.signed || !explains(&written, marks) {
            prior.marks.push(written);
        }
    }
    facts.last = all(report, "result").last().and_then(|r| r.at("reference")).unwrap_or_default().to_owned();
    facts.organizations.extend(examined_at(report));
    facts.report_number = number(report);
}

impl Facts {
    /// Where its mark may still stand: a footnote below all results is, in HL7 v2, a note to the last of them.
    pub(crate) fn footnote_at(&self, marks: &Marks) -> Option<&str> {
        let may = (self.signed || self.is_report()) && marks.find(&self.prior.marks).is_empty();
        (may && !self.last.is_empty() && self.last != self.prior.result).then_some(&self.last)
    }

    /// Takes from the last result what explains a sign; an examination that is reported as one takes any mark.
    pub(crate) fn footnote(&mut self, last: NodeRef<'_>, marks: &Marks) {
        let taken = given_marks(last).into_iter().filter(|text| self.is_report() || explains(text, marks));
        self.prior.marks.extend(taken.collect::<Vec<_>>());
    }

    fn is_report(&self) -> bool {
        self.prior.result == self.prior.report
    }

    /// What a sign stands for where the report does not say it.
    pub(crate) fn explain(&mut self, marks: &Marks, means: Option<&String>) {
        if let Some(means) = means
            && self.signed
            && marks.find(&self.prior.marks).is_empty()
        {
            self.prior.marks.push(means.clone());
        }
    }

    /// Takes the method as the community's list writes it, where the result says it in some way.
    pub(crate) fn method(&mut self, result: NodeRef<'_>, wanted: &str) {
        let Some(method) = result.get("method") else { return };
        let codings = all(method, "coding").flat_map(|c| [c.at("code"), c.at("display")]);
        let said: Vec<&str> = codings.chain([method.at("text")]).flatten().collect();
        let chosen = said.iter().find(|s| **s == wanted).or(said.last());
        self.prior.method = chosen.map(|s| (*s).to_owned()).unwrap_or_default();
    }
}

/// Where it was examined, if that is said: an Organization's reference, or the institution's code.
fn examined_at(resource: NodeRef<'_>) -> Option<String> {
    let place = extension(resource, "exam-organization")?.get("valueReference")?;
    place.at("identifier.value").or_else(|| place.at("reference")).map(str::to_owned)
}

/// Marks as printed (`recognition-mark`), and as the extension `mutual-recognition` says them: by text, else by scope and
/// region.
fn given_marks(resource: NodeRef<'_>) -> Vec<String> {
    let printed = all(resource, "extension").filter(|e| e.at("url").and_then(|u| u.strip_prefix(GATEWAY)) == Some("recognition-mark"));
    let printed = printed.filter_map(|e| e.at("valueString")).map(str::to_owned);
    let given = all(resource, "extension").filter(|e| e.at("url").and_then(|u| u.strip_prefix(GATEWAY)) == Some("mutual-recognition"));
    let given = given.filter_map(|mark| {
        let part = |name: &str| all(mark, "extension").find(|e| e.at("url") == Some(name));
        if let Some(printed) = part("mark").and_then(|e| e.at("valueString")) {
            return Some(printed.to_owned());
        }
        if part("scope").and_then(|e| e.at("valueCodeableConcept.coding.code")) == Some("national") {
            return Some("全国HR".to_owned());
        }
        part("region").and_then(|e| e.at("valueString")).map(|region| format!("{region}HR"))
    });
    printed.chain(given).collect()
}

/// Health data of nobody (HTEST), or of a message that was sent to try something.
fn is_test(resource: NodeRef<'_>) -> bool {
    let Some(meta) = resource.get("meta") else { return false };
    let labels = all(meta, "security").chain(all(meta, "tag"));
    labels.into_iter().any(|l| match l.at("system").unwrap_or("") {
        "http://terminology.hl7.org/CodeSystem/v2-0103" => matches!(l.at("code"), Some("T" | "D")),
        _ => l.at("code") == Some("HTEST"),
    })
}

fn status(code: Option<&str>) -> Status {
    match code.unwrap_or("") {
        "final" => Status::Final,
        "amended" => Status::Amended,
        "corrected" => Status::Corrected,
        "appended" => Status::Appended,
        "preliminary" => Status::Preliminary,
        "partial" => Status::Partial,
        "registered" => Status::Registered,
        "cancelled" => Status::Cancelled,
        "entered-in-error" => Status::EnteredInError,
        _ => Status::Unknown,
    }
}

/// The beginning of when it was done.
fn effective(resource: NodeRef<'_>) -> String {
    let said = ["effectiveDateTime", "effectiveInstant", "effectivePeriod.start"].into_iter().find_map(|path| resource.at(path));
    said.unwrap_or_default().to_owned()
}

fn has_value(node: NodeRef<'_>) -> bool {
    node.children().any(|c| c.name().starts_with("value"))
}

/// UCUM where the result says it, else what it writes where that is UCUM.
fn unit(quantity: NodeRef<'_>) -> String {
    let coded = quantity.at("code").filter(|_| quantity.at("system") == Some(UCUM));
    let written = || quantity.at("unit").map(str::trim).filter(|u| ucum::is_valid(u));
    coded.or_else(written).or_else(|| quantity.at("unit")).unwrap_or_default().to_owned()
}

fn range(observation: NodeRef<'_>) -> String {
    let Some(range) = observation.get("referenceRange") else { return String::new() };
    match (range.at("text"), range.at("low.value"), range.at("high.value")) {
        (Some(text), ..) => text.to_owned(),
        (None, Some(low), Some(high)) => format!("{low}-{high}"),
        (None, Some(low), None) => format!("≥{low}"),
        (None, None, Some(high)) => format!("≤{high}"),
        (None, None, None) => String::new(),
    }
}

/// `7.82 mmol/L ↑ (3.90-6.10)`
fn value(observation: NodeRef<'_>) -> String {
    let mut out = match observation.get("valueQuantity") {
        Some(q) => [q.at("comparator").unwrap_or(""), q.at("value").unwrap_or("")].concat() + &unit_shown(q),
        None => {
            let simple = ["valueString", "valueInteger", "valueBoolean", "valueDateTime", "valueTime"].into_iter();
            let coded = ["valueCodeableConcept.text", "valueCodeableConcept.coding.display", "valueCodeableConcept.coding.code"];
            simple.chain(coded).find_map(|path| observation.at(path)).unwrap_or_default().to_owned()
        }
    };
    let arrow = match observation.at("interpretation.coding.code") {
        Some("H" | "HH" | "HU") => " ↑",
        Some("L" | "LL" | "LU") => " ↓",
        Some("A" | "AA") => " *",
        _ => "",
    };
    out.push_str(arrow);
    let range = range(observation);
    if !range.is_empty() && !out.is_empty() {
        out = format!("{out} ({range})");
    }
    cut(&out)
}

fn unit_shown(quantity: NodeRef<'_>) -> String {
    quantity.at("unit").or_else(|| quantity.at("code")).map(|u| format!(" {u}")).unwrap_or_default()
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(VALUE_MAX) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The number by which people know a report: the filler's, else the first.
fn number(report: NodeRef<'_>) -> String {
    let mut identifiers = all(report, "identifier");
    let filler = identifiers.clone().find(|i| i.at("type.coding.code") == Some("FILL"));
    filler.or_else(|| identifiers.next()).and_then(|i| i.at("value")).unwrap_or_default().to_owned()
}

fn extension<'t>(resource: NodeRef<'t>, name: &str) -> Option<NodeRef<'t>> {
    all(resource, "extension").find(|e| e.at("url").and_then(|u| u.strip_prefix(GATEWAY)) == Some(name))
}

fn all<'t>(node: NodeRef<'t>, name: &str) -> impl Iterator<Item = NodeRef<'t>> + Clone {
    let key = hutong_fhir::Key::known(name);
    let children = node.children();
    children.filter(move |c| Some(c.key()) == key)
}

fn reference(resource_type: &str, resource: NodeRef<'_>) -> String {
    resource.at("id").map(|id| format!("{resource_type}/{id}")).unwrap_or_default()
}

fn text(resource: NodeRef<'_>, path: &str) -> String {
    resource.at(path).unwrap_or_default().to_owned()
}
