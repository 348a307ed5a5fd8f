//! Compares what `hutong convert` made of public HL7 v2 samples with the FHIR that stands beside them.
//!
//! ```text
//! hutong convert --format ndjson CORPORA/hl7v2/**/*.hl7 > ours.ndjson
//! cargo run -p hutong-map --example agreement -- ours.ndjson conformance/v2-agreement-reasons.tsv > conformance/v2-agreement.md
//! ```
//!
//! A sample `x.hl7` is paired with `x.expected.fhir.json`, `x.fhir.json` or `x.json` beside it. Within a pair,
//! resources of one type are matched by what they have in common; then each leaf of theirs is looked up in ours by its
//! path without indexes. Ids, metadata, narratives and the values of references say nothing here: of a reference only
//! the type of its target counts, and of a time only what the message said, not the zone that each side assumed.
//! Extensions are each project's own and are counted apart. Where a folder has `EXPECTED_RESOURCE_COUNTS.tsv`
//! (columns `file`, …, a JSON object of counts), the numbers of resources are compared.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use hutong_fhir::json::{self, JsonLimits};
use hutong_fhir::tree::{Kind, NodeRef, Tree};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

/// One sample program's resources: path without indexes, and value.
type Leaves = Vec<(String, String)>;

#[derive(Default)]
struct Count {
    same: usize,
    different: usize,
    missing: usize,
    extra: usize,
    example: String,
}

struct Reason {
    collection: String,
    path: String,
    text: String,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [ours, reasons, ..] = args.as_slice() else {
        eprintln!("agreement OURS.ndjson REASONS.tsv");
        std::process::exit(2);
    };
    let reasons = read_reasons(Path::new(reasons));
    let mut files = 0usize;
    let mut totals: BTreeMap<String, BTreeMap<String, Count>> = BTreeMap::new();
    let mut numbers = Numbers::default();
    for line in text_of(Path::new(ours)).lines() {
        let Some(converted) = parse(line.as_bytes()) else { continue };
        let root = converted.root();
        let (Some(file), Some(bundle)) = (member(root, "file").and_then(NodeRef::value), member(root, "bundle")) else { continue };
        numbers.compare(Path::new(file), bundle);
        let Some(expected) = beside(Path::new(file)).and_then(|p| parse(text_of(&p).as_bytes())) else { continue };
        files += 1;
        let collection = collection_of(file);
        compare(resources(bundle), resources(expected.root()), totals.entry(collection).or_default());
    }
    print_report(files, &totals, &reasons);
    numbers.print();
}

/// Numbers of resources, where a collection tells only these.
#[derive(Default)]
struct Numbers {
    same: usize,
    different: Vec<String>,
}

impl Numbers {
    fn compare(&mut self, file: &Path, bundle: NodeRef<'_>) {
        let (Some(folder), Some(name)) = (file.parent(), file.file_name().and_then(|n| n.to_str())) else { return };
        let table = text_of(&folder.join("EXPECTED_RESOURCE_COUNTS.tsv"));
        let made = resources(bundle);
        for line in table.lines().filter(|l| l.split('\t').next() == Some(name)) {
            let counts = line.split('\t').find(|c| c.starts_with('{')).unwrap_or("");
            for (kind, n) in pairs(counts).into_iter().filter(|(kind, _)| kind != "_total") {
                let ours = made.get(&kind).map_or(0, Vec::len);
                if ours == n {
                    self.same += 1;
                } else {
                    self.different.push(format!("| {name} | {kind} | {n} | {ours} |"));
                }
            }
        }
    }

    fn print(&self) {
        if self.same + self.different.len() > 0 {
            println!(
                "## Numbers of resources\n\n{} of {} numbers agree. Theirs and ours where they do not:\n",
                self.same,
                self.same + self.different.len()
            );
            println!("| message | resource | theirs | ours |\n|---|---|---|---|");
            self.different.iter().for_each(|l| println!("{l}"));
            println!("\nSegments that say the same thing again (AL1, IN1, PR1, RXA under one number) are one resource here, two there.");
        }
    }
}

/// `{"Patient": 1, "_total": 2}`
fn pairs(text: &str) -> Vec<(String, usize)> {
    let parts = text.trim_matches(['{', '}']).split(',');
    parts
        .filter_map(|p| p.split_once(':'))
        .filter_map(|(k, v)| Some((k.trim().trim_matches('"').to_owned(), v.trim().parse().ok()?)))
        .collect()
}

fn text_of(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn parse(text: &[u8]) -> Option<Tree> {
    let text = text.trim_ascii_start();
    json::parse(text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text), &JsonLimits::default()).ok().map(|(tree, _)| tree)
}

/// A member whose name is none of FHIR's.
fn member<'t>(node: NodeRef<'t>, name: &str) -> Option<NodeRef<'t>> {
    node.children().find(|c| c.name() == name)
}

/// The file that holds what others made of `message`.
fn beside(message: &Path) -> Option<PathBuf> {
    let stem = message.file_name()?.to_str()?.rsplit_once('.')?.0;
    let folder = message.parent()?;
    ["expected.fhir.json", "fhir.json", "json"].iter().map(|ending| folder.join(format!("{stem}.{ending}"))).find(|p| p.is_file())
}

/// The folder below `hl7v2`: whose samples they are.
fn collection_of(file: &str) -> String {
    let mut parts = file.split('/').skip_while(|p| *p != "hl7v2");
    parts.next();
    parts.next().unwrap_or("other").to_owned()
}

fn resources(bundle: NodeRef<'_>) -> BTreeMap<String, Vec<Leaves>> {
    let mut by_url: HashMap<&str, &str> = HashMap::new();
    let mut found: Vec<NodeRef<'_>> = Vec::new();
    for entry in bundle.children().filter(|c| c.name() == "entry") {
        let Some(resource) = entry.get("resource") else { continue };
        let Some(kind) = resource.resource_type() else { continue };
        if let Some(url) = member(entry, "fullUrl").and_then(NodeRef::value) {
            by_url.insert(url, kind);
        }
        found.push(resource);
        found.extend(resource.children().filter(|c| c.name() == "contained"));
    }
    if found.is_empty() && bundle.resource_type().is_some_and(|t| t != "Bundle") {
        found.push(bundle);
    }
    let mut by_type: BTreeMap<String, Vec<Leaves>> = BTreeMap::new();
    for resource in found {
        let mut leaves = Leaves::new();
        let kind = resource.resource_type().unwrap_or("?").to_owned();
        collect(resource, &kind, &by_url, &mut leaves);
        by_type.entry(kind).or_default().push(leaves);
    }
    by_type
}

fn collect(node: NodeRef<'_>, path: &str, by_url: &HashMap<&str, &str>, out: &mut Leaves) {
    for child in node.children() {
        let name = child.name();
        let top = !path.contains('.');
        if matches!(name, "resourceType" | "contained" | "div" | "fullUrl") || top && matches!(name, "id" | "meta" | "text") {
            continue;
        }
        let below = match child.at("url") {
            Some(url) if name == "extension" => format!("{path}.extension({})", url.rsplit('/').next().unwrap_or(url)),
            _ => format!("{path}.{name}"),
        };
        match child.value() {
            Some(_) if name == "url" && path.contains("extension(") => {}
            Some(value) if name == "reference" => out.push((below, target_type(value, by_url).to_owned())),
            Some(value) if child.kind() != Kind::Object => out.push((below, normal(value))),
            _ => collect(child, &below, by_url, out),
        }
    }
}

fn target_type<'a>(reference: &'a str, by_url: &HashMap<&'a str, &'a str>) -> &'a str {
    by_url.get(reference).copied().unwrap_or_else(|| reference.split('/').rev().nth(1).unwrap_or("urn"))
}

/// A time without its zone and its fraction; any other text with single spaces.
fn normal(value: &str) -> String {
    let b = value.as_bytes();
    let is_time = b.len() >= 16 && b[..4].iter().all(u8::is_ascii_digit) && b[4] == b'-' && b.get(10) == Some(&b'T');
    if is_time { value[..16].to_owned() } else { value.split_whitespace().collect::<Vec<_>>().join(" ") }
}

fn compare(mut ours: BTreeMap<String, Vec<Leaves>>, theirs: BTreeMap<String, Vec<Leaves>>, totals: &mut BTreeMap<String, Count>) {
    for (kind, mut expected) in theirs {
        let mut made = ours.remove(&kind).unwrap_or_default();
        while let Some(theirs) = expected.pop() {
            let best = (0..made.len()).max_by_key(|i| common(&made[*i], &theirs));
            match best {
                Some(i) => compare_one(&made.swap_remove(i), &theirs, totals),
                None => {
                    for (path, value) in &theirs {
                        note(totals, path, value, "—").missing += 1;
                    }
                }
            }
        }
        for leaves in made {
            for (path, _) in leaves {
                totals.entry(path).or_default().extra += 1;
            }
        }
    }
}

fn common(a: &Leaves, b: &Leaves) -> usize {
    b.iter().filter(|leaf| a.contains(leaf)).count()
}

fn compare_one(ours: &Leaves, theirs: &Leaves, totals: &mut BTreeMap<String, Count>) {
    let mut left: Vec<&(String, String)> = ours.iter().collect();
    let mut open: Vec<&(String, String)> = Vec::new();
    for leaf in theirs {
        match left.iter().position(|l| *l == leaf) {
            Some(i) => {
                left.swap_remove(i);
                totals.entry(leaf.0.clone()).or_default().same += 1;
            }
            None => open.push(leaf),
        }
    }
    for (path, value) in open {
        match left.iter().position(|l| l.0 == *path) {
            Some(i) => {
                let (_, own) = left.swap_remove(i);
                note(totals, path, value, own).different += 1;
            }
            None => note(totals, path, value, "—").missing += 1,
        }
    }
    for (path, _) in left {
        totals.entry(path.clone()).or_default().extra += 1;
    }
}

fn note<'t>(totals: &'t mut BTreeMap<String, Count>, path: &str, theirs: &str, ours: &str) -> &'t mut Count {
    let count = totals.entry(path.to_owned()).or_default();
    if count.example.is_empty() {
        let short = |s: &str| s.chars().take(40).collect::<String>().replace('|', "\\|");
        count.example = format!("{} / {}", short(theirs), short(ours));
    }
    count
}

fn read_reasons(path: &Path) -> Vec<Reason> {
    let text = text_of(path);
    let rows = text.lines().filter(|l| !l.starts_with('#') && !l.starts_with("collection\t"));
    rows.filter_map(|l| {
        let mut columns = l.splitn(3, '\t');
        Some(Reason { collection: columns.next()?.into(), path: columns.next()?.into(), text: columns.next()?.into() })
    })
    .collect()
}

/// `*` at either end of a pattern stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        _ if pattern == "*" => true,
        (Some(_), Some(_)) if pattern.len() > 1 => text.contains(&pattern[1..pattern.len() - 1]),
        (Some(end), None) => text.ends_with(end),
        (None, Some(start)) => text.starts_with(start),
        _ => text == pattern,
    }
}

fn print_report(files: usize, totals: &BTreeMap<String, BTreeMap<String, Count>>, reasons: &[Reason]) {
    println!("# What others made of the same messages\n");
    println!("Generated; the command stands in `gateway/map/examples/agreement.rs`. {files} messages have FHIR beside them.");
    println!("Theirs / ours; a time is compared without its zone, a reference by its target's type.\n");
    for (collection, paths) in totals {
        summary(collection, paths);
        println!("\n| element | same | different | we have none | only ours | e.g. theirs / ours | why |\n|---|---|---|---|---|---|---|");
        let apart: usize = paths.iter().filter(|(p, _)| p.contains("extension(")).map(|(_, c)| c.different + c.missing).sum();
        let mut rows: Vec<_> = paths.iter().filter(|(p, c)| c.different + c.missing > 0 && !p.contains("extension(")).collect();
        rows.sort_by_key(|(path, c)| (std::cmp::Reverse(c.different + c.missing), path.as_str()));
        for (path, c) in rows {
            let why = reasons.iter().find(|r| fits(&r.collection, collection) && fits(&r.path, path)).map_or("", |r| r.text.as_str());
            println!("| {path} | {} | {} | {} | {} | {} | {why} |", c.same, c.different, c.missing, c.extra, c.example);
        }
        println!("\nIn extensions of their own: {apart} leaves that we have otherwise or not.\n");
    }
}

/// One line a resource type.
fn summary(collection: &str, paths: &BTreeMap<String, Count>) {
    println!(
        "## {collection}\n\nWithout extensions:\n\n| resource | leaves of theirs | same | different | we have none | only ours |\n|---|---|---|---|---|---|"
    );
    let mut by_type: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    for (path, c) in paths.iter().filter(|(p, _)| !p.contains("extension(")) {
        let row = by_type.entry(path.split('.').next().unwrap_or("")).or_default();
        for (sum, n) in row.iter_mut().zip([c.same, c.different, c.missing, c.extra]) {
            *sum += n;
        }
    }
    for (kind, [same, different, missing, extra]) in by_type {
        println!("| {kind} | {} | {same} | {different} | {missing} | {extra} |", same + different + missing);
    }
}
