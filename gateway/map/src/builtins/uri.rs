//! `uri(x)`: a uri; blanks in it are escaped.

use hutong_fhir::primitive::Primitive;

use super::{Builtin, Gives, example};

pub(super) const BUILTIN: Builtin = Builtin {
    name: "uri",
    args: (1, 1),
    labels: &[],
    gives: Gives::Primitive(Primitive::Uri),
    run: |e, args, _| super::conversion(e, args, Primitive::Uri),
    examples: &[example("http://a.cn/x y", "uri(x)", &["http://a.cn/x%20y"]), example("urn:oid:1.2.x", "uri(x)", &[])],
};
