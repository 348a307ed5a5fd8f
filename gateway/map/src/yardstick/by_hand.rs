//! The yardstick's mapping as somebody would write it in Rust who writes only this one: fields read in place, elements
//! written in order, nothing looked up that is known. Every value gets the care that the plan gives it: escapes,
//! blanks, null, forms of primitives, a local name for an assigner without a uri.

use hutong_decode::v2::{Message, Repetition, SegmentRef, Value};
use hutong_fhir::id::from_identity;
use hutong_fhir::{Key, Kind, NodeId, Tree};
use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::LazyLock;

use crate::builtins::convert;
use crate::plan::{LineId, Plan};
use crate::run::Fields;
use crate::{Context, Lineage, Unread};
use hutong_fhir::primitive::Primitive;

const LOCAL: &str = "http://fhir.med-community.cn/gw/NamingSystem/";
const INTERPRETATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation";

struct Keys {
    id: Key,
    identifier: Key,
    system: Key,
    value: Key,
    name: Key,
    family: Key,
    given: Key,
    telecom: Key,
    gender: Key,
    birth_date: Key,
    address: Key,
    line: Key,
    city: Key,
    postal_code: Key,
    country: Key,
    status: Key,
    intent: Key,
    code: Key,
    coding: Key,
    display: Key,
    text: Key,
    subject: Key,
    reference: Key,
    authored_on: Key,
    requester: Key,
    based_on: Key,
    effective: Key,
    quantity: Key,
    string: Key,
    concept: Key,
    unit: Key,
    interpretation: Key,
    reference_range: Key,
    issued: Key,
    result: Key,
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys {
    id: Key::of("id"),
    identifier: Key::of("identifier"),
    system: Key::of("system"),
    value: Key::of("value"),
    name: Key::of("name"),
    family: Key::of("family"),
    given: Key::of("given"),
    telecom: Key::of("telecom"),
    gender: Key::of("gender"),
    birth_date: Key::of("birthDate"),
    address: Key::of("address"),
    line: Key::of("line"),
    city: Key::of("city"),
    postal_code: Key::of("postalCode"),
    country: Key::of("country"),
    status: Key::of("status"),
    intent: Key::of("intent"),
    code: Key::of("code"),
    coding: Key::of("coding"),
    display: Key::of("display"),
    text: Key::of("text"),
    subject: Key::of("subject"),
    reference: Key::of("reference"),
    authored_on: Key::of("authoredOn"),
    requester: Key::of("requester"),
    based_on: Key::of("basedOn"),
    effective: Key::of("effectiveDateTime"),
    quantity: Key::of("valueQuantity"),
    string: Key::of("valueString"),
    concept: Key::of("valueCodeableConcept"),
    unit: Key::of("unit"),
    interpretation: Key::of("interpretation"),
    reference_range: Key::of("referenceRange"),
    issued: Key::of("issued"),
    result: Key::of("result"),
});

/// A text with where it stands: segment, first byte, byte behind the last.
#[derive(Clone)]
struct Told<'a> {
    text: Cow<'a, str>,
    at: (u32, u32, u32),
}

/// The text of a value; nothing where it is blank or null.
fn text<'a>(segment: SegmentRef<'_>, v: Value<'a>) -> Option<Told<'a>> {
    if v.is_empty() || v.is_null() {
        return None;
    }
    let t = match v.text() {
        Cow::Borrowed(t) => Cow::Borrowed(t.trim()),
        Cow::Owned(t) => Cow::Owned(t.trim().to_owned()),
    };
    let start = v.offset() as u32;
    (!t.is_empty()).then(|| Told { text: t, at: (segment.index() as u32, start, start + v.raw().len() as u32) })
}

/// A repetition with the place where it stands.
#[derive(Clone, Copy)]
struct Rep<'a> {
    segment: SegmentRef<'a>,
    field: u16,
    index: u16,
    rep: Repetition<'a>,
}

fn reps(segment: SegmentRef<'_>, n: u16) -> impl Iterator<Item = Rep<'_>> {
    segment.field(n.into()).repetitions().enumerate().map(move |(i, rep)| Rep { segment, field: n, index: i as u16, rep })
}

fn first(segment: SegmentRef<'_>, n: u16) -> Rep<'_> {
    Rep { segment, field: n, index: 0, rep: segment.field(n.into()).rep(0) }
}

/// Notes the line (a number of ours) and the bytes of every element, and what was read, as the plan does; `TRACED` off
/// shows what that costs.
struct Hand<'c, const TRACED: bool> {
    cx: &'c Context<'c>,
    keys: &'static Keys,
    lineage: Vec<Lineage>,
    reads: RefCell<Fields>,
}

/// What a message of the yardstick's kind becomes: the resources in the order in which the plan makes them, the lineage
/// that their nodes' origins point into, and what nothing has read. `plan` says which fields only count segments.
pub fn by_hand(message: &Message<'_>, cx: &Context<'_>, plan: &Plan) -> (Vec<Tree>, Vec<Lineage>, Vec<Unread>) {
    let mut hand = Hand::<true> { cx, keys: &KEYS, lineage: Vec::with_capacity(256), reads: RefCell::new(Fields::new(message)) };
    let out = hand.run(message);
    let unread = hand.reads.borrow().unread(message, plan);
    (out, hand.lineage, unread)
}

/// The resources alone.
pub fn by_hand_untraced(message: &Message<'_>, cx: &Context<'_>) -> Vec<Tree> {
    Hand::<false> { cx, keys: &KEYS, lineage: Vec::new(), reads: RefCell::default() }.run(message)
}

/// Of what does not come from the message.
const LITERAL: (u32, u32, u32) = (u32::MAX, 0, 0);

impl<const TRACED: bool> Hand<'_, TRACED> {
    fn run(&mut self, message: &Message<'_>) -> Vec<Tree> {
        let mut out = Vec::with_capacity(16);
        let (mut patient, mut order) = (String::new(), String::new());
        let mut orc = None;
        let mut report: Option<(Tree, Vec<String>)> = None;
        let mut obr = None;
        for segment in message.iter() {
            match segment.name() {
                "PID" => out.extend(self.patient(segment, &mut patient)),
                "ORC" => orc = Some(segment),
                "OBR" => {
                    if let (Some((mut tree, results)), Some(before)) = (report.take(), obr) {
                        self.results(&mut tree, &results, before);
                        out.push(tree);
                    }
                    self.order(segment, orc.take(), &patient, &mut order, &mut out);
                    report = self.report(segment, &patient, &order).map(|t| (t, Vec::new()));
                    obr = Some(segment);
                }
                "OBX" => {
                    let Some(obr) = obr else { continue };
                    if let Some((tree, id)) = self.observation(segment, obr, &patient, &order) {
                        out.push(tree);
                        if let Some((_, results)) = &mut report {
                            results.push(id);
                        }
                    }
                }
                _ => {}
            }
        }
        if let (Some((mut tree, results)), Some(before)) = (report, obr) {
            self.results(&mut tree, &results, before);
            out.push(tree);
        }
        out
    }

    fn note(&self, r: &Rep<'_>, component: usize) {
        if TRACED {
            self.reads.borrow_mut().note(r.segment.index() as u32, r.field, r.index, component as u8);
        }
    }

    /// Component `n`.
    fn part<'a>(&self, r: Rep<'a>, n: usize) -> Option<Told<'a>> {
        let told = text(r.segment, r.rep.component(n).value())?;
        self.note(&r, n);
        Some(told)
    }

    fn sub<'a>(&self, r: Rep<'a>, n: usize, m: usize) -> Option<Told<'a>> {
        let told = text(r.segment, r.rep.component(n).subcomponent(m))?;
        self.note(&r, n);
        Some(told)
    }

    /// All of a field that is one text.
    fn field<'a>(&self, segment: SegmentRef<'a>, n: u16) -> Option<Told<'a>> {
        self.part(first(segment, n), 1)
    }

    fn whole<'a>(&self, r: Rep<'a>) -> Option<Told<'a>> {
        let told = text(r.segment, r.rep.whole())?;
        self.note(&r, 0);
        Some(told)
    }

    fn resource(&self, kind: &str, id: &str) -> Tree {
        let mut tree = Tree::resource(kind);
        tree.append_value(0, self.keys.id, Kind::String, id, false);
        tree
    }

    /// Notes which line and bytes wrote a node.
    fn wrote(&mut self, tree: &mut Tree, node: NodeId, line: u32, at: (u32, u32, u32)) {
        if TRACED {
            tree.set_origin(node, self.lineage.len() as u32);
            self.lineage.push(Lineage { line: LineId(line), segment: at.0, start: at.1, end: at.2 });
        }
    }

    fn object(&mut self, tree: &mut Tree, node: NodeId, key: Key, list: bool, line: u32) -> NodeId {
        let n = tree.append(node, key, Kind::Object, list);
        self.wrote(tree, n, line, LITERAL);
        n
    }

    fn put(&mut self, tree: &mut Tree, node: NodeId, key: Key, to: Primitive, value: Option<Told<'_>>, line: u32) -> bool {
        let Some(told) = value else { return false };
        let Some(value) = convert::to(to, told.text, self.cx.zone_minutes) else { return false };
        let list = key == self.keys.given || key == self.keys.line;
        let n = tree.append_value(node, key, to.json_kind(), &value, list);
        self.wrote(tree, n, line, told.at);
        true
    }

    fn fixed(&mut self, tree: &mut Tree, node: NodeId, key: Key, value: &str, line: u32, at: (u32, u32, u32)) {
        let n = tree.append_value(node, key, Kind::String, value, false);
        self.wrote(tree, n, line, at);
    }

    fn reference(&mut self, tree: &mut Tree, key: Key, kind: &str, id: &str, list: bool, line: u32) {
        if id.is_empty() {
            return;
        }
        let node = self.object(tree, 0, key, list, line);
        let value = tree.append(node, self.keys.reference, Kind::String, false);
        let mut writer = tree.value_writer(value, Kind::String);
        writer.push_str(kind);
        writer.push('/');
        writer.push_str(id);
        drop(writer);
        self.wrote(tree, value, line, LITERAL);
    }

    /// The uri of an assigner: a universal id has one, a name gets one under the source's namespace.
    fn system(&self, r: Rep<'_>, n: usize) -> Option<(String, (u32, u32, u32))> {
        if let Some(universal) = self.sub(r, n, 2) {
            return Some((crate::builtins::uri_of(&universal.text).unwrap_or_else(|| self.local(&universal.text)), universal.at));
        }
        let name = self.sub(r, n, 1)?;
        Some((crate::builtins::uri_of(&name.text).unwrap_or_else(|| self.local(&name.text)), name.at))
    }

    fn local(&self, name: &str) -> String {
        let plain = |t: &str| t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        debug_assert!(plain(self.cx.namespace) && plain(name), "the yardstick has plain names");
        format!("{LOCAL}{}/{name}", self.cx.namespace)
    }

    /// The namespace and number of a CX, XCN or EI.
    fn key<'a>(&self, r: Rep<'a>, assigner: usize, entity: bool) -> Option<(String, Cow<'a, str>)> {
        let number = self.part(r, 1)?;
        let (local, universal) = if entity {
            (self.part(r, assigner), self.part(r, assigner + 1))
        } else {
            (self.sub(r, assigner, 1), self.sub(r, assigner, 2))
        };
        let namespace = match (universal.and_then(|u| crate::builtins::uri_of(&u.text)), local) {
            (Some(uri), _) => uri,
            (None, Some(name)) => format!("{}/{}", self.cx.namespace, name.text),
            (None, None) => self.cx.namespace.to_owned(),
        };
        Some((namespace, number.text))
    }

    fn identifier(&mut self, tree: &mut Tree, r: Rep<'_>, entity: bool, line: u32) {
        let Some(value) = self.part(r, 1) else { return };
        let node = self.object(tree, 0, self.keys.identifier, true, line);
        let system = if entity {
            self.part(r, 2).map(|n| (crate::builtins::uri_of(&n.text).unwrap_or_else(|| self.local(&n.text)), n.at))
        } else {
            self.system(r, 4)
        };
        if let Some((system, at)) = system {
            self.fixed(tree, node, self.keys.system, &system, line + 1, at);
        }
        self.put(tree, node, self.keys.value, Primitive::String, Some(value), line + 2);
    }

    fn patient(&mut self, pid: SegmentRef<'_>, id: &mut String) -> Option<Tree> {
        let k = self.keys;
        let chosen = reps(pid, 3).find(|r| self.part(*r, 5).is_some_and(|t| t.text == "MR")).unwrap_or(first(pid, 3));
        let (namespace, number) = self.key(chosen, 4, false)?;
        *id = from_identity(&namespace, "Patient", [&*number]);
        let mut t = self.resource("Patient", id);
        reps(pid, 3).for_each(|r| self.identifier(&mut t, r, false, 1));
        for r in reps(pid, 5) {
            let (family, given) = (self.sub(r, 1, 1), self.part(r, 2));
            if family.is_some() || given.is_some() {
                let node = self.object(&mut t, 0, k.name, true, 4);
                self.put(&mut t, node, k.family, Primitive::String, family, 5);
                self.put(&mut t, node, k.given, Primitive::String, given, 6);
            }
        }
        if let Some(phone) = self.part(first(pid, 13), 1) {
            let node = self.object(&mut t, 0, k.telecom, true, 7);
            self.fixed(&mut t, node, k.system, "phone", 8, LITERAL);
            self.put(&mut t, node, k.value, Primitive::String, Some(phone), 9);
        }
        if let Some(sex) = self.field(pid, 8) {
            match &*sex.text {
                "M" => self.fixed(&mut t, 0, k.gender, "male", 10, sex.at),
                "F" => self.fixed(&mut t, 0, k.gender, "female", 10, sex.at),
                _ => {}
            }
        }
        self.put(&mut t, 0, k.birth_date, Primitive::Date, self.field(pid, 7), 11);
        for r in reps(pid, 11) {
            let node = self.object(&mut t, 0, k.address, true, 12);
            self.put(&mut t, node, k.line, Primitive::String, self.sub(r, 1, 1), 13);
            self.put(&mut t, node, k.city, Primitive::String, self.part(r, 3), 14);
            self.put(&mut t, node, k.postal_code, Primitive::String, self.part(r, 5), 15);
            self.put(&mut t, node, k.country, Primitive::String, self.part(r, 6), 16);
        }
        Some(t)
    }

    fn concept(&mut self, t: &mut Tree, key: Key, r: Rep<'_>) -> bool {
        let k = self.keys;
        let node = self.object(t, 0, key, false, 20);
        let mut some = false;
        for from in [0, 3] {
            let (code, display, system) = (self.part(r, from + 1), self.part(r, from + 2), self.part(r, from + 3));
            if code.is_none() && display.is_none() && system.is_none() {
                continue;
            }
            some = true;
            let coding = self.object(t, node, k.coding, true, 21);
            if let Some(name) = system {
                if name.text == "LN" {
                    self.fixed(t, coding, k.system, "http://loinc.org", 22, name.at);
                } else {
                    let uri = crate::builtins::uri_of(&name.text).unwrap_or_else(|| self.local(&name.text));
                    self.fixed(t, coding, k.system, &uri, 22, name.at);
                }
            }
            self.put(t, coding, k.code, Primitive::Code, code, 23);
            self.put(t, coding, k.display, Primitive::String, display, 24);
        }
        some | self.put(t, node, k.text, Primitive::String, self.part(r, 9), 25)
    }

    fn order(&mut self, obr: SegmentRef<'_>, orc: Option<SegmentRef<'_>>, patient: &str, id: &mut String, out: &mut Vec<Tree>) {
        let k = self.keys;
        let Some((namespace, number)) = self.key(first(obr, 2), 2, true) else { return };
        *id = from_identity(&namespace, "ServiceRequest", [&*number, "order"]);
        let mut t = self.resource("ServiceRequest", id);
        self.identifier(&mut t, first(obr, 2), true, 30);
        self.identifier(&mut t, first(obr, 3), true, 33);
        let status = orc.and_then(|o| self.field(o, 5));
        let (status, at) = match status.as_ref().map(|s| (&*s.text, s.at)) {
            Some(("CM", at)) => ("completed", at),
            Some(("IP", at)) => ("active", at),
            _ => ("unknown", LITERAL),
        };
        self.fixed(&mut t, 0, k.status, status, 36, at);
        self.fixed(&mut t, 0, k.intent, "order", 37, LITERAL);
        if !obr.field(4).is_empty() {
            self.concept(&mut t, k.code, first(obr, 4));
        }
        self.reference(&mut t, k.subject, "Patient", patient, false, 38);
        self.put(&mut t, 0, k.authored_on, Primitive::DateTime, orc.and_then(|o| self.field(o, 9)), 39);
        if !obr.field(16).is_empty() {
            match self.doctor(first(obr, 16)) {
                Some((tree, id)) => {
                    self.reference(&mut t, k.requester, "Practitioner", &id, false, 40);
                    out.push(tree);
                }
                None => {
                    if let Some(name) = self.part(first(obr, 16), 2) {
                        let node = self.object(&mut t, 0, k.requester, false, 40);
                        self.put(&mut t, node, k.display, Primitive::String, Some(name), 41);
                    }
                }
            }
        }
        out.push(t);
    }

    fn doctor(&mut self, r: Rep<'_>) -> Option<(Tree, String)> {
        let k = self.keys;
        let (namespace, number) = self.key(r, 9, false)?;
        let id = from_identity(&namespace, "Practitioner", [&*number]);
        let mut t = self.resource("Practitioner", &id);
        let node = self.object(&mut t, 0, k.identifier, true, 50);
        self.put(&mut t, node, k.value, Primitive::String, self.part(r, 1), 51);
        let (family, given) = (self.sub(r, 2, 1), self.part(r, 3));
        if family.is_some() || given.is_some() {
            let node = self.object(&mut t, 0, k.name, true, 52);
            self.put(&mut t, node, k.family, Primitive::String, family, 53);
            self.put(&mut t, node, k.given, Primitive::String, given, 54);
        }
        Some((t, id))
    }

    fn observation(&mut self, obx: SegmentRef<'_>, obr: SegmentRef<'_>, patient: &str, order: &str) -> Option<(Tree, String)> {
        let k = self.keys;
        let plain = |s, n| self.field(s, n).map(|t| t.text).unwrap_or_default();
        let filler = plain(obr, 3);
        let id = match self.key(first(obx, 21), 2, true) {
            Some((namespace, number)) => from_identity(&namespace, "Observation", [&*number]),
            None if filler.is_empty() => return None,
            None => from_identity(self.cx.namespace, "Observation", [&*filler, &*plain(obx, 3), &*plain(obx, 4), &*plain(obx, 14)]),
        };
        let mut t = self.resource("Observation", &id);
        self.reference(&mut t, k.based_on, "ServiceRequest", order, true, 60);
        let told = self.field(obx, 11)?;
        self.fixed(&mut t, 0, k.status, status(&told.text)?, 61, told.at);
        if !self.concept(&mut t, k.code, first(obx, 3)) {
            return None;
        }
        self.reference(&mut t, k.subject, "Patient", patient, false, 62);
        let time = self.field(obx, 14).or_else(|| self.field(obr, 7));
        self.put(&mut t, 0, k.effective, Primitive::DateTime, time, 63);
        self.value(&mut t, obx);
        for r in reps(obx, 8) {
            let Some(flag) = self.part(r, 1) else { continue };
            let display = match &*flag.text {
                "H" => "High",
                "L" => "Low",
                "N" => "Normal",
                _ => continue,
            };
            let node = self.object(&mut t, 0, k.interpretation, true, 70);
            let coding = self.object(&mut t, node, k.coding, true, 70);
            self.fixed(&mut t, coding, k.system, INTERPRETATION, 70, flag.at);
            self.fixed(&mut t, coding, k.code, &flag.text, 70, flag.at);
            self.fixed(&mut t, coding, k.display, display, 70, flag.at);
        }
        if let Some(range) = self.whole(first(obx, 7)) {
            let node = self.object(&mut t, 0, k.reference_range, true, 71);
            self.put(&mut t, node, k.text, Primitive::String, Some(range), 72);
        }
        Some((t, id))
    }

    /// OBX-5 as text, a line each repetition.
    fn joined<'a>(&self, obx: SegmentRef<'a>) -> Option<Told<'a>> {
        let mut all: Option<Told<'a>> = None;
        for r in reps(obx, 5) {
            let Some(b) = self.whole(r) else { continue };
            all = Some(match all {
                None => b,
                Some(a) => Told { text: Cow::Owned(format!("{}\n{}", a.text, b.text)), at: (a.at.0, a.at.1, b.at.2) },
            });
        }
        all
    }

    fn value(&mut self, t: &mut Tree, obx: SegmentRef<'_>) {
        let k = self.keys;
        match self.field(obx, 2).as_ref().map(|t| &*t.text) {
            Some("NM") => {
                let number = self.field(obx, 5).and_then(|v| Some((convert::to(Primitive::Decimal, v.text, 0)?, v.at)));
                let Some((number, at)) = number else {
                    self.put(t, 0, k.string, Primitive::String, self.joined(obx), 64);
                    return;
                };
                let node = self.object(t, 0, k.quantity, false, 64);
                let n = t.append_value(node, k.value, Kind::Number, &number, false);
                self.wrote(t, n, 65, at);
                let unit = first(obx, 6);
                let code = self.part(unit, 1);
                self.put(t, node, k.unit, Primitive::String, self.part(unit, 2).or_else(|| code.clone()), 66);
                if code.is_some() {
                    self.fixed(t, node, k.system, "http://unitsofmeasure.org", 67, LITERAL);
                }
                self.put(t, node, k.code, Primitive::Code, code, 68);
            }
            Some("CWE" | "CE" | "CNE") => {
                self.concept(t, k.concept, first(obx, 5));
            }
            Some("ST" | "FT" | "TX") => {
                self.put(t, 0, k.string, Primitive::String, self.joined(obx), 64);
            }
            _ => {}
        }
    }

    fn report(&mut self, obr: SegmentRef<'_>, patient: &str, order: &str) -> Option<Tree> {
        let k = self.keys;
        let (namespace, number) = self.key(first(obr, 3), 2, true)?;
        let id = from_identity(&namespace, "DiagnosticReport", [&*number, "report"]);
        let mut t = self.resource("DiagnosticReport", &id);
        self.identifier(&mut t, first(obr, 3), true, 80);
        self.reference(&mut t, k.based_on, "ServiceRequest", order, true, 83);
        let told = self.field(obr, 25);
        let (status, at) = told.as_ref().and_then(|s| Some((status(&s.text)?, s.at))).unwrap_or(("unknown", LITERAL));
        self.fixed(&mut t, 0, k.status, status, 84, at);
        if !self.concept(&mut t, k.code, first(obr, 4)) {
            return None;
        }
        self.reference(&mut t, k.subject, "Patient", patient, false, 85);
        self.put(&mut t, 0, k.effective, Primitive::DateTime, self.field(obr, 7), 86);
        Some(t)
    }

    fn results(&mut self, t: &mut Tree, results: &[String], obr: SegmentRef<'_>) {
        self.put(t, 0, self.keys.issued, Primitive::Instant, self.field(obr, 22), 87);
        results.iter().for_each(|id| self.reference(t, self.keys.result, "Observation", id, true, 88));
    }
}

fn status(code: &str) -> Option<&'static str> {
    match code {
        "F" => Some("final"),
        "P" => Some("preliminary"),
        "C" => Some("corrected"),
        _ => None,
    }
}
