//! `raw(x)`: all that stands there as one text, separators included; several values become one, a line each.

use super::{Builtin, Gives, typed};
use crate::run::{Origin, Val};
use std::borrow::Cow;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "raw",
    args: (1, 1),
    labels: &[],
    gives: Gives::Text,
    run: |e, args, _| {
        let Some(arg) = args.first() else { return };
        let from = e.vals.len();
        let n = e.values(*arg);
        let found: Vec<Val<'_>> = e.vals.drain(from..from + n).collect();
        let mut text = String::new();
        let mut place = Origin::NONE;
        for v in &found {
            let Some((t, origin)) = e.whole_text(v) else { continue };
            if found.len() == 1 {
                e.vals.push(Val::Text(t, origin));
                return;
            }
            if !text.is_empty() {
                text.push('\n');
            }
            place = if place == Origin::NONE { origin } else { Origin { end: origin.end, ..place } };
            text.push_str(&t);
        }
        if !text.is_empty() {
            e.vals.push(Val::Text(Cow::Owned(text), place));
        }
    },
    examples: &[typed("CWE", "a^b&c", "raw(x)", &["a^b&c"]), typed("XPN", "a^b~c", "raw(OBX-5~)", &["a^b\nc"])],
};
