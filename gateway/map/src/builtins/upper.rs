//! `upper(x)`: in capital letters.

use super::{Builtin, Gives, example};
use std::borrow::Cow;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "upper",
    args: (1, 1),
    labels: &[],
    gives: Gives::Text,
    run: |e, args, _| super::each(e, args, |_, t| Some(Cow::Owned(t.to_uppercase()))),
    examples: &[example("11x", "upper(x)", &["11X"])],
};
