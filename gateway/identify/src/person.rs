//! What is compared of a Patient: names, sex, birth date, numbers, telephones, address.

use crate::name::{Naming, naming, plain_name, reading, reading_length, surname};
use crate::text::{hash_of, is_han, plain};
use hutong_fhir::NodeRef;
use hutong_fhir::identifier::{self, IdentityCard, Kind};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Names, numbers and telephones of one record beyond which the rest is not compared.
const MOST: usize = 8;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sex {
    #[default]
    Unknown,
    Male,
    Female,
}

/// A date, in part or whole; 0 = not known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Date {
    pub year: u16,
    pub month: u8,
    pub day: u8,
}

impl Date {
    /// Of `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    pub fn parse(text: &str) -> Option<Date> {
        let mut parts = text.split('T').next()?.splitn(3, '-');
        let year = parts.next()?.parse().ok()?;
        let mut next = || parts.next().and_then(|p| p.parse().ok()).unwrap_or(0);
        Some(Date { year, month: next(), day: next() })
    }

    pub(crate) fn is_whole(self) -> bool {
        self.year > 0 && self.month > 0 && self.day > 0
    }

    /// Days since some day, near enough to tell how far dates are apart.
    pub(crate) fn days(self) -> i32 {
        i32::from(self.year) * 365 + i32::from(self.month) * 30 + i32::from(self.day)
    }
}

/// What a number says about who holds it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NumberKind {
    /// A 身份证 whose check digit is right: one person, for life.
    IdentityCard,
    /// A 身份证 whose check digit is wrong: a slip of the pen away from one person.
    DoubtfulIdentityCard,
    /// 健康卡, 医保, 健康档案: one person, but replaced, and lent more easily.
    Personal,
    /// A passport or other document.
    Document,
    /// An institution's own number: counts only where the assigner is the same.
    Local,
}

/// A number of a person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PersonalNumber {
    pub kind: NumberKind,
    /// Canonical URI of the assigner; shared by all records of a register.
    #[serde(with = "shared")]
    pub system: Arc<str>,
    /// In the one form in which it is compared; of a 身份证 the 18 characters.
    pub value: Box<str>,
}

/// What is compared of one record.
/// As JSON without what follows from the rest: [`Person::settle`] after reading.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Person {
    /// Plain forms; the first in characters where there is one.
    pub(crate) names: Vec<Box<str>>,
    #[serde(skip)]
    pub(crate) naming: Option<Naming>,
    pub(crate) sex: Sex,
    pub(crate) birth: Date,
    pub(crate) numbers: Vec<PersonalNumber>,
    pub(crate) phones: Vec<Box<str>>,
    pub(crate) address: Box<str>,
    /// One of several born together.
    pub(crate) multiple: bool,
}

impl Person {
    /// Reads a Patient. What is missing or a placeholder is left empty.
    pub fn of(patient: NodeRef<'_>) -> Person {
        let mut p = Person {
            sex: match patient.at("gender") {
                Some("male") => Sex::Male,
                Some("female") => Sex::Female,
                _ => Sex::Unknown,
            },
            birth: patient.at("birthDate").and_then(Date::parse).unwrap_or_default(),
            multiple: patient.get("multipleBirthInteger").is_some() || patient.at("multipleBirthBoolean") == Some("true"),
            ..Person::default()
        };
        for name in all(patient, "name") {
            let whole = name.at("text").map(str::to_owned).unwrap_or_else(|| {
                let given: Vec<&str> = all(name, "given").filter_map(NodeRef::value).collect();
                format!("{}{}", name.at("family").unwrap_or(""), given.concat())
            });
            p.add_name(&whole);
        }
        for identifier in all(patient, "identifier") {
            if let (Some(system), Some(value)) = (identifier.at("system"), identifier.at("value")) {
                // the mother's card, sent for a child that has none
                let of_mother = identifier.at("type.text").is_some_and(|t| t.contains("母亲"));
                if !of_mother {
                    p.add_number(system, value);
                }
            }
        }
        for telecom in all(patient, "telecom") {
            if let Some(value) = telecom.at("value") {
                p.add_phone(value);
            }
        }
        if let Some(address) = all(patient, "address").find_map(|a| a.at("text").or_else(|| a.at("line"))) {
            p.address = plain(address).into();
        }
        p.settle();
        p
    }

    /// Reads a Patient that says some things of a record already known: each element that it has takes the place of what was
    /// known, numbers are added, the elements in `clear` go. As the stored Patient becomes by a merging write.
    pub fn over(patient: NodeRef<'_>, known: &Person, clear: &[String]) -> Person {
        let mut p = Person::of(patient);
        let told = |name: &str| patient.get(name).is_some() || clear.iter().any(|c| c == name);
        if !told("name") {
            p.names.clone_from(&known.names);
        }
        if !told("gender") {
            p.sex = known.sex;
        }
        if !told("birthDate") {
            p.birth = known.birth;
        }
        let cleared = clear.iter().any(|c| c == "identifier");
        if !cleared && p.numbers.iter().all(|n| known.numbers.contains(n)) {
            // a message that says the same again changes nothing
            p.numbers.clone_from(&known.numbers);
        } else if !cleared {
            // what was told last stands first: of two 身份证 the corrected one counts
            for number in &known.numbers {
                if p.numbers.len() < MOST && !p.numbers.contains(number) {
                    p.numbers.push(number.clone());
                }
            }
        }
        if !told("telecom") {
            p.phones.clone_from(&known.phones);
        }
        if !told("address") {
            p.address.clone_from(&known.address);
        }
        if !["multipleBirth", "multipleBirthInteger", "multipleBirthBoolean"].into_iter().any(told) {
            p.multiple = known.multiple;
        }
        p.settle();
        p
    }

    pub fn add_name(&mut self, text: &str) {
        let plain = plain_name(text);
        if plain.is_empty() || self.names.len() >= MOST || self.names.iter().any(|n| **n == *plain) {
            return;
        }
        if plain.chars().any(is_han) && !self.name().chars().any(is_han) {
            self.names.insert(0, plain.into());
        } else {
            self.names.push(plain.into());
        }
    }

    pub fn add_number(&mut self, system: &str, value: &str) {
        let value: String = value.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_uppercase();
        // one character over and over: what is typed where a form wants a number and there is none
        let placeholder = value.chars().all(|c| value.starts_with(c));
        if value.is_empty() || placeholder || self.numbers.len() >= MOST {
            return;
        }
        let canonical = identifier::canonical_system(system).unwrap_or(system);
        let (kind, value) = match identifier::kind_of_system(system) {
            Some(Kind::IdentityCard) => match IdentityCard::parse(&value) {
                Ok(card) => (NumberKind::IdentityCard, card.number().to_owned()),
                Err(_) => (NumberKind::DoubtfulIdentityCard, value),
            },
            Some(Kind::HealthCard | Kind::HealthRecord | Kind::InsuranceCard) => (NumberKind::Personal, value),
            _ if system.contains("passport") => (NumberKind::Document, value),
            _ => (NumberKind::Local, value),
        };
        let number = PersonalNumber { kind, system: canonical.into(), value: value.into() };
        if !self.numbers.contains(&number) {
            self.numbers.push(number);
        }
    }

    pub fn add_phone(&mut self, text: &str) {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let digits = digits.strip_prefix("0086").or_else(|| digits.strip_prefix("86").filter(|d| d.len() == 11)).unwrap_or(&digits);
        let placeholder = digits.len() < 7 || digits.bytes().skip(1).all(|b| Some(&b) == digits.as_bytes().get(1));
        if !placeholder && self.phones.len() < MOST && !self.phones.iter().any(|p| **p == *digits) {
            self.phones.push(digits.into());
        }
    }

    pub fn set_sex(&mut self, sex: Sex) {
        self.sex = sex;
    }

    pub fn set_birth(&mut self, birth: Date) {
        self.birth = birth;
    }

    pub fn set_address(&mut self, text: &str) {
        self.address = plain(text).into();
    }

    /// Says that this is one of several born together.
    pub fn set_multiple(&mut self) {
        self.multiple = true;
    }

    /// What follows from the parts; to be called when all are there.
    pub fn settle(&mut self) {
        self.naming = self.names.first().map(|n| naming(n));
    }

    /// The first name in plain form, or nothing.
    pub(crate) fn name(&self) -> &str {
        self.names.first().map_or("", |n| n)
    }

    /// Whether there is a name that names this person; also of one just read, which is not settled yet.
    pub(crate) fn is_named(&self) -> bool {
        self.naming.or_else(|| self.names.first().map(|n| naming(n))) == Some(Naming::Name)
    }

    /// The valid 身份证.
    pub(crate) fn card(&self) -> Option<&str> {
        self.numbers.iter().find(|n| n.kind == NumberKind::IdentityCard).map(|n| &*n.value)
    }

    /// Whether the birth date is the one that the valid 身份证 tells.
    pub(crate) fn is_as_its_card(&self) -> bool {
        self.card()
            .and_then(|c| IdentityCard::parse(c).ok())
            .is_some_and(|c| c.birth() == (self.birth.year, self.birth.month, self.birth.day))
    }

    /// Keys under which records of the same person are likely to meet: at least one survives any single error.
    pub fn keys(&self) -> Vec<u64> {
        let mut keys = Vec::with_capacity(12);
        for n in &self.numbers {
            keys.push(number_key(n));
        }
        if !self.is_named() {
            return keys;
        }
        let name = self.name();
        let read = reading(name);
        // a name is read character by character: its surname first
        let surname = read.get(..reading_length(surname(name))).unwrap_or_default();
        let Date { year, month, day } = self.birth;
        let [high, low] = year.to_be_bytes();
        if self.birth.is_whole() {
            let birth = [high, low, month, day];
            keys.push(hash_of(&[b"reading+birth", read.as_bytes(), &birth]));
            let sex: &[u8] = if self.sex == Sex::Male { b"m" } else { b"f" };
            keys.push(hash_of(&[b"surname+birth", surname.as_bytes(), sex, &birth]));
        }
        if year > 0 {
            keys.push(hash_of(&[b"name+year", name.as_bytes(), &[high, low]]));
        }
        for phone in &self.phones {
            keys.push(hash_of(&[b"phone", phone.as_bytes(), surname.as_bytes()]));
        }
        if !self.address.is_empty() {
            keys.push(hash_of(&[b"name+address", name.as_bytes(), tail(&self.address).as_bytes()]));
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

/// The key of a number, of whatever certainty: a card read right in one place and wrong in another does not meet by it.
pub(crate) fn number_key(n: &PersonalNumber) -> u64 {
    hash_of(&[b"number", n.system.as_bytes(), n.value.as_bytes()])
}

/// The last characters of an address: the place itself, however much of the province stands before it.
fn tail(address: &str) -> &str {
    address.char_indices().rev().nth(4).and_then(|(at, _)| address.get(at..)).unwrap_or(address)
}

/// A shared text as JSON: a text.
mod shared {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::sync::Arc;

    pub(super) fn serialize<S: Serializer>(text: &Arc<str>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(text)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Arc<str>, D::Error> {
        String::deserialize(from).map(Arc::from)
    }
}

fn all<'t>(node: NodeRef<'t>, name: &str) -> impl Iterator<Item = NodeRef<'t>> + use<'t> {
    let key = hutong_fhir::Key::known(name);
    node.children().filter(move |c| Some(c.key()) == key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hutong_fhir::json;

    fn over(known: &Person, text: &str, clear: &[&str]) -> Person {
        let (tree, _) = json::parse(text.as_bytes(), &json::JsonLimits::default()).unwrap();
        let clear: Vec<String> = clear.iter().map(|c| (*c).to_owned()).collect();
        Person::over(tree.root(), known, &clear)
    }

    #[test]
    fn a_message_that_says_little_takes_nothing_away() {
        let first = over(
            &Person::default(),
            r#"{"resourceType":"Patient","id":"1","identifier":[{"system":"urn:h1","value":"b1"},{"system":"urn:h1","value":"a2"}],
            "name":[{"text":"张三"}],"gender":"male","birthDate":"1970-01-02","telecom":[{"value":"13800010001"}],"address":[{"text":"永安镇1号"}],"multipleBirthBoolean":true}"#,
            &[],
        );
        assert_eq!((first.names.len(), first.numbers.len(), first.phones.len(), first.multiple), (1, 2, 1, true));
        let same = over(
            &first,
            r#"{"resourceType":"Patient","id":"1","identifier":[{"system":"urn:h1","value":"a2"}],"name":[{"text":"张三"}]}"#,
            &[],
        );
        assert_eq!(same, first);
        for (text, clear, expected) in [
            (r#"{"resourceType":"Patient","name":[{"text":"张叁"}]}"#, &[][..], Person { names: vec!["张叁".into()], ..first.clone() }),
            (
                r#"{"resourceType":"Patient"}"#,
                &["telecom", "multipleBirth"],
                Person { phones: Vec::new(), multiple: false, ..first.clone() },
            ),
            (r#"{"resourceType":"Patient"}"#, &["identifier"], Person { numbers: Vec::new(), ..first.clone() }),
        ] {
            let mut expected = expected;
            expected.settle();
            assert_eq!(over(&first, text, clear), expected, "{text}");
        }
        let added = over(&first, r#"{"resourceType":"Patient","identifier":[{"system":"urn:h1","value":"c3"}]}"#, &[]);
        assert_eq!(added.numbers.iter().map(|n| &*n.value).collect::<Vec<_>>(), ["C3", "B1", "A2"]);
    }

    #[test]
    fn a_record_read_from_the_journal_has_the_keys_under_which_it_was_put() {
        for name in ["欧阳娜娜", "张三", "无名氏", "王小芳之女", "OUYANG NA", ""] {
            let mut p = Person::default();
            p.add_name(name);
            p.add_phone("13800010001");
            p.set_birth(Date { year: 1990, month: 12, day: 31 });
            p.set_address("永安镇茅草坝村3组");
            p.settle();
            let read: Person = serde_json::from_value(serde_json::to_value(&p).unwrap()).unwrap();
            assert_eq!((read.keys(), read.is_named()), (p.keys(), p.is_named()), "{name}");
            let plain = p.name();
            assert_eq!(reading(plain).get(..reading_length(surname(plain))), Some(&*reading(surname(plain))), "{name}");
        }
        assert_eq!((tail("永安镇茅草坝村3组"), tail("3组"), tail("")), ("草坝村3组", "3组", ""));
    }
}
