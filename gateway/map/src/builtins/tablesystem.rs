//! `tablesystem("0078")`: the code system of an HL7 v2 table, by its number in any of the ways to write it.

use super::{Builtin, Gives, example};
use std::borrow::Cow;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "tablesystem",
    args: (1, 1),
    labels: &[],
    gives: Gives::Text,
    run: |e, args, _| super::each(e, args, |_, t| uri(&t).map(Cow::Owned)),
    examples: &[
        example("0078", "tablesystem(x)", &["http://terminology.hl7.org/CodeSystem/v2-0078"]),
        example("HL70078", "tablesystem(x)", &["http://terminology.hl7.org/CodeSystem/v2-0078"]),
        example("78", "tablesystem(x)", &["http://terminology.hl7.org/CodeSystem/v2-0078"]),
        example("LN", "tablesystem(x)", &[]),
    ],
};

/// Where HL7 keeps the code systems of v2's tables, as `v2-0001`.
pub(super) const SYSTEMS: &str = "http://terminology.hl7.org/CodeSystem/";

/// The uri of a v2 table named `0078`, `HL70078` or `78`.
pub(super) fn uri(name: &str) -> Option<String> {
    let digits = name.strip_prefix("HL7").unwrap_or(name);
    if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(format!("{SYSTEMS}v2-{digits:0>4}"))
}
