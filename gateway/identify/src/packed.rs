//! A record as the register keeps it: its key and what is compared of it in one piece of bytes. A county has a million
//! and more, and as structs they would take five times the memory.
//!
//! The form is this process's own and is never stored: it may change at will.

use crate::person::{Date, NumberKind, Person, PersonalNumber, Sex};
use std::collections::HashMap;
use std::sync::Arc;

/// The URIs of assigners, each once, by number.
#[derive(Default)]
pub(crate) struct Systems {
    all: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl Systems {
    fn number(&mut self, system: &Arc<str>) -> u32 {
        if let Some(number) = self.numbers.get(system) {
            return *number;
        }
        let number = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.all.push(Arc::clone(system));
        self.numbers.insert(Arc::clone(system), number);
        number
    }
}

/// A record in bytes: equal where key and person are.
#[derive(PartialEq, Eq)]
pub(crate) struct Packed(Box<[u8]>);

impl Packed {
    pub(crate) fn new(key: &str, person: &Person, systems: &mut Systems) -> Packed {
        let mut out = Vec::with_capacity(192);
        text(&mut out, key);
        let sex = match person.sex {
            Sex::Unknown => 0,
            Sex::Male => 1,
            Sex::Female => 2,
        };
        out.push(sex | u8::from(person.multiple) << 2);
        number(&mut out, u32::from(person.birth.year));
        out.extend([person.birth.month, person.birth.day]);
        for list in [&person.names, &person.phones] {
            number(&mut out, list.len() as u32);
            list.iter().for_each(|t| text(&mut out, t));
        }
        text(&mut out, &person.address);
        number(&mut out, person.numbers.len() as u32);
        for n in &person.numbers {
            out.push(KINDS.iter().position(|k| *k == n.kind).unwrap_or(0) as u8);
            number(&mut out, systems.number(&n.system));
            text(&mut out, &n.value);
        }
        Packed(out.into())
    }

    pub(crate) fn key(&self) -> &str {
        Reader(&self.0).text()
    }

    /// The record again, settled.
    pub(crate) fn person(&self, systems: &Systems) -> Person {
        let mut from = Reader(&self.0);
        from.text();
        let flags = from.byte();
        let birth = Date { year: from.number() as u16, month: from.byte(), day: from.byte() };
        let names = from.texts();
        let phones = from.texts();
        let address = from.text().into();
        let numbers = (0..from.number())
            .map(|_| PersonalNumber {
                kind: KINDS.get(usize::from(from.byte())).copied().unwrap_or(NumberKind::Local),
                system: systems.all.get(from.number() as usize).cloned().unwrap_or_else(|| Arc::from("")),
                value: from.text().into(),
            })
            .collect();
        let sex = match flags & 3 {
            1 => Sex::Male,
            2 => Sex::Female,
            _ => Sex::Unknown,
        };
        let mut person = Person { names, sex, birth, numbers, phones, address, multiple: flags & 4 != 0, ..Person::default() };
        person.settle();
        person
    }
}

const KINDS: [NumberKind; 5] =
    [NumberKind::IdentityCard, NumberKind::DoubtfulIdentityCard, NumberKind::Personal, NumberKind::Document, NumberKind::Local];

/// Seven bits a byte, the low ones first.
fn number(out: &mut Vec<u8>, mut n: u32) {
    while n > 0x7f {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn text(out: &mut Vec<u8>, text: &str) {
    number(out, u32::try_from(text.len()).unwrap_or(0));
    out.extend_from_slice(text.as_bytes());
}

/// Reads what was written here; past the end everything is zero and empty.
struct Reader<'p>(&'p [u8]);

impl<'p> Reader<'p> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn number(&mut self) -> u32 {
        let mut n = 0u32;
        for shift in [0, 7, 14, 21, 28] {
            let b = self.byte();
            n |= u32::from(b & 0x7f) << shift;
            if b & 0x80 == 0 {
                break;
            }
        }
        n
    }

    fn text(&mut self) -> &'p str {
        let length = (self.number() as usize).min(self.0.len());
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        std::str::from_utf8(text).unwrap_or("")
    }

    fn texts(&mut self) -> Vec<Box<str>> {
        (0..self.number()).map(|_| self.text().into()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_as_it_went_in() {
        let mut all = vec![Person::default()];
        let mut p = Person::default();
        p.add_name("欧阳昞");
        p.add_name("OUYANG BING");
        p.add_number("urn:oid:2.16.156.10011.1.3", "110101199003070011");
        p.add_number("urn:hospital:1", &"9".repeat(40));
        p.add_number("urn:hospital:2", "A0300");
        p.add_phone("13800010001");
        p.set_address(&"白鹤乡白鹤村1组".repeat(40));
        p.set_sex(Sex::Female);
        p.set_birth(Date { year: 1990, month: 12, day: 31 });
        p.set_multiple();
        p.settle();
        all.push(p);
        let mut systems = Systems::default();
        let packed: Vec<Packed> = all.iter().map(|p| Packed::new("Patient/7", p, &mut systems)).collect();
        for (packed, person) in packed.iter().zip(&all) {
            assert_eq!(packed.person(&systems), Person { naming: packed.person(&systems).naming, ..person.clone() });
            assert_eq!(packed.key(), "Patient/7");
        }
    }
}
