//! Values that a profile gives: fixed (exactly this), pattern (at least this), least and greatest, length.

use super::ValueRule;
use crate::keys::KEYS;
use crate::rules::compare_dates;
use hutong_fhir::structure::Value;
use hutong_fhir::{Kind, NodeRef, decimal, ucum};
use rust_decimal::Decimal;
use std::cmp::Ordering;
use std::str::FromStr;

/// Depth beyond which values are taken for different.
const DEPTH_MAX: u32 = 32;

/// Characters of a value that a finding shows.
const SHOWN_MAX: usize = 160;

/// Whether two elements are the same in all that they say: values, children, lists in their order. Ids of elements do
/// not count; decimals are equal by value.
pub(crate) fn equal(a: NodeRef<'_>, b: NodeRef<'_>, depth: u32) -> bool {
    if depth > DEPTH_MAX || !same_value(a, b) {
        return false;
    }
    let count = |n: NodeRef<'_>| n.children().filter(|c| c.key() != KEYS.id).count();
    if count(a) != count(b) {
        return false;
    }
    let mut before = None;
    for child in a.children().filter(|c| c.key() != KEYS.id) {
        if before == Some(child.key()) {
            continue;
        }
        before = Some(child.key());
        let mut theirs = all_named(b, child);
        for mine in a.all(child.key()) {
            if !theirs.next().is_some_and(|t| equal(mine, t, depth + 1)) {
                return false;
            }
        }
        if theirs.next().is_some() {
            return false;
        }
    }
    true
}

/// Whether an element says at least what a pattern says: each of its values, and for each item of a list one like it.
pub(crate) fn contains(node: NodeRef<'_>, pattern: NodeRef<'_>, depth: u32) -> bool {
    if depth > DEPTH_MAX {
        return false;
    }
    if pattern.value().is_some() && !same_value(node, pattern) {
        return false;
    }
    pattern.children().filter(|c| c.key() != KEYS.id).all(|wanted| all_named(node, wanted).any(|have| contains(have, wanted, depth + 1)))
}

/// The children of `node` under the name of a child of another tree.
fn all_named<'t>(node: NodeRef<'t>, like: NodeRef<'_>) -> impl Iterator<Item = NodeRef<'t>> {
    let key = like.key();
    // names that R4 does not know are numbered tree by tree
    let name = if key.is_known() { String::new() } else { like.name().to_owned() };
    node.children().filter(move |c| if name.is_empty() { c.key() == key } else { c.name() == name })
}

fn same_value(a: NodeRef<'_>, b: NodeRef<'_>) -> bool {
    match (a.value(), b.value()) {
        (None, None) => true,
        (Some(x), Some(y)) if x == y => true,
        (Some(x), Some(y)) if a.kind() == Kind::Number || b.kind() == Kind::Number => decimal::compare(x, y) == Some(Ordering::Equal),
        _ => false,
    }
}

/// The first place where an element differs from a fixed value or pattern: path below it, and what belongs there.
pub(crate) fn difference(node: NodeRef<'_>, wanted: NodeRef<'_>, is_pattern: bool, depth: u32) -> Option<(String, String)> {
    if depth > DEPTH_MAX {
        return None;
    }
    if wanted.value().is_some() && !same_value(node, wanted) {
        return Some((String::new(), show(wanted)));
    }
    let mut before = None;
    let mut index = 0;
    for child in wanted.children().filter(|c| c.key() != KEYS.id) {
        index = if before == Some(child.key()) { index + 1 } else { 0 };
        before = Some(child.key());
        let mut have = all_named(node, child);
        let found = if is_pattern { have.find(|h| contains(*h, child, 0)) } else { have.nth(index).filter(|h| equal(*h, child, 0)) };
        if found.is_some() {
            continue;
        }
        let place = child.name().to_owned();
        // one that is there and differs is looked into
        let nearest = all_named(node, child).nth(if is_pattern { 0 } else { index });
        return match nearest.and_then(|n| difference(n, child, is_pattern, depth + 1)) {
            Some((rest, shown)) if !rest.is_empty() => Some((format!("{place}.{rest}"), shown)),
            _ => Some((place, show(child))),
        };
    }
    if is_pattern {
        return None;
    }
    let extra = node.children().filter(|c| c.key() != KEYS.id).find(|c| all_named(wanted, *c).next().is_none());
    extra.map(|c| (crate::place::safe_name(c.name()).to_owned(), String::new()))
}

/// A value of a definition as text.
pub(crate) fn show(node: NodeRef<'_>) -> String {
    let mut out = String::new();
    write(node, &mut out, 0);
    if out.chars().count() > SHOWN_MAX {
        out = out.chars().take(SHOWN_MAX).collect();
        out.push('…');
    }
    out
}

fn write(node: NodeRef<'_>, out: &mut String, depth: u32) {
    if depth > DEPTH_MAX || out.len() > 4 * SHOWN_MAX {
        return;
    }
    if let Some(value) = node.value() {
        return out.push_str(value);
    }
    out.push('{');
    let mut first = true;
    for child in node.children() {
        if !std::mem::take(&mut first) {
            out.push_str(", ");
        }
        out.push_str(child.name());
        out.push_str(": ");
        write(child, out, depth + 1);
    }
    out.push('}');
}

/// What is wrong with a value by one rule.
pub(crate) enum Wrong {
    /// Path below the element and the value that belongs there (empty: nothing does).
    Differs {
        path: String,
        wanted: String,
    },
    Missing,
    TooSmall(String),
    TooGreat(String),
    /// It and the limit cannot be compared.
    NotComparable(String),
    TooLong(u32),
}

impl ValueRule {
    pub(crate) fn judge(&self, node: NodeRef<'_>) -> Option<Wrong> {
        let differs = |value: &Value, is_pattern| {
            let (path, wanted) = difference(node, value.get(), is_pattern, 0).unwrap_or_else(|| (String::new(), show(value.get())));
            Wrong::Differs { path, wanted }
        };
        match self {
            ValueRule::Fixed(value) => (!equal(node, value.get(), 0)).then(|| differs(value, false)),
            ValueRule::Pattern(value) => (!contains(node, value.get(), 0)).then(|| differs(value, true)),
            ValueRule::Present => node.value().is_none().then_some(Wrong::Missing),
            ValueRule::MaxLength(most) => {
                let long = node.value().is_some_and(|v| v.len() > *most as usize && v.chars().count() > *most as usize);
                long.then_some(Wrong::TooLong(*most))
            }
            ValueRule::Least(value) => limit(node, value, Ordering::Less).map(|w| w.unwrap_or_else(|| Wrong::TooSmall(show_limit(value)))),
            ValueRule::Greatest(value) => {
                limit(node, value, Ordering::Greater).map(|w| w.unwrap_or_else(|| Wrong::TooGreat(show_limit(value))))
            }
        }
    }
}

fn show_limit(value: &Value) -> String {
    let node = value.get();
    match (
        node.child(KEYS.value).and_then(NodeRef::value),
        node.child(KEYS.code).or_else(|| node.child(KEYS.unit)).and_then(NodeRef::value),
    ) {
        (Some(value), Some(unit)) => format!("{value} {unit}"),
        (Some(value), None) => value.to_owned(),
        _ => show(node),
    }
}

/// `Some(None)`: on the wrong side; `Some(Some(_))`: not comparable.
fn limit(node: NodeRef<'_>, limit: &Value, wrong: Ordering) -> Option<Option<Wrong>> {
    let bound = limit.get();
    if bound.value().is_none() {
        return quantity(node, limit, wrong);
    }
    let value = node.value()?;
    let bound = bound.value()?;
    let ordering = match limit.type_name.as_str() {
        "date" | "dateTime" | "instant" => compare_dates(value, bound),
        "time" => Some(value.cmp(bound)),
        _ => decimal::compare(value, bound),
    };
    (ordering == Some(wrong)).then_some(None)
}

/// Quantities of one unit by number, of different UCUM units after conversion.
fn quantity(node: NodeRef<'_>, limit: &Value, wrong: Ordering) -> Option<Option<Wrong>> {
    let bound = limit.get();
    let text = |n: NodeRef<'_>, key| -> Option<String> { n.child(key).and_then(NodeRef::value).map(str::to_owned) };
    let (value, least) = (text(node, KEYS.value)?, text(bound, KEYS.value)?);
    let unit = |n| text(n, KEYS.code).or_else(|| text(n, KEYS.unit));
    let ordering = match (unit(node), unit(bound)) {
        (_, None) => decimal::compare(&value, &least),
        (own, theirs) if own == theirs => decimal::compare(&value, &least),
        (Some(own), Some(theirs)) => {
            let value = Decimal::from_str(&value).ok().and_then(|v| ucum::convert(v, &own, &theirs));
            value.zip(Decimal::from_str(&least).ok()).map(|(a, b)| a.cmp(&b))
        }
        _ => None,
    };
    match ordering {
        Some(o) if o == wrong => Some(None),
        Some(_) => None,
        None => Some(Some(Wrong::NotComparable(show_limit(limit)))),
    }
}
