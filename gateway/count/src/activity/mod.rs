//! 诊疗活动: visits, stays, discharges, bed days, referrals down, operations, tracings and prescriptions, for the indicators
//! whose formulas need them. What counts, and from which fields, stands in `gateway/docs/counting.md`.
//!
//! A message's [`Event`]s follow the journal. What several messages say of one visit is laid together: of each thing the
//! word with the latest time stands, whenever it arrived. What a visit comes to is [`Cell`](cell::Cell)s that are tallied
//! by day; tiers, departments and types of institutions are asked as of that day when a figure is made.

mod activities;
mod cell;
mod counters;
mod event;
mod extract;
mod figures;
mod rule;
mod thing;

pub use activities::Activities;
pub use counters::{Answer, COUNTERS, Counted, Figures, Line};
pub use event::{Event, Of, Word};
pub use extract::events_of;
pub use rule::{DEFINITION_VERSION, Directory, Place, Reason, Rules};

#[cfg(test)]
mod tests;
