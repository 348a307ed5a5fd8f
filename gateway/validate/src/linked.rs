//! What a Bundle holds, which entry a reference in it means (R4, bundle.html#references), and which entries of a
//! document or message nothing leads to.

use crate::keys::KEYS;
use hutong_fhir::NodeRef;
use std::collections::HashMap;

/// The entries of a Bundle.
pub(crate) struct Index<'t> {
    kind: &'t str,
    entries: Vec<Entry<'t>>,
    by_url: HashMap<&'t str, Vec<u32>>,
    /// By what a relative reference says: `Type/id` at the end of a URL, or what stands behind the last colon of a URN.
    by_tail: HashMap<&'t str, Vec<u32>>,
    /// By type and id of the resource, whatever the fullUrl; of documents and messages only.
    by_name: HashMap<(&'t str, &'t str), u32>,
    /// Questionnaires by their canonical URL.
    forms: HashMap<&'t str, NodeRef<'t>>,
    /// The entry that is being walked.
    current: Option<u32>,
    /// From which entry to which.
    links: Vec<(u32, u32)>,
}

struct Entry<'t> {
    node: NodeRef<'t>,
    url: &'t str,
    version: Option<&'t str>,
    kind: Option<&'t str>,
}

/// Where a reference leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Found {
    Entry(u32),
    /// Several entries have that fullUrl.
    Several,
    /// Not to an entry by the rules, though one has that type and id.
    Apparent,
    Nothing,
}

impl<'t> Index<'t> {
    pub(crate) fn new(bundle: NodeRef<'t>) -> Index<'t> {
        let kind = bundle.child(KEYS.kind).and_then(NodeRef::value).unwrap_or("");
        let mut index = Index {
            kind,
            entries: Vec::new(),
            by_url: HashMap::new(),
            by_tail: HashMap::new(),
            by_name: HashMap::new(),
            forms: HashMap::new(),
            current: None,
            links: Vec::new(),
        };
        for entry in bundle.all(KEYS.entry) {
            index.add(entry);
        }
        index
    }

    fn add(&mut self, entry: NodeRef<'t>) {
        let number = self.entries.len() as u32;
        let resource = entry.child(KEYS.resource);
        let value = |key| resource.and_then(|r| r.child(key)).and_then(NodeRef::value);
        let url = entry.child(KEYS.full_url).and_then(NodeRef::value).unwrap_or("");
        let kind = resource.and_then(NodeRef::resource_type);
        let version = resource.and_then(|r| r.child(KEYS.meta)).and_then(|m| m.child(KEYS.version_id)).and_then(NodeRef::value);
        if !url.is_empty() {
            self.by_url.entry(url).or_default().push(number);
            self.by_tail.entry(tail(url)).or_default().push(number);
        }
        if self.is_linked()
            && let (Some(kind), Some(id)) = (kind, value(KEYS.id))
        {
            self.by_name.entry((kind, id)).or_insert(number);
        }
        if kind == Some("Questionnaire")
            && let (Some(url), Some(form)) = (value(KEYS.url), resource)
        {
            self.forms.insert(url, form);
        }
        self.entries.push(Entry { node: entry, url, version, kind });
    }

    /// An entry by its place.
    pub(crate) fn entry(&self, place: u32) -> Option<NodeRef<'t>> {
        self.entries.get(place as usize).map(|e| e.node)
    }

    /// The Questionnaire with that canonical URL.
    pub(crate) fn form(&self, url: &str) -> Option<NodeRef<'t>> {
        self.forms.get(url).copied()
    }

    /// Whether it is one whole in which everything hangs together.
    pub(crate) fn is_linked(&self) -> bool {
        matches!(self.kind, "document" | "message")
    }

    /// Whether the Bundle must hold what its URNs point to.
    pub(crate) fn must_resolve(&self) -> bool {
        self.is_linked() || self.kind == "transaction"
    }

    /// Whether the first entry, which says what the Bundle is about, is being walked.
    pub(crate) fn is_in_first(&self) -> bool {
        self.current == Some(0)
    }

    /// Enters an entry's resource; gives what [`Index::leave`] needs.
    pub(crate) fn enter(&mut self, entry: u32) -> Option<u32> {
        self.current.replace(entry)
    }

    pub(crate) fn leave(&mut self, before: Option<u32>) {
        self.current = before;
    }

    /// The type of an entry's resource.
    pub(crate) fn kind_of(&self, entry: u32) -> Option<&'t str> {
        self.entries.get(entry as usize).and_then(|e| e.kind)
    }

    /// Remembers that the entry being walked leads to another.
    pub(crate) fn link(&mut self, to: u32) {
        if let Some(from) = self.current.filter(|_| self.is_linked()) {
            self.links.push((from, to));
        }
    }

    /// Remembers a uri that is the fullUrl of an entry.
    pub(crate) fn note(&mut self, uri: &str) {
        if self.is_linked()
            && let Some([to]) = self.by_url.get(uri).map(Vec::as_slice)
        {
            self.link(*to);
        }
    }

    /// Which entry a reference in the entry being walked means.
    pub(crate) fn resolve(&self, reference: &str) -> Found {
        let plain = reference.split('#').next().unwrap_or(reference);
        if let Some(found) = self.by_url.get(plain) {
            return self.one(found.iter().copied(), None);
        }
        let (plain, version) = plain.split_once("/_history/").map_or((plain, None), |(p, v)| (p, Some(v)));
        if version.is_some()
            && let Some(found) = self.by_url.get(plain)
        {
            return self.one(found.iter().copied(), version);
        }
        let Some((kind, id)) = plain.split_once('/').filter(|(k, id)| !id.contains('/') && !k.contains(':')) else {
            return Found::Nothing;
        };
        let from = self.current.and_then(|c| self.entries.get(c as usize)).map_or("", |e| e.url);
        let found = match from.starts_with("urn:") {
            true => self.beside(from, id, version),
            false if from.is_empty() => Found::Nothing,
            false => self.beside(from, plain, version),
        };
        match found {
            Found::Nothing if version.is_none() && self.by_name.contains_key(&(kind, id)) => Found::Apparent,
            found => found,
        }
    }

    /// The entry whose URL is that of `from` with another tail.
    fn beside(&self, from: &str, other: &str, version: Option<&str>) -> Found {
        let base = from.strip_suffix(tail(from)).unwrap_or("");
        let known = self.by_tail.get(other).map(Vec::as_slice).unwrap_or_default().iter().copied();
        let url = |n: &u32| self.entries.get(*n as usize).map_or("", |e| e.url);
        self.one(known.filter(|n| url(n).strip_suffix(other) == Some(base)), version)
    }

    fn one(&self, found: impl Iterator<Item = u32>, version: Option<&str>) -> Found {
        let fits = |n: &u32| version.is_none() || self.entries.get(*n as usize).is_some_and(|e| e.version == version);
        let mut found = found.filter(fits);
        match (found.next(), found.next()) {
            (None, _) => Found::Nothing,
            (Some(one), None) => Found::Entry(one),
            _ => Found::Several,
        }
    }

    /// Entries with a resource that can not be reached from the first one, following references in either direction.
    pub(crate) fn unreached(&self) -> Vec<u32> {
        let mut next: Vec<Vec<u32>> = vec![Vec::new(); self.entries.len()];
        for (from, to) in &self.links {
            for (a, b) in [(from, to), (to, from)] {
                if let Some(list) = next.get_mut(*a as usize) {
                    list.push(*b);
                }
            }
        }
        let mut reached = vec![false; self.entries.len()];
        let mut open = vec![0u32];
        while let Some(n) = open.pop() {
            let Some(seen) = reached.get_mut(n as usize) else { continue };
            if !std::mem::replace(seen, true) {
                open.extend(next.get(n as usize).into_iter().flatten());
            }
        }
        let entries = self.entries.iter().zip(reached).enumerate();
        entries.filter(|(_, (e, reached))| !reached && e.kind.is_some()).map(|(n, _)| n as u32).collect()
    }
}

/// `Type/id` of `base/Type/id`, `x` of `urn:uuid:x`.
fn tail(url: &str) -> &str {
    if url.starts_with("urn:") {
        return url.rsplit(':').next().unwrap_or(url);
    }
    let at = url.rfind('/').and_then(|last| url.get(..last)).and_then(|rest| rest.rfind('/'));
    at.and_then(|at| url.get(at + 1..)).unwrap_or(url)
}
