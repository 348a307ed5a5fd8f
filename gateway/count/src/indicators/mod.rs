//! Indicators (指标): definitions as data, figures that are evaluated from counters and reported inputs, and the forms by
//! which inputs are reported. What a figure is made of is always told: counted by the gateway, computed with numbers that
//! somebody reported, or reported; nothing reported is shown as counted.
//!
//! `profiles/policy/indicators` holds the definitions, `gateway/docs/indicators.md` says what they are.

mod counted;
mod definition;
mod evaluate;
pub mod fhir;
mod figure;
pub mod forms;
mod load;
mod target;
mod when;

pub use counted::evaluate_all;
pub use definition::{Class, Definition, Document, Input, Kind, Library, Origin, Over};
pub use evaluate::{Account, Asked, Counters, Given, Inputs, Source, Tally, evaluate};
pub use figure::{Figure, Gap, Outcome, Provenance, Used};
pub use load::{Fault, File};
pub use target::{Comparator, Target};
pub use when::name as period_name;

#[cfg(test)]
mod tests;
