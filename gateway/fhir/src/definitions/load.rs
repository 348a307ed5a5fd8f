//! Reads `profiles/r4/types.txt` into the tables.
//!
//! The file leaves out what a type takes over from another; here it is added again, so that every type's elements
//! stand together and a look-up never walks up.

use super::codes::CodeSets;
use super::{Binding, Definitions, Element, ElementId, Property, Strength, TargetsId, Type, TypeId, TypeKind};
use crate::names::{self, Key};
use crate::primitive::Primitive;
use std::collections::HashMap;

const TEXT: &str = include_str!("../../../../profiles/r4/types.txt");

/// One line of the file: path, cardinality, types, further columns.
#[derive(Clone, Copy)]
struct Line {
    path: &'static str,
    cardinality: &'static str,
    types: &'static str,
    rest: &'static str,
}

impl Line {
    fn new(text: &'static str) -> Line {
        let mut columns = text.splitn(4, '\t');
        let mut next = || columns.next().unwrap_or("");
        Line { path: next(), cardinality: next(), types: next(), rest: next() }
    }

    fn parent(&self) -> &'static str {
        self.path.rsplit_once('.').map_or("", |(parent, _)| parent)
    }

    fn column(&self, tag: &str) -> Option<&'static str> {
        self.rest.split('\t').find_map(|c| c.strip_prefix(tag))
    }

    /// Defines elements of its own in place.
    fn is_backbone(&self) -> bool {
        matches!(self.types, "BackboneElement" | "Element")
    }
}

/// One `@` block.
struct Block {
    name: &'static str,
    header: &'static str,
    lines: Vec<Line>,
}

struct Loader {
    blocks: Vec<Block>,
    by_name: HashMap<&'static str, usize>,
    targets: HashMap<&'static str, TargetsId>,
    out: Definitions,
    /// For building concrete names of choices.
    scratch: String,
}

pub(super) fn load() -> Definitions {
    let mut blocks: Vec<Block> = Vec::with_capacity(220);
    for line in TEXT.lines() {
        if let Some(header) = line.strip_prefix('@') {
            let (name, header) = header.split_once('\t').unwrap_or((header, ""));
            blocks.push(Block { name, header, lines: Vec::new() });
        } else if let Some(block) = blocks.last_mut() {
            block.lines.push(Line::new(line));
        }
    }
    let by_name = blocks.iter().enumerate().map(|(i, b)| (b.name, i)).collect();
    let out = Definitions {
        types: Vec::with_capacity(900),
        elements: Vec::with_capacity(9000),
        properties: Vec::with_capacity(12000),
        slots: Vec::with_capacity(40000),
        names: Vec::new(),
        targets: vec![Vec::new()],
        codes: CodeSets::load(),
    };
    let mut loader = Loader { blocks, by_name, targets: HashMap::new(), out, scratch: String::new() };
    loader.types();
    for i in 0..loader.blocks.len() {
        loader.elements(i);
    }
    loader.out
}

impl Loader {
    /// Gives every block its number, which is its index, and notes the names.
    fn types(&mut self) {
        for block in &self.blocks {
            let mut columns = block.header.split('\t');
            let kind = match columns.next() {
                Some("resource") => TypeKind::Resource,
                Some("logical") => TypeKind::Logical,
                Some("primitive") => Primitive::named(block.name).map_or(TypeKind::Complex, TypeKind::Primitive),
                _ => TypeKind::Complex,
            };
            let base = columns.next().and_then(|b| self.by_name.get(b)).map(|i| TypeId(*i as u16));
            let rest: Vec<&'static str> = columns.collect();
            self.out.types.push(Type {
                name: block.name,
                path: "",
                kind,
                base,
                is_abstract: rest.contains(&"abstract"),
                invariants: rest.iter().find_map(|c| c.strip_prefix("c=")).unwrap_or(""),
                required: 0,
                elements: (0, 0),
                slots: 0,
                mask: 0,
            });
        }
        let mask = (self.blocks.len() * 4).next_power_of_two() - 1;
        self.out.names = vec![0; mask + 1];
        for (i, block) in self.blocks.iter().enumerate() {
            let mut at = names::hash(block.name) & mask;
            while self.out.names[at] != 0 {
                at = (at + 1) & mask;
            }
            self.out.names[at] = (i + 1) as u16;
        }
    }

    /// The lines at the top of a type: those of the types that it specializes, then its own.
    fn top(&self, name: &str, depth: usize) -> Vec<Line> {
        let Some(block) = self.by_name.get(name).map(|i| &self.blocks[*i]) else { return Vec::new() };
        let base = block.header.split('\t').nth(1).unwrap_or("");
        let mut lines = if base.is_empty() || depth > 8 { Vec::new() } else { self.top(base, depth + 1) };
        for line in block.lines.iter().filter(|l| !l.path.contains('.')) {
            // a type may state an inherited element anew
            match lines.iter_mut().find(|l| l.path == line.path) {
                Some(inherited) => *inherited = *line,
                None => lines.push(*line),
            }
        }
        lines
    }

    /// Makes the elements of a block and of the backbone elements in it.
    fn elements(&mut self, index: usize) {
        let own = self.blocks[index].lines.clone();
        let name = self.blocks[index].name;
        let mut top = self.top(name, 0);
        if matches!(self.out.types[index].kind, TypeKind::Primitive(_)) {
            top.retain(|l| l.path != "value");
        }
        // (path of the backbone, its number, what it starts with)
        let mut shapes: Vec<(&'static str, TypeId, Vec<Line>)> = vec![("", TypeId(index as u16), top)];
        for line in own.iter().filter(|l| l.is_backbone()) {
            let id = TypeId(self.out.types.len() as u16);
            let base = self.out.type_named(line.types);
            self.out.types.push(Type {
                name,
                path: line.path,
                kind: TypeKind::Backbone,
                base,
                is_abstract: false,
                invariants: "ele-1",
                required: 0,
                elements: (0, 0),
                slots: 0,
                mask: 0,
            });
            shapes.push((line.path, id, self.top(line.types, 0)));
        }
        let numbers: HashMap<&'static str, TypeId> = shapes.iter().map(|(path, id, _)| (*path, *id)).collect();
        for (path, id, mut lines) in shapes {
            if !path.is_empty() {
                lines.extend(own.iter().filter(|l| l.parent() == path));
            }
            self.shape(id, &lines, &numbers);
        }
    }

    fn shape(&mut self, id: TypeId, lines: &[Line], numbers: &HashMap<&'static str, TypeId>) {
        let first_element = self.out.elements.len();
        let first_property = self.out.properties.len();
        for (place, line) in lines.iter().enumerate() {
            self.element(place as u8, line, numbers);
        }
        let count = self.out.properties.len() - first_property;
        let mask = (count * 2).next_power_of_two() - 1;
        let slots = self.out.slots.len();
        self.out.slots.resize(slots + mask + 1, 0);
        for i in first_property..first_property + count {
            let mut at = self.out.properties[i].key.index() & mask;
            while self.out.slots[slots + at] != 0 {
                at = (at + 1) & mask;
            }
            self.out.slots[slots + at] = (i + 1) as u16;
        }
        let elements = (first_element as u16, self.out.elements.len() as u16);
        let required = lines.iter().enumerate().filter(|(_, l)| !l.cardinality.starts_with('0'));
        let required = required.fold(0, |bits, (place, _)| bits | (1u128 << place));
        let t = &mut self.out.types[id.0 as usize];
        t.required = required;
        t.elements = elements;
        t.slots = slots as u32;
        t.mask = mask as u16;
    }

    fn element(&mut self, place: u8, line: &Line, numbers: &HashMap<&'static str, TypeId>) {
        let name = line.path.rsplit('.').next().unwrap_or(line.path);
        let (stem, is_choice) = name.strip_suffix("[x]").map_or((name, false), |stem| (stem, true));
        let (min, max) = line.cardinality.split_once("..").unwrap_or(("0", "*"));
        let flags = line.rest.split('\t').next().filter(|f| !f.contains('=')).unwrap_or("");
        let first = self.out.properties.len() as u16;
        let element = ElementId(self.out.elements.len() as u16);
        let reference = line.column("#=");
        if let Some(path) = reference {
            let type_id = numbers.get(path).copied().unwrap_or(TypeId(0));
            self.out.properties.push(Property { key: Key::of(name), element, type_id, targets: TargetsId(0), profile: "" });
        } else if line.is_backbone() && numbers.contains_key(line.path) {
            let type_id = numbers.get(line.path).copied().unwrap_or(TypeId(0));
            self.out.properties.push(Property { key: Key::of(name), element, type_id, targets: TargetsId(0), profile: "" });
        } else {
            for one in line.types.split(' ') {
                self.property(element, stem, is_choice, one);
            }
        }
        self.out.elements.push(Element {
            key: Key::of(stem),
            path: line.path,
            min: min.parse().unwrap_or(0),
            max: max.parse().unwrap_or(u32::MAX),
            is_choice,
            is_modifier: flags.contains('!'),
            is_summary: flags.contains('S'),
            binding: self.binding(line),
            invariants: line.column("c=").unwrap_or(""),
            is_reference: reference.is_some(),
            properties: (first, self.out.properties.len() as u16),
            place,
        });
    }

    /// One type of an element: `code`, `Reference(~Patient,~Group)`, `Quantity{~SimpleQuantity}`.
    fn property(&mut self, element: ElementId, stem: &str, is_choice: bool, text: &'static str) {
        let end = text.find(['(', '{']).unwrap_or(text.len());
        let name = &text[..end];
        let type_id = self.by_name.get(name).map_or(TypeId(0), |i| TypeId(*i as u16));
        let between =
            |open: char, close: char| text.split_once(open).and_then(|(_, rest)| rest.split_once(close)).map_or("", |(inner, _)| inner);
        let targets = self.targets(between('(', ')'));
        self.scratch.clear();
        self.scratch.push_str(stem);
        if is_choice {
            let mut chars = name.chars();
            self.scratch.extend(chars.next().map(|c| c.to_ascii_uppercase()));
            self.scratch.push_str(chars.as_str());
        }
        let key = Key::of(&self.scratch);
        self.out.properties.push(Property { key, element, type_id, targets, profile: between('{', '}') });
    }

    fn targets(&mut self, list: &'static str) -> TargetsId {
        // a target that is a profile, or any resource, cannot be told from the reference
        let known: Option<Vec<TypeId>> = list
            .split(',')
            .map(|url| url.strip_prefix('~').filter(|n| *n != "Resource").and_then(|n| self.by_name.get(n)).map(|i| TypeId(*i as u16)))
            .collect();
        let Some(known) = known.filter(|_| !list.is_empty()) else { return TargetsId(0) };
        if let Some(id) = self.targets.get(list) {
            return *id;
        }
        let id = TargetsId(self.out.targets.len() as u16);
        self.out.targets.push(known);
        self.targets.insert(list, id);
        id
    }

    fn binding(&self, line: &Line) -> Option<Binding> {
        let text = line.column("b=")?;
        let value_set = text.get(1..)?;
        let strength = match text.as_bytes().first()? {
            b'r' => Strength::Required,
            b'e' => Strength::Extensible,
            b'p' => Strength::Preferred,
            _ => Strength::Example,
        };
        let greatest = line.column("B=");
        let must_be_in = match (strength, greatest) {
            (Strength::Required, _) => self.out.codes.find(value_set),
            (_, Some(greatest)) => self.out.codes.find(greatest),
            _ => None,
        };
        Some(Binding { strength, value_set, must_be_in })
    }
}
