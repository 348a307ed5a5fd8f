//! `boolean(x)`: yes and no as HL7 and Chinese systems write them.

use hutong_fhir::primitive::Primitive;

use super::{Builtin, Gives, example};

pub(super) const BUILTIN: Builtin = Builtin {
    name: "boolean",
    args: (1, 1),
    labels: &[],
    gives: Gives::Primitive(Primitive::Boolean),
    run: |e, args, _| super::conversion(e, args, Primitive::Boolean),
    examples: &[
        example("Y", "boolean(x)", &["true"]),
        example("0", "boolean(x)", &["false"]),
        example("是", "boolean(x)", &["true"]),
        example("maybe", "boolean(x)", &[]),
    ],
};
