//! `unsignedInt(x)`: a whole number from 0.

use hutong_fhir::primitive::Primitive;

use super::{Builtin, Gives, example};

pub(super) const BUILTIN: Builtin = Builtin {
    name: "unsignedInt",
    args: (1, 1),
    labels: &[],
    gives: Gives::Primitive(Primitive::UnsignedInt),
    run: |e, args, _| super::conversion(e, args, Primitive::UnsignedInt),
    examples: &[example("0", "unsignedInt(x)", &["0"]), example("-1", "unsignedInt(x)", &[])],
};
