//! What may be shown of a record to somebody who has to tell persons apart: enough to compare, too little to copy.

use crate::name::surname;
use crate::person::{NumberKind, Person, Sex};
use serde::Serialize;

/// Characters of a number that are shown.
const SHOWN: usize = 4;

/// A record with everything covered but what comparing needs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Masked {
    /// 张** — surname, and how long the name is.
    pub name: String,
    pub sex: Sex,
    /// The year of birth; 0 = not known.
    pub born: u16,
    pub numbers: Vec<MaskedNumber>,
    /// `*******0001`
    pub phones: Vec<String>,
}

/// A number of which the end is shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct MaskedNumber {
    pub kind: NumberKind,
    pub system: String,
    pub value: String,
}

impl Person {
    /// Without what would tell who it is.
    pub fn masked(&self) -> Masked {
        let name = self.name();
        let first = surname(name);
        let rest = name.chars().count().saturating_sub(first.chars().count());
        let number = |n: &crate::PersonalNumber| MaskedNumber { kind: n.kind, system: n.system.to_string(), value: tail(&n.value) };
        Masked {
            name: if rest == 0 { "*".repeat(name.chars().count()) } else { format!("{first}{}", "*".repeat(rest)) },
            sex: self.sex,
            born: self.birth.year,
            numbers: self.numbers.iter().map(number).collect(),
            phones: self.phones.iter().map(|p| tail(p)).collect(),
        }
    }
}

/// The end of a text, at most half of it.
fn tail(text: &str) -> String {
    let length = text.chars().count();
    let covered = length - SHOWN.min(length / 2);
    "*".repeat(covered) + &text.chars().skip(covered).collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_covered() {
        for (name, number, shown, end) in [
            ("张三", "12345678", "张*", "****5678"),
            ("欧阳小明", "123456", "欧阳**", "***456"),
            ("李", "51", "*", "*1"),
            ("", "512", "", "**2"),
        ] {
            let mut p = Person::default();
            p.add_name(name);
            p.add_number("urn:h", number);
            p.settle();
            let masked = p.masked();
            assert_eq!((&*masked.name, &*masked.numbers[0].value), (shown, end), "{name}");
        }
    }
}
