//! Discriminators: what tells the members of a slice from others, read from the slice's own elements.

use super::source::{At, Outline};
use super::{Condition, Link, Step, Test};
use crate::Knowledge;
use crate::profile::compile::STRUCTURE;
use hutong_fhir::definitions::{Strength, TypeId, TypeKind};
use hutong_fhir::structure::{DiscriminatorKind, Slicing, TypeRef, Value};
use hutong_fhir::{Definitions, Key};
use std::sync::Arc;

/// Profiles that one path leads through.
const HOPS_MAX: usize = 6;

/// Depth below the end of a path at which fixed values are looked for.
const BELOW_MAX: usize = 4;

/// The conditions of a slice; empty where nothing can be told.
pub(super) fn of_slice(knowledge: &Knowledge, slice: At<'_>, slicing: Option<&Slicing>, is_extension: bool) -> Vec<Condition> {
    if is_extension && let Some(url) = url_of(slice) {
        return vec![Condition { path: Box::default(), text: "url".into(), test: Test::Url(url) }];
    }
    let mut out: Vec<Condition> = Vec::new();
    for (kind, text) in slicing.iter().flat_map(|s| &s.discriminators) {
        let Some(steps) = parse(knowledge.definitions, text) else { return Vec::new() };
        // a slice need not say something of every discriminator
        out.extend(Reader { knowledge, kind: *kind, text }.read(slice, &steps, &[], None, 0));
    }
    out
}

/// The url of the extension that a slice of extensions is.
pub(super) fn url_of(slice: At<'_>) -> Option<String> {
    let profile = slice.definition().types.first().and_then(|t| t.profiles.first());
    if let Some(profile) = profile {
        return Some(profile.split('|').next().unwrap_or(profile).to_owned());
    }
    slice.child("url")?.definition().fixed.as_ref()?.get().value().map(str::to_owned)
}

/// One step as it is written.
#[derive(Clone)]
enum Word {
    Name(String),
    Extension(String),
    Resolve,
    OfType(TypeId),
}

/// `None` for what discriminators cannot say.
fn parse(definitions: &Definitions, text: &str) -> Option<Vec<Word>> {
    let mut out = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        // the argument of a function may hold dots
        let end = match (rest.find('.'), rest.find('(')) {
            (Some(dot), Some(open)) if open < dot => open + rest.get(open..)?.find(')')? + 1,
            (None, Some(open)) => open + rest.get(open..)?.find(')')? + 1,
            (Some(dot), _) => dot,
            (None, None) => rest.len(),
        };
        let word = rest.get(..end)?;
        rest = rest.get(end..)?.trim_start_matches('.');
        let argument = || word.split_once('(').map(|(_, a)| a.trim_end_matches(')').trim_matches(['\'', '"', ' ']));
        match word.split('(').next()? {
            "$this" | "" => {}
            "resolve" => out.push(Word::Resolve),
            "extension" | "modifierExtension" if word.contains('(') => out.push(Word::Extension(argument()?.to_owned())),
            "ofType" | "as" => out.push(Word::OfType(definitions.type_named(argument()?.rsplit('.').next()?)?)),
            "first" | "single" | "trace" => {}
            name if !word.contains('(') => out.push(Word::Name(name.to_owned())),
            _ => return None,
        }
    }
    Some(out)
}

struct Reader<'k> {
    knowledge: &'k Knowledge,
    kind: DiscriminatorKind,
    text: &'k str,
}

impl Reader<'_> {
    fn condition(&self, path: &[Step], test: Test) -> Condition {
        Condition { path: path.into(), text: self.text.to_owned(), test }
    }

    /// The conditions at the end of a path from `at`. `above` is a fixed value or pattern that stands further up, with
    /// the part of the path to it: it says as much.
    fn read(&self, at: At<'_>, words: &[Word], path: &[Step], above: Option<&Condition>, hops: usize) -> Vec<Condition> {
        let own = matches!(self.kind, DiscriminatorKind::Value | DiscriminatorKind::Pattern).then(|| self.value_at(at, path)).flatten();
        let above = own.as_ref().or(above);
        let Some((word, rest)) = words.split_first() else { return self.end(at, path, above, hops) };
        let copy = |c: &Condition| Condition { path: c.path.clone(), text: c.text.clone(), test: copy_of(&c.test) };
        let found = match word {
            Word::Name(name) => self.child(at, name, rest, path, above, hops),
            Word::OfType(id) => self.read(at, rest, &with(path, Step::OfType(*id)), above, hops),
            Word::Extension(url) => self.extension(at, url, rest, path, above, hops),
            Word::Resolve => self.resolve(at, rest, path, hops),
        };
        if found.is_empty() { above.map(copy).into_iter().collect() } else { found }
    }

    fn child(&self, at: At<'_>, name: &str, rest: &[Word], path: &[Step], above: Option<&Condition>, hops: usize) -> Vec<Condition> {
        let next = with(path, Step::Child(keys_of(self.knowledge.definitions, name)));
        if let Some(child) = at.child(name) {
            let mut found = self.read(child, rest, &next, above, hops);
            let is_own = |c: &Condition| above.is_none_or(|a| a.path.len() < c.path.len());
            if found.iter().any(is_own) {
                return found;
            }
            // the value may stand in slices of the child
            let slices: Vec<At<'_>> = child.slices().collect();
            let needed = slices.iter().filter(|s| s.definition().min.is_some_and(|m| m > 0));
            let of_slices: Vec<Condition> = needed.flat_map(|s| self.read(*s, rest, &next, None, hops)).collect();
            if !of_slices.is_empty() {
                return of_slices;
            }
            let any: Vec<Condition> = slices.iter().flat_map(|s| self.read(*s, rest, &next, None, hops)).collect();
            if !any.is_empty() {
                found = vec![self.condition(&[], Test::Any(any.into()))];
            }
            if !found.is_empty() {
                return found;
            }
        }
        self.through_profiles(&at.definition().types, hops, |root| self.child(root, name, rest, path, above, hops + 1))
    }

    fn extension(&self, at: At<'_>, url: &str, rest: &[Word], path: &[Step], above: Option<&Condition>, hops: usize) -> Vec<Condition> {
        let next = with(path, Step::Extension(url.to_owned()));
        let slices = at.child("extension").into_iter().flat_map(At::slices);
        if let Some(slice) = slices.into_iter().find(|s| url_of(*s).as_deref() == Some(url)) {
            let found = self.read(slice, rest, &next, above, hops);
            if !found.is_empty() {
                return found;
            }
        }
        let of = TypeRef { code: "Extension".into(), profiles: vec![url.to_owned()], ..TypeRef::default() };
        self.through_profiles(&[of], hops, |root| self.read(root, rest, &next, above, hops + 1))
    }

    fn resolve(&self, at: At<'_>, rest: &[Word], path: &[Step], hops: usize) -> Vec<Condition> {
        let next = with(path, Step::Resolve);
        let targets: Vec<String> = at.definition().types.iter().flat_map(|t| t.targets.iter().cloned()).collect();
        if rest.is_empty() {
            return match self.kind {
                DiscriminatorKind::Profile => {
                    vec![self.condition(&next, Test::Profiles(targets.iter().map(Link::new).collect()))]
                }
                _ => self.types_of_targets(&targets).map(|types| self.condition(&next, Test::Types(types))).into_iter().collect(),
            };
        }
        let as_types: Vec<TypeRef> =
            targets.into_iter().map(|t| TypeRef { code: String::new(), profiles: vec![t], ..TypeRef::default() }).collect();
        self.through_profiles(&as_types, hops, |root| self.read(root, rest, &next, None, hops + 1))
    }

    fn types_of_targets(&self, targets: &[String]) -> Option<Box<[TypeId]>> {
        let definitions = self.knowledge.definitions;
        let of = |url: &String| match url.strip_prefix(STRUCTURE).and_then(|name| definitions.type_named(name)) {
            Some(id) => Some(id),
            None => self.knowledge.structure(url).and_then(|s| definitions.type_named(&s.type_name)),
        };
        let types: Option<Vec<TypeId>> = targets.iter().map(of).collect();
        types.filter(|t| !t.is_empty()).map(Vec::into)
    }

    /// Goes on in the definition that a type names.
    fn through_profiles(&self, types: &[TypeRef], hops: usize, then: impl Fn(At<'_>) -> Vec<Condition>) -> Vec<Condition> {
        let [only] = types else { return Vec::new() };
        let [profile] = only.profiles.as_slice() else { return Vec::new() };
        if hops >= HOPS_MAX {
            return Vec::new();
        }
        let Some(structure) = self.knowledge.structure(profile) else { return Vec::new() };
        let outline = Outline::new(Arc::clone(&structure));
        let part = profile.split_once('#').map_or("", |(_, part)| part);
        outline.part(part).map(then).unwrap_or_default()
    }

    fn value_at(&self, at: At<'_>, path: &[Step]) -> Option<Condition> {
        let definition = at.definition();
        if let Some(fixed) = &definition.fixed {
            return Some(self.condition(path, Test::Fixed(fixed.clone())));
        }
        definition.pattern.as_ref().map(|pattern| self.condition(path, Test::Pattern(pattern.clone())))
    }

    fn end(&self, at: At<'_>, path: &[Step], above: Option<&Condition>, hops: usize) -> Vec<Condition> {
        let definition = at.definition();
        let one = |test| vec![self.condition(path, test)];
        match self.kind {
            DiscriminatorKind::Exists => one(Test::Exists(definition.max != Some(0))),
            DiscriminatorKind::Type => {
                let named = definition.types.iter().filter_map(|t| self.knowledge.definitions.type_named(&t.code));
                let types: Box<[TypeId]> = named.collect();
                if types.is_empty() { Vec::new() } else { one(Test::Types(types)) }
            }
            DiscriminatorKind::Profile => {
                let profiles: Box<[Link]> = definition.types.iter().flat_map(|t| &t.profiles).map(Link::new).collect();
                if profiles.is_empty() { Vec::new() } else { one(Test::Profiles(profiles)) }
            }
            DiscriminatorKind::Value | DiscriminatorKind::Pattern => {
                if let Some(above) = above {
                    return vec![Condition { path: above.path.clone(), text: above.text.clone(), test: copy_of(&above.test) }];
                }
                let below = self.below(at, path, 0);
                if !below.is_empty() {
                    return below;
                }
                let through = self.through_profiles(&definition.types, hops, |root| self.read(root, &[], path, None, hops + 1));
                if !through.is_empty() {
                    return through;
                }
                // a set that R4 itself binds tells nothing apart
                let set = definition.binding.as_ref().filter(|b| b.strength == Strength::Required).and_then(|b| b.value_set.as_ref());
                let set = set.filter(|url| self.knowledge.definitions.required_codes(url).is_none());
                match set {
                    _ if definition.max == Some(0) => one(Test::Exists(false)),
                    Some(url) => one(Test::InValueSet(url.clone())),
                    _ if definition.min.is_some_and(|m| m > 0) => one(Test::Exists(true)),
                    _ => Vec::new(),
                }
            }
        }
    }

    /// Values below the end of the path: a CodeableConcept whose coding is fixed says what it is as well.
    fn below(&self, at: At<'_>, path: &[Step], depth: usize) -> Vec<Condition> {
        if depth >= BELOW_MAX {
            return Vec::new();
        }
        let mut out = Vec::new();
        for child in at.children().filter(|c| !matches!(c.name(), "id" | "extension" | "modifierExtension")) {
            let next = with(path, Step::Child(keys_of(self.knowledge.definitions, child.name())));
            let needed = child.slices().filter(|s| s.definition().min.is_some_and(|m| m > 0));
            for one in std::iter::once(child).chain(needed) {
                match self.value_at(one, &next) {
                    Some(condition) => out.push(condition),
                    None => out.extend(self.below(one, &next, depth + 1)),
                }
            }
        }
        out
    }
}

fn with(path: &[Step], step: Step) -> Vec<Step> {
    path.iter().cloned().chain([step]).collect()
}

fn copy_of(test: &Test) -> Test {
    let copy = |value: &Value| value.clone();
    match test {
        Test::Fixed(value) => Test::Fixed(copy(value)),
        Test::Pattern(value) => Test::Pattern(copy(value)),
        // only values stand above a path's end
        _ => Test::Exists(true),
    }
}

/// The names of an element in instances: of a choice one for each type.
fn keys_of(definitions: &Definitions, name: &str) -> Box<[Key]> {
    let stem = name.strip_suffix("[x]");
    let mut keys: Vec<Key> = if stem.is_none() { Key::known(name).into_iter().collect() } else { Vec::new() };
    let stem = stem.unwrap_or(name);
    for id in definitions.type_ids() {
        let of = definitions.get(id);
        if of.path.is_empty() && matches!(of.kind, TypeKind::Complex | TypeKind::Primitive(_)) {
            let mut chars = of.name.chars();
            let first = chars.next().map(|c| c.to_ascii_uppercase());
            let concrete = format!("{stem}{}{}", first.map(String::from).unwrap_or_default(), chars.as_str());
            keys.extend(Key::known(&concrete));
        }
    }
    keys.into()
}
