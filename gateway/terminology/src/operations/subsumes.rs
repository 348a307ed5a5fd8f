//! CodeSystem `$subsumes` (R4 §4.8.17.3): whether one code means all that another means.

use super::{Coded, Input, Output};
use crate::grammar::Grammar;
use crate::{Terminology, text};
use hutong_fhir::tree::Tree;
use hutong_fhir::{Finding, ucum};

const KNOWN: [&str; 6] = ["codeA", "codeB", "system", "version", "codingA", "codingB"];

impl Terminology {
    /// CodeSystem `$subsumes`: `equivalent`, `subsumes`, `subsumed-by` or `not-subsumed`.
    pub fn subsumes(&self, parameters: &Tree) -> Result<Tree, Finding> {
        let input = Input::of(parameters, &KNOWN)?;
        let (system, version) = (input.value("system"), input.value("version"));
        let side = |code, coding| {
            let given = input.complex(coding).and_then(Coded::of);
            given.or_else(|| Some(Coded { system, version, code: input.value(code)?, display: None }))
        };
        let a = side("codeA", "codingA").ok_or_else(|| text::missing_parameter("codeA | codingA"))?;
        let b = side("codeB", "codingB").ok_or_else(|| text::missing_parameter("codeB | codingB"))?;
        let url = a.system.or(b.system).or(system).ok_or_else(|| text::missing_parameter("system"))?;
        let canonical = self.canonical(url);
        if [a.system, b.system].into_iter().flatten().any(|s| self.canonical(s) != canonical) {
            return Err(text::bad_parameter("codingB.system"));
        }
        let found = self.system_of(canonical, a.version.or(b.version)).ok_or_else(|| text::unknown_system(url))?;
        let row = |code: &str| found.table.find(code);
        let outcome = match (row(a.code), row(b.code)) {
            (Some(x), Some(y)) if x == y => "equivalent",
            (Some(_), Some(_)) if !matches!(found.hierarchy.as_str(), "" | "is-a" | "classified-with" | "grouped-by") => {
                return Err(text::no_subsumption(&found.url));
            }
            (Some(x), Some(y)) if found.table.is_a(y, x) => "subsumes",
            (Some(x), Some(y)) if found.table.is_a(x, y) => "subsumed-by",
            (Some(_), Some(_)) => "not-subsumed",
            _ => {
                for code in [a.code, b.code] {
                    if found.has(code) != Some(true) {
                        return Err(text::unknown_code(&found.url, found.has(code).is_none()).with_value(code));
                    }
                }
                let same = a.code == b.code || (found.grammar == Some(Grammar::Ucum) && ucum::equivalent(a.code, b.code));
                if same { "equivalent" } else { "not-subsumed" }
            }
        };
        let mut out = Output::parameters();
        out.say("outcome", "valueCode", outcome);
        Ok(out.tree)
    }
}
