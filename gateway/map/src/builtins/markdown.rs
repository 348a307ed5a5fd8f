//! `markdown(x)`: text with lines; several values become one, a line each.

use hutong_fhir::primitive::Primitive;

use super::{Builtin, Gives, convert, example};
use crate::run::Val;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "markdown",
    args: (1, 1),
    labels: &[],
    gives: Gives::Primitive(Primitive::Markdown),
    run: |e, args, _| {
        let Some((text, origin)) = args.first().and_then(|a| super::joined(e, *a, "\n")) else { return };
        if let Some(text) = convert::to(Primitive::Markdown, text, 0) {
            e.vals.push(Val::Text(text, origin));
        }
    },
    examples: &[example("a~b", "markdown(OBX-5~)", &["a\nb"])],
};
