//! Bundles: rules bdl-1 to bdl-12, fullUrl, entries that are there twice or that nothing leads to, links, and what a
//! search found.

use crate::keys::KEYS;
use crate::place::Frame;
use crate::rules;
use crate::text;
use crate::walk::Walk;
use hutong_fhir::definitions::Property;
use hutong_fhir::primitive::{is_absolute, is_id};
use hutong_fhir::{NodeRef, Severity};
use std::collections::HashSet;

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
            "searchset" => self.search_result(at, entry_property),
            _ => {}
        }
        self.links(at, kind);
        self.unreached(at, kind, entry_property);
    }

    /// Entries of a document or message that nothing leads to.
    fn unreached(&mut self, at: &Frame<'_, 't>, kind: &str, property: Option<&'static Property>) {
        let Some(index) = self.bundle.as_ref().filter(|b| b.is_linked()) else { return };
        let unreached = index.unreached();
        if unreached.is_empty() {
            return;
        }
        let severity = if kind == "document" { Severity::Error } else { Severity::Warning };
        let entries: Vec<NodeRef<'t>> = at.node.all(KEYS.entry).collect();
        for number in unreached {
            let Some(entry) = entries.get(number as usize) else { continue };
            let finding = text::UNREACHED.finding(severity).says(
                "从第一个条目出发，沿引用无法到达此条目；请从 Composition（或 MessageHeader）引用它，或删去它",
                "no chain of references leads from the first entry to this one; refer to it from the Composition (or MessageHeader) or remove it",
            );
            self.report(&at.below(*entry, property, number), finding);
        }
    }

    /// Bundle.link: one of each relation; pages only where there are pages.
    fn links(&mut self, at: &Frame<'_, 't>, kind: &str) {
        let mut seen = HashSet::new();
        let definitions = self.definitions;
        let property = definitions.type_named("Bundle").and_then(|id| definitions.property(id, KEYS.link));
        for (number, link) in at.node.all(KEYS.link).enumerate() {
            let relation = link.child(KEYS.relation).and_then(NodeRef::value).unwrap_or("");
            let frame = at.below(link, property, number as u32);
            let pages = matches!(relation, "first" | "previous" | "next" | "last");
            if pages && !matches!(kind, "searchset" | "history") {
                self.error(
                    &frame,
                    &text::LINK,
                    "只有 searchset 和 history 才分页；请删去 first、previous、next、last 链接",
                    "only a searchset or history has pages; remove the links first, previous, next and last",
                );
            }
            if (pages || relation == "self") && !seen.insert(relation) {
                self.error(&frame, &text::LINK, "同一关系的链接出现两次；请只保留一个", "a link of this relation is there twice; keep one");
            }
        }
    }

    /// A search gives resources: matches and what they include have ids, messages about the search are outcomes.
    fn search_result(&mut self, at: &Frame<'_, 't>, property: Option<&'static Property>) {
        let links = at.node.all(KEYS.link);
        let own = links.filter(|l| l.child(KEYS.relation).and_then(NodeRef::value) == Some("self"));
        let searched = own.filter_map(|l| l.child(KEYS.url).and_then(NodeRef::value)).next().map_or(Vec::new(), |u| self.searched(u));
        for (number, entry) in at.node.all(KEYS.entry).enumerate() {
            let frame = at.below(entry, property, number as u32);
            let mode = entry.child(KEYS.search).and_then(|s| s.child(KEYS.mode)).and_then(NodeRef::value);
            let resource = entry.child(KEYS.resource);
            let of = resource.and_then(NodeRef::resource_type).unwrap_or("");
            let is_outcome = of == "OperationOutcome";
            let has_id = resource.is_some_and(|r| r.child(KEYS.id).is_some());
            let (zh, en) = match (resource, mode) {
                (None, _) => (
                    "检索结果的条目须有 resource；请补上或删去该条目",
                    "an entry of a search result holds a resource; supply it or remove the entry",
                ),
                (Some(_), Some("match" | "include")) if !has_id => (
                    "检索结果中的资源须有 id；请补上服务器上的 id",
                    "a resource of a search result has an id; supply the one that it has on the server",
                ),
                (Some(_), Some("outcome")) if !is_outcome => (
                    "search.mode 为 outcome 的条目须是 OperationOutcome；请改正 mode",
                    "an entry of search.mode outcome is an OperationOutcome; correct the mode",
                ),
                (Some(_), Some("match")) if !searched.is_empty() && !searched.contains(&of) => (
                    "search.mode 为 match 的资源不是 self 链接所检索的类型；包含进来的资源 mode 应为 include",
                    "a match is of another type than the self link searches for; what is included has the mode include",
                ),
                _ => continue,
            };
            self.error(&frame, &text::SEARCH, zh, en);
        }
    }

    /// The resource types that a search asks for: `[base]/Type?…` or `_type`; none where it can not be told.
    fn searched<'u>(&self, url: &'u str) -> Vec<&'u str> {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        if let Some(name) = path.rsplit('/').next().filter(|name| self.definitions.resource_named(name).is_some()) {
            return vec![name];
        }
        query.split('&').filter_map(|pair| pair.strip_prefix("_type=")).flat_map(|types| types.split(',')).collect()
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

    /// Whether a fullUrl of the form `base/Type/id` names the resource that its entry holds; other forms say nothing.
    fn agrees(&self, url: &str, of: &str, id: &str) -> bool {
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return true;
        }
        let mut parts = url.rsplit('/');
        let (last, before) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
        if before == of { last == id } else { self.definitions.resource_named(before).is_none() }
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
            && !self.agrees(url, of, id)
        {
            self.error(
                at,
                &text::FULL_URL,
                "fullUrl 以“类型/id”结尾，但与条目中资源的类型或 id 不一致",
                "fullUrl ends with Type/id, but type or id of the entry's resource differ",
            );
        }
        if let (Some(of), None) = (of, id)
            && looks_like(url, of)
        {
            self.error(
                at,
                &text::FULL_URL,
                "fullUrl 是服务器上的地址（以“类型/id”结尾），但资源没有 id；请补上 id，或改用 urn:uuid:…",
                "fullUrl is an address on a server (it ends with Type/id), but the resource has no id; supply it or use urn:uuid:…",
            );
        }
        let version = resource.and_then(|r| r.child(KEYS.meta)).and_then(|m| m.child(KEYS.version_id)).and_then(NodeRef::value);
        if kind != "history" && !urls.insert((url, version.unwrap_or(""))) {
            self.broken(at, &rules::BDL_7);
        }
    }
}

/// Whether a URL ends with that type and an id.
fn looks_like(url: &str, of: &str) -> bool {
    let is_web = url.starts_with("http://") || url.starts_with("https://");
    is_web && url.rsplit_once('/').is_some_and(|(base, id)| is_id(id.as_bytes()) && base.rsplit('/').next() == Some(of))
}
