//! The searchable values of a resource, found in one pass over its JSON: the paths of a type's parameters are joined
//! to one tree of element names, and what the tree does not name is skipped unread.

use std::borrow::Cow;
use std::sync::LazyLock;

use hutong_fhir::identifier;

use super::scan::{Scan, Shape};
use crate::search::date::{self, Range};
use crate::search::table::{self, ColumnKind, ParamKind, Plan, Step, TypeTable};

/// Where a value goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Slot {
    /// Index in [`TypeTable::columns`].
    Column(usize),
    /// Index in [`TypeTable::params`] of a parameter that is only posted.
    Narrow(usize),
    /// Index in [`TypeTable::params`] of a parameter kept in the table of strings.
    Text(usize),
}

/// A searchable value.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Item<'a> {
    Token {
        system: Option<Cow<'a, str>>,
        code: Cow<'a, str>,
    },
    Reference(Cow<'a, str>),
    /// `Reference.identifier`.
    LogicalReference {
        system: Option<Cow<'a, str>>,
        value: Cow<'a, str>,
    },
    Date(Range),
    Text(Cow<'a, str>),
    Quantity {
        value: f64,
        system: Option<Cow<'a, str>>,
        unit: Option<Cow<'a, str>>,
    },
    Uri(Cow<'a, str>),
}

struct Leaf {
    slot: Slot,
    kind: ParamKind,
    filter: Option<(&'static str, &'static str)>,
}

#[derive(Default)]
struct Node {
    children: Vec<(&'static str, usize)>,
    leaves: Vec<Leaf>,
}

struct Program {
    /// The first is the root; children stand behind their parent, so the depth of a visit is that of the longest path.
    nodes: Vec<Node>,
}

static PROGRAMS: LazyLock<Vec<Program>> = LazyLock::new(|| table::types().iter().map(Program::new).collect());

impl Program {
    fn new(ty: &TypeTable) -> Program {
        let mut program = Program { nodes: vec![Node::default()] };
        for (i, column) in ty.columns.iter().enumerate() {
            let kind = match column.kind {
                ColumnKind::Token => ParamKind::Token,
                ColumnKind::Reference => ParamKind::Reference,
                ColumnKind::Date => ParamKind::Date,
                ColumnKind::Quantity => ParamKind::Quantity,
            };
            program.add(Slot::Column(i), kind, &column.paths);
        }
        let mut done: Vec<i64> = Vec::new();
        for (i, param) in ty.params.iter().enumerate() {
            match param.plan {
                Plan::Text => program.add(Slot::Text(i), param.kind, &param.paths),
                Plan::Narrow if !done.contains(&param.number) => {
                    done.push(param.number);
                    program.add(Slot::Narrow(i), param.kind, &param.paths);
                }
                _ => {}
            }
        }
        program
    }

    fn add(&mut self, slot: Slot, kind: ParamKind, paths: &[Vec<Step>]) {
        for path in paths {
            let mut at = 0;
            for step in path {
                let known = self.nodes[at].children.iter().find(|(name, _)| *name == step.name).map(|(_, to)| *to);
                at = known.unwrap_or_else(|| {
                    self.nodes.push(Node::default());
                    let to = self.nodes.len() - 1;
                    self.nodes[at].children.push((step.name, to));
                    to
                });
            }
            let filter = path.last().and_then(|s| s.filter);
            self.nodes[at].leaves.push(Leaf { slot, kind, filter });
        }
    }

    fn object<'a>(&self, node: usize, scan: &mut Scan<'a>, out: &mut Vec<(Slot, Item<'a>)>) {
        scan.enter();
        while scan.more() {
            let Some(name) = scan.name() else { return };
            let child = self.nodes[node].children.iter().find(|(known, _)| known.as_bytes() == name);
            match child {
                Some((_, to)) => self.value(*to, scan, out),
                None => {
                    scan.skip();
                }
            }
        }
    }

    fn value<'a>(&self, node: usize, scan: &mut Scan<'a>, out: &mut Vec<(Slot, Item<'a>)>) {
        match scan.shape() {
            Some(Shape::Array) => {
                scan.enter();
                while scan.more() {
                    let before = scan.at();
                    self.one(node, scan, out);
                    if scan.at() == before {
                        return;
                    }
                }
            }
            Some(_) => self.one(node, scan, out),
            None => {}
        }
    }

    fn one<'a>(&self, node: usize, scan: &mut Scan<'a>, out: &mut Vec<(Slot, Item<'a>)>) {
        let Node { children, leaves } = &self.nodes[node];
        if !leaves.is_empty() {
            let mut ahead = scan.clone();
            let text = ahead.skip();
            for leaf in leaves {
                leaf.read(text, out);
            }
            if children.is_empty() {
                *scan = ahead;
                return;
            }
        }
        match scan.shape() {
            Some(Shape::Object) => self.object(node, scan, out),
            _ => {
                scan.skip();
            }
        }
    }
}

/// All values of a resource, in the order of its elements. `body` is FHIR JSON that was accepted before.
pub(crate) fn items<'a>(ty: &TypeTable, body: &'a [u8], out: &mut Vec<(Slot, Item<'a>)>) {
    out.clear();
    let Some(program) = PROGRAMS.get(ty.number) else { return };
    let mut scan = Scan::new(body);
    if scan.shape() == Some(Shape::Object) {
        program.object(0, &mut scan, out);
    }
}

/// Calls `with` for each member of an object.
fn members<'a>(text: &'a [u8], mut with: impl FnMut(&'a [u8], &mut Scan<'a>)) {
    let mut scan = Scan::new(text);
    if scan.shape() != Some(Shape::Object) {
        return;
    }
    scan.enter();
    while scan.more() {
        let Some(name) = scan.name() else { return };
        let before = scan.at();
        with(name, &mut scan);
        if scan.at() == before {
            scan.skip();
        }
    }
}

/// Calls `with` for the text of each item of an array (or of the one value that is not an array).
fn each<'a>(scan: &mut Scan<'a>, mut with: impl FnMut(&'a [u8])) {
    if scan.shape() != Some(Shape::Array) {
        return with(scan.skip());
    }
    scan.enter();
    while scan.more() {
        let item = scan.skip();
        if item.is_empty() {
            return;
        }
        with(item);
    }
}

#[derive(Default)]
struct Coded<'a> {
    system: Option<Cow<'a, str>>,
    code: Option<Cow<'a, str>>,
    value: Option<Cow<'a, str>>,
}

/// A system that has several URIs (身份证 has two OIDs) is indexed under one.
fn one_name(system: Cow<'_, str>) -> Cow<'_, str> {
    match identifier::unaliased(&system) {
        same if same == system => system,
        other => Cow::Owned(other.to_owned()),
    }
}

impl Leaf {
    fn read<'a>(&self, text: &'a [u8], out: &mut Vec<(Slot, Item<'a>)>) {
        if let Some((name, wanted)) = self.filter {
            let mut found = false;
            members(text, |n, scan| {
                if n == name.as_bytes() {
                    found = scan.primitive().is_some_and(|v| v == wanted);
                }
            });
            if !found {
                return;
            }
        }
        match self.kind {
            ParamKind::Token => self.token(text, out),
            ParamKind::Reference => self.reference(text, out),
            ParamKind::Date => self.date(text, out),
            ParamKind::String => self.text(text, out),
            ParamKind::Quantity => self.quantity(text, out),
            ParamKind::Uri => {
                if let Some(uri) = Scan::new(text).primitive() {
                    out.push((self.slot, Item::Uri(uri)));
                }
            }
            ParamKind::Id => {}
        }
    }

    /// A code, boolean or string; a Coding, CodeableConcept, Identifier or ContactPoint
    /// (<https://hl7.org/fhir/R4/search.html#token>).
    fn token<'a>(&self, text: &'a [u8], out: &mut Vec<(Slot, Item<'a>)>) {
        if text.first() != Some(&b'{') {
            if let Some(code) = Scan::new(text).primitive() {
                out.push((self.slot, Item::Token { system: None, code }));
            }
            return;
        }
        let mut own = Coded::default();
        members(text, |name, scan| match name {
            b"coding" => each(scan, |coding| {
                let Coded { system, code, .. } = coded(coding);
                if let Some(code) = code {
                    out.push((self.slot, Item::Token { system, code }));
                }
            }),
            b"system" => own.system = scan.primitive().map(one_name),
            b"code" => own.code = scan.primitive(),
            b"value" => own.value = scan.primitive(),
            _ => {}
        });
        if let Some(code) = own.code.or(own.value) {
            out.push((self.slot, Item::Token { system: own.system, code }));
        }
    }

    fn reference<'a>(&self, text: &'a [u8], out: &mut Vec<(Slot, Item<'a>)>) {
        members(text, |name, scan| match name {
            b"reference" => {
                if let Some(literal) = scan.primitive() {
                    // a version-specific reference points at the resource all the same
                    let literal = match literal.find("/_history/") {
                        Some(at) => Cow::Owned(literal.get(..at).unwrap_or_default().to_owned()),
                        None => literal,
                    };
                    out.push((self.slot, Item::Reference(literal)));
                }
            }
            b"identifier" => {
                let Coded { system, value, .. } = coded(scan.skip());
                if let Some(value) = value {
                    out.push((self.slot, Item::LogicalReference { system, value }));
                }
            }
            _ => {}
        });
    }

    /// date, dateTime, instant; Period; Timing (from its first to its last event).
    fn date<'a>(&self, text: &'a [u8], out: &mut Vec<(Slot, Item<'a>)>) {
        if text.first() != Some(&b'{') {
            if let Some(range) = Scan::new(text).primitive().and_then(|t| date::range(&t)) {
                out.push((self.slot, Item::Date(range)));
            }
            return;
        }
        let (mut start, mut end, mut events) = (None, None, None::<Range>);
        members(text, |name, scan| match name {
            b"start" => start = scan.primitive().and_then(|t| date::range(&t)),
            b"end" => end = scan.primitive().and_then(|t| date::range(&t)),
            b"event" => each(scan, |item| {
                if let Some(r) = Scan::new(item).primitive().and_then(|t| date::range(&t)) {
                    events = Some(events.map_or(r, |e| Range { lo: e.lo.min(r.lo), hi: e.hi.max(r.hi) }));
                }
            }),
            _ => {}
        });
        let range = match (start, end, events) {
            (None, None, events) => events,
            (start, end, _) => Some(Range { lo: start.map_or(i64::MIN, |r| r.lo), hi: end.map_or(i64::MAX, |r| r.hi) }),
        };
        if let Some(range) = range.filter(|r| r.lo < r.hi) {
            out.push((self.slot, Item::Date(range)));
        }
    }

    /// A string; every part of a HumanName or Address.
    fn text<'a>(&self, text: &'a [u8], out: &mut Vec<(Slot, Item<'a>)>) {
        if text.first() != Some(&b'{') {
            if let Some(t) = Scan::new(text).primitive() {
                out.push((self.slot, Item::Text(t)));
            }
            return;
        }
        members(text, |name, scan| {
            let part: &[&[u8]] =
                &[b"text", b"family", b"given", b"prefix", b"suffix", b"line", b"city", b"district", b"state", b"postalCode", b"country"];
            if part.contains(&name) {
                each(scan, |item| {
                    if let Some(t) = Scan::new(item).primitive() {
                        out.push((self.slot, Item::Text(t)));
                    }
                });
            }
        });
    }

    fn quantity<'a>(&self, text: &'a [u8], out: &mut Vec<(Slot, Item<'a>)>) {
        let (mut value, mut system, mut code, mut unit) = (None, None, None, None);
        members(text, |name, scan| match name {
            b"value" => value = scan.primitive().and_then(|v| v.parse::<f64>().ok()).filter(|v| v.is_finite()),
            b"system" => system = scan.primitive(),
            b"code" => code = scan.primitive(),
            b"unit" => unit = scan.primitive(),
            _ => {}
        });
        if let Some(value) = value {
            out.push((self.slot, Item::Quantity { value, system, unit: code.or(unit) }));
        }
    }
}

fn coded(text: &[u8]) -> Coded<'_> {
    let mut out = Coded::default();
    members(text, |name, scan| match name {
        b"system" => out.system = scan.primitive().map(one_name),
        b"code" => out.code = scan.primitive(),
        b"value" => out.value = scan.primitive(),
        _ => {}
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of one parameter, as text.
    fn values(ty: &str, param: &str, body: &str) -> Vec<String> {
        let ty = table::of(ty).unwrap();
        let at = ty.params.iter().position(|p| p.name == param).unwrap();
        let slot = match ty.params[at].plan {
            Plan::Column { column } => Slot::Column(column),
            // values are found once for parameters that share them
            Plan::Narrow => Slot::Narrow(ty.params.iter().position(|p| p.number == ty.params[at].number).unwrap()),
            _ => Slot::Text(at),
        };
        let mut out = Vec::new();
        items(ty, body.as_bytes(), &mut out);
        out.iter()
            .filter(|(s, _)| *s == slot)
            .map(|(_, item)| match item {
                Item::Token { system, code } => format!("{}|{code}", system.as_deref().unwrap_or("-")),
                Item::Reference(r) => r.to_string(),
                Item::LogicalReference { system, value } => format!("{}|{value}", system.as_deref().unwrap_or("-")),
                Item::Date(r) => format!("{}..{}", r.lo, r.hi),
                Item::Text(t) | Item::Uri(t) => t.to_string(),
                Item::Quantity { value, unit, .. } => format!("{value} {}", unit.as_deref().unwrap_or("-")),
            })
            .collect()
    }

    #[test]
    fn every_kind_of_value() {
        let cases: &[(&str, &str, &str, &[&str])] = &[
            (
                "Observation",
                "code",
                r#"{"code":{"coding":[{"system":"s","code":"a"},{"code":"b"},{"display":"no code"}],"text":"x"}}"#,
                &["s|a", "-|b"],
            ),
            ("Patient", "identifier", r#"{"identifier":[{"system":"s","value":"1"},{"value":"2"},{"system":"s"}]}"#, &["s|1", "-|2"]),
            ("Patient", "active", r#"{"active":true}"#, &["-|true"]),
            (
                "Patient",
                "identifier",
                r#"{"identifier":[{"system":"urn:oid:2.16.840.1.113883.2.23.1.19.1","value":"1"}]}"#,
                &["urn:oid:2.16.156.10011.1.3|1"],
            ),
            ("Patient", "phone", r#"{"telecom":[{"system":"email","value":"e"},{"value":"1","system":"phone"}]}"#, &["phone|1"]),
            ("Patient", "telecom", r#"{"telecom":[{"system":"email","value":"e"}]}"#, &["email|e"]),
            ("Patient", "name", r#"{"name":[{"use":"official","text":"张三","family":"张","given":["三"]}]}"#, &["张三", "张", "三"]),
            ("Patient", "given", r#"{"name":[{"family":"张","given":["三","\u4e30"]}]}"#, &["三", "丰"]),
            ("Patient", "birthdate", r#"{"birthDate":"1970-01-02"}"#, &["57600000000..144000000000"]),
            ("Encounter", "date", r#"{"period":{"start":"1970-01-01T00:00:00Z"}}"#, &["0..9223372036854775807"]),
            ("Encounter", "class", r#"{"class":{"system":"v3","code":"IMP"}}"#, &["v3|IMP"]),
            (
                "Encounter",
                "participant",
                r#"{"participant":[{"individual":{"reference":"Practitioner/1"}},{"type":[]}]}"#,
                &["Practitioner/1"],
            ),
            ("Observation", "subject", r#"{"subject":{"reference":"Patient/1/_history/3"}}"#, &["Patient/1"]),
            ("Observation", "subject", r#"{"subject":{"identifier":{"system":"s","value":"v"}}}"#, &["s|v"]),
            ("Observation", "value-quantity", r#"{"valueQuantity":{"value":5.40,"unit":"mmol/L"}}"#, &["5.4 mmol/L"]),
            ("Observation", "date", r#"{"effectiveTiming":{"event":["1970-01-01T00:00:01Z","1970-01-01T00:00:00Z"]}}"#, &["0..2000000"]),
            (
                "Specimen",
                "container-id",
                r#"{"container":[{"identifier":[{"value":"b1"}]},{"identifier":[{"value":"b2"}]}]}"#,
                &["-|b1", "-|b2"],
            ),
            ("Patient", "_profile", r#"{"meta":{"profile":["http://p"]}}"#, &["http://p"]),
            ("Account", "patient", r#"{"subject":[{"reference":"Patient/1"}]}"#, &["Patient/1"]),
        ];
        for (ty, param, body, want) in cases {
            assert_eq!(values(ty, param, body), *want, "{ty} {param} {body}");
        }
    }

    #[test]
    fn the_wrong_shape_gives_nothing_and_never_panics() {
        for body in
            ["", "[]", "1", r#"{"name":"x","identifier":{},"birthDate":{"start":5},"active":{"a":[1,2"#, r#"{"name":[[{"family":"x"}]]}"#]
        {
            let mut out = Vec::new();
            items(table::of("Patient").unwrap(), body.as_bytes(), &mut out);
        }
        assert_eq!(values("Patient", "birthdate", r#"{"birthDate":"unknown"}"#), Vec::<String>::new());
    }
}
