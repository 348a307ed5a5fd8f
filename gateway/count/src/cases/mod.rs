//! Cases of “基层检查、上级诊断”: joining order, specimen, study and report, and counting what was examined below and read
//! above. The rule stands in `gateway/docs/counting.md`.
//!
//! A message's [`Sighting`]s become [`Event`]s of the journal. The ledger follows them in order: what shares a number is
//! one folder of papers, each report in it is judged, and what became of it is tallied. Whatever changes a
//! folder has it judged again; the difference is tallied, and where its month is closed it is an adjustment with a date.

mod chunks;
mod event;
mod extract;
mod figures;
mod folder;
mod judge;
mod keys;
mod ledger;
mod lists;
mod names;
mod query;
mod row;
mod rows;
mod rule;
mod sighting;
mod snapshot;
mod tally;

pub use event::{At, Close, Decided, Event};
pub use extract::{Master, sightings_of};
pub use figures::{Adjustment, By, CaseRow, Cause, Doubt, Figure, FigureRow, Figures, Lack, Orphan, Quality, Question, Spread};
pub use ledger::Ledger;
pub use lists::Size;
pub use rule::{DEFINITION, DEFINITION_VERSION, Directory, Facts, Outcome, Rules, Scope, Tier};
pub use sighting::{Centre, Id, IdKind, Kind, Modality, Sighting, Status, hash};

#[cfg(test)]
mod tests;
