//! `join(x~, ", ")`: several values as one text with something between them.

use super::{Builtin, Gives, example};
use crate::run::Val;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "join",
    args: (1, 2),
    labels: &["by"],
    gives: Gives::Text,
    run: |e, args, _| {
        let between = args.get(1).and_then(|a| e.literal(*a)).unwrap_or(" ");
        let Some((text, origin)) = args.first().and_then(|a| super::joined(e, *a, between)) else { return };
        e.vals.push(Val::Text(text, origin));
    },
    examples: &[example("a~b~c", "join(OBX-5~, \", \")", &["a, b, c"]), example("", "join(OBX-5~)", &[])],
};
