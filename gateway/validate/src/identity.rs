//! National numbers (身份证, 统一社会信用代码, 医保药品代码 …) in identifiers and drug codes: form and check digits, as
//! strictly as the source's policy says.

use crate::keys::KEYS;
use crate::place::Frame;
use crate::primitive::keep;
use crate::walk::Walk;
use hutong_fhir::identifier::{self, Kind};
use hutong_fhir::{Finding, NodeRef};

impl<'t> Walk<'t> {
    /// Checks an Identifier by its `value`.
    pub(crate) fn identifier_number(&mut self, at: &Frame<'_, 't>) {
        self.number(at, at.node.child(KEYS.value).and_then(NodeRef::value));
    }

    /// Checks a Coding by its `code`: drugs are coded by such numbers.
    pub(crate) fn coded_number(&mut self, at: &Frame<'_, 't>) {
        self.number(at, at.node.child(KEYS.code).and_then(NodeRef::value));
    }

    fn number(&mut self, at: &Frame<'_, 't>, value: Option<&'t str>) {
        let (Some(value), Some(system)) = (value, at.node.child(KEYS.system).and_then(NodeRef::value)) else { return };
        let Some(kind) = identifier::kind_of_system(system) else { return };
        let Some(severity) = self.demands.identifiers.severity(kind) else { return };
        if let Err(fault) = identifier::check(kind, value) {
            let mut finding = Finding::new(severity, "", "value", 102).says(fault.zh, fault.en);
            finding.rule = rule(kind).into();
            self.report(at, keep(finding, value));
        }
    }
}

/// Id of the rule about a kind of number.
fn rule(kind: Kind) -> String {
    format!("fhir.identifier.{}", kind.name())
}
