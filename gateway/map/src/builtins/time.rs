//! `time(x)`: a time of day.

use hutong_fhir::primitive::Primitive;

use super::{Builtin, Gives, example};

pub(super) const BUILTIN: Builtin = Builtin {
    name: "time",
    args: (1, 1),
    labels: &[],
    gives: Gives::Primitive(Primitive::Time),
    run: |e, args, _| super::conversion(e, args, Primitive::Time),
    examples: &[example("0830", "time(x)", &["08:30:00"]), example("8:05:10", "time(x)", &["08:05:10"]), example("2500", "time(x)", &[])],
};
