//! CodeSystems to `codesystems.txt`, ValueSets to `valuesets.txt`, and the value sets that R4's types bind as
//! required, expanded, to `required.txt`.

use crate::{Source, list, one_line, text};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;

const FHIR: &str = "http://hl7.org/fhir/";
const VS: &str = "http://hl7.org/fhir/ValueSet/";
const TERMINOLOGY: &str = "http://terminology.hl7.org/CodeSystem/";

pub(crate) struct Terminology<'a> {
    systems: BTreeMap<&'a str, &'a Value>,
    sets: BTreeMap<&'a str, &'a Value>,
}

/// `~x` for `http://hl7.org/fhir/x`, `^x` for `http://terminology.hl7.org/CodeSystem/x`, others in full.
fn short_system(url: &str) -> String {
    if let Some(rest) = url.strip_prefix(FHIR) {
        return format!("~{rest}");
    }
    url.strip_prefix(TERMINOLOGY).map_or_else(|| url.to_owned(), |rest| format!("^{rest}"))
}

fn short_set(url: &str) -> String {
    let url = url.strip_suffix("|4.0.1").unwrap_or(url);
    url.strip_prefix(VS).map_or_else(|| url.to_owned(), |rest| format!("~{rest}"))
}

/// What can be checked of a required value set.
enum Expansion {
    /// (system, codes)
    Codes(BTreeMap<String, BTreeSet<String>>),
    /// By its form only: `bcp47`, `bcp13`, `ucum`, `iso4217`.
    Format(&'static str),
    /// Holds systems of which we have no content.
    Unknown(String),
}

impl<'a> Terminology<'a> {
    pub(crate) fn new(source: &'a Source) -> Terminology<'a> {
        Terminology {
            systems: source.all("CodeSystem").map(|c| (text(&c["url"]), c)).collect(),
            sets: source.all("ValueSet").map(|v| (text(&v["url"]), v)).collect(),
        }
    }

    /// A header `@url, version, content, name, flags`, then a line a concept: code (indented by its depth), display,
    /// flags (`!` not to be selected, `-` not active any more), further parents separated by blanks.
    pub(crate) fn code_systems(&self) -> String {
        let mut out = String::new();
        for (url, system) in &self.systems {
            let mut flags = String::new();
            if system["caseSensitive"] == true {
                flags.push('c');
            }
            let _ = write!(
                out,
                "@{}\t{}\t{}\t{}\t{flags}",
                short_system(url),
                text(&system["version"]),
                text(&system["content"]),
                text(&system["name"])
            );
            for (name, tag) in [("hierarchyMeaning", "h"), ("supplements", "s"), ("valueSet", "v")] {
                if let Some(value) = system[name].as_str() {
                    let value = if tag == "v" { short_set(value) } else { value.to_owned() };
                    let _ = write!(out, "\t{tag}={value}");
                }
            }
            out.push('\n');
            let items = list(&system["concept"]);
            concepts(items, 0, &further_parents(items), &mut out);
        }
        out
    }

    /// A header `@url, version, name`, then a line an include (`+`) or exclude (`-`): system, version, then tagged
    /// columns: `c=code`, behind it `d=display`, `f=property op value`, `v=imported value set`.
    pub(crate) fn value_sets(&self) -> String {
        let mut out = String::new();
        for (url, set) in &self.sets {
            let _ = writeln!(out, "@{}\t{}\t{}", short_set(url), text(&set["version"]), text(&set["name"]));
            for (part, sign) in [("include", '+'), ("exclude", '-')] {
                for include in list(&set["compose"][part]) {
                    let _ = write!(out, "{sign}{}\t{}", short_system(text(&include["system"])), text(&include["version"]));
                    for c in list(&include["concept"]) {
                        let _ = write!(out, "\tc={}", one_line(text(&c["code"])));
                        if self.display(text(&include["system"]), text(&c["code"])) != c["display"].as_str() {
                            let _ = write!(out, "\td={}", one_line(text(&c["display"])));
                        }
                    }
                    for f in list(&include["filter"]) {
                        let _ = write!(out, "\tf={} {} {}", text(&f["property"]), text(&f["op"]), one_line(text(&f["value"])));
                    }
                    for v in list(&include["valueSet"]) {
                        let _ = write!(out, "\tv={}", short_set(text(v)));
                    }
                    out.push('\n');
                }
            }
        }
        out
    }

    fn display(&self, system: &str, code: &str) -> Option<&str> {
        fn find<'v>(concepts: &'v [Value], code: &str) -> Option<&'v Value> {
            concepts.iter().find_map(|c| if c["code"] == code { Some(c) } else { find(list(&c["concept"]), code) })
        }
        find(list(&self.systems.get(system)?["concept"]), code)?["display"].as_str()
    }

    /// A header `@url` with `codes`, `format:x` or `unknown:system`, then a line a system: its url and codes.
    pub(crate) fn required(&self, sets: &[String]) -> String {
        let mut out = String::new();
        for short in sets {
            let url = short.strip_prefix('~').map_or_else(|| short.clone(), |rest| format!("{VS}{rest}"));
            let short = short.split('|').next().unwrap_or(short);
            match self.expand(&url, 0) {
                Expansion::Format(name) => {
                    let _ = writeln!(out, "@{short}\tformat:{name}");
                }
                Expansion::Unknown(system) => {
                    let _ = writeln!(out, "@{short}\tunknown:{system}");
                }
                Expansion::Codes(systems) => {
                    let _ = writeln!(out, "@{short}\tcodes");
                    for (system, codes) in systems {
                        let codes: Vec<String> = codes.iter().map(|c| one_line(c)).collect();
                        let _ = writeln!(out, "{}\t{}", short_system(&system), codes.join("\t"));
                    }
                }
            }
        }
        out
    }

    fn expand(&self, url: &str, depth: usize) -> Expansion {
        assert!(depth < 10, "value sets that import each other: {url}");
        if url.ends_with("bcp13.txt") {
            return Expansion::Format("bcp13");
        }
        let unversioned = url.split('|').next().unwrap_or(url);
        let Some(set) = self.sets.get(unversioned) else { return Expansion::Unknown(format!("value set {url}")) };
        let mut out: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for include in list(&set["compose"]["include"]) {
            match self.expand_include(include, depth) {
                Expansion::Codes(more) => more.into_iter().for_each(|(s, c)| out.entry(s).or_default().extend(c)),
                other => return other,
            }
        }
        for exclude in list(&set["compose"]["exclude"]) {
            match self.expand_include(exclude, depth) {
                Expansion::Codes(less) => {
                    for (system, codes) in less {
                        out.entry(system).or_default().retain(|c| !codes.contains(c));
                    }
                }
                other => return other,
            }
        }
        Expansion::Codes(out)
    }

    fn expand_include(&self, include: &Value, depth: usize) -> Expansion {
        let system = text(&include["system"]);
        let mut codes: Option<HashMap<String, BTreeSet<String>>> = None;
        for imported in list(&include["valueSet"]) {
            let url = text(imported).split('|').next().unwrap_or("");
            match self.expand(url, depth + 1) {
                Expansion::Codes(more) => match &mut codes {
                    None => codes = Some(more.into_iter().collect()),
                    Some(both) => both.iter_mut().for_each(|(s, c)| c.retain(|x| more.get(s).is_some_and(|m| m.contains(x)))),
                },
                other => return other,
            }
        }
        if !system.is_empty() {
            let own = match self.expand_system(system, include) {
                Ok(own) => own,
                Err(other) => return other,
            };
            match &mut codes {
                None => codes = Some(HashMap::from([(system.to_owned(), own)])),
                Some(both) => {
                    both.retain(|s, _| s == system);
                    both.iter_mut().for_each(|(_, c)| c.retain(|x| own.contains(x)));
                }
            }
        }
        Expansion::Codes(codes.unwrap_or_default().into_iter().collect())
    }

    fn expand_system(&self, system: &str, include: &Value) -> Result<BTreeSet<String>, Expansion> {
        let listed = list(&include["concept"]);
        if !listed.is_empty() {
            return Ok(listed.iter().map(|c| text(&c["code"]).to_owned()).collect());
        }
        let format = match system {
            "urn:ietf:bcp:47" => Some("bcp47"),
            "urn:ietf:bcp:13" => Some("bcp13"),
            "http://unitsofmeasure.org" => Some("ucum"),
            "urn:iso:std:iso:4217" => Some("iso4217"),
            _ => None,
        };
        if let Some(format) = format {
            return Err(Expansion::Format(format));
        }
        let known = self.systems.get(system).filter(|s| s["content"] == "complete");
        let Some(known) = known else { return Err(Expansion::Unknown(system.to_owned())) };
        let filters = list(&include["filter"]);
        if filters.is_empty() {
            let mut codes = BTreeSet::new();
            below(list(&known["concept"]), &mut codes);
            return Ok(codes);
        }
        let mut out: Option<BTreeSet<String>> = None;
        for filter in filters {
            let kept = filter_codes(known, filter).ok_or_else(|| Expansion::Unknown(format!("{system} (filter)")))?;
            out = Some(out.map_or(kept.clone(), |o| o.intersection(&kept).cloned().collect()));
        }
        Ok(out.unwrap_or_default())
    }
}

fn below(concepts: &[Value], out: &mut BTreeSet<String>) {
    for c in concepts {
        out.insert(text(&c["code"]).to_owned());
        below(list(&c["concept"]), out);
    }
}

/// `concept is-a` and `descendent-of` over the nesting of concepts; other filters are not needed by R4's types.
fn filter_codes(system: &Value, filter: &Value) -> Option<BTreeSet<String>> {
    fn search<'v>(concepts: &'v [Value], code: &str) -> Option<&'v Value> {
        concepts.iter().find_map(|c| if c["code"] == code { Some(c) } else { search(list(&c["concept"]), code) })
    }
    if filter["property"] != "concept" {
        return None;
    }
    let root = search(list(&system["concept"]), text(&filter["value"]))?;
    let mut out = BTreeSet::new();
    below(list(&root["concept"]), &mut out);
    match text(&filter["op"]) {
        "is-a" => {
            out.insert(text(&root["code"]).to_owned());
        }
        "descendent-of" => {}
        _ => return None,
    }
    Some(out)
}

fn property<'v>(concept: &'v Value, code: &str) -> Option<&'v Value> {
    list(&concept["property"]).iter().find(|p| p["code"] == code)
}

/// Concepts below which a code stands beside the one that it is nested in: HL7 v3 names it there as `child`.
fn further_parents(items: &[Value]) -> HashMap<&str, Vec<&str>> {
    fn walk<'v>(items: &'v [Value], out: &mut HashMap<&'v str, Vec<&'v str>>) {
        for c in items {
            let nested: Vec<&str> = list(&c["concept"]).iter().map(|n| text(&n["code"])).collect();
            let children = list(&c["property"]).iter().filter(|p| p["code"] == "child").map(|p| text(&p["valueCode"]));
            for child in children.filter(|child| !nested.contains(child)) {
                out.entry(child).or_default().push(text(&c["code"]));
            }
            walk(list(&c["concept"]), out);
        }
    }
    let mut out = HashMap::new();
    walk(items, &mut out);
    out
}

fn concepts(items: &[Value], depth: usize, parents: &HashMap<&str, Vec<&str>>, out: &mut String) {
    for c in items {
        out.extend(std::iter::repeat_n(' ', depth));
        let abstract_ = ["notSelectable", "abstract"].iter().any(|n| property(c, n).is_some_and(|p| p["valueBoolean"] == true));
        let status = property(c, "status").map_or("", |p| p["valueCode"].as_str().or(p["valueString"].as_str()).unwrap_or(""));
        let mut flags = String::new();
        if abstract_ {
            flags.push('!');
        }
        if matches!(status, "deprecated" | "retired" | "inactive" | "Deprecated" | "Retired" | "Inactive") {
            flags.push('-');
        }
        out.push_str(&one_line(text(&c["code"])));
        let display = one_line(text(&c["display"]));
        let parents_of = parents.get(text(&c["code"])).map_or(String::new(), |p| p.join(" "));
        out.push_str(format!("\t{display}\t{flags}\t{parents_of}").trim_end_matches('\t'));
        out.push('\n');
        concepts(list(&c["concept"]), depth + 1, parents, out);
    }
}
