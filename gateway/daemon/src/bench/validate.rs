//! Full validation of the community's own resources (profile, invariants, bindings, slices), one thread, warm; beside it,
//! in the same rounds, the bare JSON schema that HL7 publishes, where its file is given.

use super::parts::{one_round, rounds};
use super::{Plan, thread_ns};
use crate::cli::Failure;
use hutong_fhir::json::{self, JsonLimits};
use hutong_fhir::{Severity, Tree};
use hutong_validate::{Knowledge, Validator};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// What a county exchanges most: the first example of each of these profiles.
const EXAMPLES: [&str; 6] = [
    include_str!("../../../../profiles/community/examples/CNLabObservation.json"),
    include_str!("../../../../profiles/community/examples/CNPatient.json"),
    include_str!("../../../../profiles/community/examples/CNLabReport.json"),
    include_str!("../../../../profiles/community/examples/CNEncounter.json"),
    include_str!("../../../../profiles/community/examples/CNMedicationRequest.json"),
    include_str!("../../../../profiles/community/examples/CNServiceRequest.json"),
];

/// Unpacked, in bytes.
const SCHEMA_MAX: u64 = 64 << 20;

pub(crate) fn run(plan: &Plan) -> Result<(), Failure> {
    if !plan.wants("validate.") {
        return Ok(());
    }
    let broken = |what: &str| Failure::judged(format!("基准资源无效：{what}"), format!("a resource of the benchmark is not good: {what}"));
    let values: Option<Vec<serde_json::Value>> = EXAMPLES.iter().map(|text| first_of(text)).collect();
    let values = values.ok_or_else(|| broken("JSON"))?;
    let trees: Vec<Tree> =
        values.iter().filter_map(|v| Some(json::parse(v.to_string().as_bytes(), &JsonLimits::default()).ok()?.0)).collect();
    let from = thread_ns();
    let validator = Validator::with(Arc::new(Knowledge::community().0));
    for tree in &trees {
        if let Some(error) = validator.validate(tree).iter().find(|f| f.severity == Severity::Error) {
            return Err(broken(&error.en));
        }
    }
    plan.add("validate.load_ms", "ms", "≤ 150", vec![(thread_ns() - from) as f64 / 1e6]);
    let schema = plan.schema.as_deref().map(read_schema).transpose()?;
    let per_resource = |ns: f64| ns / 1000.0 / trees.len() as f64;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        ours.extend(one_round(plan, || trees.iter().for_each(|t| drop(std::hint::black_box(validator.validate(t))))).map(per_resource));
        if let Some(schema) = &schema {
            let once = || {
                values.iter().for_each(|v| {
                    std::hint::black_box(schema.is_valid(v));
                })
            };
            theirs.extend(one_round(plan, once).map(per_resource));
        }
    }
    plan.add("validate.profile.us", "us", "≤ 10", ours.clone());
    plan.add("validate.profile.per_s", "1/s", "≥ 30000", ours.iter().map(|us| 1e6 / us).collect());
    if !theirs.is_empty() {
        plan.add("validate.schema.us", "us", "", theirs.clone());
        plan.add("validate.profile.ratio_to_schema", "1", "≤ 5", ours.iter().zip(&theirs).map(|(a, b)| a / b).collect());
    }
    let observation = trees.first().ok_or_else(|| broken("Observation"))?;
    let ns = rounds(plan, || drop(std::hint::black_box(validator.validate(observation))));
    plan.add("validate.profile.observation_us", "us", "≤ 10", ns.iter().map(|ns| ns / 1000.0).collect());
    Ok(())
}

fn first_of(text: &str) -> Option<serde_json::Value> {
    let mut list: serde_json::Value = serde_json::from_str(text).ok()?;
    Some(list.get_mut("examples")?.get_mut(0)?.get_mut("resource")?.take())
}

/// The schema of a file, plain or packed with gzip.
fn read_schema(path: &Path) -> Result<jsonschema::Validator, Failure> {
    let bytes = std::fs::read(path).map_err(|e| Failure::file(path, &e))?;
    let mut text = Vec::new();
    let read = if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::GzDecoder::new(bytes.as_slice()).take(SCHEMA_MAX).read_to_end(&mut text)
    } else {
        bytes.as_slice().take(SCHEMA_MAX).read_to_end(&mut text)
    };
    read.map_err(|e| Failure::file(path, &e))?;
    let bad = |e: &dyn std::fmt::Display| Failure::usage(format!("不是 JSON Schema：{e}"), format!("not a JSON schema: {e}"));
    let schema: serde_json::Value = serde_json::from_slice(&text).map_err(|e| bad(&e))?;
    jsonschema::validator_for(&schema).map_err(|e| bad(&e))
}
