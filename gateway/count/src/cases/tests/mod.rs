//! The ledger against a counter written apart, over thousands of small random histories; and the rules one by one.

mod extraction;
mod histories;
mod reference;
mod rules;
mod world;
