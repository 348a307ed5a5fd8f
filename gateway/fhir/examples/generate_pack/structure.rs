//! StructureDefinitions to `types.txt` (what R4 defines) and `profiles.txt` (constraints on it), their invariants,
//! the names of all elements, search parameters and compartments.

use crate::{Source, list, one_line, text};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;

const SD: &str = "http://hl7.org/fhir/StructureDefinition/";
const VS: &str = "http://hl7.org/fhir/ValueSet/";

/// One rendered element: path below its type (with slice names) and the other columns.
struct Line {
    path: String,
    rest: String,
}

struct Structure {
    header: String,
    lines: Vec<Line>,
}

pub(crate) struct Structures {
    /// Base types by name, in the order of the sources.
    types: Vec<(String, Structure)>,
    profiles: Vec<Structure>,
    invariants: BTreeMap<String, String>,
    names: BTreeSet<String>,
    required: BTreeSet<String>,
}

impl Structures {
    /// `corrections` holds blocks in the form of `types.txt` that replace what the sources say.
    pub(crate) fn new(source: &Source, corrections: &str) -> Structures {
        let mut invariants = Invariants::collect(source);
        let roots = root_constraints(source);
        let mut out = Structures {
            types: Vec::new(),
            profiles: Vec::new(),
            invariants: BTreeMap::new(),
            names: BTreeSet::from(["resourceType".to_owned()]),
            required: BTreeSet::new(),
        };
        for sd in source.all("StructureDefinition").filter(|sd| sd["derivation"] != "constraint" && sd["version"] == "4.0.1") {
            out.types.push((text(&sd["type"]).to_owned(), render(sd, &mut invariants, &roots)));
        }
        for (name, block) in blocks(corrections) {
            let at = out.types.iter().position(|(n, _)| *n == name).expect(name);
            let base = out.types[at].1.header.split('\t').nth(1).unwrap_or("").to_owned();
            let corrected = correct(&out.types[at].1, &block, out.find(&base));
            out.types[at].1 = corrected;
        }
        for sd in source.all("StructureDefinition").filter(|sd| sd["derivation"] == "constraint") {
            let structure = render(sd, &mut invariants, &roots);
            let lines = structure.lines.into_iter().filter(|l| !out.says_the_same(text(&sd["type"]), l)).collect();
            out.profiles.push(Structure { header: structure.header, lines });
        }
        out.invariants = invariants.texts;
        out.note_names();
        out
    }

    fn find(&self, name: &str) -> Option<&Structure> {
        self.types.iter().find(|(n, _)| n == name).map(|(_, s)| s)
    }

    /// The columns that the base type has for a path, walking into the types of elements.
    fn base_columns(&self, base: &str, path: &str) -> Option<&str> {
        let structure = self.find(base)?;
        if let Some(line) = structure.lines.iter().find(|l| l.path == path) {
            return Some(&line.rest);
        }
        // the longest known beginning, then on from its type
        let (at, line) =
            path.match_indices('.').rev().find_map(|(at, _)| structure.lines.iter().find(|l| l.path == path[..at]).map(|l| (at, l)))?;
        let column = line.rest.split('\t').nth(1)?;
        if column.contains(' ') {
            return None;
        }
        let end = column.find(['(', '{']).unwrap_or(column.len());
        self.base_columns(&column[..end], &path[at + 1..])
    }

    /// Whether a profile's line only repeats what the base type says of that path.
    fn says_the_same(&self, base: &str, line: &Line) -> bool {
        let last = line.path.rsplit('.').next().unwrap_or("");
        !last.contains(':') && self.base_columns(base, &without_slices(&line.path)) == Some(line.rest.as_str())
    }

    fn note_names(&mut self) {
        for (_, structure) in &self.types {
            for line in &structure.lines {
                let last = line.path.rsplit('.').next().unwrap_or("");
                let types = line.rest.split('\t').nth(1).unwrap_or("");
                if let Some(stem) = last.strip_suffix("[x]") {
                    self.names.insert(stem.to_owned());
                    for t in types.split(' ') {
                        let end = t.find(['(', '{']).unwrap_or(t.len());
                        self.names.insert(format!("{stem}{}", capital(&t[..end])));
                    }
                } else {
                    self.names.insert(last.to_owned());
                }
                for part in line.rest.split('\t').skip(2) {
                    if let Some(set) = part.strip_prefix("b=r").or_else(|| part.strip_prefix("B=")) {
                        self.required.insert(set.to_owned());
                    }
                }
            }
        }
    }

    pub(crate) fn names(&self) -> String {
        self.names.iter().fold(String::new(), |text, name| text + name + "\n")
    }

    pub(crate) fn required_value_sets(&self) -> Vec<String> {
        self.required.iter().cloned().collect()
    }

    /// Those that a type or a profile refers to.
    pub(crate) fn invariants(&self) -> String {
        let all = self.types() + &self.profiles();
        let columns = all.split(['\t', '\n']).filter_map(|c| c.strip_prefix("c="));
        let used: BTreeSet<&str> = columns.flat_map(|c| c.split(',')).collect();
        self.invariants
            .iter()
            .filter(|(key, _)| used.contains(key.as_str()))
            .fold(String::new(), |text, (key, rest)| text + key + "\t" + rest + "\n")
    }

    /// Elements that a type takes over unchanged from the type it specializes, or from the type of the element they
    /// stand below, are left out: the reader adds them.
    pub(crate) fn types(&self) -> String {
        let mut out = String::new();
        for (name, structure) in &self.types {
            let _ = writeln!(out, "@{name}\t{}", structure.header);
            let base = structure.header.split('\t').nth(1).unwrap_or("");
            for line in &structure.lines {
                let (parent, last) = line.path.rsplit_once('.').unwrap_or(("", &line.path));
                let above = if parent.is_empty() {
                    base
                } else {
                    structure.lines.iter().find(|l| l.path == parent).and_then(|l| l.rest.split('\t').nth(1)).unwrap_or("")
                };
                let inherited = self.find(above).and_then(|s| s.lines.iter().find(|l| l.path == last));
                if inherited.is_none_or(|l| l.rest != line.rest) {
                    let _ = writeln!(out, "{}\t{}", line.path, line.rest);
                }
            }
        }
        out
    }

    pub(crate) fn profiles(&self) -> String {
        let mut out = String::new();
        for structure in &self.profiles {
            let _ = writeln!(out, "@{}", structure.header);
            for line in &structure.lines {
                let _ = writeln!(out, "{}\t{}", line.path, line.rest);
            }
        }
        out
    }
}

fn capital(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |c| c.to_ascii_uppercase().to_string() + chars.as_str())
}

fn without_slices(path: &str) -> String {
    path.split('.').map(|part| part.split(':').next().unwrap_or(part)).collect::<Vec<_>>().join(".")
}

/// Blocks by type: the header's columns, then the element lines.
fn blocks(text: &str) -> HashMap<&str, Vec<&str>> {
    let mut out: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut current = "";
    for line in text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
        match line.strip_prefix('@').and_then(|l| l.split_once('\t')) {
            Some((name, header)) => {
                current = name;
                out.entry(name).or_default().push(header);
            }
            None => out.entry(current).or_default().push(line),
        }
    }
    out
}

/// Replaces what a type says itself by a block; what it takes over from its base type and its backbone elements stays.
fn correct(structure: &Structure, block: &[&str], base: Option<&Structure>) -> Structure {
    let own: Vec<Line> = block[1..].iter().map(|l| split_line(l)).collect();
    let taken = structure.lines.iter().filter(|line| match line.path.rsplit_once('.') {
        None => base.is_some_and(|b| b.lines.iter().any(|l| l.path == line.path)),
        Some((parent, last)) => matches!(last, "id" | "extension" | "modifierExtension") && own.iter().any(|l| l.path == parent),
    });
    let mut lines: Vec<Line> = taken.map(|l| Line { path: l.path.clone(), rest: l.rest.clone() }).collect();
    lines.extend(own);
    Structure { header: block[0].to_owned(), lines }
}

fn split_line(line: &str) -> Line {
    let (path, rest) = line.split_once('\t').expect("a correction has columns");
    Line { path: path.to_owned(), rest: rest.to_owned() }
}

/// `http://hl7.org/fhir/StructureDefinition/x` as `~x`, others in full.
fn short(url: &str, base: &str) -> String {
    let url = url.strip_suffix("|4.0.1").unwrap_or(url);
    url.strip_prefix(base).map_or_else(|| url.to_owned(), |rest| format!("~{rest}"))
}

/// Invariants by key; the same key with another meaning gets `~2`, `~3` behind it.
struct Invariants {
    texts: BTreeMap<String, String>,
}

impl Invariants {
    fn collect(source: &Source) -> Invariants {
        let mut out = Invariants { texts: BTreeMap::new() };
        for sd in source.all("StructureDefinition") {
            for element in list(&sd["snapshot"]["element"]) {
                for constraint in list(&element["constraint"]) {
                    out.key(constraint);
                }
            }
        }
        out
    }

    fn key(&mut self, constraint: &Value) -> String {
        let severity = if constraint["severity"] == "error" { 'e' } else { 'w' };
        let best = list(&constraint["extension"]).iter().any(|e| text(&e["url"]).ends_with("elementdefinition-bestpractice"));
        let rest = format!(
            "{severity}{}\t{}\t{}",
            if best { "b" } else { "" },
            one_line(text(&constraint["expression"])),
            one_line(text(&constraint["human"]))
        );
        let key = text(&constraint["key"]);
        for n in 1.. {
            let name = if n == 1 { key.to_owned() } else { format!("{key}~{n}") };
            match self.texts.get(&name) {
                Some(known) if *known == rest => return name,
                Some(_) => {}
                None => {
                    self.texts.insert(name.clone(), rest);
                    return name;
                }
            }
        }
        unreachable!()
    }
}

/// Keys of the invariants of each base type as a whole: an element of that type has them without saying so.
fn root_constraints(source: &Source) -> HashMap<String, BTreeSet<String>> {
    let bases = source.all("StructureDefinition").filter(|sd| sd["derivation"] != "constraint");
    bases
        .map(|sd| {
            let root = &list(&sd["snapshot"]["element"])[0];
            let keys = list(&root["constraint"]).iter().map(|c| text(&c["key"]).to_owned()).collect();
            (text(&sd["type"]).to_owned(), keys)
        })
        .collect()
}

fn render(sd: &Value, invariants: &mut Invariants, roots: &HashMap<String, BTreeSet<String>>) -> Structure {
    let kind = match text(&sd["kind"]) {
        "primitive-type" => "primitive",
        "complex-type" => "complex",
        other => other,
    };
    let base = short(text(&sd["baseDefinition"]), SD);
    let elements = list(&sd["snapshot"]["element"]);
    let mut header = if sd["derivation"] == "constraint" {
        format!("{}\t{}\t{base}\t{}", short(text(&sd["url"]), SD), text(&sd["type"]), text(&sd["name"]))
    } else {
        format!("{kind}\t{}", base.trim_start_matches('~'))
    };
    if sd["abstract"] == true {
        header += "\tabstract";
    }
    for context in list(&sd["context"]) {
        let _ = write!(header, "\tctx={}:{}", text(&context["type"]), text(&context["expression"]));
    }
    for invariant in list(&sd["contextInvariant"]) {
        let _ = write!(header, "\tctxi={}", one_line(text(invariant)));
    }
    let root = &elements[0];
    let is_modifier = root["isModifier"] == true;
    // how often, and whether it modifies: of resources and data types the element that holds them says it
    if text(&sd["type"]) == "Extension" && sd["derivation"] == "constraint" && (root["max"] != "*" || root["min"] != 0 || is_modifier) {
        let _ = write!(header, "\troot={}..{}{}", root["min"], text(&root["max"]), if is_modifier { "!" } else { "" });
    }
    let root_keys: Vec<String> = list(&elements[0]["constraint"]).iter().map(|c| invariants.key(c)).collect();
    if !root_keys.is_empty() {
        let _ = write!(header, "\tc={}", root_keys.join(","));
    }
    let lines = elements[1..].iter().map(|e| render_element(sd, e, invariants, roots)).collect();
    Structure { header, lines }
}

fn render_element(sd: &Value, e: &Value, invariants: &mut Invariants, roots: &HashMap<String, BTreeSet<String>>) -> Line {
    let id = text(&e["id"]);
    let path = id.split_once('.').map_or("", |(_, rest)| rest).to_owned();
    let types: Vec<String> = list(&e["type"]).iter().map(|t| render_type(sd, e, t)).collect();
    let mut rest = format!("{}..{}\t{}", e["min"].as_u64().unwrap_or(0), text(&e["max"]), types.join(" "));
    let mut flags = String::new();
    for (name, flag) in [("mustSupport", 'M'), ("isModifier", '!'), ("isSummary", 'S')] {
        if e[name] == true {
            flags.push(flag);
        }
    }
    if !flags.is_empty() {
        let _ = write!(rest, "\t{flags}");
    }
    if let Some(reference) = e["contentReference"].as_str() {
        let _ = write!(rest, "\t#={}", reference.split_once('.').map_or("", |(_, p)| p));
    }
    render_binding(&e["binding"], &mut rest);
    render_constraints(e, invariants, roots, &mut rest);
    render_values(e, &mut rest);
    render_slicing(&path, &e["slicing"], &mut rest);
    Line { path, rest }
}

/// `Reference(Patient,Group)`, `Quantity{~SimpleQuantity}`, `canonical(StructureDefinition)`, `code`.
fn render_type(sd: &Value, e: &Value, t: &Value) -> String {
    let mut code = text(&t["code"]).to_owned();
    if code.starts_with("http://hl7.org/fhirpath/") {
        let path = text(&e["path"]);
        let fhir_type = list(&t["extension"]).iter().find(|x| text(&x["url"]).ends_with("structuredefinition-fhir-type"));
        code = fhir_type.map_or("string", |x| text(&x["valueUrl"])).to_owned();
        // 4.0.1 calls the id of a resource a string; the specification's text, its schema and its regex say id
        if sd["kind"] == "resource" && path.split('.').count() == 2 && path.ends_with(".id") {
            code = "id".to_owned();
        }
    }
    let urls = |name: &str| list(&t[name]).iter().map(|u| short(text(u), SD)).collect::<Vec<_>>().join(",");
    if !list(&t["profile"]).is_empty() {
        let _ = write!(code, "{{{}}}", urls("profile"));
    }
    if !list(&t["targetProfile"]).is_empty() {
        let _ = write!(code, "({})", urls("targetProfile"));
    }
    code
}

fn render_binding(binding: &Value, rest: &mut String) {
    if let (Some(strength), Some(set)) = (binding["strength"].as_str(), binding["valueSet"].as_str()) {
        let letter = if strength == "example" { "x" } else { &strength[..1] };
        let _ = write!(rest, "\tb={letter}{}", short(set, VS));
    }
    for extension in list(&binding["extension"]) {
        if text(&extension["url"]).ends_with("elementdefinition-maxValueSet") {
            let set = extension["valueCanonical"].as_str().or(extension["valueUri"].as_str()).unwrap_or("");
            let _ = write!(rest, "\tB={}", short(set, VS));
        }
    }
}

fn render_constraints(e: &Value, invariants: &mut Invariants, roots: &HashMap<String, BTreeSet<String>>, rest: &mut String) {
    let types = list(&e["type"]);
    let implied = |key: &str| match types {
        [] => key == "ele-1",
        [one] => key == "ele-1" || roots.get(text(&one["code"])).is_some_and(|keys| keys.contains(key)),
        _ => key == "ele-1",
    };
    let keys: Vec<String> = list(&e["constraint"]).iter().filter(|c| !implied(text(&c["key"]))).map(|c| invariants.key(c)).collect();
    if !keys.is_empty() {
        let _ = write!(rest, "\tc={}", keys.join(","));
    }
}

/// `f` fixed, `p` pattern, `l` greatest length, `>` least, `<` greatest value: each with its type and JSON.
fn render_values(e: &Value, rest: &mut String) {
    for (name, value) in e.as_object().expect("an element is an object") {
        for (prefix, sign) in [("fixed", 'f'), ("pattern", 'p'), ("minValue", '>'), ("maxValue", '<')] {
            if let Some(kind) = name.strip_prefix(prefix) {
                let _ = write!(rest, "\t{sign}{kind}={value}");
            }
        }
    }
    if let Some(n) = e["maxLength"].as_u64() {
        let _ = write!(rest, "\tl={n}");
    }
}

/// `s=rules[,ordered];type:path;…`. Extensions are always sliced by url, openly: not said.
fn render_slicing(path: &str, slicing: &Value, rest: &mut String) {
    if slicing.is_null() {
        return;
    }
    let mut out = text(&slicing["rules"]).to_owned();
    if slicing["ordered"] == true {
        out += ",ordered";
    }
    for d in list(&slicing["discriminator"]) {
        let _ = write!(out, ";{}:{}", text(&d["type"]), text(&d["path"]));
    }
    if !((path.ends_with("xtension")) && out == "open;value:url") {
        let _ = write!(rest, "\ts={out}");
    }
}

/// One line a parameter: code, type, bases, targets, url tail, expression, components.
pub(crate) fn search_parameters(source: &Source) -> String {
    let mut lines: Vec<String> = Vec::new();
    for p in source.all("SearchParameter") {
        let join = |name: &str| list(&p[name]).iter().map(text).collect::<Vec<_>>().join(",");
        let mut line = format!(
            "{}\t{}\t{}\t{}\t{}\t{}",
            text(&p["code"]),
            text(&p["type"]),
            join("base"),
            join("target"),
            text(&p["url"]).rsplit('/').next().unwrap_or(""),
            one_line(text(&p["expression"]))
        );
        for c in list(&p["component"]) {
            let definition = text(&c["definition"]).rsplit('/').next().unwrap_or("");
            let _ = write!(line, "\t{definition}={}", one_line(text(&c["expression"])));
        }
        lines.push(line);
    }
    lines.sort();
    lines.iter().fold(String::new(), |text, line| text + line + "\n")
}

/// One line a membership: compartment, resource type, search parameters that make it a member.
pub(crate) fn compartments(source: &Source) -> String {
    let mut lines = BTreeSet::new();
    for compartment in source.all("CompartmentDefinition").filter(|c| c["experimental"] != "example") {
        for resource in list(&compartment["resource"]) {
            let params: Vec<&str> = list(&resource["param"]).iter().map(text).collect();
            if !params.is_empty() && compartment["url"].as_str().is_some_and(|u| !u.contains("example")) {
                lines.insert(format!("{}\t{}\t{}", text(&compartment["code"]), text(&resource["code"]), params.join(",")));
            }
        }
    }
    lines.iter().fold(String::new(), |text, line| text + line + "\n")
}
