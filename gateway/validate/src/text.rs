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
    NO_SYSTEM = "fhir.code.system", "code-invalid", 103;
    UCUM = "fhir.code.ucum", "code-invalid", 103;
    EXTENSION_URL = "fhir.extension.url", "value", 102;
    REFERENCE_FORM = "fhir.reference.form", "value", 102;
    REFERENCE_TARGET = "fhir.reference.target", "structure", 102;
    REFERENCE_TYPE = "fhir.reference.type", "structure", 102;
    REFERENCE_LOCAL = "fhir.ref-1", "invariant", 102;
    DUPLICATE = "fhir.duplicate", "duplicate", 205;
    CONTAINED_LOOP = "fhir.contained.loop", "invariant", 102;
    FULL_URL = "fhir.bundle.full_url", "value", 102;
    NARRATIVE = "fhir.dom-6", "invariant", 102;
    INVARIANT = "fhir.invariant", "invariant", 102;
    INVARIANT_NOT_EVALUATED = "fhir.invariant.not_evaluated", "exception", 207;
    PROFILE_UNKNOWN = "fhir.profile.unknown", "not-found", 207;
    PROFILE_NESTING = "fhir.profile.nesting", "too-costly", 207;
    PROFILE_TYPE = "fhir.profile.wrong_type", "structure", 102;
    PROFILE_ELEMENT_TYPE = "fhir.profile.type", "structure", 102;
    PROFILE_NONE = "fhir.profile.none", "structure", 102;
    PROFILE_MIN = "fhir.profile.min", "required", 101;
    PROFILE_MAX = "fhir.profile.max", "structure", 102;
    PROFILE_FIXED = "fhir.profile.fixed", "value", 102;
    PROFILE_RANGE = "fhir.profile.range", "value", 102;
    PROFILE_LENGTH = "fhir.profile.too_long", "too-long", 104;
    PROFILE_TARGET = "fhir.profile.reference.target", "structure", 102;
    PROFILE_AGGREGATION = "fhir.profile.reference.aggregation", "structure", 102;
    PROFILE_VERSIONING = "fhir.profile.reference.version", "structure", 102;
    SLICE_MIN = "fhir.profile.slice.min", "required", 101;
    SLICE_MAX = "fhir.profile.slice.max", "structure", 102;
    SLICE_ORDER = "fhir.profile.slice.order", "structure", 102;
    SLICE_CLOSED = "fhir.profile.slice.closed", "structure", 102;
    CODE_REQUIRED = "fhir.profile.code.required", "code-invalid", 103;
    CODE_EXTENSIBLE = "fhir.code.extensible", "code-invalid", 103;
    CODE_PREFERRED = "fhir.code.preferred", "code-invalid", 103;
    NOT_CHECKED = "fhir.code.not_checked", "not-found", 207;
    DISPLAY = "fhir.code.display", "value", 103;
    EXTENSION_UNKNOWN = "fhir.extension.unknown", "extension", 102;
    MODIFIER_UNKNOWN = "fhir.extension.unknown_modifier", "extension", 102;
    EXTENSION_CONTEXT = "fhir.extension.context", "structure", 102;
    EXTENSION_PART = "fhir.extension.part", "structure", 102;
    EXTENSION_MODIFIER = "fhir.extension.modifier", "structure", 102;
    MARKUP = "fhir.text.markup", "security", 102;
    EXAMPLE = "fhir.uri.example", "value", 102;
    UNREACHED = "fhir.bundle.unreached", "invalid", 102;
    LINK = "fhir.bundle.link", "invalid", 102;
    SEARCH = "fhir.bundle.search", "invalid", 102;
    AMBIGUOUS = "fhir.bundle.ambiguous", "invalid", 102;
    MORE = "fhir.more", "too-costly", 207;
}
