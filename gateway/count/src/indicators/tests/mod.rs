//! The definitions as they are, worked examples for each, and what is refused.

mod library;
