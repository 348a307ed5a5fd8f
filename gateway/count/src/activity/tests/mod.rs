//! Counters by table, from messages as the mappings make resources of them, and random histories against a counter
//! written apart.

mod extraction;
mod histories;
mod reference;
mod rules;
mod world;
