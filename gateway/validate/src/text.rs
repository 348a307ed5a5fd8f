//! Rule ids with what is constant about them: FHIR issue code and HL7 table 0357 code.

use hutong_fhir::{Finding, Severity};

/// A structural rule.
pub(crate) struct Rule {
    pub(crate) id: &'static str,
    pub(crate) issue: &'static str,
    pub(crate) hl7: u16,
}

impl Rule {
    pub(crate) fn finding(&self, severity: Severity) -> Finding {
        Finding::new(severity, self.id, self.issue, self.hl7)
    }
}

macro_rules! rules {
    ($($name:ident = $id:literal, $issue:literal, $hl7:literal;)*) => {
        $(pub(crate) const $name: Rule = Rule { id: $id, issue: $issue, hl7: $hl7 };)*
    };
}

rules! {
    NO_TYPE = "fhir.resource.type_missing", "required", 101;
    UNKNOWN_TYPE = "fhir.resource.unknown", "structure", 103;
    UNKNOWN_ELEMENT = "fhir.element.unknown", "structure", 102;
    EMPTY = "fhir.ele-1", "invariant", 102;
    DEPTH = "fhir.depth", "too-costly", 102;
    MIN = "fhir.cardinality.min", "required", 101;
    MAX = "fhir.cardinality.max", "structure", 102;
    NOT_A_LIST = "fhir.json.list_expected", "structure", 102;
    A_LIST = "fhir.json.list_not_allowed", "structure", 102;
    TWO_CHOICES = "fhir.choice.several", "structure", 102;
    JSON_TYPE = "fhir.json.type", "structure", 102;
    FORMAT = "fhir.format", "value", 102;
    BLANK = "fhir.blank", "value", 102;
    CONTROL = "fhir.control_character", "value", 102;
    TOO_LONG = "fhir.too_long", "too-long", 104;
    CODE = "fhir.code.required", "code-invalid", 103;
    UNKNOWN_CODE = "fhir.code.unknown", "code-invalid", 103;
    UCUM = "fhir.code.ucum", "code-invalid", 103;
    EXTENSION_URL = "fhir.extension.url", "value", 102;
    REFERENCE_FORM = "fhir.reference.form", "value", 102;
    REFERENCE_TARGET = "fhir.reference.target", "structure", 102;
    REFERENCE_TYPE = "fhir.reference.type", "structure", 102;
    REFERENCE_LOCAL = "fhir.ref-1", "invariant", 102;
    DUPLICATE = "fhir.duplicate", "duplicate", 205;
    CONTAINED_LOOP = "fhir.contained.loop", "invariant", 102;
    FULL_URL = "fhir.bundle.full_url", "value", 102;
    MORE = "fhir.more", "too-costly", 207;
}
