//! FHIR's own functions (<https://hl7.org/fhir/R4/fhirpath.html#functions>).

use super::navigate::KEYS;
use super::{Cx, Eval, Flow, Item, Items, Sink, eval, single, text, types, value, visit};
use crate::NodeRef;
use crate::fhirpath::expr::{Expr, Function};
use crate::fhirpath::fault::{Fault, FaultKind};
use crate::primitive::Primitive;
use std::ops::ControlFlow::{Break, Continue};

/// `extension(url)`
pub(super) fn extension<'t>(base: &'t Expr, url: &'t Expr, cx: &Cx<'_, 't>, sink: &mut Sink<'_, 't>) -> Eval<Flow> {
    let Some(url) = text::text(url, cx)? else { return Ok(Continue(())) };
    let type_id = KEYS.extension_type;
    visit(base, cx, &mut |item| {
        let Some(node) = item.node() else { return Ok(Continue(())) };
        for extension in node.all(KEYS.extension) {
            cx.spend(1, base.at)?;
            if extension.child(KEYS.url).and_then(NodeRef::value) == Some(&*url)
                && sink(Item::Node { node: extension, type_id })?.is_break()
            {
                return Ok(Break(()));
            }
        }
        Ok(Continue(()))
    })
}

/// `hasValue()`: one primitive, with a value.
pub(super) fn has_value<'t>(base: &'t Expr, cx: &Cx<'_, 't>) -> Eval<bool> {
    let mut count = 0;
    let mut valued = false;
    let _ = visit(base, cx, &mut |item| {
        count += 1;
        valued = match &item {
            Item::Node { node, .. } => node.value().is_some(),
            Item::Resource(_) | Item::Type(_) => false,
            _ => true,
        };
        Ok(if count > 1 { Break(()) } else { Continue(()) })
    })?;
    Ok(count == 1 && valued)
}

/// `resolve()`: what References and URIs point to; what cannot be found is left out.
pub(super) fn resolve<'t>(item: &Item<'t>, cx: &Cx<'_, 't>, sink: &mut Sink<'_, 't>) -> Eval<Flow> {
    let reference = match item {
        Item::Node { node, .. } => node.child(KEYS.reference).unwrap_or(*node).value().map(|r| (r, *node)),
        _ => None,
    };
    let Some((reference, from)) = reference else { return Ok(Continue(())) };
    cx.spend(10, 0)?;
    match cx.env.host.resolve(reference, from).or_else(|| contained(reference, cx)) {
        Some(found) => sink(found),
        None => Ok(Continue(())),
    }
}

/// `#id` in the root resource; `#` is the root itself.
fn contained<'t>(reference: &str, cx: &Cx<'_, 't>) -> Option<Item<'t>> {
    let id = reference.strip_prefix('#')?;
    if id.is_empty() {
        return Some(cx.env.root.clone());
    }
    let root = cx.env.root.node()?;
    let found = root.all(KEYS.contained).find(|c| c.child(KEYS.id).and_then(NodeRef::value) == Some(id))?;
    Some(Item::resource(found, cx.env.definitions))
}

fn undecided(at: u32, zh: String, en: String) -> Box<Fault> {
    Fault::new(FaultKind::Undecided, at, zh, en)
}

/// `memberOf`, `conformsTo`, `subsumes`, `subsumedBy`: only the host knows.
pub(super) fn asked<'t>(function: Function, base: &'t Expr, argument: &'t Expr, cx: &Cx<'_, 't>, at: u32) -> Eval<Items<'t>> {
    let Some(item) = single(base, cx)? else { return Ok(Items::None) };
    let host = cx.env.host;
    let answer = match function {
        Function::Subsumes | Function::SubsumedBy => {
            let Some(other) = single(argument, cx)? else { return Ok(Items::None) };
            if function == Function::Subsumes { host.subsumes(&item, &other) } else { host.subsumes(&other, &item) }.ok_or_else(|| {
                undecided(at, "无法判断代码间的包含关系".into(), "it is not known whether one code subsumes the other".into())
            })?
        }
        _ => {
            let Some(url) = text::text(argument, cx)? else { return Ok(Items::None) };
            let answer = if function == Function::MemberOf { host.member_of(&url, &item) } else { host.conforms_to(&item, &url) };
            answer.ok_or_else(|| {
                undecided(at, format!("未加载 {url}，无法判断"), format!("{url} is not loaded, so this cannot be decided"))
            })?
        }
    };
    Ok(Items::One(Item::Boolean(answer)))
}

/// `getValue()`: the System value of one primitive.
pub(super) fn get_value<'t>(base: &'t Expr, cx: &Cx<'_, 't>) -> Eval<Items<'t>> {
    let mut items = eval(base, cx)?.into_vec();
    let (Some(item), true) = (items.pop(), items.is_empty()) else { return Ok(Items::None) };
    let is_complex = item.node().is_some_and(|n| n.value().is_none());
    if is_complex {
        return Ok(Items::None);
    }
    Ok(value::value(&item, cx.env.definitions).map(std::borrow::Cow::into_owned).into())
}

/// `htmlChecks()` on a narrative's `div`.
pub(super) fn html_checks<'t>(base: &'t Expr, cx: &Cx<'_, 't>) -> Eval<Items<'t>> {
    let Some(item) = single(base, cx)? else { return Ok(Items::None) };
    let good = match &item {
        Item::Node { node, type_id } if value::primitive(*type_id, cx.env.definitions) == Some(Primitive::Xhtml) => {
            cx.env.host.html_checks(*node).unwrap_or(true)
        }
        _ => true,
    };
    Ok(Items::One(Item::Boolean(good)))
}

/// `checkModifiers(url…)`: the same items; a fault where one has a modifier extension that is not named.
pub(super) fn check_modifiers<'t>(base: &'t Expr, urls: &'t [Expr], cx: &Cx<'_, 't>, at: u32) -> Eval<Items<'t>> {
    let known = urls.iter().map(|url| text::text(url, cx)).collect::<Eval<Vec<_>>>()?;
    let items = eval(base, cx)?;
    for node in items.iter().filter_map(Item::node) {
        for extension in node.all(KEYS.modifier_extension) {
            let url = extension.child(KEYS.url).and_then(NodeRef::value);
            if !known.iter().any(|k| k.as_deref() == url) {
                return Err(Fault::execution(at, "有不认识的修饰扩展", "there is a modifier extension that is not named here"));
            }
        }
    }
    Ok(items)
}

/// `type()`
pub(super) fn type_of<'t>(base: &'t Expr, cx: &Cx<'_, 't>) -> Eval<Items<'t>> {
    let mut out = Items::None;
    let _ = visit(base, cx, &mut |item| {
        if let Some(name) = types::type_of(&item, cx.env.definitions) {
            out.push(Item::Type(name));
        }
        Ok(Continue(()))
    })?;
    Ok(out)
}
