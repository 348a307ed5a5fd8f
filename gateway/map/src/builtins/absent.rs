//! `absent(x)`: the reason code (`unknown`, `not-applicable`) where `x` is one of the declared placeholders.

use super::{Builtin, Gives, example};
use crate::run::Val;
use std::borrow::Cow;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "absent",
    args: (1, 1),
    labels: &[],
    gives: Gives::Text,
    run: |e, args, _| {
        let Some(arg) = args.first() else { return };
        let before = e.absent.take();
        let found = e.one(*arg);
        let reason = match &found {
            // OBX-5 is no placeholder for itself, but may be asked about
            Some(v) => e.text_of(v).and_then(|(t, _)| e.plan.absent.iter().position(|(p, _)| *p == t)),
            None => e.absent.map(|i| i as usize),
        };
        e.absent = before;
        if let Some((_, code)) = reason.and_then(|i| e.plan.absent.get(i)) {
            let origin = e.origin;
            e.vals.push(Val::Text(Cow::Borrowed(code.as_str()), origin));
        }
    },
    examples: &[example("-", "absent(x)", &["unknown"]), example("5", "absent(x)", &[])],
};
