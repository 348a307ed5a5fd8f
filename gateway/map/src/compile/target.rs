//! The element that a step of a target names, and the types that a value may have there.

use hutong_fhir::Key;
use hutong_fhir::definitions::{Binding, Definitions, Element, Property, Strength, TargetsId, TypeId, TypeKind};
use hutong_fhir::primitive::Primitive;

use super::Compiler;
use crate::diagnostic::{Diagnostic, closest};
use crate::syntax::ast::{Line, LineKind, Step};

/// One concrete name and type of an element.
#[derive(Clone, Copy)]
pub(super) struct Choice {
    pub key: Key,
    pub type_id: TypeId,
    /// Which resources a Reference may point to; `None`: anything.
    pub targets: Option<TargetsId>,
}

/// What is written to: an element with the types it may still have.
#[derive(Clone)]
pub(super) struct Dest {
    pub choices: Vec<Choice>,
    pub list: bool,
    pub binding: Option<Binding>,
    /// Place among the elements of its type.
    pub place: u8,
    /// For people: `Observation.status`.
    pub label: String,
    /// The url of the extension that is written (with the part of a complex one behind `#`).
    pub url: Option<String>,
    /// Written where the map was called.
    pub caller: bool,
}

impl Dest {
    /// The only choice, where there is one.
    pub(super) fn single(&self) -> Option<Choice> {
        match self.choices.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }
}

impl Compiler<'_, '_> {
    /// The element `step` of `type_id`, or a diagnostic.
    pub(super) fn dest(&mut self, type_id: TypeId, step: &Step, url: Option<&str>) -> Option<Dest> {
        let defs = self.world.defs;
        let found = element_named(defs, type_id, &step.name.text);
        let Some((element, only)) = found else {
            self.unknown_element(type_id, step);
            return None;
        };
        let choices = |p: &Property| Choice { key: p.key, type_id: p.type_id, targets: Some(p.targets) };
        let mut list: Vec<Choice> = match only {
            Some(p) => vec![choices(p)],
            None => defs.properties(element).iter().map(choices).collect(),
        };
        let own = defs.get(type_id);
        let mut dest_url = None;
        if let Some(u) = &step.url {
            // a part of a complex extension is named by a word, not a url
            dest_url = Some(match url {
                Some(outer) if !u.text.contains(':') => format!("{}#{}", outer.split('#').next().unwrap_or(outer), u.text),
                _ => u.text.clone(),
            });
        } else if own.name == "Extension" && element.name() == "value[x]" {
            if let Some(types) = url.and_then(|u| self.world.extensions.types(u)) {
                list.retain(|c| types.contains(&defs.get(c.type_id).name));
            }
            dest_url = url.map(str::to_owned);
        }
        if step.url.is_some() && !matches!(step.name.text.as_str(), "extension" | "modifierExtension") {
            let zh = "只有 extension 和 modifierExtension 带括号中的 url";
            self.error("target.url", step.name.span, zh, "only extension and modifierExtension take a url in brackets");
        }
        let path = if own.path.is_empty() { own.name.to_owned() } else { format!("{}.{}", own.name, own.path) };
        Some(Dest {
            choices: list,
            list: element.is_list(),
            binding: element.binding,
            place: element.place,
            label: format!("{path}.{}", step.name.text),
            url: dest_url,
            caller: false,
        })
    }

    fn unknown_element(&mut self, type_id: TypeId, step: &Step) {
        let defs = self.world.defs;
        let own = defs.get(type_id);
        let path = if own.path.is_empty() { own.name.to_owned() } else { format!("{}.{}", own.name, own.path) };
        let names: Vec<&str> = defs.elements(type_id).map(|(_, e)| e.name().trim_end_matches("[x]")).collect();
        let near = closest(&step.name.text, names).map(str::to_owned);
        let zh = format!("{path} 没有元素 `{}`", step.name.text);
        let en = format!("{path} has no element `{}`", step.name.text);
        self.fault(Diagnostic::error("element.unknown", step.name.span, zh, en).instead(near));
    }

    /// Keeps the choices that have all the elements which these lines write; says so where none or several are left.
    pub(super) fn narrow(&mut self, dest: &mut Dest, names: &[&Step], quiet: bool) -> Option<Choice> {
        if let Some(one) = dest.single() {
            return Some(one);
        }
        let defs = self.world.defs;
        let fits = |c: &Choice| {
            !matches!(defs.get(c.type_id).kind, TypeKind::Primitive(_))
                && names.iter().all(|s| element_named(defs, c.type_id, &s.name.text).is_some())
        };
        let fitting: Vec<Choice> = dest.choices.iter().filter(|c| fits(c)).copied().collect();
        match fitting.as_slice() {
            [one] => {
                dest.choices = vec![*one];
                Some(*one)
            }
            _ if quiet => None,
            list => {
                let step = names.first()?;
                let types: Vec<&str> = list.iter().map(|c| defs.get(c.type_id).name).collect();
                let listed = types.iter().take(4).copied().collect::<Vec<_>>().join(", ");
                let (zh, en) = if types.is_empty() {
                    (
                        format!("{} 的可选类型都没有元素 `{}`", dest.label, step.name.text),
                        format!("no type of {} has an element `{}`", dest.label, step.name.text),
                    )
                } else {
                    (
                        format!("{} 可为 {listed}；请用 `as 类型` 写明", dest.label),
                        format!("{} may be {listed}; say which with `as Type`", dest.label),
                    )
                };
                self.error("type.ambiguous", step.name.span, zh, en);
                None
            }
        }
    }

    /// What type of primitive a choice is, if it is one.
    pub(super) fn primitive(&self, c: Choice) -> Option<Primitive> {
        match self.world.defs.get(c.type_id).kind {
            TypeKind::Primitive(p) => Some(p),
            _ => None,
        }
    }

    pub(super) fn type_name(&self, id: TypeId) -> &'static str {
        self.world.defs.get(id).name
    }

    /// The choice of that type.
    pub(super) fn choice_of(&self, dest: &Dest, name: &str) -> Option<Choice> {
        dest.choices.iter().find(|c| self.is_type(c.type_id, name)).copied()
    }

    /// Whether the type of an element is (or specializes, as Age does Quantity) the named one.
    pub(super) fn is_type(&self, id: TypeId, name: &str) -> bool {
        let t = self.world.defs.get(id);
        t.name == name && t.path.is_empty()
    }
}

impl Dest {
    /// The codes that a `code` here must be among.
    pub(super) fn codes(&self) -> Option<hutong_fhir::definitions::CodeSetId> {
        self.binding.filter(|b| b.strength == Strength::Required).and_then(|b| b.must_be_in)
    }
}

/// An element by its name, by the stem of a choice (`value`), or by one name of a choice (`valueQuantity`).
pub(super) fn element_named<'d>(defs: &'d Definitions, type_id: TypeId, name: &str) -> Option<(&'d Element, Option<&'d Property>)> {
    let slice = defs.element_slice(type_id);
    if let Some(e) = slice.iter().find(|e| e.name().trim_end_matches("[x]") == name) {
        return Some((e, None));
    }
    let property = defs.property(type_id, Key::known(name)?)?;
    Some((defs.element(property.element), Some(property)))
}

/// The first steps of the lines of a `{ }`.
pub(super) fn first_steps(lines: &[Line]) -> Vec<&Step> {
    fn first(kind: &LineKind) -> Option<&Step> {
        match kind {
            LineKind::Write(w) => w.target.first(),
            _ => None,
        }
    }
    lines.iter().filter_map(|l| first(&l.kind)).filter(|s| s.name.text != "$").collect()
}
