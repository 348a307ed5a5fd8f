//! A finding: what a stage has to say about a message or a resource, for the person who must act on it.
//!
//! Every stage gives findings of this one type; `receive` turns them into ERR segments, `serve` into
//! OperationOutcome, the command line into lines of text. The texts never hold a patient's data: a value that
//! helps to understand the finding goes into [`Finding::value`], which stays in the journal and on the author's
//! own terminal, and never reaches a log, an answer or a metric.

/// How bad it is (FHIR `issue-severity`; HL7 table 0516 in brackets).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// (I)
    Information,
    /// (W)
    Warning,
    /// (E)
    Error,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Information => "information",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// Where it is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Location {
    /// The message or resource as a whole.
    #[default]
    Whole,
    /// HL7 v2, numbered from 1 as in ERR-2 (ERL); 0 = not said. `sequence` counts segments of that name.
    V2 { segment: String, sequence: u32, field: u32, repetition: u32, component: u32, subcomponent: u32 },
    /// FHIRPath of an element, e.g. `Patient.name[0].family`, with line and column (from 1; 0 = unknown) in its text.
    Path { expression: String, line: u32, column: u32 },
    /// Byte offset in what arrived.
    Byte(usize),
}

impl std::fmt::Display for Location {
    /// `OBX[3]-5[2].1.1`, a FHIRPath, `byte 17` or nothing.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Location::Whole => Ok(()),
            Location::V2 { segment, sequence, field, repetition, component, subcomponent } => {
                write!(f, "{segment}")?;
                if *sequence > 0 {
                    write!(f, "[{sequence}]")?;
                }
                if *field > 0 {
                    write!(f, "-{field}")?;
                }
                if *repetition > 1 {
                    write!(f, "[{repetition}]")?;
                }
                if *component > 0 {
                    write!(f, ".{component}")?;
                }
                if *subcomponent > 0 {
                    write!(f, ".{subcomponent}")?;
                }
                Ok(())
            }
            Location::Path { expression, .. } => write!(f, "{expression}"),
            Location::Byte(at) => write!(f, "byte {at}"),
        }
    }
}

/// One finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    pub severity: Severity,
    /// Stable id of the rule that speaks, e.g. `hl7.charset.mismatch`, `fhir.cardinality.min`, or `mappings/v2/…:12`.
    pub rule: std::borrow::Cow<'static, str>,
    /// FHIR `issue-type` code, e.g. `structure`, `required`, `value`, `code-invalid`.
    pub issue: &'static str,
    /// HL7 table 0357 code for ERR-3, e.g. 101; 0 = 207 (application internal error) where one is needed.
    pub hl7_code: u16,
    pub location: Location,
    /// What, why and what to do, in Chinese and English; no patient data.
    pub zh: String,
    pub en: String,
    /// The offending value, for the journal and the author's terminal only.
    pub value: Option<String>,
}

impl Finding {
    pub fn new(severity: Severity, rule: &'static str, issue: &'static str, hl7_code: u16) -> Finding {
        Finding {
            severity,
            rule: rule.into(),
            issue,
            hl7_code,
            location: Location::Whole,
            zh: String::new(),
            en: String::new(),
            value: None,
        }
    }

    #[must_use]
    pub fn at(mut self, location: Location) -> Finding {
        self.location = location;
        self
    }

    #[must_use]
    pub fn says(mut self, zh: impl Into<String>, en: impl Into<String>) -> Finding {
        self.zh = zh.into();
        self.en = en.into();
        self
    }

    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Finding {
        self.severity = severity;
        self
    }

    #[must_use]
    pub fn with_value(mut self, value: impl Into<String>) -> Finding {
        self.value = Some(value.into());
        self
    }
}
