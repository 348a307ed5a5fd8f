//! Count: figures that are computed from the events of the journal in order. A figure counted while events arrive equals
//! the one counted anew from the journal, to the unit.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))] // a test may stop

pub mod activity;
pub mod cases;
pub mod indicators;
pub mod period;
pub mod recognition;
