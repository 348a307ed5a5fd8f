//! `split(x, "+")`: one text as several values, cut at a text; empty pieces are left out.

use super::{Builtin, Gives, example};
use crate::run::Val;
use std::borrow::Cow;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "split",
    args: (2, 2),
    labels: &[],
    gives: Gives::Text,
    run: |e, args, _| {
        let Some(at) = args.get(1).and_then(|a| e.literal(*a)).filter(|t| !t.is_empty()) else { return };
        let Some((text, origin)) = args.first().and_then(|a| e.text(*a)) else { return };
        for piece in text.split(at).map(str::trim).filter(|p| !p.is_empty()) {
            e.vals.push(Val::Text(Cow::Owned(piece.to_owned()), origin));
        }
    },
    examples: &[example("a+ b++c", "split(x, \"+\")", &["a", "b", "c"])],
};
