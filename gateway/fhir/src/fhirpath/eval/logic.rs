//! Expressions whose result is a Boolean or nothing: logic (N1 §6.5), comparisons, existence.

use super::collection;
use super::{Cx, Eval, Item, compare, eval, fhir, single, text, truth as truth_of, types, value, visit};
use crate::fhirpath::expr::{Binary, Expr, Function, Op, TypeUse};
use std::cmp::Ordering;
use std::ops::ControlFlow::{Break, Continue};

/// Whether [`truth`] answers an expression.
pub(super) fn is_logical(op: &Op) -> bool {
    use Function::{
        All, AllFalse, AllTrue, AnyFalse, AnyTrue, Contains, Empty, EndsWith, Exists, HasValue, IsDistinct, Matches, MatchesFull, Not,
        StartsWith, SubsetOf, SupersetOf,
    };
    match op {
        Op::And(_) | Op::Or(_) | Op::Typed(_, TypeUse::Is, _) => true,
        Op::Match(_, function, ..) => matches!(function, Matches | MatchesFull),
        Op::Binary(operator, ..) => matches!(
            operator,
            Binary::Equal
                | Binary::NotEqual
                | Binary::Equivalent
                | Binary::NotEquivalent
                | Binary::Less
                | Binary::LessOrEqual
                | Binary::Greater
                | Binary::GreaterOrEqual
                | Binary::In
                | Binary::Contains
                | Binary::Xor
                | Binary::Implies
        ),
        Op::Call(_, function, _) => matches!(
            function,
            Empty
                | Exists
                | All
                | AllTrue
                | AllFalse
                | AnyTrue
                | AnyFalse
                | SubsetOf
                | SupersetOf
                | IsDistinct
                | Not
                | HasValue
                | Contains
                | StartsWith
                | EndsWith
        ),
        _ => false,
    }
}

pub(super) fn truth<'t>(expr: &'t Expr, cx: &Cx<'_, 't>) -> Eval<Option<bool>> {
    match &expr.op {
        Op::And(list) => all_of(list, cx, false),
        Op::Or(list) => all_of(list, cx, true),
        Op::Binary(operator, left, right) => binary(*operator, left, right, cx, expr.at),
        Op::Typed(base, _, test) => Ok(single(base, cx)?.map(|item| types::matches(&item, test, false, cx))),
        Op::Match(base, function, pattern, arguments) => text::matches(base, *function, pattern, arguments, cx, expr.at),
        Op::Call(base, function, arguments) => function_truth(*function, base, arguments, cx, expr.at),
        _ => Ok(None),
    }
}

/// `and` (decided by the first false) and `or` (by the first true).
fn all_of<'t>(list: &'t [Expr], cx: &Cx<'_, 't>, decides: bool) -> Eval<Option<bool>> {
    let mut result = Some(!decides);
    for part in list {
        match truth_of(part, cx)? {
            Some(value) if value == decides => return Ok(Some(decides)),
            Some(_) => {}
            None => result = None,
        }
    }
    Ok(result)
}

fn binary<'t>(operator: Binary, left: &'t Expr, right: &'t Expr, cx: &Cx<'_, 't>, at: u32) -> Eval<Option<bool>> {
    let ordered = |wanted: fn(Ordering) -> bool| -> Eval<Option<bool>> {
        let (Some(a), Some(b)) = (single(left, cx)?, single(right, cx)?) else { return Ok(None) };
        Ok(compare::order(&a, &b, cx, at)?.map(wanted))
    };
    match operator {
        Binary::Equal => compare::equal_lists(eval(left, cx)?.as_slice(), eval(right, cx)?.as_slice(), cx, at),
        Binary::NotEqual => Ok(compare::equal_lists(eval(left, cx)?.as_slice(), eval(right, cx)?.as_slice(), cx, at)?.map(|equal| !equal)),
        Binary::Equivalent => compare::equivalent_lists(eval(left, cx)?.as_slice(), eval(right, cx)?.as_slice(), cx, at).map(Some),
        Binary::NotEquivalent => Ok(Some(!compare::equivalent_lists(eval(left, cx)?.as_slice(), eval(right, cx)?.as_slice(), cx, at)?)),
        Binary::Less => ordered(Ordering::is_lt),
        Binary::LessOrEqual => ordered(Ordering::is_le),
        Binary::Greater => ordered(Ordering::is_gt),
        Binary::GreaterOrEqual => ordered(Ordering::is_ge),
        Binary::In => contains(right, left, cx, at),
        Binary::Contains => contains(left, right, cx, at),
        Binary::Xor => Ok(match (truth_of(left, cx)?, truth_of(right, cx)?) {
            (Some(a), Some(b)) => Some(a != b),
            _ => None,
        }),
        Binary::Implies => match truth_of(left, cx)? {
            Some(false) => Ok(Some(true)),
            Some(true) => truth_of(right, cx),
            None => Ok(truth_of(right, cx)?.filter(|right| *right)),
        },
        _ => Ok(None),
    }
}

/// Whether an item is among a list, which is streamed.
fn contains<'t>(list: &'t Expr, item: &'t Expr, cx: &Cx<'_, 't>, at: u32) -> Eval<Option<bool>> {
    let Some(item) = single(item, cx)? else { return Ok(None) };
    if let Op::Union(parts) = &list.op {
        // `status in ('a' | 'b')`: the union need not be made
        for part in parts {
            if any(part, cx, &mut |other| Ok(compare::equal(&item, other, cx, at)? == Some(true)))? {
                return Ok(Some(true));
            }
        }
        return Ok(Some(false));
    }
    any(list, cx, &mut |other| Ok(compare::equal(&item, other, cx, at)? == Some(true))).map(Some)
}

/// Whether some item is as wanted.
fn any<'t>(expr: &'t Expr, cx: &Cx<'_, 't>, wanted: &mut dyn FnMut(&Item<'t>) -> Eval<bool>) -> Eval<bool> {
    let flow = visit(expr, cx, &mut |item| Ok(if wanted(&item)? { Break(()) } else { Continue(()) }))?;
    Ok(flow.is_break())
}

fn function_truth<'t>(function: Function, base: &'t Expr, arguments: &'t [Expr], cx: &Cx<'_, 't>, at: u32) -> Eval<Option<bool>> {
    let definitions = cx.env.definitions;
    let each = |wanted: bool| {
        any(base, cx, &mut |item| match value::value(item, definitions).as_deref() {
            Some(Item::Boolean(value)) => Ok(*value == wanted),
            _ => Err(collection::not_boolean(at)),
        })
    };
    Ok(Some(match (function, arguments) {
        (Function::Empty, _) => !any(base, cx, &mut |_| Ok(true))?,
        (Function::Exists, []) => any(base, cx, &mut |_| Ok(true))?,
        (Function::Exists, [criteria, ..]) => {
            let mut index = 0;
            any(base, cx, &mut |item| {
                let inner = cx.with(item, index);
                index += 1;
                Ok(truth_of(criteria, &inner)? == Some(true))
            })?
        }
        (Function::All, [criteria, ..]) => {
            let mut index = 0;
            !any(base, cx, &mut |item| {
                let inner = cx.with(item, index);
                index += 1;
                Ok(truth_of(criteria, &inner)? != Some(true))
            })?
        }
        (Function::AllTrue, _) => !each(false)?,
        (Function::AllFalse, _) => !each(true)?,
        (Function::AnyTrue, _) => each(true)?,
        (Function::AnyFalse, _) => each(false)?,
        (Function::SubsetOf, [other, ..]) => collection::is_subset(&eval(base, cx)?, &eval(other, cx)?, cx, at)?,
        (Function::SupersetOf, [other, ..]) => collection::is_subset(&eval(other, cx)?, &eval(base, cx)?, cx, at)?,
        (Function::IsDistinct, _) => collection::is_distinct(&eval(base, cx)?, cx, at)?,
        (Function::Not, _) => return Ok(truth_of(base, cx)?.map(|value| !value)),
        (Function::HasValue, _) => fhir::has_value(base, cx)?,
        _ => return text::test(function, base, arguments, cx, at),
    }))
}
