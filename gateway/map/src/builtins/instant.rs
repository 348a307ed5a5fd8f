//! `instant(x)`: a time known to the minute at least.

use hutong_fhir::primitive::Primitive;

use super::{Builtin, Gives, example};

pub(super) const BUILTIN: Builtin = Builtin {
    name: "instant",
    args: (1, 1),
    labels: &[],
    gives: Gives::Primitive(Primitive::Instant),
    run: |e, args, _| super::conversion(e, args, Primitive::Instant),
    examples: &[
        example("20200229123045", "instant(x)", &["2020-02-29T12:30:45+08:00"]),
        example("202002291230", "instant(x)", &["2020-02-29T12:30:00+08:00"]),
        example("20200229", "instant(x)", &[]),
    ],
};
