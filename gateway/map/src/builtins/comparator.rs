//! `comparator(x)`: the comparator in front of a number, as FHIR writes it.

use super::{Builtin, Gives, example};
use std::borrow::Cow;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "comparator",
    args: (1, 1),
    labels: &[],
    gives: Gives::Text,
    run: |e, args, _| super::each(e, args, |_, t| split(&t).0.map(Cow::Borrowed)),
    examples: &[
        example("<5", "comparator(x)", &["<"]),
        example("≥ 5.0", "comparator(x)", &[">="]),
        example("＜0.1", "comparator(x)", &["<"]),
        example("5", "comparator(x)", &[]),
    ],
};

/// The comparator and the rest of a text.
pub(super) fn split(text: &str) -> (Option<&'static str>, &str) {
    let signs = [
        ("<=", "<="),
        (">=", ">="),
        ("≤", "<="),
        ("≥", ">="),
        ("＜=", "<="),
        ("＞=", ">="),
        ("<", "<"),
        (">", ">"),
        ("＜", "<"),
        ("＞", ">"),
    ];
    let found = signs.iter().find_map(|(sign, fhir)| text.strip_prefix(sign).map(|rest| (Some(*fhir), rest.trim_start())));
    found.unwrap_or((None, text))
}
