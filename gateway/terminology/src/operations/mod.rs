//! The operations of R4 §4.6 to §4.9: Parameters in; Parameters or a ValueSet out.

mod codes;
mod expand;
mod expansion;
mod lookup;
mod subsumes;
mod translate;
mod validate;

pub(crate) use expansion::Expansion;

use crate::text;
use hutong_fhir::tree::{NodeId, Tree};
use hutong_fhir::{Finding, Key, Kind, NodeRef};

/// What an operation is asked.
struct Input<'t> {
    root: NodeRef<'t>,
}

/// A code with what says where it is from.
#[derive(Clone, Copy, Default)]
struct Coded<'t> {
    system: Option<&'t str>,
    version: Option<&'t str>,
    code: &'t str,
    display: Option<&'t str>,
}

impl<'t> Coded<'t> {
    fn of(node: NodeRef<'t>) -> Option<Coded<'t>> {
        let at = |name| node.at(name).filter(|v: &&str| !v.is_empty());
        Some(Coded { system: at("system"), version: at("version"), code: at("code")?, display: at("display") })
    }
}

impl<'t> Input<'t> {
    /// Of a Parameters resource that names nothing but these: what is not known is refused, never ignored.
    fn of(parameters: &'t Tree, known: &[&str]) -> Result<Input<'t>, Finding> {
        let root = parameters.root();
        if root.resource_type() != Some("Parameters") {
            return Err(text::not_parameters());
        }
        let input = Input { root };
        for node in input.parameters() {
            let name = node.at("name").unwrap_or("");
            if !known.contains(&name) {
                return Err(text::unknown_parameter(name, known));
            }
        }
        Ok(input)
    }

    fn parameters(&self) -> impl Iterator<Item = NodeRef<'t>> + use<'t> {
        self.root.children().filter(|c| c.name() == "parameter")
    }

    fn each(&self, name: &'t str) -> impl Iterator<Item = NodeRef<'t>> + use<'t> {
        self.parameters().filter(move |p| p.at("name") == Some(name))
    }

    fn values(&self, name: &'t str) -> impl Iterator<Item = &'t str> + use<'t> {
        self.each(name).filter_map(value_of).filter_map(NodeRef::value)
    }

    fn value(&self, name: &'t str) -> Option<&'t str> {
        self.values(name).next().filter(|v| !v.is_empty())
    }

    fn flag(&self, name: &'t str) -> Result<Option<bool>, Finding> {
        match self.value(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(text::bad_parameter(name)),
        }
    }

    fn number(&self, name: &'t str) -> Result<Option<usize>, Finding> {
        self.value(name).map(|v| v.parse().map_err(|_| text::bad_parameter(name))).transpose()
    }

    fn complex(&self, name: &'t str) -> Option<NodeRef<'t>> {
        self.each(name).find_map(value_of)
    }

    fn resource(&self, name: &'t str) -> Option<NodeRef<'t>> {
        self.each(name).find_map(|p| p.get("resource"))
    }

    /// `name` = `system|version` pairs.
    fn pairs(&self, name: &'t str) -> Vec<(String, String)> {
        let pair = |v: &str| v.split_once('|').map_or_else(|| (v.to_owned(), String::new()), |(s, v)| (s.to_owned(), v.to_owned()));
        self.values(name).map(pair).collect()
    }

    /// The codes of `coding`, `codeableConcept`, or of `code` with what belongs to it.
    fn codings(&self, system: &'t str, version: &'t str) -> Result<Vec<Coded<'t>>, Finding> {
        if let Some(coding) = self.complex("coding") {
            return Coded::of(coding).map(|c| vec![c]).ok_or_else(|| text::missing_parameter("coding.code"));
        }
        if let Some(concept) = self.complex("codeableConcept") {
            let codings: Vec<Coded<'_>> = concept.children().filter(|c| c.name() == "coding").filter_map(Coded::of).collect();
            return if codings.is_empty() { Err(text::missing_parameter("codeableConcept.coding")) } else { Ok(codings) };
        }
        let code = self.value("code").ok_or_else(|| text::missing_parameter("code | coding | codeableConcept"))?;
        Ok(vec![Coded { system: self.value(system), version: self.value(version), code, display: self.value("display") }])
    }
}

fn value_of(parameter: NodeRef<'_>) -> Option<NodeRef<'_>> {
    parameter.children().find(|c| c.name().starts_with("value"))
}

/// What an operation answers.
struct Output {
    tree: Tree,
}

impl Output {
    fn parameters() -> Output {
        Output { tree: Tree::resource("Parameters") }
    }

    fn parameter(&mut self, name: &str) -> NodeId {
        self.list(0, "parameter", name)
    }

    fn part(&mut self, of: NodeId, name: &str) -> NodeId {
        self.list(of, "part", name)
    }

    fn list(&mut self, of: NodeId, list: &str, name: &str) -> NodeId {
        let id = self.tree.append(of, Key::of(list), Kind::Object, true);
        self.tree.append_value(id, Key::of("name"), Kind::String, name, false);
        id
    }

    /// A child with a text value.
    fn text(&mut self, of: NodeId, key: &str, value: &str) -> NodeId {
        self.tree.append_value(of, Key::of(key), Kind::String, value, false)
    }

    fn bool(&mut self, of: NodeId, key: &str, value: bool) {
        self.tree.append_value(of, Key::of(key), Kind::Bool, if value { "true" } else { "false" }, false);
    }

    fn number(&mut self, of: NodeId, key: &str, value: usize) {
        self.tree.append_value(of, Key::of(key), Kind::Number, &value.to_string(), false);
    }

    fn say(&mut self, name: &str, key: &str, value: &str) {
        if !value.is_empty() {
            let id = self.parameter(name);
            self.text(id, key, value);
        }
    }

    /// A Coding below `of`; empty parts are left out.
    fn coding(&mut self, of: NodeId, key: &str, parts: [(&str, &str); 4]) {
        let id = self.tree.append(of, Key::of(key), Kind::Object, false);
        for (key, value) in parts.into_iter().filter(|(_, v)| !v.is_empty()) {
            self.text(id, key, value);
        }
    }

    /// A Coding from `system|code|display`.
    fn packed_coding(&mut self, of: NodeId, key: &str, packed: &str) {
        let mut parts = packed.splitn(3, '|');
        let mut next = || parts.next().unwrap_or("");
        let (system, code, display) = (next(), next(), next());
        self.coding(of, key, [("system", system), ("code", code), ("display", display), ("version", "")]);
    }
}

#[cfg(test)]
mod tests;
