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
    let schema = plan.schema.as_deref().map(|path| read_schema(path, &values)).transpose()?;
    let per_resource = |ns: f64| ns / 1000.0 / trees.len() as f64;
    let (mut ours, mut whole, mut typed) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        ours.extend(one_round(plan, || trees.iter().for_each(|t| drop(std::hint::black_box(validator.validate(t))))).map(per_resource));
        if let Some(schema) = &schema {
            let once = || {
                values.iter().for_each(|v| {
                    std::hint::black_box(schema.whole.is_valid(v));
                })
            };
            whole.extend(one_round(plan, once).map(per_resource));
            let once = || {
                values.iter().zip(&schema.by_type).for_each(|(v, s)| {
                    std::hint::black_box(s.is_valid(v));
                })
            };
            typed.extend(one_round(plan, once).map(per_resource));
        }
    }
    plan.add("validate.profile.us", "us", "≤ 10", ours.clone());
    plan.add("validate.profile.per_s", "1/s", "≥ 30000", ours.iter().map(|us| 1e6 / us).collect());
    if schema.is_some() {
        let ratio = |theirs: &[f64]| ours.iter().zip(theirs).map(|(a, b)| a / b).collect();
        plan.add("validate.schema.us", "us", "", whole.clone());
        plan.add("validate.schema.typed_us", "us", "", typed.clone());
        plan.add("validate.profile.ratio_to_schema", "1", "≤ 5", ratio(&whole));
        plan.add("validate.profile.ratio_to_typed_schema", "1", "≤ 5", ratio(&typed));
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

/// HL7's JSON schema.
struct Schema {
    /// As it is published: one of all types.
    whole: jsonschema::Validator,
    /// The type of each resource of the benchmark alone, as if told by `resourceType`.
    by_type: Vec<jsonschema::Validator>,
}

/// The schema of a file, plain or packed with gzip.
fn read_schema(path: &Path, values: &[serde_json::Value]) -> Result<Schema, Failure> {
    let bytes = std::fs::read(path).map_err(|e| Failure::file(path, &e))?;
    let mut text = Vec::new();
    let read = if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::GzDecoder::new(bytes.as_slice()).take(SCHEMA_MAX).read_to_end(&mut text)
    } else {
        bytes.as_slice().take(SCHEMA_MAX).read_to_end(&mut text)
    };
    read.map_err(|e| Failure::file(path, &e))?;
    let bad = |e: &dyn std::fmt::Display| Failure::usage(format!("不是 JSON Schema：{e}"), format!("not a JSON schema: {e}"));
    let mut schema: serde_json::Value = serde_json::from_slice(&text).map_err(|e| bad(&e))?;
    // names that the published file uses and does not define
    for name in ["Resource", "integer64"] {
        if let Some(definitions) = schema.get_mut("definitions").and_then(serde_json::Value::as_object_mut) {
            definitions.entry(name).or_insert(serde_json::Value::Bool(true));
        }
    }
    let whole = jsonschema::validator_for(&schema).map_err(|e| bad(&e))?;
    let mut by_type = Vec::new();
    for value in values {
        let name = value["resourceType"].as_str().unwrap_or_default();
        if let Some(object) = schema.as_object_mut() {
            object.remove("oneOf");
            object.remove("discriminator");
            object.insert("allOf".into(), serde_json::json!([{ "$ref": format!("#/definitions/{name}") }]));
        }
        by_type.push(jsonschema::validator_for(&schema).map_err(|e| bad(&e))?);
    }
    Ok(Schema { whole, by_type })
}
