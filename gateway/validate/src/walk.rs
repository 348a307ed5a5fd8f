//! The one walk over a tree: structure, cardinality, choices; from here each node is handed to the other checks.

use crate::contained::Scope;
use crate::keys::KEYS;
use crate::linked::Index;
use crate::place::{Frame, safe_name};
use crate::profile::check::Verdict;
use crate::profile::{Said, Store};
use crate::rules::Table;
use crate::text::{self, Rule};
use crate::{Demands, FINDINGS_MAX, Knowledge, Located};
use hutong_fhir::definitions::{Element, Property, TypeId, TypeKind};
use hutong_fhir::primitive::is_absolute;
use hutong_fhir::quick::Quick;
use hutong_fhir::{Definitions, Finding, Kind, Location, NodeId, NodeRef, Severity, Tree};
use std::collections::HashMap;

/// Nesting beyond which a tree is not looked at. Its parser has a stricter limit; a builder may not.
pub(crate) const DEPTH_MAX: u32 = 128;

/// What a resource stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// On its own, in a Bundle's entry or in a parameter.
    Alone,
    Contained,
}

/// State of one validation.
pub(crate) struct Walk<'t> {
    pub(crate) knowledge: &'t Knowledge,
    /// Compiled profiles.
    pub(crate) store: &'t Store,
    pub(crate) demands: &'t Demands<'t>,
    pub(crate) definitions: &'static Definitions,
    pub(crate) table: &'t Table,
    pub(crate) found: Vec<Located>,
    /// Findings past the limit.
    pub(crate) more: usize,
    pub(crate) said: Said,
    /// What is known of nodes and profiles that were asked without a word.
    pub(crate) verdicts: HashMap<(NodeId, u32), Verdict, Quick>,
    /// Profiles that are being asked within each other.
    pub(crate) nesting: u32,
    /// Findings are looked at by somebody further up, not reported.
    pub(crate) quiet: u32,
    /// An invariant took all the steps it may: no more are evaluated.
    pub(crate) is_spent: bool,
    /// The resource that references to `#id` are resolved in.
    pub(crate) scope: Scope<'t>,
    /// What the Bundle around holds.
    pub(crate) bundle: Option<Index<'t>>,
}

pub(crate) fn run(store: &Store, table: &Table, demands: &Demands<'_>, tree: &Tree) -> Vec<Located> {
    let mut walk = Walk::new(store, table, demands);
    let root = Frame::root(tree.root());
    walk.resource(&root, Standing::Alone);
    walk.said.count(&mut walk.found);
    crate::binding::fold(&mut walk.found);
    if walk.more > 0 {
        let more = walk.more;
        walk.found.truncate(FINDINGS_MAX);
        let finding = text::MORE.finding(Severity::Error).says(
            format!("另有 {more} 个问题未列出；请先修正已列出的问题"),
            format!("{more} more findings are not listed; correct those listed first"),
        );
        walk.found.push(Located { finding, node: 0, origin: tree.root().origin() });
    }
    walk.found
}

impl<'t> Walk<'t> {
    pub(crate) fn new(store: &'t Store, table: &'t Table, demands: &'t Demands<'t>) -> Walk<'t> {
        Walk {
            knowledge: &store.knowledge,
            store,
            demands,
            definitions: store.knowledge.definitions,
            table,
            found: Vec::new(),
            more: 0,
            said: Said::default(),
            verdicts: HashMap::default(),
            nesting: 0,
            quiet: 0,
            is_spent: false,
            scope: Scope::default(),
            bundle: None,
        }
    }

    /// Notes a finding about the node of a frame.
    pub(crate) fn report(&mut self, at: &Frame<'_, '_>, finding: Finding) {
        if finding.severity < self.demands.least {
            return;
        }
        if self.found.len() >= FINDINGS_MAX {
            self.more += 1;
            return;
        }
        let expression = at.expression(self.definitions);
        let finding = finding.at(Location::Path { expression, line: 0, column: 0 });
        self.found.push(Located { finding, node: at.node.id(), origin: at.node.origin() });
    }

    pub(crate) fn error(&mut self, at: &Frame<'_, '_>, rule: &Rule, zh: impl Into<String>, en: impl Into<String>) {
        self.report(at, rule.finding(Severity::Error).says(zh, en));
    }

    /// A resource: its type first, then as any complex element.
    pub(crate) fn resource(&mut self, at: &Frame<'_, 't>, standing: Standing) {
        let Some(name) = at.node.child(KEYS.resource_type).and_then(NodeRef::value) else {
            return self.error(
                at,
                &text::NO_TYPE,
                "缺少 resourceType；请写明资源类型",
                "resourceType is missing; say what type of resource this is",
            );
        };
        let Some(type_id) = self.definitions.resource_named(name) else {
            let hint = self.nearest_resource(name);
            return self.error(
                at,
                &text::UNKNOWN_TYPE,
                format!("R4 中没有资源类型“{}”{}", safe_name(name), hint.map_or(String::new(), |h| format!("；是否应为“{h}”？"))),
                format!("R4 has no resource type '{}'{}", safe_name(name), hint.map_or(String::new(), |h| format!("; is '{h}' meant?"))),
            );
        };
        if standing == Standing::Contained {
            self.contained_resource(at);
            let before = self.scope.enter(at.index);
            self.complex(at, type_id, true);
            self.forms(at, name);
            self.definition(at, name);
            self.profiles(at, type_id);
            return self.scope.leave(before);
        }
        let outer_scope = std::mem::replace(&mut self.scope, Scope::new(at.node));
        let is_bundle = name == "Bundle";
        let outer_bundle = if is_bundle { self.bundle.replace(Index::new(at.node)) } else { None };
        let entry = at.up.filter(|up| up.property.is_some_and(|p| p.key == KEYS.entry));
        let outer_entry = entry.and_then(|entry| self.bundle.as_mut().map(|b| b.enter(entry.index)));
        self.complex(at, type_id, true);
        if let (Some(before), Some(bundle)) = (outer_entry, &mut self.bundle) {
            bundle.leave(before);
        }
        self.contained_as_a_whole(at);
        self.forms(at, name);
        self.definition(at, name);
        self.profiles(at, type_id);
        if is_bundle {
            self.bundle_as_a_whole(at);
            self.bundle = outer_bundle;
        }
        self.scope = outer_scope;
    }

    /// The children of a complex element (or the `id` and `extension` of a primitive).
    pub(crate) fn complex(&mut self, at: &Frame<'_, 't>, type_id: TypeId, is_resource: bool) {
        if at.depth > DEPTH_MAX {
            return self.error(
                at,
                &text::DEPTH,
                format!("嵌套超过 {DEPTH_MAX} 层；更深的内容未检查"),
                format!("nested more than {DEPTH_MAX} levels; what is deeper was not checked"),
            );
        }
        let definitions = self.definitions;
        let mut seen = 0u128;
        let mut current: Option<(&'static Property, &'static Element)> = None;
        let mut before = None;
        let mut index = 0;
        for child in at.node.children() {
            let key = child.key();
            if before == Some(key) {
                index += 1;
            } else {
                before = Some(key);
                index = 0;
                if is_resource && key == KEYS.resource_type {
                    current = None;
                    continue;
                }
                current = definitions.property(type_id, key).map(|p| (p, definitions.element(p.element)));
                match current {
                    None => self.unknown(&at.below(child, None, 0), type_id),
                    Some((_, element)) => {
                        let bit = 1u128 << element.place;
                        if seen & bit != 0 {
                            self.second_choice(&at.below(child, current.map(|c| c.0), 0), element);
                        }
                        seen |= bit;
                    }
                }
            }
            if let Some((property, element)) = current {
                let frame = at.below(child, Some(property), index);
                if key == KEYS.id && !is_resource {
                    self.element_id(&frame);
                }
                self.shape(&frame, element);
                self.child(&frame, property, element);
            }
        }
        let missing = definitions.get(type_id).required & !seen;
        if missing != 0 {
            self.missing(at, type_id, missing);
        }
        if !is_resource && (!at.node.has_children() || self.only_id(at)) {
            self.empty(at);
        }
        self.rules_of_type(at, type_id);
    }

    /// Ids of elements are unique within their resource.
    fn element_id(&mut self, at: &Frame<'_, 't>) {
        if at.node.value().is_some_and(|id| !self.scope.note_element(id)) {
            self.error(
                at,
                &text::DUPLICATE,
                "两个元素的 id 相同；请让元素的 id 在本资源内唯一",
                "two elements have the same id; make ids of elements unique within the resource",
            );
        }
    }

    /// An element with nothing but its `id` says nothing (ele-1), unless it has a value.
    fn only_id(&self, at: &Frame<'_, '_>) -> bool {
        matches!(at.node.kind(), Kind::Object | Kind::Empty) && at.node.children().all(|c| c.key() == KEYS.id)
    }

    pub(crate) fn empty(&mut self, at: &Frame<'_, '_>) {
        self.error(
            at,
            &text::EMPTY,
            "元素没有值也没有子元素；没有内容时请省略该元素",
            "the element has neither a value nor children; leave it out where there is nothing to say",
        );
    }

    fn child(&mut self, at: &Frame<'_, 't>, property: &'static Property, element: &'static Element) {
        let of = self.definitions.get(property.type_id);
        let good = if let TypeKind::Primitive(primitive) = of.kind {
            self.primitive(at, primitive, property, element)
        } else {
            match at.node.kind() {
                Kind::Object => {
                    if of.kind == TypeKind::Resource {
                        let standing = if element.key == KEYS.contained { Standing::Contained } else { Standing::Alone };
                        if of.is_abstract || standing == Standing::Contained {
                            self.resource(at, standing);
                        }
                    } else {
                        self.complex(at, property.type_id, false);
                        self.by_type(at, property);
                    }
                }
                Kind::Empty if !at.node.has_children() => self.empty(at),
                _ => self.error(
                    at,
                    &text::JSON_TYPE,
                    format!("此处应为 {} 对象，而不是简单值；请写成 {{…}}", of.name),
                    format!("a {} object belongs here, not a simple value; write {{…}}", of.name),
                ),
            }
            at.node.kind() == Kind::Object
        };
        if !good {
            return;
        }
        if let Some(set) = element.binding.as_ref().and_then(|b| b.must_be_in) {
            self.binding(at, of, element, set);
        }
        let table = self.table;
        if let Some(binding) = table.binding(property.element) {
            self.bound(at, property.type_id, None, binding);
        }
        self.rules_of_element(at, property.element, property);
    }

    /// Checks that single data types have beyond their elements.
    fn by_type(&mut self, at: &Frame<'_, 't>, property: &'static Property) {
        let of = Some(property.type_id);
        if of == self.table.reference {
            self.reference(at, property);
        } else if of == self.table.extension {
            self.extension_url(at);
            self.extension(at);
        } else if self.table.coded.contains(&property.type_id) {
            self.known_code(at);
            self.display(at);
            self.coded_number(at);
        } else if of == self.table.identifier {
            self.identifier_number(at);
        }
    }

    /// The url of an extension is absolute, unless it is a part of another extension.
    fn extension_url(&mut self, at: &Frame<'_, 't>) {
        let url = at.node.child(KEYS.url).and_then(NodeRef::value).unwrap_or("");
        let inside = at.up.and_then(|up| up.property).is_some_and(|p| Some(p.type_id) == self.table.extension);
        if !inside && !url.is_empty() && !is_absolute(url) {
            self.error(
                at,
                &text::EXTENSION_URL,
                "扩展的 url 须为绝对 URI，如 http://…/StructureDefinition/…",
                "the url of an extension must be absolute, such as http://…/StructureDefinition/…",
            );
        }
    }

    /// One value or an array, as the definition says.
    fn shape(&mut self, at: &Frame<'_, '_>, element: &Element) {
        if at.index == 0 && at.node.is_list() != element.is_list() {
            if element.is_list() {
                self.error(
                    at,
                    &text::NOT_A_LIST,
                    format!("{} 可重复，须写成数组；请加方括号", element.name()),
                    format!("{} repeats and must be an array; put it in brackets", element.name()),
                );
            } else {
                self.error(
                    at,
                    &text::A_LIST,
                    format!("{} 只能有一个值，不能写成数组；请去掉方括号", element.name()),
                    format!("{} has one value and must not be an array; remove the brackets", element.name()),
                );
            }
        } else if element.max <= at.index && at.index > 0 && at.index == element.max {
            self.error(
                at,
                &text::MAX,
                format!("{} 最多 {} 个；请删去多余的", element.name(), element.max),
                format!("{} may occur at most {} times; remove what is too much", element.name(), element.max),
            );
        }
    }

    fn second_choice(&mut self, at: &Frame<'_, '_>, element: &Element) {
        self.error(
            at,
            &text::TWO_CHOICES,
            format!("{} 只能选一种类型；请只保留一个", element.name()),
            format!("{} may have one type only; keep one of them", element.name()),
        );
    }

    fn missing(&mut self, at: &Frame<'_, '_>, type_id: TypeId, missing: u128) {
        for element in self.definitions.element_slice(type_id) {
            if missing & (1u128 << element.place) == 0 {
                continue;
            }
            let name = element.name();
            self.error(
                at,
                &text::MIN,
                format!("缺少必填元素 {name}；请补上，确实没有时用 data-absent-reason 扩展说明原因"),
                format!("required element {name} is missing; supply it, or say why it is absent with a data-absent-reason extension"),
            );
        }
    }

    fn unknown(&mut self, at: &Frame<'_, '_>, type_id: TypeId) {
        let of = self.definitions.get(type_id);
        let name = at.node.name();
        let shown = safe_name(name);
        let owner = if of.path.is_empty() { of.name.to_owned() } else { format!("{}.{}", of.name, of.path) };
        let names =
            self.definitions.elements(type_id).flat_map(|(_, e)| self.definitions.properties(e)).map(|p| at.node.tree().name(p.key));
        let (hint_zh, hint_en) = match nearest(name, names) {
            Some(hint) => (format!("；是否应为 {hint}？"), format!("; is {hint} meant?")),
            None => ("；请删去，或用 extension 表达".to_owned(), "; remove it, or say it with an extension".to_owned()),
        };
        self.error(
            at,
            &text::UNKNOWN_ELEMENT,
            format!("{owner} 没有元素 {shown}{hint_zh}"),
            format!("{owner} has no element {shown}{hint_en}"),
        );
    }

    fn nearest_resource(&self, name: &str) -> Option<&'static str> {
        nearest(name, self.definitions.resource_types())
    }
}

/// The name that differs least, where it differs by little.
fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    if name.len() > 64 {
        return None;
    }
    let most = (name.chars().count() / 3).clamp(1, 3);
    names.map(|n| (distance(name, n), n)).filter(|(d, _)| *d <= most).min().map(|(_, n)| n)
}

/// Edit distance, case ignored.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let cost = usize::from(!ca.eq_ignore_ascii_case(cb));
            let next = (diagonal + cost).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = row[j + 1];
            row[j + 1] = next;
        }
    }
    row[b.len()]
}
