//! The parameters of an operation, from an address or from a body, as one Parameters resource.

use hutong_fhir::{Key, Kind, NodeRef, Tree};

use crate::operation::{Operation, Type};
use crate::params::Fields;
use crate::refusal::Refusal;

/// Parameters with those of the address. What the operation does not have is refused, in an address as in a body.
pub(crate) fn of_address(operation: Operation, fields: &Fields) -> Result<Tree, Refusal> {
    let mut tree = Tree::resource("Parameters");
    add_fields(operation, fields, &mut tree)?;
    Ok(tree)
}

/// Parameters of a body, and of the address beside it.
pub(crate) fn of_body(operation: Operation, mut tree: Tree, fields: &Fields) -> Result<Tree, Refusal> {
    if tree.root().resource_type() != Some("Parameters") {
        return Err(Refusal::not_parameters());
    }
    add_fields(operation, fields, &mut tree)?;
    Ok(tree)
}

fn add_fields(operation: Operation, fields: &Fields, tree: &mut Tree) -> Result<(), Refusal> {
    let known = operation.parameters();
    for (name, value) in &fields.list {
        let Some((name, kind)) = known.iter().find(|(n, _)| n == name) else {
            let names: Vec<&str> = known.iter().map(|(n, _)| *n).collect();
            return Err(Refusal::unknown_parameter(name, &names.join(", ")));
        };
        add(tree, name, *kind, value)?;
    }
    Ok(())
}

/// Adds one parameter from its text in an address.
pub(crate) fn add(tree: &mut Tree, name: &str, kind: Type, text: &str) -> Result<(), Refusal> {
    let bad = |zh: &str, en: &str| Err(Refusal::bad_value(name, zh, en));
    match kind {
        Type::Boolean if !matches!(text, "true" | "false") => return bad("应为 true 或 false", "true or false is expected"),
        Type::Integer if text.parse::<i32>().is_err() => return bad("应为整数", "a whole number is expected"),
        Type::Coding if !text.contains('|') => return bad("应写为 系统|代码", "it is written as system|code"),
        _ if text.is_empty() => return bad("不能为空", "it must not be empty"),
        _ => {}
    }
    let parameter = tree.add(0, Key::of("parameter"), Kind::Object, true);
    tree.add_value(parameter, Key::of("name"), Kind::String, name, false);
    let value = tree.key(kind.key());
    match kind {
        Type::Boolean => tree.add_value(parameter, value, Kind::Bool, text, false),
        Type::Integer => tree.add_value(parameter, value, Kind::Number, text, false),
        Type::Coding => {
            let (system, code) = text.split_once('|').unwrap_or_default();
            let coding = tree.add(parameter, value, Kind::Object, false);
            if !system.is_empty() {
                tree.add_value(coding, Key::of("system"), Kind::String, system, false);
            }
            tree.add_value(coding, Key::of("code"), Kind::String, code, false)
        }
        _ => tree.add_value(parameter, value, Kind::String, text, false),
    };
    Ok(())
}

/// The parameters of that name.
pub(crate) fn named<'t>(tree: &'t Tree, name: &'t str) -> impl Iterator<Item = NodeRef<'t>> {
    tree.root().all(Key::of("parameter")).filter(move |p| p.at("name") == Some(name))
}

/// The text of a parameter, whichever primitive `value[x]` holds it.
pub(crate) fn text<'t>(parameter: NodeRef<'t>) -> Option<&'t str> {
    parameter.children().find(|c| c.name().starts_with("value")).and_then(NodeRef::value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;
    use hutong_wire::limits::Limits;

    fn written(operation: Operation, query: &str) -> String {
        let fields = Fields::read(query, "", &HeaderMap::new(), &Limits::default()).ok().unwrap();
        match of_address(operation, &fields) {
            Ok(tree) => {
                let mut out = Vec::new();
                hutong_fhir::json::write(tree.root(), &mut out);
                String::from_utf8(out).unwrap()
            }
            Err(refusal) => refusal.rule.to_owned(),
        }
    }

    #[test]
    fn an_address_becomes_parameters() {
        for (operation, query, expected) in [
            (
                Operation::Expand,
                "url=http%3A%2F%2Fx&count=2&activeOnly=true",
                r#"{"resourceType":"Parameters","parameter":[{"name":"url","valueUri":"http://x"},{"name":"count","valueInteger":2},{"name":"activeOnly","valueBoolean":true}]}"#,
            ),
            (
                Operation::Lookup,
                "coding=http://x|a",
                r#"{"resourceType":"Parameters","parameter":[{"name":"coding","valueCoding":{"system":"http://x","code":"a"}}]}"#,
            ),
            (Operation::Expand, "count=two", "search.value"),
            (Operation::Expand, "activeOnly=yes", "search.value"),
            (Operation::Expand, "code=x", "search.parameter"),
            (Operation::Lookup, "coding=a", "search.value"),
            (Operation::Lookup, "code=", "search.value"),
        ] {
            assert_eq!(written(operation, query), expected, "{query}");
        }
    }
}
