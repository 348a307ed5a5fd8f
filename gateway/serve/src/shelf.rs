//! The conformance resources that were loaded, as they are served: few and read-only, found by address, name and id.

use std::collections::HashMap;

use hutong_fhir::json::{self, JsonLimits};
use hutong_fhir::{Key, NodeRef, Tree};
use hutong_validate::community;

use crate::measure;

/// The types that are served from here.
pub(crate) const KINDS: [&str; 6] = ["StructureDefinition", "ValueSet", "CodeSystem", "ConceptMap", "OperationDefinition", "Measure"];

/// Parameters of a search here, with their types as the statement tells them.
const PARAMETERS: [(&str, &str); 13] = [
    ("_id", "token"),
    ("date", "date"),
    ("description", "string"),
    ("effective", "date"),
    ("identifier", "token"),
    ("jurisdiction", "token"),
    ("name", "string"),
    ("publisher", "string"),
    ("status", "token"),
    ("title", "string"),
    ("topic", "token"),
    ("url", "uri"),
    ("version", "token"),
];

/// Those that R4 gives a type.
pub(crate) fn parameters(kind: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    PARAMETERS.into_iter().filter(move |(name, _)| match *name {
        "effective" | "topic" => kind == "Measure",
        "identifier" => kind != "OperationDefinition",
        _ => true,
    })
}

/// Whether resources of that type are served from here.
pub(crate) fn holds(kind: &str) -> bool {
    KINDS.contains(&kind)
}

/// One loaded resource.
pub(crate) struct Stored {
    pub(crate) kind: &'static str,
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) version: String,
    /// By the name of a parameter of type string or uri, or of a simple token.
    texts: Vec<(&'static str, String)>,
    /// By the name of a parameter: system and code or value.
    tokens: Vec<(&'static str, String, String)>,
    /// By the name of a parameter: first and last day.
    dates: Vec<(&'static str, i64, i64)>,
    /// Of a profile of a resource: its type.
    profile_of: Option<String>,
    /// JSON.
    pub(crate) body: Vec<u8>,
}

/// All of them.
#[derive(Default)]
pub struct Shelf {
    all: Vec<Stored>,
    by_id: HashMap<(&'static str, String), usize>,
    by_canonical: HashMap<(&'static str, String, String), usize>,
}

impl Shelf {
    /// The community's own.
    pub fn community() -> Shelf {
        let mut shelf = Shelf::default();
        shelf.add_community();
        shelf
    }

    /// Adds the community's own, but what was loaded under the same address and version stays.
    pub fn add_community(&mut self) {
        for (_, text) in community::resources() {
            // a test holds that all of it can be read
            if let Ok((tree, _)) = json::parse(text.as_bytes(), &JsonLimits::default()) {
                let (kind, url, version) = key(&tree);
                if kind.is_some_and(|kind| !self.by_canonical.contains_key(&(kind, url, version))) {
                    self.add(&tree);
                }
            }
        }
    }

    /// Takes a resource in; what is of another type or has no canonical address is passed over. The same address and
    /// version again replaces what was there.
    pub fn add(&mut self, resource: &Tree) {
        let root = resource.root();
        let text = |name: &str| root.at(name).unwrap_or_default().to_owned();
        let (Some(kind), url, version) = key(resource) else { return };
        if url.is_empty() {
            return;
        }
        let canonical = (kind, url.clone(), version.clone());
        let place = self.by_canonical.get(&canonical).copied();
        let id = self.free_id(kind, text("id"), place);
        let mut body = Vec::with_capacity(1024);
        if root.at("id") == Some(id.as_str()) {
            json::write(root, &mut body);
        } else {
            let mut own = resource.clone();
            if let Some(old) = own.root().get("id").map(hutong_fhir::NodeRef::id) {
                own.remove(0, old);
            }
            own.add_value(0, hutong_fhir::Key::of("id"), hutong_fhir::Kind::String, &id, false);
            json::write(own.root(), &mut body);
        }
        let constrains =
            kind == "StructureDefinition" && root.at("derivation") == Some("constraint") && root.at("kind") == Some("resource");
        let stored = Stored {
            kind,
            id: id.clone(),
            url,
            version,
            texts: TEXTS.iter().map(|name| (*name, text(name))).collect(),
            tokens: tokens(root),
            dates: dates(root),
            profile_of: constrains.then(|| text("type")),
            body,
        };
        let at = place.unwrap_or(self.all.len());
        match self.all.get_mut(at) {
            Some(old) => *old = stored,
            None => self.all.push(stored),
        }
        self.by_id.insert((kind, id), at);
        self.by_canonical.insert(canonical, at);
    }

    /// The id it is read under: its own, unless another resource of the type has it or it is none.
    fn free_id(&self, kind: &'static str, own: String, place: Option<usize>) -> String {
        let usable = (1..=64).contains(&own.len()) && own.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
        let taken = |id: &str| self.by_id.get(&(kind, id.to_owned())).is_some_and(|at| Some(*at) != place);
        if usable && !taken(&own) {
            return own;
        }
        let mut n = self.all.len();
        loop {
            let id = format!("r{n}");
            if !taken(&id) {
                return id;
            }
            n += 1;
        }
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(crate) fn read(&self, kind: &str, id: &str) -> Option<&Stored> {
        let kind = KINDS.into_iter().find(|k| *k == kind)?;
        self.by_id.get(&(kind, id.to_owned())).and_then(|at| self.all.get(*at))
    }

    /// Those of a type that fit all of `wanted` (name and value of [`parameters`]), in the order of loading.
    pub(crate) fn find(&self, kind: &str, wanted: &[(String, String)]) -> Vec<&Stored> {
        self.all.iter().filter(|r| r.kind == kind && wanted.iter().all(|(name, value)| r.fits(name, value))).collect()
    }

    /// Canonical addresses of the profiles of a type.
    pub(crate) fn profiles_of(&self, kind: &str) -> Vec<&str> {
        let mut urls: Vec<&str> = self.all.iter().filter(|r| r.profile_of.as_deref() == Some(kind)).map(|r| r.url.as_str()).collect();
        urls.sort_unstable();
        urls.dedup();
        urls
    }
}

/// Parameters that are an element of their name.
const TEXTS: [&str; 5] = ["description", "name", "publisher", "status", "title"];

fn tokens(root: NodeRef<'_>) -> Vec<(&'static str, String, String)> {
    let part = |node: NodeRef<'_>, name: &str| node.at(name).unwrap_or_default().to_owned();
    let identifiers = root.all(Key::of("identifier")).map(|i| ("identifier", part(i, "system"), part(i, "value")));
    let codings = ["jurisdiction", "topic"].into_iter().flat_map(|name| {
        let codings = root.all(Key::of(name)).flat_map(|concept| concept.all(Key::of("coding")));
        codings.map(move |c| (name, part(c, "system"), part(c, "code"))).collect::<Vec<_>>()
    });
    identifiers.chain(codings).collect()
}

fn dates(root: NodeRef<'_>) -> Vec<(&'static str, i64, i64)> {
    // the day of a moment is enough to find a definition
    let days = |path: &str| root.at(path).and_then(|text| measure::days_of(text.get(..10).unwrap_or(text)));
    let (start, end) = (days("effectivePeriod.start"), days("effectivePeriod.end"));
    let effective = (start.or(end)).map(|_| ("effective", start.map_or(i64::MIN, |s| s.0), end.map_or(i64::MAX, |e| e.1)));
    days("date").map(|(first, last)| ("date", first, last)).into_iter().chain(effective).collect()
}

/// By what a resource is known.
fn key(resource: &Tree) -> (Option<&'static str>, String, String) {
    let root = resource.root();
    let text = |name: &str| root.at(name).unwrap_or_default().to_owned();
    (KINDS.into_iter().find(|k| root.resource_type() == Some(k)), text("url"), text("version"))
}

impl Stored {
    /// A comma in the value is "or". Strings fit by their beginning, whatever the case (R4 §3.1.1.4.8).
    fn fits(&self, name: &str, value: &str) -> bool {
        let kind = PARAMETERS.iter().find(|(n, _)| *n == name).map_or("", |(_, kind)| *kind);
        let own = || self.texts.iter().find(|(n, _)| *n == name).map_or("", |(_, text)| text.as_str());
        let one = |v: &str| match (name, kind) {
            ("_id", _) => self.id == v,
            ("url", _) => self.url == v || v.split_once('|').is_some_and(|(u, version)| self.url == u && self.version == version),
            ("version", _) => self.version == v,
            ("status", _) => own() == v,
            (_, "token") => self.tokens.iter().any(|(n, system, code)| {
                *n == name
                    && match v.split_once('|') {
                        Some((s, "")) => s == system,
                        Some((s, c)) => s == system && c == code,
                        None => v == code,
                    }
            }),
            (_, "date") => {
                let fits =
                    |compared: measure::Compared| self.dates.iter().any(|(n, first, last)| *n == name && compared.holds(*first, *last));
                measure::Compared::read(v).is_some_and(fits)
            }
            (_, "string") => own().to_lowercase().starts_with(&v.to_lowercase()),
            _ => false,
        };
        value.split(',').any(one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hutong_fhir::json::parse;

    fn shelf(resources: &[&str]) -> Shelf {
        let mut shelf = Shelf::default();
        for text in resources {
            shelf.add(&parse(text.as_bytes(), &JsonLimits::default()).ok().unwrap().0);
        }
        shelf
    }

    #[test]
    fn what_is_loaded_is_found_and_ids_do_not_collide() {
        let shelf = shelf(&[
            r#"{"resourceType":"ValueSet","id":"a","url":"http://x/a","version":"1","name":"Alpha","status":"active"}"#,
            r#"{"resourceType":"ValueSet","id":"a","url":"http://x/b","name":"Beta","status":"draft"}"#,
            r#"{"resourceType":"ValueSet","url":"http://x/c","name":"Gamma"}"#,
            r#"{"resourceType":"ValueSet","id":"a","url":"http://x/a","version":"1","name":"Alpha2","status":"active"}"#,
            r#"{"resourceType":"ValueSet","id":"no-address"}"#,
            r#"{"resourceType":"Patient","id":"a","url":"http://x/a"}"#,
            r#"{"resourceType":"StructureDefinition","id":"p","url":"http://x/p","kind":"resource","type":"Patient","derivation":"constraint"}"#,
        ]);
        assert_eq!(shelf.len(), 4);
        assert_eq!(shelf.read("ValueSet", "a").unwrap().texts[1].1, "Alpha2", "the same address and version again replaces");
        let find = |name: &str, value: &str| -> Vec<&str> {
            shelf.find("ValueSet", &[(name.to_owned(), value.to_owned())]).iter().map(|r| r.url.as_str()).collect()
        };
        assert_eq!(find("url", "http://x/a,http://x/c"), ["http://x/a", "http://x/c"]);
        assert_eq!(find("url", "http://x/a|1"), ["http://x/a"]);
        assert_eq!(find("url", "http://x/a|2").len(), 0);
        assert_eq!(find("name", "be"), ["http://x/b"]);
        assert_eq!(find("status", "draft"), ["http://x/b"]);
        let renamed = shelf.find("ValueSet", &[("url".to_owned(), "http://x/b".to_owned())])[0];
        let body: serde_json::Value = serde_json::from_slice(&renamed.body).unwrap();
        assert_eq!((body["id"].as_str().unwrap(), renamed.id != "a"), (renamed.id.as_str(), true));
        assert_eq!(shelf.profiles_of("Patient"), ["http://x/p"]);
    }

    #[test]
    fn measures_are_found_by_what_r4_gives_them() {
        let coded = |name: &str, code: &str| format!(r#""{name}":[{{"coding":[{{"system":"http://x/{name}","code":"{code}"}}]}}]"#);
        let measure = |id: &str, date: &str, topic: &str| {
            format!(
                r#"{{"resourceType":"Measure","id":"{id}","url":"http://x/{id}","version":"1","date":"{date}","publisher":"Office {id}",
                "identifier":[{{"system":"http://x/n","value":"{id}"}}],"effectivePeriod":{{"start":"{date}"}},{},{}}}"#,
                coded("topic", topic),
                coded("jurisdiction", "CN")
            )
        };
        let (a, b) = (measure("a", "2024-11-05", "A"), measure("b", "2025-02-03T09:00:00+08:00", "B"));
        let shelf = shelf(&[&a, &b]);
        for (name, value, expected) in [
            ("identifier", "http://x/n|a", "a"),
            ("identifier", "b", "b"),
            ("identifier", "http://x/n|", "a b"),
            ("identifier", "http://x/m|a", ""),
            ("topic", "http://x/topic|B", "b"),
            ("topic", "A,B", "a b"),
            ("jurisdiction", "CN", "a b"),
            ("jurisdiction", "http://x/topic|A", ""),
            ("date", "2024", "a"),
            ("date", "ge2025", "b"),
            ("date", "2025-02-03", "b"),
            ("effective", "ge2025-06-01", "a b"),
            ("effective", "lt2025", "a"),
            ("publisher", "office B", "b"),
        ] {
            let found = shelf.find("Measure", &[(name.to_owned(), value.to_owned())]);
            assert_eq!(found.iter().map(|r| r.id.as_str()).collect::<Vec<_>>().join(" "), expected, "{name}={value}");
        }
        let names = |kind: &str| parameters(kind).map(|(n, _)| n).collect::<Vec<_>>();
        assert!(names("Measure").contains(&"topic") && !names("ValueSet").contains(&"topic"));
        assert!(!names("OperationDefinition").contains(&"identifier"));
    }
}
