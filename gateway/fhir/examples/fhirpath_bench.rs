//! What an expression costs on a resource, in nanoseconds of CPU an evaluation.
//!
//! ```text
//! cargo run --release -p hutong-fhir --example fhirpath_bench -- RESOURCE.json [EXPRESSION…]
//! ```
//!
//! Without expressions: the invariants of the resource's type and those of the types and elements at its top, each on
//! the node it is for, slowest first, then compiling all invariants of R4.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use hutong_fhir::definitions::Definitions;
use hutong_fhir::fhirpath::{self, Env, Item};
use hutong_fhir::json::{self, JsonLimits};
use std::time::Instant;

/// Seconds that this thread has run; wall time where the system does not tell.
fn cpu_seconds(since: Instant) -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|n| n.parse::<f64>().ok()).map_or(since.elapsed().as_secs_f64(), |ns| ns / 1e9)
}

/// Median of nine rounds of some 20 ms.
fn nanoseconds(mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut count = 0u32;
    while start.elapsed().as_millis() < 20 {
        work();
        count += 1;
    }
    let mut rounds: Vec<f64> = (0..9)
        .map(|_| {
            let from = cpu_seconds(start);
            (0..count).for_each(|_| work());
            (cpu_seconds(start) - from) * 1e9 / f64::from(count)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[4]
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let bytes = std::fs::read(arguments.next().expect("a resource")).expect("it can be read");
    let tree = json::parse(&bytes, &JsonLimits::default()).expect("FHIR JSON").0;
    let definitions = Definitions::r4();
    let resource = Item::resource(tree.root(), definitions);
    let env = Env::of(resource.clone(), definitions);
    let texts: Vec<String> = arguments.collect();
    let mut places: Vec<(String, Item<'_>)> = texts.iter().map(|text| (text.clone(), resource.clone())).collect();
    if texts.is_empty() {
        let keys = |list: &'static str| list.split(',').filter(|key| !key.is_empty());
        let expression = |key: &str| definitions.invariant(key).expect("a known invariant").expression.to_owned();
        let Item::Node { type_id: Some(id), .. } = &resource else { panic!("a resource of R4") };
        places.extend(keys(definitions.get(*id).invariants).map(|key| (expression(key), resource.clone())));
        for child in tree.root().children() {
            let Some(property) = definitions.property(*id, child.key()) else { continue };
            let item = Item::Node { node: child, type_id: Some(property.type_id) };
            let of_element = keys(definitions.element(property.element).invariants);
            for key in keys(definitions.get(property.type_id).invariants).chain(of_element) {
                places.push((expression(key), item.clone()));
            }
        }
    }
    let mut seen = std::collections::HashSet::new();
    places.retain(|(text, _)| seen.insert(text.clone()));
    let mut figures: Vec<(f64, String)> = Vec::new();
    for (text, focus) in &places {
        let compiled = fhirpath::compile(text, definitions).expect("FHIRPath");
        let cost = nanoseconds(|| {
            std::hint::black_box(compiled.holds(focus.clone(), &env)).ok();
        });
        figures.push((cost, text.clone()));
    }
    figures.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (cost, text) in &figures {
        println!("{cost:9.0} ns  {text}");
    }
    let all: Vec<&str> = definitions.invariants().map(|i| i.expression).collect();
    let start = Instant::now();
    let good = all.iter().filter(|text| fhirpath::compile(text, definitions).is_ok()).count();
    println!("{good} invariants compiled in {:.1} ms", start.elapsed().as_secs_f64() * 1000.0);
}
