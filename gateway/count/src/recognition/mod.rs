//! Figures of mutual recognition (互认统计): 提醒率, 查阅率, 互认率, 重复检查率, 不互认原因, 标识有效率, 节约费用.
//!
//! Counting is bookkeeping. Each event posts amounts to a ledger ([`ledger`]): of which day and whose they are, on which
//! day they were posted, why, and from which entry of the journal. A figure is the sum of postings; a posting made after
//! its period ended is an adjustment with a date and a cause, so what was published never changes silently; and from a
//! figure its postings lead back to the messages.
//!
//! The formulas, with id and version, stand in [`definition`]; `gateway/docs/recognition-figures.md` tells them to people.

mod cases;
pub mod definition;
mod figures;
mod intern;
mod ledger;
mod report;

#[cfg(test)]
mod histories;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

pub use definition::{Counter, Definition, Figure};
pub use figures::{At, Change, Figures};
pub(crate) use intern::Interned;
pub use ledger::{Cause, Posting};
pub use report::{Adjustment, By, Counts, Difference, Filter, Posted, Row, differences, report, trace};
