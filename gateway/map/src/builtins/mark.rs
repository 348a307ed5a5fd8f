//! `mark(x)` and `unmarked(x)`: the signs of mutual recognition (★, ▲) before an item's name, and the name without them.

use super::{Builtin, Gives, example};
use std::borrow::Cow;

const SIGNS: [char; 2] = ['★', '▲'];

pub(super) const MARK: Builtin = Builtin {
    name: "mark",
    args: (1, 1),
    labels: &[],
    gives: Gives::Text,
    run: |e, args, _| super::each(e, args, |_, t| cut(&t).map(|at| slice(t, |t| t.get(..at).map(str::trim_end)))),
    examples: &[example("★葡萄糖", "mark(x)", &["★"]), example("★▲ 钾", "mark(x)", &["★▲"]), example("钾★", "mark(x)", &[])],
};

pub(super) const UNMARKED: Builtin = Builtin {
    name: "unmarked",
    args: (1, 1),
    labels: &[],
    gives: Gives::Text,
    run: |e, args, _| {
        super::each(e, args, |_, t| {
            let Some(at) = cut(&t) else { return Some(t) };
            Some(slice(t, |t| t.get(at..))).filter(|t| !t.is_empty())
        })
    },
    examples: &[example("★▲ 钾", "unmarked(x)", &["钾"]), example("钾", "unmarked(x)", &["钾"]), example("★", "unmarked(x)", &[])],
};

/// Where the name begins behind its signs; `None` without any.
fn cut(text: &str) -> Option<usize> {
    let name = text.trim_start_matches(|c: char| SIGNS.contains(&c) || c.is_whitespace());
    let at = text.len() - name.len();
    text.starts_with(SIGNS).then_some(at)
}

fn slice<'m>(text: Cow<'m, str>, part: impl Fn(&str) -> Option<&str>) -> Cow<'m, str> {
    match text {
        Cow::Borrowed(t) => Cow::Borrowed(part(t).unwrap_or_default()),
        Cow::Owned(t) => Cow::Owned(part(&t).unwrap_or_default().to_owned()),
    }
}
