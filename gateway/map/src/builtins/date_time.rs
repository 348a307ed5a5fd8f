//! `dateTime(x)`: a time as precise as it was told, with a zone where it has a time of day.

use hutong_fhir::primitive::Primitive;

use super::{Builtin, Gives, example};

pub(super) const BUILTIN: Builtin = Builtin {
    name: "dateTime",
    args: (1, 1),
    labels: &[],
    gives: Gives::Primitive(Primitive::DateTime),
    run: |e, args, _| super::conversion(e, args, Primitive::DateTime),
    examples: &[
        example("20200229123045", "dateTime(x)", &["2020-02-29T12:30:45+08:00"]),
        example("2020022912", "dateTime(x)", &["2020-02-29"]),
        example("2020-02-29 12:30", "dateTime(x)", &["2020-02-29T12:30:00+08:00"]),
        example("00000000", "dateTime(x)", &[]),
    ],
};
