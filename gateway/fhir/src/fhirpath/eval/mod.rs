//! Evaluation.
//!
//! Three ways to ask an expression, each the natural one for some operators and defined through the others for the
//! rest: [`visit`] streams items to a callback that can stop (paths), [`eval`] collects them, [`truth`] gives a
//! Boolean or nothing (logic, comparisons, existence).

mod arithmetic;
mod boundary;
mod call;
mod collection;
mod compare;
mod convert;
mod encode;
mod fhir;
mod logic;
mod navigate;
mod number;
mod text;
mod types;
mod value;

pub(super) use navigate::is_choice;
pub(super) use types::{system_of, system_type};

use super::env::Env;
use super::expr::{Expr, Function, Op, TypeUse, Variable};
use super::fault::{Eval, Fault, FaultKind};
use super::item::{Item, Items};
use std::cell::Cell;
use std::ops::ControlFlow::{self, Break, Continue};

/// Whether the one who visits wants more.
type Flow = ControlFlow<()>;

/// Takes items one by one.
type Sink<'s, 't> = dyn FnMut(Item<'t>) -> Eval<Flow> + 's;

/// Longest text that an expression may make, in bytes.
const TEXT_MAX: usize = 4 << 20;

/// Where an expression is evaluated.
#[derive(Clone, Copy)]
struct Cx<'a, 't> {
    env: &'a Env<'t>,
    /// `%context`
    context: &'a Item<'t>,
    /// `$this`; `None` where `iif` was asked of nothing.
    this: Option<&'a Item<'t>>,
    index: Option<usize>,
    total: Option<&'a Items<'t>>,
    /// Steps left.
    steps: &'a Cell<u32>,
}

impl<'a, 't> Cx<'a, 't> {
    /// Counts work; fails when it is too much.
    fn spend(&self, steps: u32, at: u32) -> Eval<()> {
        match self.steps.get().checked_sub(steps) {
            Some(left) => {
                self.steps.set(left);
                Ok(())
            }
            None => {
                self.steps.set(0);
                Err(Fault::new(
                    FaultKind::Limit,
                    at,
                    "求值步数超出限制，表达式或数据过大",
                    "too many steps: the expression or the data is too large",
                ))
            }
        }
    }

    /// Counts the making of a text and limits its length.
    fn spend_text(&self, len: usize, at: u32) -> Eval<()> {
        if len > TEXT_MAX {
            return Err(Fault::new(FaultKind::Limit, at, "文本过长", "a text becomes too long"));
        }
        self.spend(u32::try_from(len / 64).unwrap_or(u32::MAX), at)
    }

    fn with<'b>(&self, this: &'b Item<'t>, index: usize) -> Cx<'b, 't>
    where
        'a: 'b,
    {
        Cx { this: Some(this), index: Some(index), ..*self }
    }
}

pub(super) fn evaluate<'t>(expr: &'t Expr, focus: Item<'t>, env: &Env<'t>) -> Eval<Vec<Item<'t>>> {
    let steps = Cell::new(env.steps_max);
    let cx = Cx { env, context: &focus, this: Some(&focus), index: None, total: None, steps: &steps };
    Ok(eval(expr, &cx)?.into_vec())
}

pub(super) fn holds<'t>(expr: &'t Expr, focus: Item<'t>, env: &Env<'t>) -> Eval<bool> {
    let steps = Cell::new(env.steps_max);
    let cx = Cx { env, context: &focus, this: Some(&focus), index: None, total: None, steps: &steps };
    Ok(truth(expr, &cx)? == Some(true))
}

/// Gives each item to `sink` until it breaks.
fn visit<'t>(expr: &'t Expr, cx: &Cx<'_, 't>, sink: &mut Sink<'_, 't>) -> Eval<Flow> {
    cx.spend(1, expr.at)?;
    match &expr.op {
        Op::This => cx.this.map_or(Ok(Continue(())), |this| sink(this.clone())),
        Op::Empty => Ok(Continue(())),
        Op::Child(base, step) => visit(base, cx, &mut |item| navigate::step(&item, step, cx, expr.at, sink)),
        Op::Root(wanted) => match cx.this.filter(|this| types::is_a(this, *wanted, cx)) {
            Some(this) => sink(this.clone()),
            None => Ok(Continue(())),
        },
        Op::Typed(base, TypeUse::OfType | TypeUse::As { single: false }, test) => {
            visit(base, cx, &mut |item| if types::matches(&item, test, true, cx) { sink(item) } else { Ok(Continue(())) })
        }
        Op::Call(base, function, arguments) => match (function, arguments.as_slice()) {
            (Function::Where, [criteria]) => {
                let mut index = 0;
                visit(base, cx, &mut |item| {
                    let found = truth(criteria, &cx.with(&item, index))? == Some(true);
                    index += 1;
                    if found { sink(item) } else { Ok(Continue(())) }
                })
            }
            (Function::Select, [projection]) => {
                let mut index = 0;
                visit(base, cx, &mut |item| {
                    let inner = cx.with(&item, index);
                    index += 1;
                    visit(projection, &inner, sink)
                })
            }
            (Function::Children, []) => visit(base, cx, &mut |item| navigate::children(&item, cx, expr.at, sink)),
            (Function::Descendants, []) => visit(base, cx, &mut |item| navigate::descendants(&item, cx, expr.at, 0, sink)),
            (Function::Extension, [url]) => fhir::extension(base, url, cx, sink),
            (Function::Resolve, []) => visit(base, cx, &mut |item| fhir::resolve(&item, cx, sink)),
            (Function::First, []) => first(base, cx)?.map_or(Ok(Continue(())), sink),
            _ => forward(eval(expr, cx)?, sink),
        },
        _ => forward(eval(expr, cx)?, sink),
    }
}

/// Whether [`visit`] has its own way with an expression; [`eval`] then collects.
fn is_streamed(op: &Op) -> bool {
    use Function::{Children, Descendants, Extension, First, Resolve, Select, Where};
    match op {
        Op::This | Op::Empty | Op::Child(..) | Op::Root(_) => true,
        Op::Typed(_, using, _) => matches!(using, TypeUse::OfType | TypeUse::As { single: false }),
        Op::Call(_, function, _) => matches!(function, Where | Select | Children | Descendants | Extension | Resolve | First),
        _ => false,
    }
}

fn forward<'t>(items: Items<'t>, sink: &mut Sink<'_, 't>) -> Eval<Flow> {
    match items {
        Items::None => Ok(Continue(())),
        Items::One(item) => sink(item),
        Items::Many(list) => {
            for item in list {
                if sink(item)?.is_break() {
                    return Ok(Break(()));
                }
            }
            Ok(Continue(()))
        }
    }
}

fn collect<'t>(expr: &'t Expr, cx: &Cx<'_, 't>) -> Eval<Items<'t>> {
    let mut items = Items::None;
    let _ = visit(expr, cx, &mut |item| {
        items.push(item);
        Ok(Continue(()))
    })?;
    Ok(items)
}

/// The first item.
fn first<'t>(expr: &'t Expr, cx: &Cx<'_, 't>) -> Eval<Option<Item<'t>>> {
    let mut found = None;
    let _ = visit(expr, cx, &mut |item| {
        found = Some(item);
        Ok(Break(()))
    })?;
    Ok(found)
}

/// The only item, or none; several are a fault.
fn single<'t>(expr: &'t Expr, cx: &Cx<'_, 't>) -> Eval<Option<Item<'t>>> {
    let mut found = None;
    let _ = visit(expr, cx, &mut |item| {
        if found.is_some() {
            return Err(Fault::not_single(expr.at));
        }
        found = Some(item);
        Ok(Continue(()))
    })?;
    Ok(found)
}

/// All items.
fn eval<'t>(expr: &'t Expr, cx: &Cx<'_, 't>) -> Eval<Items<'t>> {
    if is_streamed(&expr.op) {
        return collect(expr, cx);
    }
    if logic::is_logical(&expr.op) {
        return Ok(truth(expr, cx)?.map(Item::Boolean).into());
    }
    cx.spend(1, expr.at)?;
    match &expr.op {
        Op::Literal(item) => Ok(Items::One(literal(item))),
        Op::Index => Ok(cx.index.map(|i| Item::Integer(i64::try_from(i).unwrap_or(i64::MAX))).into()),
        Op::Total => Ok(cx.total.map_or(Items::None, |total| total.iter().cloned().collect::<Vec<_>>().into())),
        Op::Variable(name) => variable(name, cx, expr.at),
        Op::Call(base, function, arguments) => call::call(*function, base, arguments, cx, expr.at),
        Op::Match(base, function, pattern, arguments) => text::replace_matches(base, *function, pattern, arguments, cx, expr.at),
        Op::Typed(base, _, test) => {
            let item = single(base, cx)?;
            Ok(item.filter(|item| types::matches(item, test, true, cx)).into())
        }
        Op::At(base, index) => collection::at(base, index, cx, expr.at),
        Op::Union(list) => collection::union(list, cx, expr.at),
        Op::Sort(base, keys) => collection::sort(base, keys, cx, expr.at),
        Op::Negate(inner) => arithmetic::negate(single(inner, cx)?, cx, expr.at),
        Op::Plus(inner) => Ok(single(inner, cx)?.into()),
        Op::Binary(operator, left, right) => arithmetic::binary(*operator, single(left, cx)?, single(right, cx)?, cx, expr.at),
        // streamed or logical: answered above
        Op::This | Op::Empty | Op::Child(..) | Op::Root(_) | Op::And(_) | Op::Or(_) => Ok(Items::None),
    }
}

/// A Boolean or nothing (N1 §4.5, singleton evaluation).
fn truth<'t>(expr: &'t Expr, cx: &Cx<'_, 't>) -> Eval<Option<bool>> {
    if logic::is_logical(&expr.op) {
        cx.spend(1, expr.at)?;
        return logic::truth(expr, cx);
    }
    Ok(single(expr, cx)?.and_then(|item| value::truth(&item, cx.env.definitions)))
}

/// A literal, its text borrowed from the expression.
fn literal<'t>(item: &'t Item<'static>) -> Item<'t> {
    match item {
        Item::String(text) => Item::text(text),
        other => other.clone(),
    }
}

fn variable<'t>(name: &'t Variable, cx: &Cx<'_, 't>, at: u32) -> Eval<Items<'t>> {
    Ok(Items::One(match name {
        Variable::Resource => cx.env.resource.clone(),
        Variable::RootResource => cx.env.root.clone(),
        Variable::Context => cx.context.clone(),
        Variable::Text(text) => Item::text(text),
        Variable::Other(name) => {
            let found = cx.env.variables.iter().find(|(n, _)| *n == &**name);
            let Some((_, item)) = found else {
                return Err(Fault::new(FaultKind::Execution, at, format!("没有变量 %{name}"), format!("there is no %{name}")));
            };
            item.clone()
        }
    }))
}
