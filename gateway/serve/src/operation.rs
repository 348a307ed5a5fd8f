//! The operations that are offered, and the parameters of each: one table for addresses, requests and the statement of
//! what can be done (<https://hl7.org/fhir/R4/operationslist.html>).

/// What is asked, beside reading and searching.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Operation {
    Validate,
    Match,
    Lookup,
    Subsumes,
    ValidateCodeInSystem,
    ValidateCodeInSet,
    Expand,
    Translate,
    RecognitionCheck,
    RecognitionAnswer,
    EvaluateMeasure,
    CollectData,
}

/// How a parameter is written in an address, and under which `value[x]` it stands in Parameters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Type {
    Boolean,
    Code,
    /// `system|code` in an address.
    Coding,
    Date,
    DateTime,
    Integer,
    String,
    Uri,
}

impl Type {
    /// `valueCode`
    pub(crate) fn key(self) -> &'static str {
        match self {
            Type::Boolean => "valueBoolean",
            Type::Code => "valueCode",
            Type::Coding => "valueCoding",
            Type::Date => "valueDate",
            Type::DateTime => "valueDateTime",
            Type::Integer => "valueInteger",
            Type::String => "valueString",
            Type::Uri => "valueUri",
        }
    }
}

use Type::{Boolean, Code, Coding, Date, DateTime, Integer, String as Text, Uri};

const EVERY: [Operation; 12] = [
    Operation::Validate,
    Operation::Match,
    Operation::Lookup,
    Operation::Subsumes,
    Operation::ValidateCodeInSystem,
    Operation::ValidateCodeInSet,
    Operation::Expand,
    Operation::Translate,
    Operation::RecognitionCheck,
    Operation::RecognitionAnswer,
    Operation::EvaluateMeasure,
    Operation::CollectData,
];

impl Operation {
    /// The operation at `[kind]/$name` or, `on_instance`, `[kind]/[id]/$name`.
    pub(crate) fn of(kind: &str, on_instance: bool, name: &str) -> Option<Operation> {
        let name = name.strip_prefix('$')?;
        EVERY.into_iter().find(|o| o.name() == name && o.kind().is_none_or(|k| k == kind) && (!on_instance || o.on_instance()))
    }

    /// Those of one type of resource, for the statement.
    pub(crate) fn of_type(kind: &str) -> impl Iterator<Item = Operation> {
        EVERY.into_iter().filter(move |o| o.kind().is_none_or(|k| k == kind))
    }

    /// Without the `$`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Operation::Validate => "validate",
            Operation::Match => "match",
            Operation::Lookup => "lookup",
            Operation::Subsumes => "subsumes",
            Operation::ValidateCodeInSystem | Operation::ValidateCodeInSet => "validate-code",
            Operation::Expand => "expand",
            Operation::Translate => "translate",
            Operation::RecognitionCheck => "recognition-check",
            Operation::RecognitionAnswer => "recognition-answer",
            Operation::EvaluateMeasure => "evaluate-measure",
            Operation::CollectData => "collect-data",
        }
    }

    /// The type of resource it belongs to; `None`: any.
    fn kind(self) -> Option<&'static str> {
        match self {
            Operation::Validate => None,
            Operation::Match => Some("Patient"),
            Operation::Lookup | Operation::Subsumes | Operation::ValidateCodeInSystem => Some("CodeSystem"),
            Operation::ValidateCodeInSet | Operation::Expand => Some("ValueSet"),
            Operation::Translate => Some("ConceptMap"),
            Operation::RecognitionCheck => Some("ServiceRequest"),
            Operation::RecognitionAnswer => Some("Task"),
            Operation::EvaluateMeasure | Operation::CollectData => Some("Measure"),
        }
    }

    fn on_instance(self) -> bool {
        !matches!(self, Operation::Lookup | Operation::Match) && !self.acts()
    }

    /// Whether it leaves something behind: then it is asked by `POST` only.
    pub(crate) fn acts(self) -> bool {
        matches!(self, Operation::RecognitionCheck | Operation::RecognitionAnswer)
    }

    /// Whether it is about figures.
    pub(crate) fn measures(self) -> bool {
        matches!(self, Operation::EvaluateMeasure | Operation::CollectData)
    }

    /// The canonical address of its definition.
    pub(crate) fn definition(self) -> String {
        let own = self.acts() || self.measures();
        let base = if own { "http://fhir.med-community.cn/gw" } else { "http://hl7.org/fhir" };
        format!("{base}/OperationDefinition/{}-{}", self.kind().unwrap_or("Resource"), self.name())
    }

    /// Its name in metrics.
    pub(crate) fn metric(self) -> &'static str {
        match self {
            Operation::Validate => "operation-validate",
            Operation::Match => "operation-match",
            Operation::Lookup => "operation-lookup",
            Operation::Subsumes => "operation-subsumes",
            Operation::ValidateCodeInSystem | Operation::ValidateCodeInSet => "operation-validate-code",
            Operation::Expand => "operation-expand",
            Operation::Translate => "operation-translate",
            Operation::RecognitionCheck => "operation-recognition-check",
            Operation::RecognitionAnswer => "operation-recognition-answer",
            Operation::EvaluateMeasure => "operation-evaluate-measure",
            Operation::CollectData => "operation-collect-data",
        }
    }

    /// The parameter by which Parameters name the resource that an instance's address names.
    pub(crate) fn subject(self) -> &'static str {
        if self == Operation::Subsumes { "system" } else { "url" }
    }

    /// Parameters that can stand in an address, with their types.
    pub(crate) fn parameters(self) -> &'static [(&'static str, Type)] {
        match self {
            Operation::Validate => &[("mode", Code), ("profile", Uri)],
            // references and drafts do not fit an address
            Operation::RecognitionCheck | Operation::RecognitionAnswer => &[],
            Operation::EvaluateMeasure => &[
                ("periodStart", Date),
                ("periodEnd", Date),
                ("measure", Text),
                ("reportType", Code),
                ("reporter", Text),
                ("subject", Text),
                ("practitioner", Text),
                ("lastReceivedOn", DateTime),
            ],
            Operation::CollectData => &[
                ("periodStart", Date),
                ("periodEnd", Date),
                ("measure", Text),
                ("reporter", Text),
                ("after", Integer),
                ("count", Integer),
                ("subject", Text),
                ("practitioner", Text),
                ("lastReceivedOn", DateTime),
            ],
            Operation::Match => &[("onlyCertainMatches", Boolean), ("count", Integer)],
            Operation::Lookup => &[
                ("code", Code),
                ("system", Uri),
                ("version", Text),
                ("coding", Coding),
                ("date", DateTime),
                ("displayLanguage", Code),
                ("property", Code),
            ],
            Operation::Subsumes => {
                &[("codeA", Code), ("codeB", Code), ("system", Uri), ("version", Text), ("codingA", Coding), ("codingB", Coding)]
            }
            Operation::ValidateCodeInSystem => &[
                ("url", Uri),
                ("code", Code),
                ("version", Text),
                ("display", Text),
                ("coding", Coding),
                ("date", DateTime),
                ("abstract", Boolean),
                ("displayLanguage", Code),
            ],
            Operation::ValidateCodeInSet => &[
                ("url", Uri),
                ("valueSetVersion", Text),
                ("code", Code),
                ("system", Uri),
                ("systemVersion", Text),
                ("display", Text),
                ("coding", Coding),
                ("date", DateTime),
                ("abstract", Boolean),
                ("displayLanguage", Code),
            ],
            Operation::Expand => &[
                ("url", Uri),
                ("valueSetVersion", Text),
                ("filter", Text),
                ("date", DateTime),
                ("offset", Integer),
                ("count", Integer),
                ("includeDesignations", Boolean),
                ("designation", Text),
                ("includeDefinition", Boolean),
                ("activeOnly", Boolean),
                ("excludeNested", Boolean),
                ("excludeNotForUI", Boolean),
                ("excludePostCoordinated", Boolean),
                ("displayLanguage", Code),
                ("exclude-system", Uri),
                ("system-version", Uri),
                ("check-system-version", Uri),
                ("force-system-version", Uri),
            ],
            Operation::Translate => &[
                ("url", Uri),
                ("conceptMapVersion", Text),
                ("code", Code),
                ("system", Uri),
                ("version", Text),
                ("source", Uri),
                ("coding", Coding),
                ("target", Uri),
                ("targetsystem", Uri),
                ("reverse", Boolean),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_at_its_address_and_nowhere_else() {
        for (kind, on_instance, name, expected) in [
            ("Patient", true, "$validate", Some(Operation::Validate)),
            ("CodeSystem", false, "$validate-code", Some(Operation::ValidateCodeInSystem)),
            ("ValueSet", true, "$validate-code", Some(Operation::ValidateCodeInSet)),
            ("CodeSystem", true, "$lookup", None),
            ("ConceptMap", false, "$closure", None),
            ("ConceptMap", false, "translate", None),
            ("ValueSet", false, "$translate", None),
        ] {
            assert_eq!(Operation::of(kind, on_instance, name), expected, "{kind} {name}");
        }
        assert_eq!(Operation::ValidateCodeInSet.definition(), "http://hl7.org/fhir/OperationDefinition/ValueSet-validate-code");
        assert_eq!(Operation::of_type("ValueSet").count(), 3);
    }
}
