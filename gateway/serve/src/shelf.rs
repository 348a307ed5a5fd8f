//! The conformance resources that were loaded, as they are served: few and read-only, found by address, name and id.

use std::collections::HashMap;

use hutong_fhir::Tree;
use hutong_fhir::json::{self, JsonLimits};
use hutong_validate::community;

/// The types that are served from here.
pub(crate) const KINDS: [&str; 5] = ["StructureDefinition", "ValueSet", "CodeSystem", "ConceptMap", "OperationDefinition"];

/// Parameters of a search here, with their types as the statement tells them.
pub(crate) const PARAMETERS: [(&str, &str); 6] =
    [("_id", "token"), ("name", "string"), ("status", "token"), ("title", "string"), ("url", "uri"), ("version", "token")];

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
    name: String,
    title: String,
    status: String,
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
            name: text("name"),
            title: text("title"),
            status: text("status"),
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

    /// Those of a type that fit all of `wanted` (name and value of [`PARAMETERS`]), in the order of loading.
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

/// By what a resource is known.
fn key(resource: &Tree) -> (Option<&'static str>, String, String) {
    let root = resource.root();
    let text = |name: &str| root.at(name).unwrap_or_default().to_owned();
    (KINDS.into_iter().find(|k| root.resource_type() == Some(k)), text("url"), text("version"))
}

impl Stored {
    /// A comma in the value is "or". Strings fit by their beginning, whatever the case (R4 §3.1.1.4.8).
    fn fits(&self, name: &str, value: &str) -> bool {
        let begins = |text: &str, v: &str| text.to_lowercase().starts_with(&v.to_lowercase());
        let one = |v: &str| match name {
            "_id" => self.id == v,
            "url" => self.url == v || v.split_once('|').is_some_and(|(u, version)| self.url == u && self.version == version),
            "version" => self.version == v,
            "status" => self.status == v,
            "name" => begins(&self.name, v),
            "title" => begins(&self.title, v),
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
        assert_eq!(shelf.read("ValueSet", "a").unwrap().name, "Alpha2", "the same address and version again replaces");
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
}
