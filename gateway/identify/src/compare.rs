//! Two records side by side: how each field agrees, and what the sum says.

use crate::name::{self, NameLevel};
use crate::person::{Date, NumberKind, Person, Sex};
use crate::text::{edits, likeness};
use crate::weights::Weights;

/// How one field agrees.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Evidence {
    /// `name sex birth number phone address`
    pub field: &'static str,
    /// As in the file of weights.
    pub level: &'static str,
    pub weight: f32,
}

/// How two records agree.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Score {
    pub weight: f32,
    pub evidence: Vec<Evidence>,
    /// The same valid 身份证.
    pub same_card: bool,
    /// Two valid 身份证 that differ: two persons, or one mistake.
    pub other_card: bool,
    /// The same number of another kind that names one person.
    pub same_number: bool,
    pub(crate) name: Option<NameLevel>,
    pub(crate) birth_agrees: bool,
}

/// Compares two records. `name_frequency`: share of the records that bear the name, where it agrees.
pub(crate) fn compare(a: &Person, b: &Person, name_frequency: f32, weights: &Weights) -> Score {
    let mut score = Score::default();
    compare_names(a, b, name_frequency, weights, &mut score);
    if a.sex != Sex::Unknown && b.sex != Sex::Unknown {
        add(&mut score, weights, "sex", if a.sex == b.sex { "agree" } else { "differ" });
    }
    if let Some(level) = births(a.birth, b.birth) {
        score.birth_agrees = level == "exact";
        add(&mut score, weights, "birth", level);
    }
    compare_numbers(a, b, weights, &mut score);
    if !a.phones.is_empty() && !b.phones.is_empty() {
        let agree = a.phones.iter().any(|p| b.phones.contains(p));
        add(&mut score, weights, "phone", if agree { "agree" } else { "differ" });
    }
    if !a.address.is_empty() && !b.address.is_empty() {
        let level = match () {
            () if a.address == b.address => "agree",
            () if likeness(&a.address, &b.address) >= 0.6 => "like",
            () => "differ",
        };
        add(&mut score, weights, "address", level);
    }
    score
}

fn add(score: &mut Score, weights: &Weights, field: &'static str, level: &'static str) {
    let weight = weights.of(field, level);
    score.weight += weight;
    score.evidence.push(Evidence { field, level, weight });
}

fn compare_names(a: &Person, b: &Person, frequency: f32, weights: &Weights, score: &mut Score) {
    // the names of newborns and of nobody say nothing about whose record it is
    if !a.is_named() || !b.is_named() {
        return;
    }
    let best = a.names.iter().flat_map(|x| b.names.iter().map(move |y| name::compare(x, y))).min();
    score.name = best;
    match best {
        None => {}
        Some(NameLevel::Exact) => {
            let weight = (weights.name_m / frequency.max(weights.name_u_least)).log2();
            score.weight += weight;
            score.evidence.push(Evidence { field: "name", level: "exact", weight });
        }
        Some(NameLevel::Lost) => add(score, weights, "name", "lost"),
        Some(NameLevel::Pinyin) => add(score, weights, "name", "pinyin"),
        Some(NameLevel::Homophone) => add(score, weights, "name", "homophone"),
        Some(NameLevel::OneCharacter) => add(score, weights, "name", "one-character"),
        Some(NameLevel::Surname) => add(score, weights, "name", "surname"),
        Some(NameLevel::Different) => add(score, weights, "name", "different"),
    }
}

/// How two dates agree; `None` where one is unknown.
fn births(a: Date, b: Date) -> Option<&'static str> {
    if a.year == 0 || b.year == 0 {
        return None;
    }
    if a == b {
        return Some(if a.is_whole() { "exact" } else { "part" });
    }
    if !a.is_whole() || !b.is_whole() {
        let month = a.month == 0 || b.month == 0 || a.month == b.month;
        return Some(if a.year == b.year && month { "part" } else { "differ" });
    }
    if a.year == b.year && a.month == b.day && a.day == b.month {
        return Some("swapped");
    }
    let digits = |d: Date| format!("{:04}{:02}{:02}", d.year, d.month, d.day).into_bytes();
    if digits(a).iter().zip(digits(b)).filter(|(x, y)| **x != *y).count() == 1 {
        return Some("one-digit");
    }
    // a day of the lunar calendar, entered as one of the solar, is up to about seven weeks early
    if (a.days() - b.days()).abs() <= 52 {
        return Some("near");
    }
    Some(if a.year == b.year { "year" } else { "differ" })
}

fn compare_numbers(a: &Person, b: &Person, weights: &Weights, score: &mut Score) {
    let mut level: Option<&'static str> = None;
    let rank = |l: &str| ["card", "local", "personal", "card-one-digit", "personal-differ", "card-differ"].iter().position(|r| *r == l);
    let mut offer = |l: &'static str| {
        if level.is_none_or(|now| rank(l) < rank(now)) {
            level = Some(l);
        }
    };
    for x in &a.numbers {
        for y in &b.numbers {
            let same = x.system == y.system && x.value == y.value;
            match (x.kind, y.kind) {
                (NumberKind::IdentityCard, NumberKind::IdentityCard) => {
                    score.same_card |= same;
                    score.other_card |= !same;
                    offer(if same { "card" } else { "card-differ" });
                }
                (
                    NumberKind::IdentityCard | NumberKind::DoubtfulIdentityCard,
                    NumberKind::IdentityCard | NumberKind::DoubtfulIdentityCard,
                ) => {
                    let chars = |s: &str| s.chars().collect::<Vec<_>>();
                    let near = edits(&chars(&x.value), &chars(&y.value), 1) <= 1;
                    offer(if near { "card-one-digit" } else { "card-differ" });
                }
                (NumberKind::Personal | NumberKind::Document, NumberKind::Personal | NumberKind::Document) if x.system == y.system => {
                    score.same_number |= same;
                    offer(if same { "personal" } else { "personal-differ" });
                }
                (NumberKind::Local, NumberKind::Local) if same => offer("local"),
                _ => {}
            }
        }
    }
    // one valid card on both sides is one person: another, doubtful one beside it is noise
    score.other_card &= !score.same_card;
    if let Some(level) = level {
        add(score, weights, "number", level);
    }
}
