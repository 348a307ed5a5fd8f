//! `concat(a, " ", b)`: values one behind the other. A quoted text is written only between two values that are
//! there, before the first, or behind the last: what separates nothing is left out.

use super::{Builtin, Gives, typed};
use crate::plan::Op;
use crate::run::{Origin, Val};
use std::borrow::Cow;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "concat",
    args: (1, 24),
    labels: &[],
    gives: Gives::Text,
    run: |e, args, _| {
        let mut out = String::new();
        let mut waiting: &str = "";
        let mut place = Origin::NONE;
        let mut fresh = false;
        let mut leads = true;
        for arg in args {
            if let Op::Text(id) = e.plan.op(*arg) {
                // of several in a row (a value between them is missing) the last one separates
                waiting = e.plan.text(id);
                continue;
            }
            fresh = false;
            let Some((text, origin)) = super::joined(e, *arg, " ") else {
                leads = false;
                continue;
            };
            // in front of the first value only what stands in front of the first argument
            if !out.is_empty() || leads {
                out.push_str(waiting);
            }
            waiting = "";
            leads = false;
            out.push_str(&text);
            fresh = true;
            place = if place == Origin::NONE { origin } else { Origin { end: place.end.max(origin.end), ..place } };
        }
        if fresh {
            out.push_str(waiting);
        }
        if place != Origin::NONE && !out.trim().is_empty() {
            e.vals.push(Val::Text(Cow::Owned(out.trim().to_owned()), place));
        }
    },
    examples: &[
        typed("CWE", "a^b^c", "concat(x.1, \" \", x.2, \"-\", x.3)", &["a b-c"]),
        typed("CWE", "a^^c", "concat(x.1, \" \", x.2, \"-\", x.3)", &["a-c"]),
        typed("CWE", "^b", "concat(x.1, \" \", x.2, \"-\", x.3)", &["b"]),
        typed("CWE", "5", "concat(\"+\", x.1, \" kg\")", &["+5 kg"]),
        typed("CWE", "^", "concat(x.1, \" \", x.2)", &[]),
    ],
};
