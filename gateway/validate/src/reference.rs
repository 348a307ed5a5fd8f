//! References: their form, what they point to, and whether that type is allowed there.

use crate::keys::KEYS;
use crate::linked::Found;
use crate::place::{Frame, safe_name};
use crate::primitive::keep;
use crate::text;
use crate::walk::Walk;
use hutong_fhir::definitions::{Property, TypeId};
use hutong_fhir::primitive::{is_absolute, is_id};
use hutong_fhir::{Finding, NodeRef, Severity};

/// What a reference says about its target.
pub(crate) enum Target<'r> {
    /// A resource type that R4 has.
    Type(TypeId),
    /// A relative reference to a type that R4 does not have.
    UnknownType(&'r str),
    /// Nothing can be said about the target's type.
    Anything,
    /// Neither a URL, a URN, `#id` nor `Type/id`.
    Malformed,
}

impl<'t> Walk<'t> {
    /// Checks an element of type Reference.
    pub(crate) fn reference(&mut self, at: &Frame<'_, 't>, property: &'static Property) {
        let value = at.node.child(KEYS.reference).and_then(NodeRef::value);
        let stated = at.node.child(KEYS.kind).and_then(NodeRef::value);
        let stated_type = stated.and_then(|name| self.definitions.resource_named(name));
        if let Some(name) = stated.filter(|n| stated_type.is_none() && !n.contains(':')) {
            let finding = text::REFERENCE_TYPE.finding(Severity::Error).says(
                format!("Reference.type“{}”不是 R4 的资源类型", safe_name(name)),
                format!("Reference.type '{}' is no R4 resource type", safe_name(name)),
            );
            self.report(at, finding);
        }
        let target = match value {
            Some(value) if !value.is_empty() => self.target(at, value),
            _ => None,
        };
        if let (Some(target), Some(stated_type)) = (target, stated_type)
            && target != stated_type
        {
            self.error(
                at,
                &text::REFERENCE_TYPE,
                "Reference.type 与引用所指的资源类型不一致；请改正其中之一",
                "Reference.type and the type that the reference points to differ; correct one of them",
            );
        }
        let Some(pointed) = target.or(stated_type) else { return };
        if !self.definitions.may_target(property.targets, pointed) {
            self.wrong_target(at, property, pointed);
        }
    }

    fn wrong_target(&mut self, at: &Frame<'_, '_>, property: &'static Property, pointed: TypeId) {
        let name = self.definitions.get(pointed).name;
        let allowed = self.definitions.target_names(property.targets).collect::<Vec<_>>().join(" | ");
        self.error(
            at,
            &text::REFERENCE_TARGET,
            format!("不能引用 {name}；可引用：{allowed}"),
            format!("must not refer to {name}; allowed: {allowed}"),
        );
    }

    /// The type that a reference points to, as far as it can be known; reports what is wrong with its form.
    fn target(&mut self, at: &Frame<'_, 't>, value: &'t str) -> Option<TypeId> {
        if let Some(id) = value.strip_prefix('#') {
            self.scope.link(value);
            let Some(node) = self.scope.resolve(id) else {
                let finding = text::REFERENCE_LOCAL.finding(Severity::Error).says(
                    "引用的内含资源不存在；请在 contained 中加上该资源，或改正 id",
                    "there is no contained resource with this id; add it to contained or correct the id",
                );
                self.report(at, keep(finding, value));
                return None;
            };
            return node.resource_type().and_then(|name| self.definitions.resource_named(name));
        }
        if self.bundle.is_some()
            && let Some(known) = self.in_bundle(at, value)
        {
            return known;
        }
        match target_of(value, |name| self.definitions.resource_named(name)) {
            Target::Type(id) => Some(id),
            Target::Anything => None,
            Target::UnknownType(name) => {
                let finding = text::REFERENCE_FORM.finding(Severity::Error).says(
                    format!("引用的资源类型“{}”在 R4 中不存在", safe_name(name)),
                    format!("the reference is to '{}', which is no R4 resource type", safe_name(name)),
                );
                self.report(at, keep(finding, value));
                None
            }
            Target::Malformed => {
                self.report(at, keep(malformed(), value));
                None
            }
        }
    }

    /// What the Bundle around says of a reference: the target's type, as far as known; `None` where it says nothing.
    fn in_bundle(&mut self, at: &Frame<'_, 't>, value: &'t str) -> Option<Option<TypeId>> {
        let bundle = self.bundle.as_mut()?;
        let is_urn = value.starts_with("urn:uuid:") || value.starts_with("urn:oid:");
        match bundle.resolve(value) {
            Found::Entry(entry) => {
                bundle.link(entry);
                let kind = bundle.kind_of(entry);
                let said = value.split_once('/').map(|(kind, _)| kind).filter(|k| !k.contains(':'));
                if let (Some(said), Some(kind)) = (said, kind)
                    && said != kind
                {
                    let finding = text::REFERENCE_TYPE.finding(Severity::Error).says(
                        format!("引用所指的条目是 {}，与引用中的类型不同；请改正引用", safe_name(kind)),
                        format!(
                            "the entry that the reference leads to is a {}, another type than the reference says; correct it",
                            safe_name(kind)
                        ),
                    );
                    self.report(at, keep(finding, value));
                    return Some(None);
                }
                return Some(kind.and_then(|name| self.definitions.resource_named(name)));
            }
            found @ (Found::Several | Found::Apparent) if bundle.is_linked() => self.ambiguous(at, value, found),
            _ if is_urn => {
                let severity = if bundle.must_resolve() { Severity::Error } else { Severity::Warning };
                self.unresolved(at, value, severity);
                return Some(None);
            }
            _ if bundle.is_linked() && bundle.is_in_first() && must_be_here(at) && !value.contains('?') => {
                self.unresolved(at, value, Severity::Error);
            }
            _ => {}
        }
        None
    }

    fn ambiguous(&mut self, at: &Frame<'_, '_>, value: &str, found: Found) {
        let (zh, en) = if found == Found::Several {
            (
                "Bundle 中有多个条目的 fullUrl 与此引用相同；请在引用中用 /_history/… 指明版本，或只保留一个条目",
                "several entries of the Bundle have this fullUrl; say which with /_history/… or keep one entry",
            )
        } else {
            (
                "Bundle 中有类型与 id 相同的条目，但其 fullUrl 与本条目的 fullUrl 不在同一基地址下，相对引用指不到它；请改用它的 fullUrl",
                "an entry has this type and id, but its fullUrl has another base than this entry's, so that a relative reference does not lead to it; use its fullUrl",
            )
        };
        self.report(at, keep(text::AMBIGUOUS.finding(Severity::Error).says(zh, en), value));
    }

    fn unresolved(&mut self, at: &Frame<'_, '_>, value: &str, severity: Severity) {
        let finding = text::Rule { id: "fhir.bundle.unresolved", issue: "not-found", hl7: 102 }.finding(severity).says(
            "Bundle 中没有此引用所指的条目（按 fullUrl）；请加上该条目，或改正引用",
            "the Bundle has no entry that this reference leads to (by fullUrl); add the entry or correct the reference",
        );
        self.report(at, keep(finding, value));
    }
}

/// Whether what a document's Composition or a message's header refers to here belongs to the document or message
/// (R4, documents.html#content, messaging.html).
fn must_be_here(at: &Frame<'_, '_>) -> bool {
    let mut root = at;
    while let Some(up) = root.up.filter(|up| up.property.is_none_or(|p| p.key != KEYS.entry || up.node.child(KEYS.resource).is_none())) {
        root = up;
    }
    let within = at.up.map_or("", |up| up.node.name());
    match root.node.resource_type() {
        Some("Composition") => match at.node.name() {
            "subject" | "encounter" | "custodian" | "author" | "focus" => true,
            "party" => within == "attester",
            "detail" => within == "event",
            "entry" => within == "section",
            _ => false,
        },
        Some("MessageHeader") => at.node.name() == "focus",
        _ => false,
    }
}

fn malformed() -> Finding {
    text::REFERENCE_FORM
        .finding(Severity::Error)
        .says("引用应为“类型/id”、#id、绝对 URL 或 urn:uuid:…", "a reference is Type/id, #id, an absolute URL or urn:uuid:…")
}

/// Reads the type out of a literal reference (<https://hl7.org/fhir/R4/references.html#literal>).
pub(crate) fn target_of(value: &str, resource: impl Fn(&str) -> Option<TypeId>) -> Target<'_> {
    // `Type/id`, as nearly all are
    if let Some((name, id)) = value.split_once('/')
        && is_id(id.as_bytes())
        && name.bytes().all(|b| b.is_ascii_alphanumeric())
    {
        return resource(name).map_or(Target::UnknownType(name), Target::Type);
    }
    if value.contains(char::is_whitespace) {
        return Target::Malformed;
    }
    let value = value.split('#').next().unwrap_or(value);
    if let Some((name, query)) = value.split_once('?') {
        // a conditional reference of a transaction, or a query of another server
        return match resource(name) {
            Some(_) if !query.split('&').all(|pair| pair.split_once('=').is_some_and(|(n, _)| !n.is_empty() && !n.contains('?'))) => {
                Target::Malformed
            }
            Some(id) => Target::Type(id),
            None if name.contains(':') => Target::Anything,
            None => Target::UnknownType(name),
        };
    }
    let absolute = is_absolute(value);
    let mut parts = value.rsplit('/');
    let (mut id, mut name) = (parts.next(), parts.next());
    if name == Some("_history") {
        id = parts.next();
        name = parts.next();
    }
    match (name, id) {
        (Some(name), Some(id)) if is_id(id.as_bytes()) && (absolute || parts.next().is_none()) => match resource(name) {
            Some(found) => Target::Type(found),
            None if absolute => Target::Anything,
            None => Target::UnknownType(name),
        },
        _ if absolute => Target::Anything,
        _ => Target::Malformed,
    }
}
