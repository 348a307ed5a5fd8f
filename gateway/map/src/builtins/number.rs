//! `number(x)`: the number behind a comparator, if it is one: `<5` gives 5. See `comparator`.

use hutong_fhir::primitive::Primitive;

use super::{Builtin, Gives, comparator, convert, example};
use crate::run::Val;
use std::borrow::Cow;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "number",
    args: (1, 1),
    labels: &[],
    gives: Gives::Primitive(Primitive::Decimal),
    run: |e, args, _| {
        let Some((text, origin)) = args.first().and_then(|a| e.text(*a)) else { return };
        let (_, rest) = comparator::split(&text);
        match convert::to(Primitive::Decimal, Cow::Owned(rest.to_owned()), 0) {
            Some(value) => e.vals.push(Val::Text(value, origin)),
            None => e.fails(Primitive::Decimal, origin, text.into_owned()),
        }
    },
    examples: &[example("<5", "number(x)", &["5"]), example("≥ 5.0", "number(x)", &["5.0"]), example("阳性", "number(x)", &[])],
};
