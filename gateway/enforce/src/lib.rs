//! Enforce: what the community's rules say, and by which rule. Pure: a decision is a function of the question, the facts
//! given with it and the rule set, so an auditor can make it again from the journal.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))] // a test may stop

pub mod expression;
pub mod recognition;
