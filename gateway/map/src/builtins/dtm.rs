//! `DTM(x)`: a v2 time; the element decides between `dateTime`, `instant` and `date`.

use hutong_fhir::primitive::Primitive;

use super::{Builtin, Gives, example, typed};

pub(super) const BUILTIN: Builtin = Builtin {
    name: "DTM",
    args: (1, 1),
    labels: &[],
    gives: Gives::Moment,
    run: |e, args, _| super::conversion(e, args, Primitive::DateTime),
    examples: &[
        example("20200229123045.12+0000", "DTM(x)", &["2020-02-29T12:30:45.12+00:00"]),
        typed("DTM", "20200229^D", "DTM(x)", &["2020-02-29"]),
        example("20200230", "DTM(x)", &[]),
    ],
};
