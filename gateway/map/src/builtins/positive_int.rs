//! `positiveInt(x)`: a whole number from 1.

use hutong_fhir::primitive::Primitive;

use super::{Builtin, Gives, example};

pub(super) const BUILTIN: Builtin = Builtin {
    name: "positiveInt",
    args: (1, 1),
    labels: &[],
    gives: Gives::Primitive(Primitive::PositiveInt),
    run: |e, args, _| super::conversion(e, args, Primitive::PositiveInt),
    examples: &[example("3", "positiveInt(x)", &["3"]), example("0", "positiveInt(x)", &[])],
};
