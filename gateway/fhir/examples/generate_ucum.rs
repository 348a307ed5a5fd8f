//! Writes `profiles/terminology/ucum.tsv` from UCUM's own table:
//!
//! ```text
//! cargo run -p hutong-fhir --example generate_ucum -- ucum-essence.xml > profiles/terminology/ucum.tsv
//! ```
//!
//! Columns: code; whether it takes metric prefixes; kind (`base`, `unit`, `arbitrary`, or the name of the function of
//! a unit on a scale of its own); value and unit that it is made of; name. Sorted by code.

#![allow(clippy::print_stdout)] // it prints the table

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::collections::BTreeMap;
use std::error::Error;

#[derive(Default)]
struct Unit {
    metric: bool,
    kind: String,
    value: String,
    unit: String,
    name: String,
}

fn attribute(of: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = of.attributes().flatten().find(|a| a.key.as_ref() == name)?;
    Some(found.value.replace("&apos;", "'").replace("&quot;", "\""))
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: generate_ucum ucum-essence.xml")?;
    let text = std::fs::read_to_string(path)?;
    let mut reader = Reader::from_str(&text);
    let mut units: BTreeMap<String, Unit> = BTreeMap::new();
    let (mut version, mut date) = (String::new(), String::new());
    let mut open: Option<(String, Unit)> = None;
    let mut in_name = false;
    loop {
        let event = reader.read_event()?;
        match &event {
            Event::Eof => break,
            Event::Start(e) | Event::Empty(e) => match e.name().as_ref() {
                "root" => {
                    version = attribute(e, "version").unwrap_or_default();
                    date = attribute(e, "revision-date").unwrap_or_default();
                }
                "base-unit" => {
                    let unit = Unit { metric: true, kind: "base".into(), ..Unit::default() };
                    open = attribute(e, "Code").map(|code| (code, unit));
                }
                "unit" => {
                    let is = |name| attribute(e, name).as_deref() == Some("yes");
                    let kind = if is("isArbitrary") { "arbitrary" } else { "unit" };
                    let unit = Unit { metric: is("isMetric"), kind: kind.into(), ..Unit::default() };
                    open = attribute(e, "Code").map(|code| (code, unit));
                }
                "value" => {
                    if let Some((_, unit)) = &mut open {
                        unit.value = attribute(e, "value").unwrap_or_default();
                        unit.unit = attribute(e, "Unit").unwrap_or_default();
                    }
                }
                "function" => {
                    if let Some((_, unit)) = &mut open {
                        unit.kind = attribute(e, "name").unwrap_or_default();
                        unit.value = attribute(e, "value").unwrap_or_default();
                        unit.unit = attribute(e, "Unit").unwrap_or_default();
                    }
                }
                "name" => in_name = open.as_ref().is_some_and(|(_, unit)| unit.name.is_empty()),
                _ => {}
            },
            Event::Text(text) if in_name => {
                if let Some((_, unit)) = &mut open {
                    unit.name.push_str(text);
                }
            }
            Event::End(e) => match e.name().as_ref() {
                "name" => in_name = false,
                "unit" | "base-unit" => {
                    if let Some((code, unit)) = open.take() {
                        units.insert(code, unit);
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
    println!(
        "# Unit codes of UCUM {version} ({date}), https://ucum.org, copyright Regenstrief Institute; code, takes metric prefixes, kind, value, unit, name"
    );
    for (code, u) in units {
        let name = u.name.split_whitespace().collect::<Vec<_>>().join(" ");
        println!("{code}\t{}\t{}\t{}\t{}\t{name}", if u.metric { "yes" } else { "no" }, u.kind, u.value, u.unit);
    }
    Ok(())
}
