//! `code(x)`: a code: no blanks around it, single ones inside.

use hutong_fhir::primitive::Primitive;

use super::{Builtin, Gives, example};

pub(super) const BUILTIN: Builtin = Builtin {
    name: "code",
    args: (1, 1),
    labels: &[],
    gives: Gives::Primitive(Primitive::Code),
    run: |e, args, _| super::conversion(e, args, Primitive::Code),
    examples: &[example(" A  B ", "code(x)", &["A B"]), example("  ", "code(x)", &[])],
};
