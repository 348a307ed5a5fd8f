//! The functions that are neither streamed nor Boolean, each sent to where it is answered.

use super::collection::{self, integer};
use super::{Cx, Eval, Item, Items, boundary, convert, eval, fhir, number, single, text, truth, visit};
use crate::fhirpath::expr::{Expr, Function, System};
use crate::fhirpath::fault::{Fault, FaultKind};
use crate::fhirpath::moment::{Moment, Precision};
use std::ops::ControlFlow::Continue;

pub(super) fn call<'t>(function: Function, base: &'t Expr, arguments: &'t [Expr], cx: &Cx<'_, 't>, at: u32) -> Eval<Items<'t>> {
    use Function as F;
    if let Some((wanted, asks)) = conversion(function) {
        return convert(wanted, asks, base, arguments, cx);
    }
    match (function, arguments) {
        (F::Count, _) => {
            let mut count = 0;
            let _ = visit(base, cx, &mut |_| {
                count += 1;
                Ok(Continue(()))
            })?;
            Ok(Items::One(Item::Integer(count)))
        }
        (F::Distinct, _) => collection::distinct(eval(base, cx)?, cx, at),
        (F::Repeat, [projection]) => collection::repeat(base, projection, cx, at),
        (F::Aggregate, [step, start @ ..]) => collection::aggregate(base, step, start.first(), cx),
        (F::Single, _) => Ok(single(base, cx)?.into()),
        (F::Last, _) => Ok(eval(base, cx)?.into_vec().pop().into()),
        (F::Tail, _) => Ok(collection::slice(eval(base, cx)?, 1, i64::MAX)),
        (F::Skip, [count]) => {
            let count = integer(count, cx)?.unwrap_or(0);
            Ok(collection::slice(eval(base, cx)?, count, i64::MAX))
        }
        (F::Take, [count]) => {
            let count = integer(count, cx)?.unwrap_or(0);
            Ok(collection::slice(eval(base, cx)?, 0, count))
        }
        (F::Intersect, [other]) => collection::select_by(eval(base, cx)?, &eval(other, cx)?, true, cx, at),
        (F::Exclude, [other]) => collection::select_by(eval(base, cx)?, &eval(other, cx)?, false, cx, at),
        (F::Union, [other]) => collection::distinct(collection::combine(eval(base, cx)?, eval(other, cx)?), cx, at),
        (F::Combine, [other]) => Ok(collection::combine(eval(base, cx)?, eval(other, cx)?)),
        (F::Iif, [criterion, then, otherwise @ ..]) => iif(base, criterion, then, otherwise.first(), cx, at),
        (F::Join, _) => text::join(base, arguments.first(), cx, at),
        (F::Trace, [name, projection @ ..]) => trace(base, name, projection.first(), cx),
        (F::Now | F::Today | F::TimeOfDay, _) => clock(function, cx, at),
        (F::Type, _) => fhir::type_of(base, cx),
        (F::GetValue, _) => fhir::get_value(base, cx),
        (F::HtmlChecks, _) => fhir::html_checks(base, cx),
        (F::CheckModifiers, urls) => fhir::check_modifiers(base, urls, cx, at),
        (F::MemberOf | F::ConformsTo | F::Subsumes | F::SubsumedBy, [argument]) => fhir::asked(function, base, argument, cx, at),
        (F::ElementDefinition | F::Slice, _) => Err(Fault::new(
            FaultKind::Undecided,
            at,
            format!("{}() 需要正在校验的结构定义，此处没有", function.name()),
            format!("{}() needs the StructureDefinition that is judged against, which is not at hand here", function.name()),
        )),
        (F::LowBoundary | F::HighBoundary | F::Precision | F::Comparable, _) => boundary::function(function, base, arguments, cx, at),
        (F::Abs | F::Ceiling | F::Exp | F::Floor | F::Ln | F::Log | F::Power | F::Round | F::Sqrt | F::Truncate, _) => {
            number::function(function, base, arguments, cx, at)
        }
        _ => text::function(function, base, arguments, cx, at),
    }
}

/// The type that a function converts to, and whether it only asks if it could.
fn conversion(function: Function) -> Option<(System, bool)> {
    use Function as F;
    Some(match function {
        F::ToBoolean => (System::Boolean, false),
        F::ToInteger => (System::Integer, false),
        F::ToDecimal => (System::Decimal, false),
        F::ToString => (System::String, false),
        F::ToDate => (System::Date, false),
        F::ToDateTime => (System::DateTime, false),
        F::ToTime => (System::Time, false),
        F::ToQuantity => (System::Quantity, false),
        F::ConvertsToBoolean => (System::Boolean, true),
        F::ConvertsToInteger => (System::Integer, true),
        F::ConvertsToDecimal => (System::Decimal, true),
        F::ConvertsToString => (System::String, true),
        F::ConvertsToDate => (System::Date, true),
        F::ConvertsToDateTime => (System::DateTime, true),
        F::ConvertsToTime => (System::Time, true),
        F::ConvertsToQuantity => (System::Quantity, true),
        _ => return None,
    })
}

fn convert<'t>(wanted: System, asks: bool, base: &'t Expr, arguments: &'t [Expr], cx: &Cx<'_, 't>) -> Eval<Items<'t>> {
    let Some(item) = single(base, cx)? else { return Ok(Items::None) };
    let converted = match arguments {
        [unit] => match text::text(unit, cx)? {
            Some(unit) => convert::to_quantity_in(&item, &unit, cx),
            None => None,
        },
        _ => convert::to(&item, wanted, cx),
    };
    Ok(if asks { Items::One(Item::Boolean(converted.is_some())) } else { converted.into() })
}

/// `iif`: the branch not taken is not evaluated; both see the focus as `$this`.
fn iif<'t>(base: &'t Expr, criterion: &'t Expr, then: &'t Expr, otherwise: Option<&'t Expr>, cx: &Cx<'_, 't>, at: u32) -> Eval<Items<'t>> {
    let focus = single(base, cx)?;
    let inner = Cx { this: focus.as_ref(), ..*cx };
    let chosen = if truth(criterion, &inner)? == Some(true) { Some(then) } else { otherwise };
    cx.spend(1, at)?;
    chosen.map_or(Ok(Items::None), |branch| eval(branch, &inner))
}

/// `trace(name, projection)`: shows what passes to the host and changes nothing.
fn trace<'t>(base: &'t Expr, name: &'t Expr, projection: Option<&'t Expr>, cx: &Cx<'_, 't>) -> Eval<Items<'t>> {
    let name = text::text(name, cx)?.unwrap_or_default();
    let items = eval(base, cx)?;
    for (index, item) in items.iter().enumerate() {
        match projection {
            None => cx.env.host.trace(&name, item),
            Some(projection) => {
                for shown in eval(projection, &cx.with(item, index))?.iter() {
                    cx.env.host.trace(&name, shown);
                }
            }
        }
    }
    Ok(items)
}

fn clock<'t>(function: Function, cx: &Cx<'_, 't>, at: u32) -> Eval<Items<'t>> {
    let Some(now) = cx.env.now else {
        return Err(Fault::new(FaultKind::Undecided, at, "此处没有提供当前时间", "the time is not given here"));
    };
    Ok(Items::One(match function {
        Function::Today => Item::Date(Moment { precision: Precision::Day, zone: None, ..now.at_midnight() }),
        Function::TimeOfDay => Item::Time(now.time_of_day()),
        _ => Item::DateTime(now),
    }))
}
