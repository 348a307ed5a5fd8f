//! `GET [base]/metadata`: the CapabilityStatement, made of the tables that serve the requests, so that it cannot promise
//! what is not there (<https://hl7.org/fhir/R4/capabilitystatement.html>).

use hutong_commit::search::table::{Parameter, TypeTable, types};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::interaction::compartment::membership;
use crate::library::Edition;
use crate::measure;
use crate::operation::{Operation, Type};
use crate::params::{self, Fields};
use crate::refusal::Refusal;
use crate::shelf;

/// When what is said below last changed its meaning.
const DATE: &str = "2026-11-22";
/// Stands for the base address in the prepared text.
const BASE_MARK: &str = "{base}";

/// The statement, made for each edition when first asked for; only the address of the base differs by request.
pub(crate) struct Capabilities {
    version: &'static str,
}

impl Capabilities {
    pub(crate) fn new(version: &'static str) -> Capabilities {
        Capabilities { version }
    }

    pub(crate) fn answer(&self, edition: &Edition, fields: &Fields, base: &str) -> Result<Answer, Refusal> {
        let text = match asked(fields)? {
            Mode::Full => edition.statement.get_or_init(|| statement(self.version, edition).to_string()),
            Mode::Terminology => edition.codes.get_or_init(|| codes(self.version, edition).to_string()),
        };
        // `base` was checked or configured: it needs no escapes
        Ok(Answer::fhir(text.replacen(BASE_MARK, base, 1).into_bytes()))
    }
}

/// Which statement is asked for (<https://hl7.org/fhir/R4/http.html#capabilities>).
enum Mode {
    Full,
    Terminology,
}

fn asked(fields: &Fields) -> Result<Mode, Refusal> {
    let mut mode = Mode::Full;
    for (name, value) in &fields.list {
        mode = match (name.as_str(), value.as_str()) {
            ("mode", "full" | "normative") => Mode::Full,
            ("mode", "terminology") => Mode::Terminology,
            ("mode", _) => return Err(Refusal::unsupported_value("mode", "full, normative, terminology")),
            _ => return Err(Refusal::unknown_parameter(name, "mode, _format, _pretty")),
        };
    }
    Ok(mode)
}

/// `?mode=terminology`: which code systems questions are answered about, and how.
fn codes(version: &str, edition: &Edition) -> Value {
    let mut systems: Vec<(&str, Vec<&str>)> =
        edition.knowledge.terminology.systems().map(|(url, versions)| (url, versions.filter(|v| !v.is_empty()).collect())).collect();
    systems.sort_unstable();
    let system = |(uri, versions): (&str, Vec<&str>)| {
        let versions: Vec<Value> = versions.iter().enumerate().map(|(n, v)| json!({"code": v, "isDefault": n == 0})).collect();
        let mut it = json!({"uri": uri});
        if !versions.is_empty() {
            it["version"] = json!(versions);
        }
        it["subsumption"] = json!(true);
        it
    };
    let parameter = |(name, _): &(&str, Type)| json!({"name": name});
    json!({
        "resourceType": "TerminologyCapabilities",
        "status": "active",
        "date": DATE,
        "publisher": "hutong",
        "kind": "instance",
        "software": {"name": "hutong", "version": version},
        "implementation": {"description": "hutong 互通：随配置载入的术语 / terminology as configured", "url": BASE_MARK},
        "codeSystem": systems.into_iter().map(system).collect::<Vec<_>>(),
        "expansion": {
            "hierarchical": true,
            "paging": true,
            "incomplete": false,
            "parameter": Operation::Expand.parameters().iter().map(parameter).collect::<Vec<_>>(),
            "textFilter": "代码或名称中的文字 / text in code or names"
        },
        "codeSearch": "all",
        "validateCode": {"translations": false},
        "translation": {"needsMap": true}
    })
}

fn statement(version: &str, edition: &Edition) -> Value {
    // no message makes a report of figures: those there are are computed
    let stored = types().iter().filter(|table| table.resource_type != measure::REPORT).map(|table| resource(table, edition));
    let loaded = shelf::KINDS.into_iter().map(|kind| conformance(kind, edition)).chain([reports(edition)]);
    json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": DATE,
        "publisher": "hutong",
        "kind": "instance",
        "software": {"name": "hutong", "version": version},
        "implementation": {
            "description": "hutong 互通：紧密型县域医共体 HL7 FHIR R4 互联互通网关 / HL7 FHIR R4 interoperability gateway for county medical communities",
            "url": BASE_MARK
        },
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "application/fhir+xml", "json", "xml"],
        "rest": [{
            "mode": "server",
            "documentation": "只读。未知的参数或修饰符以 400 拒绝；Prefer: handling=lenient 的检索则略去并在 Bundle 中说明。 / Read-only. An unknown parameter or modifier is refused with 400; in a search under Prefer: handling=lenient it is left out and the Bundle says so.",
            "security": {
                "description": "机构以令牌访问（Authorization: Bearer …）；是否允许网关本机的程序免令牌访问由配置决定。 / Institutions come with a token (Authorization: Bearer …); whether programs on the gateway's own machine need one is configured."
            },
            "resource": stored.chain(loaded).collect::<Vec<_>>(),
            "interaction": [{"code": "history-system"}],
            "compartment": ["http://hl7.org/fhir/CompartmentDefinition/patient"]
        }]
    })
}

fn resource(table: &TypeTable, edition: &Edition) -> Value {
    let interactions = ["read", "vread", "history-instance", "history-type", "search-type"].map(|code| json!({"code": code}));
    let mut said = format!("_sort: {}", params::sortable(table).join(", "));
    if membership(table).is_some() {
        said.push_str(&format!("; GET Patient/[id]/{}", table.resource_type));
    }
    let mut it = json!({
        "type": table.resource_type,
        "documentation": said,
        "interaction": interactions,
        "versioning": "versioned",
        "readHistory": true,
        "updateCreate": false,
        "conditionalCreate": false,
        "conditionalRead": "full-support",
        "conditionalUpdate": false,
        "conditionalDelete": "not-supported",
        "referencePolicy": ["literal", "local"],
    });
    let profiles = edition.shelf().profiles_of(table.resource_type);
    if !profiles.is_empty() {
        it["supportedProfile"] = json!(profiles);
    }
    let mut offered = operations(table.resource_type);
    if table.resource_type == "Patient" {
        offered.push(json!({"name": "everything", "definition": "http://hl7.org/fhir/OperationDefinition/Patient-everything"}));
    }
    it["operation"] = json!(offered);
    for (name, list) in [("searchInclude", params::includes(table)), ("searchRevInclude", params::revincludes(table))] {
        if !list.is_empty() {
            it[name] = json!(list);
        }
    }
    it["searchParam"] = json!(table.params.iter().map(|p| parameter(table, p)).collect::<Vec<_>>());
    it
}

fn operations(kind: &str) -> Vec<Value> {
    Operation::of_type(kind).map(|o| json!({"name": o.name(), "definition": o.definition()})).collect()
}

/// A type whose resources come with packages.
fn conformance(kind: &str, edition: &Edition) -> Value {
    let parameters: Vec<Value> = shelf::parameters(kind).map(|(name, kind)| json!({"name": name, "type": kind})).collect();
    let mut it = json!({
        "type": kind,
        "documentation": "随配置载入，只读。 / Loaded as configured, read-only.",
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "no-version",
        "readHistory": false,
        "updateCreate": false,
        "conditionalCreate": false,
        "conditionalRead": "not-supported",
        "conditionalUpdate": false,
        "conditionalDelete": "not-supported",
        "operation": operations(kind),
        "searchParam": parameters,
    });
    let profiles = edition.shelf().profiles_of(kind);
    if !profiles.is_empty() {
        it["supportedProfile"] = json!(profiles);
    }
    it
}

/// MeasureReports: computed when they are asked for.
fn reports(edition: &Edition) -> Value {
    let parameters: Vec<Value> = measure::PARAMETERS.iter().map(|(name, kind)| json!({"name": name, "type": kind})).collect();
    let mut it = json!({
        "type": measure::REPORT,
        "documentation": "查询时计算，不存储：月、季、年的汇总报告；meta.versionId 为日志位置。 / Computed when asked for, not stored: summaries of months, quarters and years; meta.versionId is the position of the journal.",
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "versioned",
        "readHistory": false,
        "updateCreate": false,
        "conditionalCreate": false,
        "conditionalRead": "not-supported",
        "conditionalUpdate": false,
        "conditionalDelete": "not-supported",
        "operation": operations(measure::REPORT),
        "searchParam": parameters,
    });
    let profiles = edition.shelf().profiles_of(measure::REPORT);
    if !profiles.is_empty() {
        it["supportedProfile"] = json!(profiles);
    }
    it
}

fn parameter(table: &TypeTable, p: &Parameter) -> Value {
    let mut it = json!({"name": p.name, "type": p.kind.code()});
    let modifiers = params::modifiers(table, p);
    if !modifiers.is_empty() {
        it["documentation"] = json!(format!("修饰符 / modifiers: {}", modifiers.join(", ")));
    }
    it
}
