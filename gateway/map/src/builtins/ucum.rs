//! `ucum(x)`: a unit's code if it is one of UCUM, else nothing: what claims to be UCUM and is none stays text.

use super::{Builtin, Gives, example};
use std::borrow::Cow;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "ucum",
    args: (1, 1),
    labels: &[],
    gives: Gives::Text,
    run: |e, args, _| super::each(e, args, |_, t| hutong_fhir::ucum::is_valid(t.trim()).then(|| Cow::Owned(t.trim().to_owned()))),
    examples: &[
        example("mmol/L", "ucum(x)", &["mmol/L"]),
        example("10*9/L", "ucum(x)", &["10*9/L"]),
        example("粒", "ucum(x)", &[]),
        example("TAB", "ucum(x)", &[]),
    ],
};
