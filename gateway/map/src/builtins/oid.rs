//! `oid(x)`: `urn:oid:…` of an OID; nothing of anything else.

use super::{Builtin, Gives, example};
use std::borrow::Cow;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "oid",
    args: (1, 1),
    labels: &[],
    gives: Gives::Text,
    run: |e, args, _| {
        super::each(e, args, |_, t| {
            let bare = t.strip_prefix("urn:oid:").unwrap_or(&t);
            hutong_fhir::primitive::is_oid(bare).then(|| Cow::Owned(format!("urn:oid:{bare}")))
        });
    },
    examples: &[example("2.16.156.10011", "oid(x)", &["urn:oid:2.16.156.10011"]), example("HIS", "oid(x)", &[])],
};
