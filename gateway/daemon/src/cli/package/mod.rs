//! `hutong package FILE.tgz`: the community's profiles, extensions, terminology and examples as a FHIR R4 package that
//! other tools load. Profiles go out as differentials: tools make snapshots of their own R4.

mod table;

use std::path::PathBuf;

use hutong_fhir::package::{CORE, Manifest, Resource, write};
use hutong_validate::community::{self, BASE, PACKAGE};
use serde_json::{Value, json};

use super::lang::t;
use super::{Failure, Outcome};

/// What is published under one version never changes.
const VERSION: &str = "0.1.0";
const TITLE: &str = "县域医共体 FHIR 规范 · Profiles of a county medical community";
const ABOUT: &str = "患者、机构、就诊、检查检验、处方、互认、转诊与指标的 FHIR R4 规范、扩展与术语 · \
FHIR R4 profiles, extensions and terminology for patients, institutions, visits, examinations, prescriptions, mutual \
recognition, referral and indicators";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// 要写出的文件 · the file to write, e.g. med-community.gw.tgz
    file: PathBuf,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let (resources, examples) = (resources()?, examples()?);
    let bytes = made(&resources, &examples)?;
    std::fs::write(&args.file, &bytes).map_err(|e| Failure::file(&args.file, &e))?;
    let (kib, shown) = (bytes.len() / 1024, args.file.display());
    let (kinds, shown_as) = (t("份资源", "resources"), t("个示例", "examples"));
    println!("{shown}: {} {kinds}, {} {shown_as}, {kib} KiB", resources.len(), examples.len());
    Ok(0)
}

fn made(resources: &[Resource], examples: &[Resource]) -> Result<Vec<u8>, Failure> {
    let manifest = Manifest {
        name: PACKAGE.to_owned(),
        version: VERSION.to_owned(),
        canonical: BASE.to_owned(),
        url: BASE.to_owned(),
        title: TITLE.to_owned(),
        description: ABOUT.to_owned(),
        author: "hutong".to_owned(),
        license: env!("CARGO_PKG_LICENSE").to_owned(),
        date: String::new(),
        dependencies: vec![(CORE.to_owned(), "4.0.1".to_owned())],
    };
    write(&manifest, resources, examples).map_err(|f| Failure::judged(f.zh, f.en))
}

/// Everything but the examples, the guide first among them.
fn resources() -> Result<Vec<Resource>, Failure> {
    let mut out = Vec::new();
    for (path, text) in community::resources() {
        out.push(resource(path, serde_json::from_str(text).map_err(|e| broken(path, &e))?)?);
    }
    for (name, text) in community::tables() {
        out.push(resource(name, table::code_system(name, text))?);
    }
    let listed: Vec<Value> = out.iter().filter_map(|r| r.file.strip_suffix(".json")?.split_once('-')).map(listing).collect();
    out.push(resource(PACKAGE, guide(&listed))?);
    Ok(out)
}

/// The whole resources among the examples, the valid ones that are only a change of another left out.
fn examples() -> Result<Vec<Resource>, Failure> {
    let mut out = Vec::new();
    for (path, text) in community::FILES.iter().filter(|(path, _)| path.starts_with("community/examples/")) {
        let file: Value = serde_json::from_str(text).map_err(|e| broken(path, &e))?;
        for example in file["examples"].as_array().into_iter().flatten() {
            if let Some(whole) = example.get("resource") {
                out.push(resource(path, whole.clone())?);
            }
        }
    }
    Ok(out)
}

fn resource(path: &str, value: Value) -> Result<Resource, Failure> {
    let (Some(kind), Some(id)) = (value["resourceType"].as_str(), value["id"].as_str()) else {
        return Err(Failure::judged(format!("{path} 没有 resourceType 或 id"), format!("{path} has no resourceType or id")));
    };
    let file = format!("{kind}-{id}.json");
    Ok(Resource { file, json: format!("{value:#}\n").into_bytes() })
}

fn listing((kind, id): (&str, &str)) -> Value {
    json!({ "reference": { "reference": format!("{kind}/{id}") }, "exampleBoolean": false })
}

fn guide(listed: &[Value]) -> Value {
    json!({
        "resourceType": "ImplementationGuide",
        "id": PACKAGE,
        "url": format!("{BASE}/ImplementationGuide/{PACKAGE}"),
        "version": VERSION,
        "name": "MedCommunityGateway",
        "title": TITLE,
        "status": "active",
        "description": ABOUT,
        "packageId": PACKAGE,
        "license": env!("CARGO_PKG_LICENSE"),
        "fhirVersion": ["4.0.1"],
        "definition": { "resource": listed },
    })
}

fn broken(path: &str, error: &serde_json::Error) -> Failure {
    Failure::judged(format!("{path} 不是 JSON：{error}"), format!("{path} is no JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hutong_fhir::package::{PackageLimits, read};

    #[test]
    fn what_is_written_is_read_again() {
        let bytes = made(&resources().unwrap(), &examples().unwrap()).unwrap();
        let package = read("p.tgz", &bytes, &PackageLimits::default()).unwrap();
        assert_eq!((package.name.as_str(), package.version.as_str()), (PACKAGE, VERSION));
        assert!(package.findings.is_empty() && package.resources.len() > 250, "{}", package.resources.len());
        for wanted in ["StructureDefinition-CNPatient", "StructureDefinition-ethnicity", "CodeSystem-gb3304", "ValueSet-ws218"] {
            assert!(package.resources.iter().any(|(name, _)| name.contains(wanted)), "{wanted}");
        }
    }

    #[test]
    fn examples_have_ids_of_their_own_and_the_guide_lists_everything() {
        let examples = examples().unwrap();
        assert!(examples.len() >= 54, "{}", examples.len());
        let resources = resources().unwrap();
        let guide: Value = serde_json::from_slice(&resources.last().unwrap().json).unwrap();
        assert_eq!(guide["definition"]["resource"].as_array().unwrap().len(), resources.len() - 1);
    }
}
