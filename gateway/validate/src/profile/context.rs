//! Extensions: whether anybody defined them, whether they may stand where they stand, and their own profile.

use super::Profile;
use crate::keys::KEYS;
use crate::place::Frame;
use crate::text;
use crate::walk::Walk;
use hutong_fhir::definitions::TypeId;
use hutong_fhir::primitive::is_absolute;
use hutong_fhir::structure::ContextKind;
use hutong_fhir::{Definitions, Finding, NodeRef, Severity};
use std::sync::Arc;

/// What a context of kind `element` names: a type (`HumanName`, `Element`, `Resource`), or a path below one
/// (`Patient.contact.name`, `Observation.value[x]`).
pub(crate) struct Place {
    root: Root,
    /// The names below, the last first.
    steps: Box<[Box<str>]>,
}

enum Root {
    /// Any element.
    Element,
    /// A resource with a canonical URL.
    Canonical,
    Type(TypeId),
    Unknown,
}

impl Place {
    pub(crate) fn read(text: &str, definitions: &Definitions) -> Place {
        let path = text.rsplit_once('#').map_or(text, |(_, path)| path);
        let mut names = path.split('.');
        // a type may be named by its canonical
        let root = match names.next().and_then(|n| n.rsplit('/').next()).unwrap_or("") {
            "Element" => Root::Element,
            "CanonicalResource" | "MetadataResource" => Root::Canonical,
            name => definitions.type_named(name).map_or(Root::Unknown, Root::Type),
        };
        let mut steps: Vec<Box<str>> = names.map(|n| n.split(':').next().unwrap_or(n).into()).collect();
        steps.reverse();
        Place { root, steps: steps.into() }
    }
}

impl<'t> Walk<'t> {
    /// Checks an extension by its definition.
    pub(crate) fn extension(&mut self, at: &Frame<'_, 't>) {
        let Some(url) = at.node.child(KEYS.url).and_then(NodeRef::value) else { return };
        // parts of a complex extension have names, not addresses
        if !is_absolute(url) {
            return;
        }
        let is_modifier = at.node.key() == KEYS.modifier_extension;
        let Some(profile) = self.store.get(url).filter(|p| p.is_extension(self.definitions)) else {
            return self.unknown_extension(at, url, is_modifier);
        };
        if profile.is_modifier != is_modifier {
            let (zh, en) = if is_modifier {
                ("该扩展不是修饰扩展，须放在 extension 中", "this is no modifier extension, it belongs into extension")
            } else {
                ("该扩展是修饰扩展，须放在 modifierExtension 中", "this is a modifier extension, it belongs into modifierExtension")
            };
            self.about(at, text::EXTENSION_MODIFIER.finding(Severity::Error), zh.into(), en.into(), url);
        }
        self.stands_well(at, &profile);
        self.conform(at, &profile);
        self.parts(at, &profile);
    }

    /// The parts of a complex extension are those that its definition names.
    fn parts(&mut self, at: &Frame<'_, 't>, profile: &Arc<Profile>) {
        for (index, part) in at.node.all(KEYS.extension).enumerate() {
            let Some(url) = part.child(KEYS.url).and_then(NodeRef::value) else { continue };
            if is_absolute(url) || profile.parts.is_empty() || profile.parts.iter().any(|p| p == url) {
                continue;
            }
            let known = profile.parts.join(" | ");
            let (zh, en) = (
                format!("扩展 {} 没有这个组成部分；可用：{known}", profile.url),
                format!("the extension {} has no such part; it has {known}", profile.url),
            );
            let frame = at.below(part, at.property, index as u32);
            self.about(&frame, text::EXTENSION_PART.finding(Severity::Error), zh, en, url);
        }
    }

    fn unknown_extension(&mut self, at: &Frame<'_, 't>, url: &str, is_modifier: bool) {
        if self.demands.known_domains.iter().any(|domain| url.contains(domain.as_str())) {
            return;
        }
        let severity = if is_modifier { Some(self.demands.unknown_modifiers) } else { self.demands.unknown_extensions };
        let Some(severity) = severity.filter(|s| *s >= self.demands.least) else { return };
        let shown: String = url.chars().filter(|c| c.is_ascii_graphic()).take(200).collect();
        let (rule, zh, en) = if is_modifier {
            (
                &text::MODIFIER_UNKNOWN,
                format!("没有修饰扩展“{shown}”的定义；它会改变所在元素的含义，接收方须拒绝或理解它；请加载其定义"),
                format!(
                    "there is no definition of the modifier extension '{shown}'; it changes the meaning of its element, so a reader must know it; load its definition"
                ),
            )
        } else {
            (
                &text::EXTENSION_UNKNOWN,
                format!("没有扩展“{shown}”的定义，未检查；请加载其定义，或改正 url"),
                format!("there is no definition of the extension '{shown}', it was not checked; load its definition or correct the url"),
            )
        };
        self.about(at, rule.finding(severity), zh, en, url);
    }

    /// Reports once a resource for each extension.
    fn about(&mut self, at: &Frame<'_, 't>, finding: Finding, zh: String, en: String, url: &str) {
        let rule = finding.rule.clone();
        let found = self.found.len();
        if self.said.is_new(at.resource().id(), at.node.id(), (&rule, url), (&rule, url), found) {
            self.report(at, finding.says(zh, en));
        }
    }

    /// Whether one of the contexts of the definition is where the extension stands.
    fn stands_well(&mut self, at: &Frame<'_, 't>, profile: &Arc<Profile>) {
        let Some(around) = at.up else { return };
        let good = profile.contexts.is_empty()
            || profile.contexts.iter().any(|c| match c.kind {
                ContextKind::Element => c.place.as_ref().is_some_and(|place| self.is_at(around, place)),
                ContextKind::Extension => {
                    // below the extension itself or its value
                    let urls = [Some(around), around.up].into_iter().flatten().filter_map(|f| f.node.child(KEYS.url)?.value());
                    urls.into_iter()
                        .any(|u| c.text.strip_prefix(u).is_some_and(|rest| rest.is_empty() || rest.starts_with(['#', '.', ':'])))
                }
                ContextKind::FhirPath => c.expression.as_ref().is_none_or(|e| self.selects(around, e)),
            });
        if !good {
            let allowed = profile.contexts.iter().take(12).map(|c| c.text.as_str()).collect::<Vec<_>>().join(" | ");
            let zh = format!("扩展 {} 不能用在这里；允许的位置：{allowed}", profile.url);
            let en = format!("the extension {} may not be used here; allowed: {allowed}", profile.url);
            return self.about(at, text::EXTENSION_CONTEXT.finding(Severity::Error), zh, en, &profile.url);
        }
        for invariant in &profile.context_invariants {
            if !self.holds_at(at, invariant) {
                let zh = format!("扩展 {} 在此处不满足其使用条件：{}", profile.url, invariant.text);
                let en = format!("the extension {} may not be used here, its condition does not hold: {}", profile.url, invariant.text);
                self.about(at, text::EXTENSION_CONTEXT.finding(Severity::Error), zh, en, &invariant.text);
            }
        }
    }

    /// Whether a frame is at a place.
    fn is_at(&self, around: &Frame<'_, 't>, place: &Place) -> bool {
        let mut frame = around;
        for step in &place.steps {
            let (Some(property), Some(up)) = (frame.property, frame.up) else { return false };
            let name = self.definitions.element(property.element).name();
            if **step != *name && **step != *frame.node.name() && Some(&**step) != name.strip_suffix("[x]") {
                return false;
            }
            frame = up;
        }
        match place.root {
            Root::Element if !self.is_resource(frame) => true,
            Root::Canonical => frame.node.child(KEYS.url).is_some(),
            Root::Type(wanted) => self.type_at(frame).is_some_and(|own| self.is_or_was(own, wanted)),
            Root::Element | Root::Unknown => false,
        }
    }

    fn is_resource(&self, frame: &Frame<'_, 't>) -> bool {
        frame.node.child(KEYS.resource_type).is_some()
    }

    fn is_or_was(&self, own: TypeId, wanted: TypeId) -> bool {
        let definitions = self.definitions;
        // a backbone element is of the type BackboneElement, not of the one in which it is defined
        definitions.is_a(own, wanted)
    }
}
