//! Required bindings: code, Coding, CodeableConcept, Quantity, uri and string against expanded code sets.

use crate::Located;
use crate::keys::KEYS;
use crate::place::Frame;
use crate::primitive::keep;
use crate::text;
use crate::walk::Walk;
use hutong_fhir::definitions::{CodeSet, CodeSetId, Element, Form, Strength, Type, TypeKind};
use hutong_fhir::primitive::Primitive;
use hutong_fhir::{Location, NodeRef, Severity, ucum};

/// Codes that a finding lists at most.
const SHOWN_MAX: usize = 12;

/// Tables of Chinese standards, by OID.
const NATIONAL: &str = "urn:oid:2.16.156.";

const UCUM: &str = "http://unitsofmeasure.org";

enum Verdict {
    Good,
    Bad,
    /// No code is given where one is required.
    Missing,
}

/// Where a profile's binding refuses a code, that its code system has no such code is the same fault: one finding.
pub(crate) fn fold(found: &mut Vec<Located>) {
    fn place(located: &Located) -> &str {
        match &located.finding.location {
            Location::Path { expression, .. } => expression,
            _ => "",
        }
    }
    if !found.iter().any(|l| l.finding.rule == text::UNKNOWN_CODE.id) {
        return;
    }
    let refused: Vec<String> = found.iter().filter(|l| l.finding.rule == text::CODE_REQUIRED.id).map(|l| place(l).to_owned()).collect();
    found.retain(|l| l.finding.rule != text::UNKNOWN_CODE.id || !refused.iter().any(|r| place(l).starts_with(r.as_str())));
}

impl<'t> Walk<'t> {
    /// Checks a coded element against the set that it must be in.
    pub(crate) fn binding(&mut self, at: &Frame<'_, 't>, of: &Type, element: &Element, set: CodeSetId) {
        let set = self.definitions.code_set(set);
        if !set.is_listed() && set.form().is_none() {
            return;
        }
        let required = element.binding.as_ref().is_some_and(|b| b.strength == Strength::Required);
        let verdict = match (of.kind, of.name) {
            (TypeKind::Primitive(_), _) => match at.node.value() {
                Some(code) => good(code_is_in(set, code)),
                // an extension that says why is not a code either (so does the reference validator)
                None if required => Verdict::Missing,
                None => Verdict::Good,
            },
            (_, "Coding" | "Quantity") => self.coding(at.node, set),
            (_, "CodeableConcept") => self.concept(at.node, set, required),
            _ => Verdict::Good,
        };
        let (zh, en) = match verdict {
            Verdict::Good => return,
            Verdict::Bad => ("代码不在必须使用的值集中", "the code is not in the value set that is required here"),
            Verdict::Missing => (
                "此处必须给出值集中的代码，只有文本或扩展不够",
                "a code of the value set is required here, text or an extension alone is not enough",
            ),
        };
        let (list_zh, list_en) = shown(set);
        let finding = text::CODE
            .finding(Severity::Error)
            .says(format!("{zh}；值集 {}{list_zh}", set.canonical()), format!("{en}; value set {}{list_en}", set.canonical()));
        let code = at.node.value().map(str::to_owned).or_else(|| {
            let coding = at.node.child(KEYS.coding).unwrap_or(at.node);
            coding.child(KEYS.code).and_then(NodeRef::value).map(str::to_owned)
        });
        let finding = match code {
            Some(code) => keep(finding, &code),
            None => finding,
        };
        self.report(at, finding);
    }

    /// A code of a code system that is here in full, or of UCUM, must be one of its codes, whatever the binding.
    pub(crate) fn known_code(&mut self, at: &Frame<'_, 't>) {
        let text = |key| at.node.child(key).and_then(NodeRef::value);
        let (Some(system), Some(code)) = (text(KEYS.system), text(KEYS.code)) else { return };
        if Primitive::Code.check_text(code).is_err() {
            return;
        }
        if system == UCUM {
            if !ucum::is_valid(code) {
                let finding = text::UCUM.finding(Severity::Error).says(
                    "单位代码不是合法的 UCUM 表达式；请改用 UCUM 代码，或去掉 system 和 code 只保留 unit 文本",
                    "the unit code is no valid UCUM expression; use a UCUM code, or leave out system and code and keep the unit as text",
                );
                self.report(at, keep(finding, code));
            }
            return;
        }
        if self.wrong_system(at, system) {
            return;
        }
        if !(system.starts_with("http://terminology.hl7.org/") || system.starts_with("http://hl7.org/fhir/")) {
            return self.loaded_code(at, system, code);
        }
        let systems = self.definitions.code_systems();
        let Some(known) = systems.get(system) else { return self.loaded_code(at, system, code) };
        if known.content != "complete" {
            return;
        }
        if systems.concept(known, code).is_some() || self.judged_by_binding(at, system) {
            return;
        }
        self.unknown_code(at, &known.url, code, Severity::Error);
    }

    /// The same for a code system that was loaded, where no required binding judges the code. National tables lag
    /// behind what is in use, so that a code which one lacks is only warned of.
    fn loaded_code(&mut self, at: &Frame<'_, 't>, system: &str, code: &str) {
        let version = at.node.child(KEYS.version).and_then(NodeRef::value);
        if self.knowledge.terminology.is_known_code(system, version, code) != Some(false) {
            return;
        }
        let around = [Some(at), at.up].into_iter().flatten().filter_map(|f| f.property);
        let mut bindings = around.filter_map(|p| self.definitions.element(p.element).binding.as_ref());
        if bindings.any(|b| b.must_be_in.is_some()) {
            return;
        }
        let severity = if system.starts_with(NATIONAL) { Severity::Warning } else { Severity::Error };
        self.unknown_code(at, system, code, severity);
    }

    fn unknown_code(&mut self, at: &Frame<'_, 't>, system: &str, code: &str, severity: Severity) {
        let finding = text::UNKNOWN_CODE.finding(severity).says(
            format!("代码系统 {system} 中没有此代码；请核对代码，本地代码请用自己的 system"),
            format!("code system {system} has no such code; check it, a local code needs a system of its own"),
        );
        self.report(at, keep(finding, code));
    }

    /// A system that is none: a value set, or a supplement.
    fn wrong_system(&mut self, at: &Frame<'_, 't>, system: &str) -> bool {
        let terminology = &self.knowledge.terminology;
        let (zh, en) = if system.contains("/ValueSet/") && terminology.has_value_set(system) {
            (
                "system 是值集而不是代码系统；请改为代码系统的 URI",
                "the system is a value set, not a code system; give the URI of the code system",
            )
        } else if terminology.is_supplement(system) {
            (
                "system 是补充(supplement)而不是代码系统；请改为它所补充的代码系统",
                "the system is a supplement; give the code system that it supplements",
            )
        } else {
            return false;
        };
        self.report(at, keep(text::NO_SYSTEM.finding(Severity::Error).says(zh, en), system));
        true
    }

    /// Whether the required binding of the element around already speaks about codes of that system.
    fn judged_by_binding(&self, at: &Frame<'_, 't>, system: &str) -> bool {
        let around = [Some(at), at.up].into_iter().flatten().filter_map(|f| f.property);
        let sets = around.filter_map(|p| self.definitions.element(p.element).binding.as_ref().and_then(|b| b.must_be_in));
        sets.into_iter().any(|set| self.definitions.code_set(set).has_system(system))
    }

    fn coding(&self, node: NodeRef<'_>, set: CodeSet<'_>) -> Verdict {
        match node.child(KEYS.code).and_then(NodeRef::value) {
            Some(code) => good(coding_is_in(set, node.child(KEYS.system).and_then(NodeRef::value), code)),
            None => Verdict::Good,
        }
    }

    /// One coding of the set is enough; others may be of local systems.
    fn concept(&self, node: NodeRef<'_>, set: CodeSet<'_>, required: bool) -> Verdict {
        let mut codings = node.all(KEYS.coding).peekable();
        if codings.peek().is_none() {
            return if required { Verdict::Missing } else { Verdict::Good };
        }
        good(codings.any(|c| {
            let code = c.child(KEYS.code).and_then(NodeRef::value);
            code.is_some_and(|code| coding_is_in(set, c.child(KEYS.system).and_then(NodeRef::value), code))
        }))
    }
}

fn good(is_in: bool) -> Verdict {
    if is_in { Verdict::Good } else { Verdict::Bad }
}

fn code_is_in(set: CodeSet<'_>, code: &str) -> bool {
    match set.form() {
        Some(form) => form.has(code),
        None => set.has_code(code),
    }
}

fn coding_is_in(set: CodeSet<'_>, system: Option<&str>, code: &str) -> bool {
    match (set.form(), system) {
        (Some(form), Some(system)) => system == system_of(form) && form.has(code),
        (None, Some(system)) => set.has(system, code),
        (_, None) => false,
    }
}

fn system_of(form: Form) -> &'static str {
    match form {
        Form::Bcp47 => "urn:ietf:bcp:47",
        Form::Bcp13 => "urn:ietf:bcp:13",
        Form::Ucum => UCUM,
        Form::Iso4217 => "urn:iso:std:iso:4217",
    }
}

fn shown(set: CodeSet<'_>) -> (String, String) {
    if let Some(form) = set.form() {
        let (zh, en) = match form {
            Form::Bcp47 => ("语言标记，如 zh-CN", "a language tag such as zh-CN"),
            Form::Bcp13 => ("媒体类型，如 application/pdf", "a media type such as application/pdf"),
            Form::Ucum => ("UCUM 单位，如 mmol/L", "a UCUM unit such as mmol/L"),
            Form::Iso4217 => ("三位大写货币代码，如 CNY", "a currency in three capital letters such as CNY"),
        };
        return (format!("，应为{zh}"), format!(": {en}"));
    }
    let codes: Vec<&str> = set.codes().take(SHOWN_MAX + 1).collect();
    let more = codes.len() > SHOWN_MAX;
    let list = codes.iter().take(SHOWN_MAX).copied().collect::<Vec<_>>().join(" | ");
    let tail = if more { " | …" } else { "" };
    (format!("，可用代码：{list}{tail}"), format!(", codes: {list}{tail}"))
}
