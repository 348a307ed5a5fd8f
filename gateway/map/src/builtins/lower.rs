//! `lower(x)`: in small letters.

use super::{Builtin, Gives, example};
use std::borrow::Cow;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "lower",
    args: (1, 1),
    labels: &[],
    gives: Gives::Text,
    run: |e, args, _| super::each(e, args, |_, t| Some(Cow::Owned(t.to_lowercase()))),
    examples: &[example("MMOL/L", "lower(x)", &["mmol/l"])],
};
