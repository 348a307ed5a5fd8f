//! `decimal(x)`: a number with its digits kept.

use hutong_fhir::primitive::Primitive;

use super::{Builtin, Gives, example};

pub(super) const BUILTIN: Builtin = Builtin {
    name: "decimal",
    args: (1, 1),
    labels: &[],
    gives: Gives::Primitive(Primitive::Decimal),
    run: |e, args, _| super::conversion(e, args, Primitive::Decimal),
    examples: &[
        example("+5", "decimal(x)", &["5"]),
        example(".50", "decimal(x)", &["0.50"]),
        example("5.", "decimal(x)", &["5"]),
        example("-007.10", "decimal(x)", &["-7.10"]),
        example("５．６", "decimal(x)", &["5.6"]),
        example("<5", "decimal(x)", &[]),
        example("阴性", "decimal(x)", &[]),
    ],
};
