//! Down the tree: steps, children, descendants, with types and choices.

use super::super::expr::Step;
use super::{Cx, Eval, Flow, Item, Sink};
use crate::definitions::{Definitions, TypeId, TypeKind};
use crate::fhirpath::fault::{Fault, FaultKind};
use crate::fhirpath::quantity::Unit;
use crate::{Key, NodeRef};
use std::ops::ControlFlow::{Break, Continue};
use std::sync::LazyLock;

/// Elements in elements that are followed.
const DEPTH_MAX: u32 = 256;

/// Keys that evaluation itself looks for.
pub(super) struct Keys {
    pub(super) extension: Key,
    pub(super) modifier_extension: Key,
    pub(super) url: Key,
    pub(super) id: Key,
    pub(super) reference: Key,
    pub(super) resource_type: Key,
    pub(super) contained: Key,
    pub(super) value: Key,
    pub(super) unit: Key,
    pub(super) code: Key,
    pub(super) comparator: Key,
    /// Types of R4.
    pub(super) extension_type: Option<TypeId>,
    pub(super) quantity_type: Option<TypeId>,
}

pub(super) static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys {
    extension: Key::of("extension"),
    modifier_extension: Key::of("modifierExtension"),
    url: Key::of("url"),
    id: Key::of("id"),
    reference: Key::of("reference"),
    resource_type: Key::of("resourceType"),
    contained: Key::of("contained"),
    value: Key::of("value"),
    unit: Key::of("unit"),
    code: Key::of("code"),
    comparator: Key::of("comparator"),
    extension_type: Definitions::r4().type_named("Extension"),
    quantity_type: Definitions::r4().type_named("Quantity"),
});

/// By key: the name of the choice of which it is a form (`value` for `valueQuantity`), and whether it is such a name.
struct Choices {
    stem: Vec<Option<Key>>,
    is_stem: Vec<bool>,
}

static CHOICES: LazyLock<Choices> = LazyLock::new(|| {
    let definitions = Definitions::r4();
    let mut out = Choices { stem: vec![None; Key::known_count()], is_stem: vec![false; Key::known_count()] };
    for id in definitions.type_ids() {
        for (_, element) in definitions.elements(id).filter(|(_, e)| e.is_choice) {
            if let Some(slot) = out.is_stem.get_mut(element.key.index()) {
                *slot = true;
            }
            for property in definitions.properties(element) {
                if let Some(slot) = out.stem.get_mut(property.key.index()) {
                    *slot = Some(element.key);
                }
            }
        }
    }
    out
});

/// Whether some type has a choice element of that name.
pub(in crate::fhirpath) fn is_choice(key: Key) -> bool {
    CHOICES.is_stem.get(key.index()).copied().unwrap_or(false)
}

/// The type of a child; a resource's own type where the element can hold any.
fn child_type(parent: Option<TypeId>, child: NodeRef<'_>, definitions: &Definitions) -> Option<TypeId> {
    let declared = definitions.property(parent?, child.key())?.type_id;
    if definitions.get(declared).kind == TypeKind::Resource {
        return child.resource_type().and_then(|name| definitions.type_named(name)).or(Some(declared));
    }
    Some(declared)
}

/// What a step finds below an item.
pub(super) fn step<'t>(item: &Item<'t>, step: &Step, cx: &Cx<'_, 't>, at: u32, sink: &mut Sink<'_, 't>) -> Eval<Flow> {
    let Item::Node { node, type_id } = item else { return part(item, step, sink) };
    let definitions = cx.env.definitions;
    let (key, is_choice) = match step {
        Step::Key { key, is_choice } => (*key, *is_choice),
        Step::Strange(name) => {
            for child in node.children().filter(|c| !c.key().is_known() && c.name() == &**name) {
                if sink(Item::Node { node: child, type_id: None })?.is_break() {
                    return Ok(Break(()));
                }
            }
            return Ok(Continue(()));
        }
    };
    let mut found = false;
    for child in node.children() {
        let name = child.key();
        if name != key && !(is_choice && CHOICES.stem.get(name.index()).copied().flatten() == Some(key)) {
            // repeats stand together
            if found && !is_choice {
                break;
            }
            continue;
        }
        found = true;
        cx.spend(1, at)?;
        let child_type = match type_id {
            Some(id) => match definitions.property(*id, name) {
                // a choice is reached by its own name only: `value`, not `valueQuantity`
                Some(property) if definitions.element(property.element).key != key => continue,
                Some(_) => child_type(*type_id, child, definitions),
                None => None,
            },
            None => None,
        };
        if sink(Item::Node { node: child, type_id: child_type })?.is_break() {
            return Ok(Break(()));
        }
    }
    Ok(Continue(()))
}

/// The parts of values that are no nodes: a quantity's value and unit, a type's name.
fn part<'t>(item: &Item<'t>, step: &Step, sink: &mut Sink<'_, 't>) -> Eval<Flow> {
    let Step::Key { key, .. } = step else {
        return match (item, step) {
            (Item::Type(name), Step::Strange(wanted)) if &**wanted == "namespace" => sink(Item::text(name.namespace)),
            _ => Ok(Continue(())),
        };
    };
    match item {
        Item::Quantity(quantity) if *key == KEYS.value => sink(Item::Decimal(quantity.value)),
        Item::Quantity(quantity) if *key == KEYS.unit || *key == KEYS.code => sink(match &quantity.unit {
            Unit::Calendar(unit) => Item::text(unit.name()),
            Unit::Code(code) => Item::String(code.clone()),
        }),
        Item::Type(name) if key.known_name() == Some("name") => {
            sink(if name.path.is_empty() { Item::text(name.name) } else { Item::owned(format!("{}.{}", name.name, name.path)) })
        }
        Item::Type(name) if key.known_name() == Some("namespace") => sink(Item::text(name.namespace)),
        _ => Ok(Continue(())),
    }
}

/// Whether a child is an element, and not how JSON says which resource it is.
fn is_element(child: NodeRef<'_>, parent: Option<TypeId>, definitions: &Definitions) -> bool {
    child.key() != KEYS.resource_type || parent.is_some_and(|id| definitions.property(id, child.key()).is_some())
}

pub(super) fn children<'t>(item: &Item<'t>, cx: &Cx<'_, 't>, at: u32, sink: &mut Sink<'_, 't>) -> Eval<Flow> {
    let Item::Node { node, type_id } = item else { return Ok(Continue(())) };
    let definitions = cx.env.definitions;
    for child in node.children().filter(|c| is_element(*c, *type_id, definitions)) {
        cx.spend(1, at)?;
        if sink(Item::Node { node: child, type_id: child_type(*type_id, child, definitions) })?.is_break() {
            return Ok(Break(()));
        }
    }
    Ok(Continue(()))
}

/// Everything below, each before what is below it.
pub(super) fn descendants<'t>(item: &Item<'t>, cx: &Cx<'_, 't>, at: u32, depth: u32, sink: &mut Sink<'_, 't>) -> Eval<Flow> {
    if depth > DEPTH_MAX {
        return Err(Fault::new(FaultKind::Limit, at, "资源嵌套过深", "the resource is nested too deep"));
    }
    children(item, cx, at, &mut |child| {
        if sink(child.clone())?.is_break() {
            return Ok(Break(()));
        }
        descendants(&child, cx, at, depth + 1, sink)
    })
}
