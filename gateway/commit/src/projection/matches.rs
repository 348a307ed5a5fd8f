//! Whether a body meets a condition, told from the body itself. Searches use it for what their indexes only hash, or
//! where an index would be read too far; tests hold every search against it.

use super::extract::{self, Item, Slot};
use crate::search::table::{ParamKind, Plan, TypeTable};
use crate::search::value::{Prefix, System, Value, normalise};
use crate::search::{Modifier, Param};

/// The values of one parameter of a body.
fn items_of<'a>(ty: &TypeTable, param: &Param, body: &'a [u8]) -> Vec<Item<'a>> {
    let at = |plan: &Plan| match plan {
        Plan::Column { column } => Some(Slot::Column(*column)),
        Plan::Narrow => ty.params.iter().position(|p| p.number == param.definition.number).map(Slot::Narrow),
        Plan::Text => ty.params.iter().position(|p| p.name == param.definition.name).map(Slot::Text),
        Plan::Special => None,
    };
    let Some(slot) = at(&param.definition.plan) else { return Vec::new() };
    let mut all = Vec::new();
    extract::items(ty, body, &mut all);
    let mut mine: Vec<Item<'a>> = all.into_iter().filter(|(s, _)| *s == slot).map(|(_, item)| item).collect();
    // an element with one value at most is read as that
    if matches!(slot, Slot::Column(c) if !ty.columns[c].further) {
        let first = mine.iter().position(|i| !matches!(i, Item::LogicalReference { .. }));
        let mut n = 0;
        mine.retain(|i| {
            n += 1;
            matches!(i, Item::LogicalReference { .. }) || first == Some(n - 1)
        });
    }
    mine
}

/// Whether the body meets the condition. Special parameters (`_id`, `_lastUpdated`) and chains are not in the body: for
/// a chain, `linked` are the literal references that its inner condition leads to.
pub(crate) fn holds(ty: &TypeTable, param: &Param, linked: Option<&[String]>, body: &[u8]) -> bool {
    let items = items_of(ty, param, body);
    if let Some(linked) = linked {
        return items.iter().any(|i| matches!(i, Item::Reference(r) if linked.iter().any(|l| l == r)));
    }
    let any = |value: &Value| items.iter().any(|item| one(param, value, item));
    match param.modifier {
        Modifier::Not => !param.values.iter().any(any),
        Modifier::Missing => {
            let present =
                items.iter().any(|i| param.definition.kind != ParamKind::Reference || matches!(i, Item::Reference(_)) || narrow(param));
            param.values.iter().any(|v| matches!(v, Value::Missing(missing) if *missing != present))
        }
        _ => param.values.iter().any(any),
    }
}

fn narrow(param: &Param) -> bool {
    param.definition.plan == Plan::Narrow
}

fn system_is(asked: &System, has: Option<&str>) -> bool {
    match asked {
        System::Any => true,
        System::Absent => has.is_none_or(str::is_empty),
        System::Is(system) => has == Some(system.as_str()),
    }
}

fn one(param: &Param, value: &Value, item: &Item<'_>) -> bool {
    match (value, item) {
        (Value::Token { system, code }, Item::Token { system: has, code: is }) => {
            system_is(system, has.as_deref()) && code.as_ref().is_none_or(|c| *c == **is)
        }
        (Value::Token { system, code }, Item::LogicalReference { system: has, value: is }) => {
            param.modifier == Modifier::Identifier && system_is(system, has.as_deref()) && code.as_ref().is_none_or(|c| *c == **is)
        }
        (Value::Reference(literals), Item::Reference(is)) => literals.iter().any(|l| *l == **is),
        (Value::Uri(uri), Item::Uri(is)) => *uri == **is,
        (Value::Date { prefix, range }, Item::Date(is)) => date(*prefix, (range.lo, range.hi), (is.lo, is.hi)),
        (Value::String(text), Item::Text(is)) => match param.modifier {
            Modifier::Exact => *text == **is,
            Modifier::Contains => normalise(is).contains(text.as_str()),
            _ => normalise(is).starts_with(text.as_str()),
        },
        (Value::Quantity { prefix, value, lo, hi, unit, .. }, Item::Quantity { value: is, unit: has, .. }) => {
            number(*prefix, *value, (*lo, *hi), *is) && unit.as_ref().is_none_or(|u| has.as_deref() == Some(u.as_str()))
        }
        _ => false,
    }
}

fn date(prefix: Prefix, (lo, hi): (i64, i64), (from, to): (i64, i64)) -> bool {
    match prefix {
        Prefix::Eq => from >= lo && to <= hi,
        Prefix::Ne => from < lo || to > hi,
        Prefix::Gt => to > hi,
        Prefix::Lt => from < lo,
        Prefix::Ge => from >= lo || to > hi,
        Prefix::Le => to <= hi || from < lo,
        Prefix::Sa => from >= hi,
        Prefix::Eb => to <= lo,
        Prefix::Ap => from < hi && to > lo,
    }
}

fn number(prefix: Prefix, value: f64, (lo, hi): (f64, f64), is: f64) -> bool {
    match prefix {
        Prefix::Eq | Prefix::Ap => is >= lo && is < hi,
        Prefix::Ne => is < lo || is >= hi,
        Prefix::Gt => is > value,
        Prefix::Lt => is < value,
        Prefix::Ge => is >= value,
        Prefix::Le => is <= value,
        Prefix::Sa => is >= hi,
        Prefix::Eb => is < lo,
    }
}
