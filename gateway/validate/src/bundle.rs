//! Bundles: rules bdl-1 to bdl-12, fullUrl, entries that are there twice, and what references inside resolve to.

use crate::keys::KEYS;
use crate::place::Frame;
use crate::rules;
use crate::text;
use crate::walk::Walk;
use hutong_fhir::NodeRef;
use hutong_fhir::primitive::is_absolute;
use std::collections::{HashMap, HashSet};

/// The entries of a Bundle by fullUrl, with the type of their resource.
pub(crate) struct Index<'t> {
    by_url: HashMap<&'t str, Option<&'t str>>,
    /// The entries themselves with their places.
    entries: HashMap<&'t str, (u32, NodeRef<'t>)>,
    /// Questionnaires by their canonical URL.
    forms: HashMap<&'t str, NodeRef<'t>>,
    kind: &'t str,
}

impl<'t> Index<'t> {
    pub(crate) fn new(bundle: NodeRef<'t>) -> Index<'t> {
        let (mut by_url, mut forms, mut entries) = (HashMap::new(), HashMap::new(), HashMap::new());
        for (place, entry) in bundle.all(KEYS.entry).enumerate() {
            if let Some(url) = entry.child(KEYS.full_url).and_then(NodeRef::value) {
                let kind = entry.child(KEYS.resource).and_then(NodeRef::resource_type);
                by_url.entry(url).or_insert(kind);
                entries.entry(url).or_insert((place as u32, entry));
            }
            if let Some(resource) = entry.child(KEYS.resource).filter(|r| r.resource_type() == Some("Questionnaire"))
                && let Some(url) = resource.child(KEYS.url).and_then(NodeRef::value)
            {
                forms.insert(url, resource);
            }
        }
        Index { by_url, entries, forms, kind: bundle.child(KEYS.kind).and_then(NodeRef::value).unwrap_or("") }
    }

    /// The type of the entry's resource where an entry has that fullUrl.
    pub(crate) fn find(&self, url: &str) -> Option<Option<&'t str>> {
        self.by_url.get(url).copied()
    }

    /// The entry with that fullUrl and its place.
    pub(crate) fn entry(&self, url: &str) -> Option<(u32, NodeRef<'t>)> {
        self.entries.get(url).copied()
    }

    /// The Questionnaire with that canonical URL.
    pub(crate) fn form(&self, url: &str) -> Option<NodeRef<'t>> {
        self.forms.get(url).copied()
    }

    /// Whether the Bundle must hold what its URNs point to.
    pub(crate) fn must_resolve(&self) -> bool {
        matches!(self.kind, "document" | "message" | "transaction")
    }
}

impl<'t> Walk<'t> {
    /// The rules over a whole Bundle, after its entries.
    pub(crate) fn bundle_as_a_whole(&mut self, at: &Frame<'_, 't>) {
        let kind = at.node.child(KEYS.kind).and_then(NodeRef::value).unwrap_or("");
        if at.node.child(KEYS.total).is_some() && !matches!(kind, "searchset" | "history") {
            self.broken(at, &rules::BDL_1);
        }
        let definitions = self.definitions;
        let entry_property = definitions.type_named("Bundle").and_then(|id| definitions.property(id, KEYS.entry));
        let mut urls: HashSet<(&str, &str)> = HashSet::new();
        let mut resources: HashSet<(&str, &str)> = HashSet::new();
        for (i, entry) in at.node.all(KEYS.entry).enumerate() {
            let frame = at.below(entry, entry_property, i as u32);
            self.entry(&frame, kind);
            self.full_url(&frame, kind, &mut urls, &mut resources);
        }
        let first = at.node.child(KEYS.entry).and_then(|e| e.child(KEYS.resource)).and_then(NodeRef::resource_type);
        match kind {
            "document" => {
                let identifier = at.node.child(KEYS.identifier);
                if identifier.is_none_or(|i| i.child(KEYS.system).is_none() || i.child(KEYS.value).is_none()) {
                    self.broken(at, &rules::BDL_9);
                }
                if at.node.child(KEYS.timestamp).and_then(NodeRef::value).is_none() {
                    self.broken(at, &rules::BDL_10);
                }
                if first != Some("Composition") {
                    self.broken(at, &rules::BDL_11);
                }
            }
            "message" if first != Some("MessageHeader") => self.broken(at, &rules::BDL_12),
            _ => {}
        }
    }

    fn entry(&mut self, at: &Frame<'_, 't>, kind: &str) {
        let has = |key| at.node.child(key).is_some();
        if has(KEYS.search) && kind != "searchset" {
            self.broken(at, &rules::BDL_2);
        }
        if has(KEYS.request) != matches!(kind, "batch" | "transaction" | "history") {
            self.broken(at, &rules::BDL_3);
        }
        if has(KEYS.response) != matches!(kind, "batch-response" | "transaction-response" | "history") {
            self.broken(at, &rules::BDL_4);
        }
        if !has(KEYS.resource) && !has(KEYS.request) && !has(KEYS.response) {
            self.broken(at, &rules::BDL_5);
        }
    }

    /// fullUrl: absolute, of no version, in agreement with the resource, there once.
    fn full_url(
        &mut self,
        at: &Frame<'_, 't>,
        kind: &str,
        urls: &mut HashSet<(&'t str, &'t str)>,
        resources: &mut HashSet<(&'t str, &'t str)>,
    ) {
        let resource = at.node.child(KEYS.resource);
        let id = resource.and_then(|r| r.child(KEYS.id)).and_then(NodeRef::value);
        let of = resource.and_then(NodeRef::resource_type);
        let Some(url) = at.node.child(KEYS.full_url).and_then(NodeRef::value) else {
            if resource.is_some() && matches!(kind, "collection" | "document" | "history" | "message" | "searchset") {
                self.error(
                    at,
                    &text::FULL_URL,
                    "条目缺少 fullUrl；除 batch 与 transaction 外，每个条目都须有 fullUrl",
                    "the entry has no fullUrl; except in a batch or transaction every entry must have one",
                );
            }
            // without fullUrl type and id are all that tells entries apart
            if let (Some(of), Some(id)) = (of, id)
                && matches!(kind, "transaction" | "batch")
                && !resources.insert((of, id))
            {
                self.error(
                    at,
                    &text::DUPLICATE,
                    "Bundle 中有两个条目是同一资源（类型与 id 相同）；请只保留一个",
                    "two entries of the Bundle are the same resource (type and id); keep one",
                );
            }
            return;
        };
        if url.contains("/_history/") {
            self.broken(at, &rules::BDL_8);
        }
        if !is_absolute(url) {
            self.error(
                at,
                &text::FULL_URL,
                "fullUrl 必须是绝对 URI，如 urn:uuid:… 或服务器上的完整地址",
                "fullUrl must be absolute: urn:uuid:… or the full address on the server",
            );
        } else if let (Some(of), Some(id)) = (of, id)
            && !agrees(url, of, id)
        {
            self.error(
                at,
                &text::FULL_URL,
                "fullUrl 以“类型/id”结尾，但与条目中资源的类型或 id 不一致",
                "fullUrl ends with Type/id, but type or id of the entry's resource differ",
            );
        }
        let version = resource.and_then(|r| r.child(KEYS.meta)).and_then(|m| m.child(KEYS.version_id)).and_then(NodeRef::value);
        if kind != "history" && !urls.insert((url, version.unwrap_or(""))) {
            self.broken(at, &rules::BDL_7);
        }
    }
}

/// Whether a fullUrl of the form `base/Type/id` names the resource that its entry holds; other forms say nothing.
fn agrees(url: &str, of: &str, id: &str) -> bool {
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return true;
    }
    let mut parts = url.rsplit('/');
    let (last, before) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    // "http://server/Patient/1": only where the last part but one looks like a type
    if before != of { !before.starts_with(|c: char| c.is_ascii_uppercase()) } else { last == id }
}
