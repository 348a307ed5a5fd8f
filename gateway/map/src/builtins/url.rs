//! `url(x)`: a url; blanks in it are escaped.

use hutong_fhir::primitive::Primitive;

use super::{Builtin, Gives, example};

pub(super) const BUILTIN: Builtin = Builtin {
    name: "url",
    args: (1, 1),
    labels: &[],
    gives: Gives::Primitive(Primitive::Url),
    run: |e, args, _| super::conversion(e, args, Primitive::Url),
    examples: &[example("http://a.cn/x y", "url(x)", &["http://a.cn/x%20y"])],
};
