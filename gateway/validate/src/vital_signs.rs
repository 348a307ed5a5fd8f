//! Vital signs: an Observation with one of these LOINC codes must meet HL7's vital-signs profiles, which R4 makes a
//! rule for everyone (<https://hl7.org/fhir/R4/observation-vitalsigns.html>). What the ten profiles ask beyond the
//! Observation itself, in native form; which code calls for which profile is as in HL7's own validator.

use crate::keys::KEYS;
use crate::place::Frame;
use crate::text::Rule;
use crate::walk::Walk;
use hutong_fhir::{NodeRef, Severity};
use std::collections::HashMap;
use std::sync::LazyLock;

const LOINC: &str = "http://loinc.org";
const UCUM: &str = "http://unitsofmeasure.org";
const CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/observation-category";

const RULE: Rule = Rule { id: "fhir.vital_signs", issue: "invariant", hl7: 102 };

/// Units that a component of a vital sign may have (`ucum-vitals-common`).
const COMMON_UNITS: [&str; 12] = ["%", "cm", "[in_i]", "kg", "g", "[lb_av]", "Cel", "[degF]", "mm[Hg]", "/min", "kg/m2", "m2"];

/// One profile.
struct VitalSign {
    zh: &'static str,
    en: &'static str,
    /// The code that must be there.
    code: &'static str,
    /// Codes that call for the profile.
    codes: &'static [&'static str],
    /// Units of the value; none: the value is in components or members.
    units: &'static [&'static str],
}

const SIGNS: [VitalSign; 10] = [
    VitalSign { zh: "生命体征组合", en: "vital signs panel", code: "", codes: &["85353-1"], units: &[] },
    VitalSign {
        zh: "呼吸频率",
        en: "respiratory rate",
        code: "9279-1",
        codes: &["9279-1", "76170-0", "76172-6", "76171-8", "19840-8", "33438-3", "76270-8", "11291-2"],
        units: &["/min"],
    },
    VitalSign {
        zh: "心率",
        en: "heart rate",
        code: "8867-4",
        codes: &[
            "8867-4", "60978-4", "73795-7", "73799-9", "76476-1", "76477-9", "8889-8", "8890-6", "8891-4", "8892-2", "8893-0", "40443-4",
            "55425-3", "68999-2", "11328-2", "69000-8", "8886-4",
        ],
        units: &["/min"],
    },
    VitalSign {
        zh: "血氧饱和度",
        en: "oxygen saturation",
        code: "2708-6",
        codes: &["2708-6", "19224-5", "20564-1", "2709-4", "2710-2", "2713-6", "51733-4", "59408-5", "59417-6", "89276-0", "97549-0"],
        units: &["%"],
    },
    VitalSign {
        zh: "体温",
        en: "body temperature",
        code: "8310-5",
        codes: &[
            "8310-5", "60834-9", "60835-6", "60836-4", "60838-0", "60955-2", "61009-7", "75539-7", "75987-8", "76010-8", "76011-6",
            "76278-1", "8309-7", "8328-7", "8329-5", "8330-3", "8331-1", "8332-9", "8333-7", "8334-5", "91371-5", "98657-0", "98663-8",
        ],
        units: &["Cel", "[degF]"],
    },
    VitalSign {
        zh: "身高",
        en: "body height",
        code: "8302-2",
        codes: &["8302-2", "3137-7", "3138-5", "8306-3", "8308-9"],
        units: &["cm", "[in_i]"],
    },
    VitalSign { zh: "头围", en: "head circumference", code: "9843-4", codes: &["9843-4", "8287-5"], units: &["cm", "[in_i]"] },
    VitalSign {
        zh: "体重",
        en: "body weight",
        code: "29463-7",
        codes: &["29463-7", "3141-9", "3142-7", "75292-3", "79348-9", "8350-1", "8351-9"],
        units: &["kg", "g", "[lb_av]"],
    },
    VitalSign { zh: "体重指数", en: "body mass index", code: "39156-5", codes: &["39156-5", "89270-3"], units: &["kg/m2"] },
    VitalSign {
        zh: "血压",
        en: "blood pressure",
        code: "85354-9",
        codes: &["85354-9", "35094-2", "8459-0", "76534-7", "55284-4", "8480-6"],
        units: &["mm[Hg]"],
    },
];

/// The place in `SIGNS` by code.
static BY_CODE: LazyLock<HashMap<&'static str, usize>> =
    LazyLock::new(|| SIGNS.iter().enumerate().flat_map(|(i, s)| s.codes.iter().map(move |c| (*c, i))).collect());

impl<'t> Walk<'t> {
    /// Checks an Observation where its code is that of a vital sign.
    pub(crate) fn vital_signs(&mut self, at: &Frame<'_, 't>) {
        let Some(code) = at.node.child(KEYS.code) else { return };
        let Some(sign) = loinc(code).filter_map(|c| BY_CODE.get(c)).min().map(|i| &SIGNS[*i]) else { return };
        let n = at.node;
        if !sign.code.is_empty() && !loinc(code).any(|c| c == sign.code) {
            self.vital(at, sign, &format!("须同时有 LOINC 代码 {}", sign.code), &format!("must also have the LOINC code {}", sign.code));
        }
        let vital = |c: NodeRef<'_>| is(c, KEYS.system, CATEGORY) && is(c, KEYS.code, "vital-signs");
        if n.all(KEYS.category).filter(|c| c.all(KEYS.coding).any(vital)).count() != 1 {
            self.vital(at, sign, "须有且只有一个 category 为 vital-signs", "must have exactly one category with the code vital-signs");
        }
        if n.child(KEYS.subject).is_none() {
            self.vital(at, sign, "须有 subject（患者）", "must have a subject, the patient");
        }
        self.vital_time(at, sign);
        let has_value = value_of(n).is_some();
        let has_parts = n.child(KEYS.component).is_some() || n.child(KEYS.has_member).is_some();
        if !has_parts && !has_value && n.child(KEYS.data_absent_reason).is_none() {
            self.vital(at, sign, "须有值或 dataAbsentReason", "must have a value or a dataAbsentReason");
        }
        if sign.code == "85354-9" {
            self.blood_pressure(at, sign);
        } else if sign.code.is_empty() {
            if has_value || n.child(KEYS.has_member).is_none() {
                self.vital(at, sign, "须有 hasMember，且本身没有值", "must have hasMember and no value of its own");
            }
        } else if value_of(n).is_some_and(|v| !is_quantity_in(v, sign.units)) {
            self.wrong_unit(at, sign);
        }
        for component in n.all(KEYS.component) {
            let value = value_of(component);
            if value.is_none() && component.child(KEYS.data_absent_reason).is_none() {
                self.vital(at, sign, "每个 component 须有值或 dataAbsentReason", "each component must have a value or a dataAbsentReason");
            }
            if value.is_some_and(|v| v.name() == "valueQuantity" && !has_unit(v, &COMMON_UNITS)) {
                let units = COMMON_UNITS.join("、");
                self.vital(at, sign, &format!("component 的单位须为 {units}"), &format!("the unit of a component must be one of {units}"));
            }
        }
    }

    fn vital_time(&mut self, at: &Frame<'_, 't>, sign: &VitalSign) {
        let time = at.node.children().find(|c| c.name().starts_with("effective"));
        let good = match time {
            Some(t) if t.name() == "effectiveDateTime" => t.value().is_none_or(|v| v.len() >= 8),
            Some(t) => t.name() == "effectivePeriod",
            None => false,
        };
        if !good {
            self.vital(
                at,
                sign,
                "须有 effectiveDateTime（至少精确到日）或 effectivePeriod",
                "must have effectiveDateTime (to the day at least) or effectivePeriod",
            );
        }
    }

    /// Systolic and diastolic pressure, once each, in mm[Hg].
    fn blood_pressure(&mut self, at: &Frame<'_, 't>, sign: &VitalSign) {
        for (part, zh, en) in [("8480-6", "收缩压", "systolic"), ("8462-4", "舒张压", "diastolic")] {
            let coded = |c: &NodeRef<'_>| c.child(KEYS.code).is_some_and(|code| loinc(code).any(|l| l == part));
            let found: Vec<NodeRef<'_>> = at.node.all(KEYS.component).filter(coded).collect();
            if found.len() != 1 {
                let (zh, en) = (format!("须有且只有一个{zh} component({part})"), format!("must have exactly one {en} component ({part})"));
                self.vital(at, sign, &zh, &en);
            } else if found.iter().filter_map(|c| value_of(*c)).any(|v| !is_quantity_in(v, sign.units)) {
                self.wrong_unit(at, sign);
            }
        }
        if value_of(at.node).is_some_and(|v| v.name() != "valueQuantity") {
            self.vital(at, sign, "值须为 Quantity", "the value must be a Quantity");
        }
    }

    fn wrong_unit(&mut self, at: &Frame<'_, 't>, sign: &VitalSign) {
        let units = sign.units.join("、");
        self.vital(
            at,
            sign,
            &format!("值须为 Quantity，有 value、unit、system={UCUM}，code 为 {units}"),
            &format!("the value must be a Quantity with value, unit, system={UCUM} and one of these codes: {units}"),
        );
    }

    fn vital(&mut self, at: &Frame<'_, 't>, sign: &VitalSign, zh: &str, en: &str) {
        let finding = RULE.finding(Severity::Error);
        self.report(at, finding.says(format!("按 HL7 {}规范，{zh}", sign.zh), format!("by HL7's {} profile it {en}", sign.en)));
    }
}

fn is(node: NodeRef<'_>, key: hutong_fhir::Key, value: &str) -> bool {
    node.child(key).and_then(NodeRef::value) == Some(value)
}

/// The LOINC codes of a CodeableConcept.
fn loinc<'t>(concept: NodeRef<'t>) -> impl Iterator<Item = &'t str> {
    concept.all(KEYS.coding).filter(|c| is(*c, KEYS.system, LOINC)).filter_map(|c| c.child(KEYS.code).and_then(NodeRef::value))
}

fn value_of(node: NodeRef<'_>) -> Option<NodeRef<'_>> {
    node.children().find(|c| c.name().strip_prefix("value").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase())))
}

fn has_unit(quantity: NodeRef<'_>, units: &[&str]) -> bool {
    is(quantity, KEYS.system, UCUM) && quantity.child(KEYS.code).and_then(NodeRef::value).is_some_and(|c| units.contains(&c))
}

fn is_quantity_in(value: NodeRef<'_>, units: &[&str]) -> bool {
    let has = |key| value.child(key).is_some();
    value.name() == "valueQuantity" && has(KEYS.value) && has(KEYS.unit) && has_unit(value, units)
}
