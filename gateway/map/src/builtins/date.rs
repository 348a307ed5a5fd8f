//! `date(x)`: the day, month or year of a time.

use hutong_fhir::primitive::Primitive;

use super::{Builtin, Gives, example};

pub(super) const BUILTIN: Builtin = Builtin {
    name: "date",
    args: (1, 1),
    labels: &[],
    gives: Gives::Primitive(Primitive::Date),
    run: |e, args, _| super::conversion(e, args, Primitive::Date),
    examples: &[
        example("19850505", "date(x)", &["1985-05-05"]),
        example("198505", "date(x)", &["1985-05"]),
        example("19850505123000", "date(x)", &["1985-05-05"]),
        example("1985-5-5", "date(x)", &["1985-05-05"]),
        example("19850532", "date(x)", &[]),
    ],
};
