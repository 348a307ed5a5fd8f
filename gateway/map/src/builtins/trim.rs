//! `trim(x)`: without blanks around it; every value is read so, and this says it.

use super::{Builtin, Gives, example};

pub(super) const BUILTIN: Builtin = Builtin {
    name: "trim",
    args: (1, 1),
    labels: &[],
    gives: Gives::Text,
    run: |e, args, _| super::each(e, args, |_, t| Some(t)),
    examples: &[example("  a ", "trim(x)", &["a"])],
};
