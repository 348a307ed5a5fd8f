//! `id(x)`: an id of FHIR; characters that it may not have become hyphens.

use hutong_fhir::primitive::Primitive;

use super::{Builtin, Gives, example};

pub(super) const BUILTIN: Builtin = Builtin {
    name: "id",
    args: (1, 1),
    labels: &[],
    gives: Gives::Primitive(Primitive::Id),
    run: |e, args, _| super::conversion(e, args, Primitive::Id),
    examples: &[example("A_1/2", "id(x)", &["A-1-2"])],
};
