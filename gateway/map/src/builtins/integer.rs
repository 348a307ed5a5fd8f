//! `integer(x)`: a whole number.

use hutong_fhir::primitive::Primitive;

use super::{Builtin, Gives, example};

pub(super) const BUILTIN: Builtin = Builtin {
    name: "integer",
    args: (1, 1),
    labels: &[],
    gives: Gives::Primitive(Primitive::Integer),
    run: |e, args, _| super::conversion(e, args, Primitive::Integer),
    examples: &[example("+05", "integer(x)", &["5"]), example("5.0", "integer(x)", &["5"]), example("5.5", "integer(x)", &[])],
};
