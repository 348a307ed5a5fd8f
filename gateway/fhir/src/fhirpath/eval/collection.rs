//! Collections: indexer, subsetting (N1 §5.3), combining (§5.4), distinct, repeat, aggregate, sort.

use super::{Cx, Eval, Item, Items, compare, eval, single, value, visit};
use crate::fhirpath::expr::Expr;
use crate::fhirpath::fault::Fault;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::ops::ControlFlow::{Break, Continue};

/// From this size on, texts are told apart by a hash table.
const HASHED_MIN: usize = 16;

pub(super) fn not_boolean(at: u32) -> Box<Fault> {
    Fault::execution(at, "集合中应只有 Boolean", "the collection must hold Booleans only")
}

/// An argument that must be an integer; nothing where it is empty.
pub(super) fn integer<'t>(expr: &'t Expr, cx: &Cx<'_, 't>) -> Eval<Option<i64>> {
    let Some(item) = single(expr, cx)? else { return Ok(None) };
    match value::value(&item, cx.env.definitions).as_deref() {
        Some(Item::Integer(n)) => Ok(Some(*n)),
        _ => Err(Fault::execution(expr.at, "这里应为整数", "an integer is needed here")),
    }
}

/// `list[index]`
pub(super) fn at<'t>(base: &'t Expr, index: &'t Expr, cx: &Cx<'_, 't>, _at: u32) -> Eval<Items<'t>> {
    let Some(index) = integer(index, cx)? else { return Ok(Items::None) };
    let mut left = index;
    let mut found = None;
    if index >= 0 {
        let _ = visit(base, cx, &mut |item| {
            if left == 0 {
                found = Some(item);
                return Ok(Break(()));
            }
            left -= 1;
            Ok(Continue(()))
        })?;
    }
    Ok(found.into())
}

/// Whether an item equals one of a list.
fn has<'t>(list: &[Item<'t>], item: &Item<'t>, cx: &Cx<'_, 't>, at: u32) -> Eval<bool> {
    for other in list {
        if compare::equal(other, item, cx, at)? == Some(true) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Items once each, the first of equals kept.
pub(super) fn distinct<'t>(items: Items<'t>, cx: &Cx<'_, 't>, at: u32) -> Eval<Items<'t>> {
    let Items::Many(list) = items else { return Ok(items) };
    if let Some(hashed) = all_texts(&list, cx) {
        let mut seen = HashSet::with_capacity(list.len());
        let keep: Vec<bool> = hashed.iter().map(|text| seen.insert(text)).collect();
        return Ok(list.into_iter().zip(keep).filter_map(|(item, keep)| keep.then_some(item)).collect::<Vec<_>>().into());
    }
    let mut out: Vec<Item<'t>> = Vec::with_capacity(list.len());
    for item in list {
        if !has(&out, &item, cx, at)? {
            out.push(item);
        }
    }
    Ok(out.into())
}

/// The texts of a long list of which all items are texts.
fn all_texts<'t>(list: &[Item<'t>], cx: &Cx<'_, 't>) -> Option<Vec<std::borrow::Cow<'t, str>>> {
    if list.len() < HASHED_MIN {
        return None;
    }
    list.iter().map(|item| value::text(item, cx.env.definitions)).collect()
}

pub(super) fn is_distinct<'t>(items: &Items<'t>, cx: &Cx<'_, 't>, at: u32) -> Eval<bool> {
    let list = items.as_slice();
    if let Some(texts) = all_texts(list, cx) {
        let mut seen = HashSet::with_capacity(texts.len());
        return Ok(texts.iter().all(|text| seen.insert(text)));
    }
    for (i, item) in list.iter().enumerate() {
        if has(list.get(..i).unwrap_or_default(), item, cx, at)? {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(super) fn is_subset<'t>(part: &Items<'t>, whole: &Items<'t>, cx: &Cx<'_, 't>, at: u32) -> Eval<bool> {
    for item in part.iter() {
        if !has(whole.as_slice(), item, cx, at)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// `a | b | c`
pub(super) fn union<'t>(parts: &'t [Expr], cx: &Cx<'_, 't>, at: u32) -> Eval<Items<'t>> {
    let mut all = Items::None;
    for part in parts {
        let _ = visit(part, cx, &mut |item| {
            all.push(item);
            Ok(Continue(()))
        })?;
    }
    distinct(all, cx, at)
}

/// `combine`: all of both.
pub(super) fn combine<'t>(mut left: Items<'t>, right: Items<'t>) -> Items<'t> {
    for item in right.into_vec() {
        left.push(item);
    }
    left
}

/// `intersect` (what is in both, once each) and `exclude` (what is not in the other).
pub(super) fn select_by<'t>(left: Items<'t>, right: &Items<'t>, keep: bool, cx: &Cx<'_, 't>, at: u32) -> Eval<Items<'t>> {
    let mut out = Items::None;
    for item in left.into_vec() {
        if has(right.as_slice(), &item, cx, at)? == keep {
            out.push(item);
        }
    }
    if keep { distinct(out, cx, at) } else { Ok(out) }
}

/// `skip(from)`, `take(count)`
pub(super) fn slice(items: Items<'_>, from: i64, count: i64) -> Items<'_> {
    let from = usize::try_from(from.max(0)).unwrap_or(usize::MAX);
    let count = usize::try_from(count.max(0)).unwrap_or(usize::MAX);
    items.into_vec().into_iter().skip(from).take(count).collect::<Vec<_>>().into()
}

/// `repeat(projection)`: what it gives, then what it gives on that, until nothing new comes. Elements are new by
/// their place, other values by equality.
pub(super) fn repeat<'t>(base: &'t Expr, projection: &'t Expr, cx: &Cx<'_, 't>, at: u32) -> Eval<Items<'t>> {
    let mut queue = eval(base, cx)?.into_vec();
    let mut out: Vec<Item<'t>> = Vec::new();
    let mut places: HashSet<(usize, u32)> = HashSet::new();
    while !queue.is_empty() {
        let mut next = Vec::new();
        for (index, item) in queue.iter().enumerate() {
            let inner = cx.with(item, index);
            let _ = visit(projection, &inner, &mut |found| {
                cx.spend(1, at)?;
                let is_new = match found.node() {
                    Some(node) => places.insert((std::ptr::from_ref(node.tree()).addr(), node.id())),
                    None => !has(&out, &found, cx, at)?,
                };
                if is_new {
                    out.push(found.clone());
                    next.push(found);
                }
                Ok(Continue(()))
            })?;
        }
        queue = next;
    }
    Ok(out.into())
}

/// `aggregate(step, start)`
pub(super) fn aggregate<'t>(base: &'t Expr, step: &'t Expr, start: Option<&'t Expr>, cx: &Cx<'_, 't>) -> Eval<Items<'t>> {
    let mut total = match start {
        Some(start) => eval(start, cx)?,
        None => Items::None,
    };
    for (index, item) in eval(base, cx)?.iter().enumerate() {
        let inner = Cx { this: Some(item), index: Some(index), total: Some(&total), ..*cx };
        total = eval(step, &inner)?;
    }
    Ok(total)
}

/// One item with its keys.
type Row<'t> = (Vec<Option<Item<'t>>>, Item<'t>);

/// `sort(keys)`: by each key in turn, nothing behind everything; without keys by the items themselves.
pub(super) fn sort<'t>(base: &'t Expr, keys: &'t [(Expr, bool)], cx: &Cx<'_, 't>, at: u32) -> Eval<Items<'t>> {
    let mut rows: Vec<Row<'t>> = Vec::new();
    for (index, item) in eval(base, cx)?.into_vec().into_iter().enumerate() {
        let inner = cx.with(&item, index);
        let row = match keys {
            [] => vec![Some(item.clone())],
            _ => keys.iter().map(|(key, _)| single(key, &inner)).collect::<Eval<Vec<_>>>()?,
        };
        // by insertion: the library's sort may panic where partial dates make the order no total one
        let mut place = rows.len();
        while let Some(before) = place.checked_sub(1).and_then(|i| rows.get(i)) {
            if row_order(&before.0, &row, keys, cx, at)?.is_le() {
                break;
            }
            place -= 1;
        }
        rows.insert(place, (row, item));
    }
    Ok(rows.into_iter().map(|(_, item)| item).collect::<Vec<_>>().into())
}

fn row_order<'t>(a: &[Option<Item<'t>>], b: &[Option<Item<'t>>], keys: &[(Expr, bool)], cx: &Cx<'_, 't>, at: u32) -> Eval<Ordering> {
    for (i, pair) in a.iter().zip(b).enumerate() {
        cx.spend(1, at)?;
        let order = match pair {
            (Some(a), Some(b)) => compare::order(a, b, cx, at)?.unwrap_or(Ordering::Equal),
            (a, b) => a.is_none().cmp(&b.is_none()),
        };
        if order.is_ne() {
            return Ok(if keys.get(i).is_some_and(|(_, down)| *down) { order.reverse() } else { order });
        }
    }
    Ok(Ordering::Equal)
}
