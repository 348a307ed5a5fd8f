//! Vital signs: an Observation with one of these LOINC codes must meet HL7's vital-signs profiles, which R4 makes a
//! rule for everyone (<https://hl7.org/fhir/R4/observation-vitalsigns.html>), declared or not. Which code calls for
//! which profile is as in HL7's own validator.

use crate::keys::KEYS;
use crate::place::Frame;
use crate::walk::Walk;
use hutong_fhir::NodeRef;
use std::collections::HashMap;
use std::sync::LazyLock;

const LOINC: &str = "http://loinc.org";
const SNOMED: &str = "http://snomed.info/sct";

/// A profile of R4 and the codes that call for it. Where several are called for, the first counts.
const SIGNS: [(&str, &[&str]); 10] = [
    ("http://hl7.org/fhir/StructureDefinition/vitalspanel", &["85353-1"]),
    (
        "http://hl7.org/fhir/StructureDefinition/resprate",
        &["9279-1", "76170-0", "76172-6", "76171-8", "19840-8", "33438-3", "76270-8", "11291-2"],
    ),
    (
        "http://hl7.org/fhir/StructureDefinition/heartrate",
        &[
            "8867-4", "60978-4", "73795-7", "73799-9", "76476-1", "76477-9", "8889-8", "8890-6", "8891-4", "8892-2", "8893-0", "40443-4",
            "55425-3", "68999-2", "11328-2", "69000-8", "8886-4",
        ],
    ),
    (
        "http://hl7.org/fhir/StructureDefinition/oxygensat",
        &["2708-6", "19224-5", "20564-1", "2709-4", "2710-2", "2713-6", "51733-4", "59408-5", "59417-6", "89276-0", "97549-0"],
    ),
    (
        "http://hl7.org/fhir/StructureDefinition/bodytemp",
        &[
            "8310-5",
            "60834-9",
            "60835-6",
            "60836-4",
            "60838-0",
            "60955-2",
            "61009-7",
            "75539-7",
            "75987-8",
            "76010-8",
            "76011-6",
            "76278-1",
            "8309-7",
            "8328-7",
            "8329-5",
            "8330-3",
            "8331-1",
            "8332-9",
            "8333-7",
            "8334-5",
            "91371-5",
            "98657-0",
            "98663-8",
            // SNOMED CT: core body temperature
            "276885007",
        ],
    ),
    ("http://hl7.org/fhir/StructureDefinition/bodyheight", &["8302-2", "3137-7", "3138-5", "8306-3", "8308-9"]),
    ("http://hl7.org/fhir/StructureDefinition/headcircum", &["9843-4", "8287-5"]),
    ("http://hl7.org/fhir/StructureDefinition/bodyweight", &["29463-7", "3141-9", "3142-7", "75292-3", "79348-9", "8350-1", "8351-9"]),
    ("http://hl7.org/fhir/StructureDefinition/bmi", &["39156-5", "89270-3"]),
    ("http://hl7.org/fhir/StructureDefinition/bp", &["85354-9", "35094-2", "8459-0", "76534-7", "55284-4", "8480-6"]),
];

/// The place in `SIGNS` by code.
static BY_CODE: LazyLock<HashMap<&'static str, usize>> =
    LazyLock::new(|| SIGNS.iter().enumerate().flat_map(|(i, (_, codes))| codes.iter().map(move |c| (*c, i))).collect());

impl<'t> Walk<'t> {
    /// Checks an Observation where its code is that of a vital sign.
    pub(crate) fn vital_signs(&mut self, at: &Frame<'_, 't>) {
        let Some(code) = at.node.child(KEYS.code) else { return };
        let is_known = |c: &NodeRef<'_>| matches!(c.child(KEYS.system).and_then(NodeRef::value), Some(LOINC | SNOMED));
        let codings = code.all(KEYS.coding).filter(is_known);
        let codes = codings.filter_map(|c| c.child(KEYS.code).and_then(NodeRef::value));
        let Some((url, _)) = codes.filter_map(|c| BY_CODE.get(c)).min().and_then(|sign| SIGNS.get(*sign)) else { return };
        if let Some(profile) = self.store.get(url) {
            self.conform(at, &profile);
        }
    }
}
