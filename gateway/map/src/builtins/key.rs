//! `key(cx)`: what identifies a thing, under its assigner where the value names one, else under the source's namespace.
//! For CX, EI, XCN, CNN, XON, HD, PL; any other type is its text.

use super::{Builtin, Gives, example, system, typed};
use crate::run::{Exec, Origin, Val, View};
use std::borrow::Cow;

/// Stands between assigner and value. No message holds it in a value: it is a control character.
pub(crate) const SEPARATOR: char = '\u{1}';

pub(super) const BUILTIN: Builtin = Builtin {
    name: "key",
    args: (1, 1),
    labels: &[],
    gives: Gives::Text,
    run: |e, args, _| {
        let Some(arg) = args.first() else { return };
        if let Some(v) = e.single(*arg) {
            if let Some((text, origin)) = key(e, &v) {
                e.vals.push(Val::Text(Cow::Owned(text), origin));
            }
            return;
        }
        // of several the first that identifies something
        let from = e.vals.len();
        let n = e.values(*arg);
        let found: Vec<Val<'_>> = e.vals.drain(from..from + n).collect();
        for v in found {
            if let Some((text, origin)) = key(e, &v) {
                e.vals.push(Val::Text(Cow::Owned(text), origin));
                return;
            }
        }
    },
    examples: &[
        typed("CX", "12^^^HIS&2.16.156.1&ISO^MR", "key(x)", &["urn:oid:2.16.156.1 12"]),
        typed("CX", "12^^^HIS^MR", "key(x)", &["test/HIS 12"]),
        typed("CX", "12", "key(x)", &["test 12"]),
        typed("EI", "A^LIS^2.16.156.1^ISO", "key(x)", &["urn:oid:2.16.156.1 A"]),
        typed("XCN", "7^Li^^^^^^^HR", "key(x)", &["test/HR 7"]),
        typed("XCN", "^Li", "key(x)", &[]),
        typed("HD", "LAB^2.16.156.1^ISO", "key(x)", &["urn:oid:2.16.156.1"]),
        example(" 5 ", "key(x)", &["test 5"]),
    ],
};

/// Where a data type keeps the number (more than one place: the first that has it), and its assigner.
enum Layout {
    /// Components of the number, component of the assigner (HD).
    Assigned(&'static [u8], u8),
    /// Namespace, universal id and its type as components of their own, as in EI.
    Entity(u8, u8),
    Authority,
    Plain,
}

fn layout(datatype: &str) -> Layout {
    match datatype {
        "CX" => Layout::Assigned(&[1], 4),
        "XCN" => Layout::Assigned(&[1], 9),
        "XON" => Layout::Assigned(&[10, 3], 6),
        "EI" => Layout::Entity(1, 2),
        "CNN" => Layout::Entity(1, 9),
        "HD" => Layout::Authority,
        _ => Layout::Plain,
    }
}

fn key<'m>(e: &mut Exec<'m>, v: &Val<'m>) -> Option<(String, Origin)> {
    let Val::View(view) = v else { return plain(e, v) };
    match layout(e.datatype(view.dt)) {
        Layout::Assigned(numbers, assigner) => {
            let (number, origin) = numbers.iter().find_map(|n| e.part_text(view, *n))?;
            let namespace = e.part(view, assigner).and_then(|hd| authority(e, &hd));
            Some((joined(namespace.as_deref().unwrap_or(e.cx.namespace), SEPARATOR, &number), origin))
        }
        Layout::Entity(number, assigner) => {
            let (number, origin) = e.part_text(view, number)?;
            let text = |e: &mut Exec<'m>, n: u8| e.part_text(view, n).map(|(t, _)| t.into_owned());
            let (local, universal) = (text(e, assigner), text(e, assigner + 1));
            let namespace = named(e, local.as_deref(), universal.as_deref());
            Some((joined(&namespace, SEPARATOR, &number), origin))
        }
        Layout::Authority => {
            let namespace = authority(e, view)?;
            // a facility is identified by its own name, whoever speaks of it
            match namespace.strip_prefix(e.cx.namespace).and_then(|rest| rest.strip_prefix('/')) {
                Some(local) => Some((joined(e.cx.namespace, SEPARATOR, local), view.origin())),
                None => Some((joined("", SEPARATOR, &namespace), view.origin())),
            }
        }
        Layout::Plain => plain(e, v),
    }
}

fn plain<'m>(e: &mut Exec<'m>, v: &Val<'m>) -> Option<(String, Origin)> {
    let (text, origin) = e.text_of(v)?;
    Some((joined(e.cx.namespace, SEPARATOR, &text), origin))
}

/// The namespace that an HD names.
fn authority<'m>(e: &mut Exec<'m>, hd: &View<'m>) -> Option<String> {
    let text = |e: &mut Exec<'m>, n: u8| e.part_text(hd, n).map(|(t, _)| t.into_owned());
    let (local, universal) = (text(e, 1), text(e, 2));
    if local.is_none() && universal.is_none() {
        return None;
    }
    Some(named(e, local.as_deref(), universal.as_deref()))
}

/// A universal id is a namespace by itself, a name only within the source's.
fn named(e: &Exec<'_>, local: Option<&str>, universal: Option<&str>) -> String {
    if let Some(uri) = universal.and_then(|u| system::universal_uri(u, "")) {
        return uri;
    }
    match universal.or(local) {
        Some(name) => joined(e.cx.namespace, '/', name),
        None => e.cx.namespace.to_owned(),
    }
}

fn joined(before: &str, between: char, after: &str) -> String {
    let mut out = String::with_capacity(before.len() + after.len() + 1);
    out.push_str(before);
    out.push(between);
    out.push_str(after);
    out
}
