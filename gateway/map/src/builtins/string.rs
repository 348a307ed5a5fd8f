//! `string(x)`: the text of a value; several values become one, a line each.

use hutong_fhir::primitive::Primitive;

use super::{Builtin, Gives, convert, example, typed};
use crate::run::Val;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "string",
    args: (1, 1),
    labels: &[],
    gives: Gives::Primitive(Primitive::String),
    run: |e, args, _| {
        let Some((text, origin)) = args.first().and_then(|a| super::joined(e, *a, "\n")) else { return };
        if let Some(text) = convert::to(Primitive::String, text, 0) {
            e.vals.push(Val::Text(text, origin));
        }
    },
    examples: &[
        example(" a ", "string(x)", &["a"]),
        example("a^b", "string(x)", &["a^b"]),
        typed("CWE", "a^b", "string(x)", &["a"]),
        example("a~b", "string(OBX-5~)", &["a\nb"]),
        example("a\\T\\b\\.br\\c", "string(x)", &["a&b\nc"]),
        example("   ", "string(x)", &[]),
    ],
};
