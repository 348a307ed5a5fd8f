//! Whose record it is: link, look at it, or a person of its own; and why.

use crate::compare::{Score, compare};
use crate::index::SMALLEST;
use crate::name::NameLevel;
use crate::person::Person;
use crate::register::{PersonId, Register};
use crate::weights::Weights;

/// Candidates that a decision names; the others are weaker.
const CANDIDATES_MAX: usize = 10;

/// Why a candidate was linked, left to somebody, or passed over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// The same valid 身份证, and nothing against it.
    SameCard,
    /// The same 健康卡, 医保 or 健康档案 number, name and birth date.
    SameNumber,
    /// The sum reaches the threshold for linking.
    Weight,
    /// The sum is between the thresholds.
    Doubtful,
    /// The same 身份证 under another name: lent, or entered wrongly.
    CardOfAnother,
    /// Valid 身份证 that differ, all else the same: one may be wrong.
    CardsDiffer,
    /// A newborn or unknown patient has too little to go by.
    Unnamed,
    /// Same birth date, telephone or address, other given name: perhaps twins.
    PerhapsTwins,
    /// More than one person fits.
    Several,
    /// Somebody said that these are two.
    KeptApart,
}

impl Reason {
    /// As in events and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::SameCard => "same-card",
            Reason::SameNumber => "same-number",
            Reason::Weight => "weight",
            Reason::Doubtful => "doubtful",
            Reason::CardOfAnother => "card-of-another",
            Reason::CardsDiffer => "cards-differ",
            Reason::Unnamed => "unnamed",
            Reason::PerhapsTwins => "perhaps-twins",
            Reason::Several => "several",
            Reason::KeptApart => "kept-apart",
        }
    }
}

/// A person that was considered.
#[derive(Clone, PartialEq, Debug)]
pub struct Candidate {
    pub person: PersonId,
    /// The record of that person that agrees best.
    pub record: u32,
    pub score: Score,
    pub reason: Reason,
}

/// What to do with a record.
#[derive(Clone, PartialEq, Debug)]
pub enum Decision {
    /// The same person as this candidate.
    Link(Candidate),
    /// Somebody has to look; until then a person of its own. Best first.
    Review(Vec<Candidate>),
    /// A person of its own.
    Separate,
}

/// What comparing a record with one other says.
enum Verdict {
    Link(Reason),
    Review(Reason),
    No,
}

/// Judges a pair. `odds`: log2 of the odds that two records with this score are one person, here and now.
fn verdict(a: &Person, b: &Person, score: &Score, odds: f32, weights: &Weights) -> Verdict {
    let name = score.name.unwrap_or(NameLevel::Different);
    let sounds = name <= NameLevel::Homophone;
    let fits = sounds || (name == NameLevel::OneCharacter && score.birth_agrees);
    if score.same_card {
        // a newborn under the number of its mother has another birth date; a lent card another name
        let nameless = score.name.is_none() && score.birth_agrees && a.sex == b.sex && !newborn(a) && !newborn(b);
        let lost = name == NameLevel::Lost && !score.birth_agrees;
        // sex and birth date are those of the card, and the surname: the given name was entered wrongly
        let slip = name == NameLevel::Surname && score.birth_agrees && a.sex == b.sex && a.is_as_its_card();
        return if fits && !lost || nameless || slip { Verdict::Link(Reason::SameCard) } else { Verdict::Review(Reason::CardOfAnother) };
    }
    if !a.is_named() || !b.is_named() {
        let likely = odds >= weights.review;
        return if likely { Verdict::Review(Reason::Unnamed) } else { Verdict::No };
    }
    if score.other_card {
        let all_else = odds >= weights.review && sounds && score.birth_agrees;
        return if all_else { Verdict::Review(Reason::CardsDiffer) } else { Verdict::No };
    }
    if score.same_number && fits && score.birth_agrees {
        return Verdict::Link(Reason::SameNumber);
    }
    if odds < weights.review {
        return Verdict::No;
    }
    // brothers and sisters, twins before all, share all but a character of the name
    if !sounds {
        return Verdict::Review(Reason::PerhapsTwins);
    }
    let lost = name == NameLevel::Lost && !score.birth_agrees;
    if odds >= weights.link && !lost { Verdict::Link(Reason::Weight) } else { Verdict::Review(Reason::Doubtful) }
}

fn newborn(p: &Person) -> bool {
    p.naming == Some(crate::name::Naming::Newborn)
}

impl Register {
    /// How likely it is that a candidate of [`Register::decide`] is the same person, by the weights alone: 0 to 1.
    pub fn likelihood(&self, candidate: &Candidate) -> f64 {
        let odds = f64::from(candidate.score.weight - self.prior());
        1.0 / (1.0 + (-odds).exp2())
    }

    /// A priori a record is one of all: the more there are, the more must speak for one of them. log2.
    fn prior(&self) -> f32 {
        (self.len().max(SMALLEST as usize) as f32).log2()
    }

    /// Compares a record with all that may be the same person. `record`: its own number where it is known already.
    pub fn decide(&self, person: &Person, record: Option<u32>) -> Decision {
        let frequency = self.index().name_frequency(person);
        let prior = self.prior();
        let own = record.map(|r| self.person_of(r));
        // the best record of each person, by what it would lead to
        let mut links: Vec<Candidate> = Vec::new();
        let mut reviews: Vec<Candidate> = Vec::new();
        for other in self.index().near(person) {
            let Some(known) = self.person(other) else { continue };
            let of = self.person_of(other);
            if Some(other) == record || own == Some(of) {
                continue;
            }
            let score = compare(person, &known, frequency, self.weights());
            let (list, reason) = match verdict(person, &known, &score, score.weight - prior, self.weights()) {
                Verdict::Link(reason) => (&mut links, reason),
                Verdict::Review(reason) => (&mut reviews, reason),
                Verdict::No => continue,
            };
            offer(list, Candidate { person: of, record: other, score, reason });
        }
        self.choose(person, record, links, reviews)
    }

    fn choose(&self, person: &Person, record: Option<u32>, mut links: Vec<Candidate>, mut reviews: Vec<Candidate>) -> Decision {
        let mut kept = Vec::new();
        for mut c in links {
            // one record of that person may fit and another contradict: 身份证 differ, or somebody parted them
            if self.records_of(c.record).iter().any(|r| self.person(*r).is_some_and(|p| contradicts(person, &p))) {
                c.reason = Reason::CardsDiffer;
                reviews.push(c);
            } else if record.is_some_and(|r| self.are_kept_apart(r, c.record)) {
                c.reason = Reason::KeptApart;
            } else {
                kept.push(c);
            }
        }
        links = kept;
        links.sort_by(|a, b| b.score.weight.total_cmp(&a.score.weight).then(a.person.cmp(&b.person)));
        reviews.retain(|c| !record.is_some_and(|r| self.are_kept_apart(r, c.record)));
        reviews.sort_by(|a, b| b.score.weight.total_cmp(&a.score.weight).then(a.person.cmp(&b.person)));
        let certain = links.iter().position(|c| matches!(c.reason, Reason::SameCard | Reason::SameNumber));
        if let Some(at) = certain {
            return Decision::Link(links.swap_remove(at));
        }
        match links.len() {
            0 if reviews.is_empty() => Decision::Separate,
            1 => links.pop().map_or(Decision::Separate, Decision::Link),
            0 => {
                reviews.truncate(CANDIDATES_MAX);
                Decision::Review(reviews)
            }
            _ => {
                for c in &mut links {
                    c.reason = Reason::Several;
                }
                links.truncate(CANDIDATES_MAX);
                Decision::Review(links)
            }
        }
    }
}

/// Whether two records cannot be one person.
fn contradicts(a: &Person, b: &Person) -> bool {
    matches!((a.card(), b.card()), (Some(x), Some(y)) if x != y)
}

fn offer(list: &mut Vec<Candidate>, candidate: Candidate) {
    match list.iter_mut().find(|c| c.person == candidate.person) {
        Some(known) if known.score.weight >= candidate.score.weight => {}
        Some(known) => *known = candidate,
        None => list.push(candidate),
    }
}
