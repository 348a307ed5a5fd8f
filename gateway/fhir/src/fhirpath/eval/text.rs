//! Functions on texts (N1 §5.6). Positions count characters.

use super::collection::integer;
use super::{Cx, Eval, Item, Items, encode, single, value, visit};
use crate::fhirpath::expr::{Expr, Function};
use crate::fhirpath::fault::{Fault, FaultKind};
use crate::fhirpath::pattern::{self, Pattern};
use regex::Regex;
use std::borrow::Cow;
use std::ops::ControlFlow::Continue;

/// A single text; nothing where it is empty; a fault where it is something else.
pub(super) fn text<'t>(expr: &'t Expr, cx: &Cx<'_, 't>) -> Eval<Option<Cow<'t, str>>> {
    let Some(item) = single(expr, cx)? else { return Ok(None) };
    if let Some(text) = value::text(&item, cx.env.definitions) {
        return Ok(Some(text));
    }
    match item {
        // a primitive without a value counts as absent; other primitives are taken as they are written
        Item::Node { node, .. } if node.kind() != crate::Kind::Object => Ok(node.value().map(Cow::Borrowed)),
        _ => Err(Fault::execution(expr.at, "这里应为字符串", "a string is needed here")),
    }
}

/// `startsWith`, `endsWith`, `contains`
pub(super) fn test<'t>(function: Function, base: &'t Expr, arguments: &'t [Expr], cx: &Cx<'_, 't>, at: u32) -> Eval<Option<bool>> {
    let [argument, ..] = arguments else { return Ok(None) };
    let (Some(text), Some(part)) = (text(base, cx)?, text(argument, cx)?) else { return Ok(None) };
    cx.spend_text(text.len(), at)?;
    Ok(Some(match function {
        Function::StartsWith => text.starts_with(&*part),
        Function::EndsWith => text.ends_with(&*part),
        _ => text.contains(&*part),
    }))
}

/// Uses the pattern of a call, compiled or (costly) now.
fn with_pattern<'t, R>(
    pattern: &'t Pattern,
    argument: &'t Expr,
    whole: bool,
    cx: &Cx<'_, 't>,
    then: impl FnOnce(&Regex, &str) -> R,
) -> Eval<Option<R>> {
    let bad = || {
        Fault::new(
            FaultKind::Execution,
            argument.at,
            "不是可用的正则表达式（不支持环视 look-around 和反向引用，且长度有限）",
            "not a usable regular expression (no look-around or back-references, and of limited size)",
        )
    };
    let Some(text) = text(argument, cx)? else { return Ok(None) };
    if let Pattern::Literal(compiled) = pattern {
        let regex = compiled.get_or_init(|| pattern::compile(&text, whole)).as_ref().ok_or_else(bad)?;
        return Ok(Some(then(regex, &text)));
    }
    cx.spend(2000, argument.at)?;
    let regex = pattern::compile(&text, whole).ok_or_else(bad)?;
    Ok(Some(then(&regex, &text)))
}

/// `matches`, `matchesFull`
pub(super) fn matches<'t>(
    base: &'t Expr,
    function: Function,
    pattern: &'t Pattern,
    arguments: &'t [Expr],
    cx: &Cx<'_, 't>,
    at: u32,
) -> Eval<Option<bool>> {
    let [argument, ..] = arguments else { return Ok(None) };
    let Some(text) = text(base, cx)? else { return Ok(None) };
    cx.spend_text(text.len(), at)?;
    with_pattern(pattern, argument, function == Function::MatchesFull, cx, |regex, _| regex.is_match(&text))
}

pub(super) fn replace_matches<'t>(
    base: &'t Expr,
    function: Function,
    pattern: &'t Pattern,
    arguments: &'t [Expr],
    cx: &Cx<'_, 't>,
    at: u32,
) -> Eval<Items<'t>> {
    let (Function::ReplaceMatches, [argument, with]) = (function, arguments) else { return Ok(Items::None) };
    let (Some(text), Some(with)) = (text(base, cx)?, text(with, cx)?) else { return Ok(Items::None) };
    cx.spend_text(text.len().saturating_mul(with.len().max(1)), at)?;
    let replaced = with_pattern(pattern, argument, false, cx, |regex, source| {
        // nothing is no pattern
        if source.is_empty() { text.clone().into_owned() } else { regex.replace_all(&text, groups(&with)).into_owned() }
    })?;
    Ok(replaced.map(Item::owned).into())
}

/// `$1a` means group 1 and then "a", as elsewhere, not a group of that name.
fn groups(with: &str) -> String {
    let mut out = String::with_capacity(with.len());
    let mut rest = with;
    while let Some(at) = rest.find('$') {
        let digits = rest[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
        out.push_str(&rest[..at]);
        let end = at + 1 + digits;
        if digits > 0 {
            out.push_str("${");
            out.push_str(&rest[at + 1..end]);
            out.push('}');
        } else {
            out.push('$');
        }
        rest = &rest[end..];
    }
    out + rest
}

/// The other functions whose focus is one text.
pub(super) fn function<'t>(function: Function, base: &'t Expr, arguments: &'t [Expr], cx: &Cx<'_, 't>, at: u32) -> Eval<Items<'t>> {
    let Some(own) = text(base, cx)? else { return Ok(Items::None) };
    cx.spend_text(own.len(), at)?;
    let result = match (function, arguments) {
        (Function::Length, _) => Some(Item::Integer(i64::try_from(own.chars().count()).unwrap_or(i64::MAX))),
        (Function::Upper, _) => Some(Item::owned(own.to_uppercase())),
        (Function::Lower, _) => Some(Item::owned(own.to_lowercase())),
        (Function::Trim, _) => Some(Item::owned(own.trim().to_owned())),
        (Function::ToChars, _) => return Ok(own.chars().map(|c| Item::owned(c.to_string())).collect::<Vec<_>>().into()),
        (Function::Substring, [start, length @ ..]) => {
            let Some(start) = integer(start, cx)? else { return Ok(Items::None) };
            let length = match length {
                [length] => integer(length, cx)?,
                _ => None,
            };
            substring(&own, start, length).map(Item::owned)
        }
        (_, [argument, rest @ ..]) => {
            let Some(other) = text(argument, cx)? else { return Ok(Items::None) };
            match (function, rest) {
                (Function::IndexOf, _) => Some(index(&own, own.find(&*other))),
                (Function::LastIndexOf, _) => Some(index(&own, own.rfind(&*other))),
                (Function::Replace, [with]) => {
                    let Some(with) = text(with, cx)? else { return Ok(Items::None) };
                    cx.spend_text(own.len().saturating_mul(with.len().max(1)), at)?;
                    Some(Item::owned(replace(&own, &other, &with)))
                }
                (Function::Split, _) if other.is_empty() => Some(Item::String(own)),
                (Function::Split, _) => {
                    return Ok(own.split(&*other).map(|part| Item::owned(part.to_owned())).collect::<Vec<_>>().into());
                }
                (Function::Encode, _) => encode::encode(&own, &other).map(Item::owned),
                (Function::Decode, _) => encode::decode(&own, &other).map(Item::owned),
                (Function::Escape, _) => encode::escape(&own, &other).map(Item::owned),
                (Function::Unescape, _) => encode::unescape(&own, &other).map(Item::owned),
                _ => None,
            }
        }
        _ => None,
    };
    Ok(result.into())
}

/// An empty pattern stands before, between and behind all characters.
fn replace(text: &str, pattern: &str, with: &str) -> String {
    text.replace(pattern, with)
}

/// A byte position as a character position, -1 where there is none.
fn index(text: &str, at: Option<usize>) -> Item<'static> {
    let position = at.and_then(|at| text.get(..at)).map_or(-1, |before| i64::try_from(before.chars().count()).unwrap_or(i64::MAX));
    Item::Integer(position)
}

fn substring(text: &str, start: i64, length: Option<i64>) -> Option<String> {
    let start = usize::try_from(start).ok()?;
    let mut rest = text.char_indices().skip(start);
    let (from, _) = rest.next()?;
    let tail = text.get(from..)?;
    let Some(length) = length else { return Some(tail.to_owned()) };
    Some(tail.chars().take(usize::try_from(length).unwrap_or(0)).collect())
}

/// `join(separator)`
pub(super) fn join<'t>(base: &'t Expr, separator: Option<&'t Expr>, cx: &Cx<'_, 't>, at: u32) -> Eval<Items<'t>> {
    let separator = match separator {
        Some(expr) => text(expr, cx)?.unwrap_or_default(),
        None => Cow::Borrowed(""),
    };
    let mut out: Option<String> = None;
    let _ = visit(base, cx, &mut |item| {
        let part = value::text(&item, cx.env.definitions)
            .or_else(|| super::convert::to_text(&item, cx.env.definitions).map(Cow::Owned))
            .unwrap_or_default();
        match &mut out {
            Some(out) => {
                out.push_str(&separator);
                out.push_str(&part);
            }
            None => out = Some(part.into_owned()),
        }
        cx.spend_text(out.as_ref().map_or(0, String::len), at)?;
        Ok(Continue(()))
    })?;
    Ok(out.map(Item::owned).into())
}
