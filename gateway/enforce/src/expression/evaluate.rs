//! Evaluates a plan. Every step gives a value: what cannot be computed is missing, with all its reasons.

use super::parse::{Compare, Op};
use super::{Absence, Expression, Facts, Value, Why};
use rust_decimal::{Decimal, RoundingStrategy};
use std::cmp::Ordering;

impl Expression {
    pub fn evaluate(&self, facts: &dyn Facts) -> Value {
        let mut stack: Vec<Value> = Vec::new();
        for op in &self.ops {
            let value = self.step(op, &mut stack, facts);
            stack.push(value);
        }
        pop(&mut stack)
    }

    fn step(&self, op: &Op, stack: &mut Vec<Value>, facts: &dyn Facts) -> Value {
        match op {
            Op::Number(n) => Value::Number(*n),
            Op::Text(t) => Value::Text(t.clone()),
            Op::Boolean(b) => Value::Boolean(*b),
            Op::Texts(t) => Value::Texts(t.clone()),
            Op::Name(place) => self.fact(*place, facts),
            Op::Negate => one(stack, |v| number(v).map(|n| Value::Number(-n))),
            Op::Round(places) => {
                one(stack, |v| number(v).map(|n| Value::Number(n.round_dp_with_strategy(*places, RoundingStrategy::MidpointAwayFromZero))))
            }
            Op::Not => one(stack, |v| boolean(v).map(|b| Value::Boolean(!b))),
            Op::Sum => one(stack, |v| match v {
                Value::Numbers(all) => Some(exact(all.iter().try_fold(Decimal::ZERO, |a, b| a.checked_add(*b)))),
                _ => None,
            }),
            Op::Count => one(stack, |v| match v {
                Value::Numbers(all) => Some(Value::Number(all.len().into())),
                Value::Texts(all) => Some(Value::Number(all.len().into())),
                _ => None,
            }),
            Op::Add => arithmetic(stack, Decimal::checked_add),
            Op::Subtract => arithmetic(stack, Decimal::checked_sub),
            Op::Multiply => arithmetic(stack, Decimal::checked_mul),
            Op::Divide(from, to) => self.divide(stack, *from, *to),
            Op::Compare(how) => two(stack, |a, b| compare(*how, a, b)),
            Op::In => two(stack, |a, b| match (a, b) {
                (Value::Text(t), Value::Texts(set)) => Some(Value::Boolean(set.contains(t))),
                _ => None,
            }),
            Op::And => logic(stack, false),
            Op::Or => logic(stack, true),
            Op::Select => {
                let (other, then, condition) = (pop(stack), pop(stack), pop(stack));
                match condition {
                    Value::Boolean(true) => then,
                    Value::Boolean(false) => other,
                    unknown => unknown,
                }
            }
            Op::Least(count) => extreme(stack, *count, Ordering::Less),
            Op::Greatest(count) => extreme(stack, *count, Ordering::Greater),
            Op::Given => {
                let value = pop(stack);
                Value::Boolean(!matches!(value, Value::Missing(_)))
            }
            Op::Otherwise => {
                let (other, value) = (pop(stack), pop(stack));
                if matches!(value, Value::Missing(_)) { other } else { value }
            }
        }
    }

    fn fact(&self, place: usize, facts: &dyn Facts) -> Value {
        let (Some(name), Some(of)) = (self.names.get(place), self.types.get(place)) else { return wrong() };
        match facts.value(name) {
            None => Value::missing(name, Why::NotGiven),
            Some(value) if value.kind().is_none_or(|k| k == *of) => value,
            Some(_) => Value::missing(name, Why::WrongType),
        }
    }

    fn divide(&self, stack: &mut Vec<Value>, from: usize, to: usize) -> Value {
        two(stack, |a, b| {
            let (a, b) = (number(a)?, number(b)?);
            Some(if b.is_zero() {
                Value::missing(self.text.get(from..to).unwrap_or(""), Why::DivisionByZero)
            } else {
                exact(a.checked_div(b))
            })
        })
    }
}

fn pop(stack: &mut Vec<Value>) -> Value {
    stack.pop().unwrap_or_else(wrong)
}

/// Only a fault of the compiler leads here; it is a missing value, never a stop.
fn wrong() -> Value {
    Value::missing("", Why::WrongType)
}

fn number(v: &Value) -> Option<Decimal> {
    if let Value::Number(n) = v { Some(*n) } else { None }
}

fn boolean(v: &Value) -> Option<bool> {
    if let Value::Boolean(b) = v { Some(*b) } else { None }
}

fn exact(result: Option<Decimal>) -> Value {
    result.map_or_else(|| Value::missing("", Why::TooLarge), |n| Value::Number(n.normalize()))
}

fn one(stack: &mut Vec<Value>, f: impl FnOnce(&Value) -> Option<Value>) -> Value {
    match pop(stack) {
        missing @ Value::Missing(_) => missing,
        value => f(&value).unwrap_or_else(wrong),
    }
}

fn two(stack: &mut Vec<Value>, f: impl FnOnce(&Value, &Value) -> Option<Value>) -> Value {
    let (b, a) = (pop(stack), pop(stack));
    match (a, b) {
        (Value::Missing(a), Value::Missing(b)) => Value::Missing(both(a, b)),
        (missing @ Value::Missing(_), _) | (_, missing @ Value::Missing(_)) => missing,
        (a, b) => f(&a, &b).unwrap_or_else(wrong),
    }
}

fn both(mut a: Vec<Absence>, b: Vec<Absence>) -> Vec<Absence> {
    for absence in b {
        if !a.contains(&absence) {
            a.push(absence);
        }
    }
    a
}

fn arithmetic(stack: &mut Vec<Value>, f: fn(Decimal, Decimal) -> Option<Decimal>) -> Value {
    two(stack, |a, b| Some(exact(f(number(a)?, number(b)?))))
}

fn compare(how: Compare, a: &Value, b: &Value) -> Option<Value> {
    let order = match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.cmp(b),
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (Value::Boolean(a), Value::Boolean(b)) => a.cmp(b),
        _ => return None,
    };
    Some(Value::Boolean(match how {
        Compare::Equal => order.is_eq(),
        Compare::NotEqual => order.is_ne(),
        Compare::Less => order.is_lt(),
        Compare::LessOrEqual => order.is_le(),
        Compare::Greater => order.is_gt(),
        Compare::GreaterOrEqual => order.is_ge(),
    }))
}

/// `and` and `or`: the value that decides alone (`false`, `true`) decides even beside a missing one.
fn logic(stack: &mut Vec<Value>, decides: bool) -> Value {
    let (b, a) = (pop(stack), pop(stack));
    match (a, b) {
        (Value::Boolean(x), _) | (_, Value::Boolean(x)) if x == decides => Value::Boolean(decides),
        (Value::Boolean(_), Value::Boolean(_)) => Value::Boolean(!decides),
        (Value::Missing(a), Value::Missing(b)) => Value::Missing(both(a, b)),
        (missing @ Value::Missing(_), _) | (_, missing @ Value::Missing(_)) => missing,
        _ => wrong(),
    }
}

fn extreme(stack: &mut Vec<Value>, count: usize, wanted: Ordering) -> Value {
    let mut best: Option<Decimal> = None;
    let mut absent: Vec<Absence> = Vec::new();
    for value in stack.drain(stack.len().saturating_sub(count)..) {
        match value {
            Value::Number(n) if best.is_none_or(|b| n.cmp(&b) == wanted) => best = Some(n),
            Value::Missing(more) => absent = both(absent, more),
            _ => {}
        }
    }
    match best {
        Some(n) if absent.is_empty() => Value::Number(n),
        _ if absent.is_empty() => wrong(),
        _ => Value::Missing(absent),
    }
}
