//! Identify: one person, whatever numbers and spellings the institutions use (患者主索引 EMPI).
//!
//! An institution's Patient is a **record**; records of one human being form a **person**. [`Register::decide`] compares
//! a record with those known: first by rules that need no arithmetic (the same valid 身份证 and a name that does not
//! contradict it), then by the weights of Fellegi and Sunter ("A Theory for Record Linkage", JASA 64, 1969), read from
//! `profiles/policy/identity/weights.tsv`. It changes nothing: the decision becomes an [`Event`] in the journal, and
//! [`Register::apply`] follows the journal. So a register rebuilt from the journal is the same register, and what was
//! merged can be parted again.
//!
//! Doubt is never resolved by guessing: between the two thresholds a person decides.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))] // a test may stop

mod compare;
mod decide;
mod index;
mod masked;
mod name;
mod packed;
mod person;
mod register;
pub mod registry;
mod text;
mod weights;

#[cfg(test)]
mod tests;

pub use compare::{Evidence, Score};
pub use decide::{Candidate, Decision, Reason};
pub use masked::{Masked, MaskedNumber};
pub use person::{Date, NumberKind, Person, PersonalNumber, Sex};
pub use register::{By, Event, PersonId, Register};
pub use weights::{Weights, WeightsFault};
