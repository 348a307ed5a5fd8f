//! Runs HL7's FHIRPath suite for R4 and writes what agrees.
//!
//! ```text
//! cargo run -p hutong-fhir --example fhirpath_suite -- tests-fhir-r4.xml conformance/fhirpath-agreement-reasons.tsv \
//!     DIRECTORY_WITH_INPUTS… > conformance/fhirpath-agreement.md
//! ```
//!
//! Every expression is compiled strictly for the type of its input. A test that expects a fault of whatever kind
//! agrees when there is one. A test whose input file is in none of the directories is counted apart.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use hutong_fhir::definitions::Definitions;
use hutong_fhir::fhirpath::{self, Env, Host, Item, Moment, Options, STEPS_MAX};
use hutong_fhir::json::{self, JsonLimits};
use hutong_fhir::xml::{self, XmlLimits};
use hutong_fhir::{NodeRef, Tree};
use quick_xml::events::{BytesStart, Event};
use std::collections::HashMap;
use std::path::PathBuf;

/// One test of the suite.
#[derive(Default)]
struct Test {
    group: String,
    name: String,
    input: Option<String>,
    expression: String,
    /// `syntax`, `semantic`, `execution`: a fault is expected.
    invalid: Option<String>,
    /// The result counts as a Boolean.
    predicate: bool,
    unordered: bool,
    outputs: Vec<(Option<String>, String)>,
}

/// A host that knows R4's types and nothing else.
struct Types(&'static Definitions);

impl Host for Types {
    fn conforms_to(&self, of: &Item<'_>, profile: &str) -> Option<bool> {
        let wanted = self.0.type_named(profile.strip_prefix("http://hl7.org/fhir/StructureDefinition/")?)?;
        match of {
            Item::Node { type_id: Some(id), .. } => Some(self.0.is_a(*id, wanted)),
            _ => None,
        }
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let suite = arguments.next().expect("the suite");
    let reasons = std::fs::read_to_string(arguments.next().expect("the reasons")).expect("the reasons can be read");
    let directories: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    let reasons: HashMap<&str, &str> = reasons.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.split_once('\t')).collect();
    let tests = read_suite(&std::fs::read(suite).expect("the suite can be read"));
    let mut inputs: HashMap<String, Option<Tree>> = HashMap::new();
    for name in tests.iter().map(|t| t.input.clone().unwrap_or_else(|| "patient-example.xml".into())) {
        inputs.entry(name.clone()).or_insert_with(|| find(&directories, &name));
    }
    let (mut agree, mut without) = (0usize, Vec::new());
    let mut misses: Vec<(&Test, String)> = Vec::new();
    for test in &tests {
        match &inputs[test.input.as_deref().unwrap_or("patient-example.xml")] {
            None => without.push(test),
            Some(tree) => match judge(test, tree.root()) {
                Ok(()) => agree += 1,
                Err(got) => misses.push((test, got)),
            },
        }
    }
    report(tests.len(), agree, &misses, &without, &reasons);
}

fn report(all: usize, agree: usize, misses: &[(&Test, String)], without: &[&Test], reasons: &HashMap<&str, &str>) {
    let run = all - without.len();
    println!("# Agreement with HL7's FHIRPath suite for R4\n");
    println!("Generated; the command stands in `gateway/fhir/examples/fhirpath_suite.rs`.\n");
    println!(
        "{all} tests, {} without their input file, {run} run: **{agree} agree ({:.2} %)**, {} do not.\n",
        without.len(),
        agree as f64 * 100.0 / run.max(1) as f64,
        misses.len()
    );
    println!("| test | expression | expected | here | why |\n|---|---|---|---|---|");
    let cell = |text: &str| text.replace('|', "\\|").replace(['\n', '\r'], " ");
    for (test, got) in misses {
        let expected = match &test.invalid {
            Some(kind) => format!("fault ({kind})"),
            None => test.outputs.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(", "),
        };
        let why = reasons.get(test.name.as_str()).unwrap_or(&"");
        println!("| {}.{} | `{}` | {} | {} | {why} |", test.group, test.name, cell(&test.expression), cell(&expected), cell(got));
    }
    println!("\nTests whose input file is not at hand:\n");
    for test in without {
        println!("- {}.{} ({})", test.group, test.name, test.input.as_deref().unwrap_or(""));
    }
    eprintln!("{agree} of {run} agree, {} do not, {} have no input", misses.len(), without.len());
}

/// A resource by its file name, in whichever of both syntaxes.
fn find(directories: &[PathBuf], name: &str) -> Option<Tree> {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    for directory in directories {
        if let Ok(bytes) = std::fs::read(directory.join(format!("{stem}.xml"))) {
            return Some(xml::parse(&bytes, &XmlLimits::default()).unwrap_or_else(|e| panic!("{name}: {}", e.en)).0);
        }
        if let Ok(bytes) = std::fs::read(directory.join(format!("{stem}.json"))) {
            return Some(json::parse(&bytes, &JsonLimits::default()).unwrap_or_else(|e| panic!("{name}: {e:?}")).0);
        }
    }
    None
}

/// Whether a test agrees; otherwise what came out.
fn judge(test: &Test, root: NodeRef<'_>) -> Result<(), String> {
    let definitions = Definitions::r4();
    let focus = Item::resource(root, definitions);
    let context = match &focus {
        Item::Node { type_id, .. } => *type_id,
        _ => None,
    };
    let outcome = fhirpath::compile_for(&test.expression, definitions, Options { context, strict: true });
    let expression = match outcome {
        Ok(expression) => expression,
        Err(fault) if test.invalid.is_some() => {
            let _ = fault;
            return Ok(());
        }
        Err(fault) => return Err(format!("fault: {}", fault.en)),
    };
    let host = Types(definitions);
    let env = Env {
        definitions,
        resource: focus.clone(),
        root: focus.clone(),
        host: &host,
        now: Moment::date_time("2026-11-22T08:00:00.000+08:00"),
        variables: &[],
        steps_max: STEPS_MAX,
    };
    let items = match expression.evaluate(focus, &env) {
        Ok(items) if test.invalid.is_none() => items,
        Ok(items) => return Err(items.iter().map(|i| show(i)).collect::<Vec<_>>().join(", ")),
        Err(_) if test.invalid.is_some() => return Ok(()),
        Err(fault) => return Err(format!("fault: {}", fault.en)),
    };
    let mut got: Vec<String> = if test.predicate { vec![(!items.is_empty()).to_string()] } else { items.iter().map(show).collect() };
    let mut expected: Vec<String> = test.outputs.iter().map(|(_, text)| plain(text)).collect();
    if test.unordered {
        got.sort();
        expected.sort();
    }
    let same_types = test.predicate || items.iter().zip(&test.outputs).all(|(item, (wanted, _))| fits(item, wanted.as_deref()));
    if got == expected && same_types { Ok(()) } else { Err(format!("{}{}", got.join(", "), if same_types { "" } else { " (type)" })) }
}

/// An item as the suite writes it, without the sign of dates.
fn show(item: &Item<'_>) -> String {
    item.to_string().trim_start_matches('@').to_owned()
}

/// An expected value without the sign of dates; -0 is 0.
fn plain(text: &str) -> String {
    let text = text.strip_prefix('@').unwrap_or(text);
    if text == "-0.0" { "0.0".to_owned() } else { text.to_owned() }
}

/// Whether an item is of the type that the suite names.
fn fits(item: &Item<'_>, wanted: Option<&str>) -> bool {
    let Some(wanted) = wanted else { return true };
    let definitions = Definitions::r4();
    match item {
        Item::Node { type_id: Some(id), .. } => definitions.get(*id).name == wanted,
        Item::Node { .. } | Item::Resource(_) | Item::Type(_) => false,
        Item::Boolean(_) => wanted == "boolean",
        Item::Integer(_) => wanted == "integer",
        Item::Decimal(_) => wanted == "decimal",
        Item::String(_) => wanted == "string",
        Item::Date(_) => wanted == "date",
        Item::DateTime(_) => wanted == "dateTime",
        Item::Time(_) => wanted == "time",
        Item::Quantity(_) => wanted == "Quantity",
    }
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let value = start.try_get_attribute(name).ok().flatten()?.value;
    Some(value.into_owned())
}

fn read_suite(bytes: &[u8]) -> Vec<Test> {
    let text = std::str::from_utf8(bytes).expect("UTF-8");
    let mut reader = quick_xml::Reader::from_str(text);
    let (mut tests, mut group, mut test, mut output) = (Vec::new(), String::new(), Test::default(), None::<(Option<String>, String)>);
    let mut in_expression = false;
    loop {
        let event = reader.read_event().expect("well-formed");
        match event {
            Event::Start(start) | Event::Empty(start) if start.name().as_ref() == "group" => {
                group = attribute(&start, "name").unwrap_or_default();
            }
            Event::Start(start) if start.name().as_ref() == "test" => {
                test = Test {
                    group: group.clone(),
                    name: attribute(&start, "name").unwrap_or_default(),
                    input: attribute(&start, "inputfile"),
                    predicate: attribute(&start, "predicate").as_deref() == Some("true"),
                    unordered: attribute(&start, "ordered").as_deref() == Some("false"),
                    invalid: attribute(&start, "invalid"),
                    ..Test::default()
                };
            }
            Event::Start(start) if start.name().as_ref() == "expression" => {
                in_expression = true;
                test.invalid = attribute(&start, "invalid").or(test.invalid.take());
            }
            Event::Start(start) if start.name().as_ref() == "output" => output = Some((attribute(&start, "type"), String::new())),
            Event::Text(part) => take(&mut test, &mut output, in_expression, &part),
            Event::CData(part) => take(&mut test, &mut output, in_expression, &part),
            Event::GeneralRef(part) => {
                let name = part.to_string();
                let text = quick_xml::escape::unescape(&format!("&{name};")).expect("an entity").into_owned();
                take(&mut test, &mut output, in_expression, &text);
            }
            Event::End(end) => match end.name().as_ref() {
                "expression" => in_expression = false,
                "output" => test.outputs.extend(output.take()),
                "test" => tests.push(std::mem::take(&mut test)),
                _ => {}
            },
            Event::Eof => return tests,
            _ => {}
        }
    }
}

fn take(test: &mut Test, output: &mut Option<(Option<String>, String)>, in_expression: bool, text: &str) {
    match output {
        Some((_, value)) => value.push_str(text),
        None if in_expression => test.expression.push_str(text),
        None => {}
    }
}
