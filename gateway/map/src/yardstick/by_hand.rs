//! The yardstick's mapping as somebody would write it in Rust who writes only this one: fields read in place, elements
//! written in order, nothing looked up that is known. Every value gets the care that the plan gives it: escapes,
//! blanks, null, forms of primitives, a local name for an assigner without a uri.

use hutong_decode::v2::{Component, FieldRef, Message, Repetition, SegmentRef, Value};
use hutong_fhir::id::from_identity;
use hutong_fhir::{Key, Kind, NodeId, Tree};
use std::borrow::Cow;
use std::sync::LazyLock;

use crate::Context;
use crate::builtins::convert;
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

/// The text of a value; nothing where it is blank or null.
fn text(v: Value<'_>) -> Option<Cow<'_, str>> {
    if v.is_empty() || v.is_null() {
        return None;
    }
    let t = match v.text() {
        Cow::Borrowed(t) => Cow::Borrowed(t.trim()),
        Cow::Owned(t) => Cow::Owned(t.trim().to_owned()),
    };
    (!t.is_empty()).then_some(t)
}

fn part(r: Repetition<'_>, n: usize) -> Option<Cow<'_, str>> {
    text(r.component(n).value())
}

struct Hand<'c> {
    cx: &'c Context<'c>,
    keys: &'static Keys,
}

/// The resources of a message of the yardstick's kind, in the order in which the plan makes them.
pub fn by_hand(message: &Message<'_>, cx: &Context<'_>) -> Vec<Tree> {
    let hand = Hand { cx, keys: &KEYS };
    let mut out = Vec::with_capacity(16);
    let (mut patient, mut order) = (String::new(), String::new());
    let mut orc = None;
    let mut report: Option<(Tree, Vec<String>)> = None;
    let mut obr = None;
    for segment in message.iter() {
        match segment.name() {
            "PID" => out.extend(hand.patient(segment, &mut patient)),
            "ORC" => orc = Some(segment),
            "OBR" => {
                if let (Some((mut tree, results)), Some(before)) = (report.take(), obr) {
                    hand.results(&mut tree, &results, before);
                    out.push(tree);
                }
                hand.order(segment, orc.take(), &patient, &mut order, &mut out);
                report = hand.report(segment, &patient, &order).map(|t| (t, Vec::new()));
                obr = Some(segment);
            }
            "OBX" => {
                let Some(obr) = obr else { continue };
                if let Some((tree, id)) = hand.observation(segment, obr, &patient, &order) {
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
        hand.results(&mut tree, &results, before);
        out.push(tree);
    }
    out
}

impl Hand<'_> {
    fn resource(&self, kind: &str, id: &str) -> Tree {
        let mut tree = Tree::resource(kind);
        tree.add_value(0, self.keys.id, Kind::String, id, false);
        tree
    }

    fn put(&self, tree: &mut Tree, node: NodeId, key: Key, to: Primitive, value: Option<Cow<'_, str>>, list: bool) -> bool {
        let Some(value) = value.and_then(|v| convert::to(to, v, self.cx.zone_minutes)) else { return false };
        tree.add_value(node, key, to.json_kind(), &value, list);
        true
    }

    fn fixed(&self, tree: &mut Tree, node: NodeId, key: Key, value: &str) {
        tree.add_value(node, key, Kind::String, value, false);
    }

    fn reference(&self, tree: &mut Tree, key: Key, kind: &str, id: &str, list: bool) {
        if id.is_empty() {
            return;
        }
        let node = tree.add(0, key, Kind::Object, list);
        let value = tree.add(node, self.keys.reference, Kind::String, false);
        let mut writer = tree.value_writer(value, Kind::String);
        writer.push_str(kind);
        writer.push('/');
        writer.push_str(id);
    }

    /// The uri of an assigner: a universal id has one, a name gets one under the source's namespace.
    fn system(&self, hd: Component<'_>) -> Option<String> {
        if let Some(universal) = text(hd.subcomponent(2)) {
            return Some(crate::builtins::uri_of(&universal).unwrap_or_else(|| self.local(&universal)));
        }
        let name = text(hd.subcomponent(1))?;
        Some(crate::builtins::uri_of(&name).unwrap_or_else(|| self.local(&name)))
    }

    fn local(&self, name: &str) -> String {
        let plain = |t: &str| t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        debug_assert!(plain(self.cx.namespace) && plain(name), "the yardstick has plain names");
        format!("{LOCAL}{}/{name}", self.cx.namespace)
    }

    /// The namespace and number of a CX, XCN or EI.
    fn key(&self, r: Repetition<'_>, assigner: usize, entity: bool) -> Option<(String, String)> {
        let number = part(r, 1)?;
        let hd = r.component(assigner);
        let (local, universal) =
            if entity { (part(r, assigner), part(r, assigner + 1)) } else { (text(hd.subcomponent(1)), text(hd.subcomponent(2))) };
        let namespace = match (universal.as_deref().and_then(crate::builtins::uri_of), local) {
            (Some(uri), _) => uri,
            (None, Some(name)) => format!("{}/{name}", self.cx.namespace),
            (None, None) => self.cx.namespace.to_owned(),
        };
        Some((namespace, number.into_owned()))
    }

    fn identifier(&self, tree: &mut Tree, r: Repetition<'_>, entity: bool) {
        let Some(value) = part(r, 1) else { return };
        let node = tree.add(0, self.keys.identifier, Kind::Object, true);
        let system = if entity {
            part(r, 2).map(|n| crate::builtins::uri_of(&n).unwrap_or_else(|| self.local(&n)))
        } else {
            self.system(r.component(4))
        };
        if let Some(system) = system {
            self.fixed(tree, node, self.keys.system, &system);
        }
        self.put(tree, node, self.keys.value, Primitive::String, Some(value), false);
    }

    fn patient(&self, pid: SegmentRef<'_>, id: &mut String) -> Option<Tree> {
        let k = self.keys;
        let numbers = pid.field(3);
        let chosen = numbers.repetitions().find(|r| part(*r, 5).as_deref() == Some("MR")).unwrap_or(numbers.rep(0));
        let (namespace, number) = self.key(chosen, 4, false)?;
        *id = from_identity(&namespace, "Patient", [number.as_str()]);
        let mut t = self.resource("Patient", id);
        numbers.repetitions().for_each(|r| self.identifier(&mut t, r, false));
        for r in pid.field(5).repetitions() {
            let (family, given) = (text(r.component(1).subcomponent(1)), part(r, 2));
            if family.is_some() || given.is_some() {
                let node = t.add(0, k.name, Kind::Object, true);
                self.put(&mut t, node, k.family, Primitive::String, family, false);
                self.put(&mut t, node, k.given, Primitive::String, given, true);
            }
        }
        if let Some(phone) = part(pid.field(13).rep(0), 1) {
            let node = t.add(0, k.telecom, Kind::Object, true);
            self.fixed(&mut t, node, k.system, "phone");
            self.put(&mut t, node, k.value, Primitive::String, Some(phone), false);
        }
        match text(pid.field(8).value()).as_deref() {
            Some("M") => self.fixed(&mut t, 0, k.gender, "male"),
            Some("F") => self.fixed(&mut t, 0, k.gender, "female"),
            _ => {}
        }
        self.put(&mut t, 0, k.birth_date, Primitive::Date, text(pid.field(7).value()), false);
        for r in pid.field(11).repetitions() {
            let node = t.add(0, k.address, Kind::Object, true);
            self.put(&mut t, node, k.line, Primitive::String, text(r.component(1).subcomponent(1)), true);
            self.put(&mut t, node, k.city, Primitive::String, part(r, 3), false);
            self.put(&mut t, node, k.postal_code, Primitive::String, part(r, 5), false);
            self.put(&mut t, node, k.country, Primitive::String, part(r, 6), false);
        }
        Some(t)
    }

    fn concept(&self, t: &mut Tree, key: Key, r: Repetition<'_>) -> bool {
        let k = self.keys;
        let node = t.add(0, key, Kind::Object, false);
        let mut some = false;
        for from in [0, 3] {
            let (code, display, system) = (part(r, from + 1), part(r, from + 2), part(r, from + 3));
            if code.is_none() && display.is_none() && system.is_none() {
                continue;
            }
            some = true;
            let coding = t.add(node, k.coding, Kind::Object, true);
            match system.as_deref() {
                Some("LN") => self.fixed(t, coding, k.system, "http://loinc.org"),
                Some(name) => {
                    let uri = crate::builtins::uri_of(name).unwrap_or_else(|| self.local(name));
                    self.fixed(t, coding, k.system, &uri);
                }
                None => {}
            }
            self.put(t, coding, k.code, Primitive::Code, code, false);
            self.put(t, coding, k.display, Primitive::String, display, false);
        }
        some | self.put(t, node, k.text, Primitive::String, part(r, 9), false)
    }

    fn order(&self, obr: SegmentRef<'_>, orc: Option<SegmentRef<'_>>, patient: &str, id: &mut String, out: &mut Vec<Tree>) {
        let k = self.keys;
        let Some((namespace, number)) = self.key(obr.field(2).rep(0), 2, true) else { return };
        *id = from_identity(&namespace, "ServiceRequest", [number.as_str(), "order"]);
        let mut t = self.resource("ServiceRequest", id);
        self.identifier(&mut t, obr.field(2).rep(0), true);
        self.identifier(&mut t, obr.field(3).rep(0), true);
        let status = orc.and_then(|o| text(o.field(5).value()));
        let status = match status.as_deref() {
            Some("CM") => "completed",
            Some("IP") => "active",
            _ => "unknown",
        };
        self.fixed(&mut t, 0, k.status, status);
        self.fixed(&mut t, 0, k.intent, "order");
        if !obr.field(4).is_empty() {
            self.concept(&mut t, k.code, obr.field(4).rep(0));
        }
        self.reference(&mut t, k.subject, "Patient", patient, false);
        self.put(&mut t, 0, k.authored_on, Primitive::DateTime, orc.and_then(|o| text(o.field(9).value())), false);
        if !obr.field(16).is_empty() {
            match self.doctor(obr.field(16).rep(0)) {
                Some((tree, id)) => {
                    self.reference(&mut t, k.requester, "Practitioner", &id, false);
                    out.push(tree);
                }
                None => {
                    let name = part(obr.field(16).rep(0), 2);
                    if let Some(name) = name {
                        let node = t.add(0, k.requester, Kind::Object, false);
                        self.fixed(&mut t, node, k.display, &name);
                    }
                }
            }
        }
        out.push(t);
    }

    fn doctor(&self, r: Repetition<'_>) -> Option<(Tree, String)> {
        let k = self.keys;
        let (namespace, number) = self.key(r, 9, false)?;
        let id = from_identity(&namespace, "Practitioner", [number.as_str()]);
        let mut t = self.resource("Practitioner", &id);
        let node = t.add(0, k.identifier, Kind::Object, true);
        self.put(&mut t, node, k.value, Primitive::String, part(r, 1), false);
        let (family, given) = (text(r.component(2).subcomponent(1)), part(r, 3));
        if family.is_some() || given.is_some() {
            let node = t.add(0, k.name, Kind::Object, true);
            self.put(&mut t, node, k.family, Primitive::String, family, false);
            self.put(&mut t, node, k.given, Primitive::String, given, true);
        }
        Some((t, id))
    }

    fn status<'s>(&self, f: FieldRef<'_>) -> Option<&'s str> {
        match text(f.value()).as_deref() {
            Some("F") => Some("final"),
            Some("P") => Some("preliminary"),
            Some("C") => Some("corrected"),
            _ => None,
        }
    }

    fn observation(&self, obx: SegmentRef<'_>, obr: SegmentRef<'_>, patient: &str, order: &str) -> Option<(Tree, String)> {
        let k = self.keys;
        let field = |n| text(obx.field(n).value()).unwrap_or_default();
        let filler = text(obr.field(3).value()).unwrap_or_default();
        let id = match self.key(obx.field(21).rep(0), 2, true) {
            Some((namespace, number)) => from_identity(&namespace, "Observation", [number.as_str()]),
            None if filler.is_empty() => return None,
            None => from_identity(self.cx.namespace, "Observation", [&*filler, &*field(3), &*field(4), &*field(14)]),
        };
        let mut t = self.resource("Observation", &id);
        self.reference(&mut t, k.based_on, "ServiceRequest", order, true);
        self.fixed(&mut t, 0, k.status, self.status(obx.field(11))?);
        if !self.concept(&mut t, k.code, obx.field(3).rep(0)) {
            return None;
        }
        self.reference(&mut t, k.subject, "Patient", patient, false);
        let time = text(obx.field(14).value()).or_else(|| text(obr.field(7).value()));
        self.put(&mut t, 0, k.effective, Primitive::DateTime, time, false);
        self.value(&mut t, obx);
        for r in obx.field(8).repetitions() {
            let Some(flag) = text(r.value()) else { continue };
            let display = match &*flag {
                "H" => "High",
                "L" => "Low",
                "N" => "Normal",
                _ => continue,
            };
            let node = t.add(0, k.interpretation, Kind::Object, true);
            let coding = t.add(node, k.coding, Kind::Object, true);
            self.fixed(&mut t, coding, k.system, INTERPRETATION);
            self.fixed(&mut t, coding, k.code, &flag);
            self.fixed(&mut t, coding, k.display, display);
        }
        if let Some(range) = text(obx.field(7).rep(0).whole()) {
            let node = t.add(0, k.reference_range, Kind::Object, true);
            self.put(&mut t, node, k.text, Primitive::String, Some(range), false);
        }
        Some((t, id))
    }

    fn value(&self, t: &mut Tree, obx: SegmentRef<'_>) {
        let k = self.keys;
        let result = obx.field(5);
        let joined = || -> Option<Cow<'_, str>> {
            let mut all = result.repetitions().filter_map(|r| text(r.whole()));
            let first = all.next()?;
            Some(all.fold(first, |a, b| Cow::Owned(format!("{a}\n{b}"))))
        };
        match text(obx.field(2).value()).as_deref() {
            Some("NM") => {
                let number = text(result.value()).and_then(|v| convert::to(Primitive::Decimal, v, 0));
                let Some(number) = number else {
                    self.put(t, 0, k.string, Primitive::String, joined(), false);
                    return;
                };
                let node = t.add(0, k.quantity, Kind::Object, false);
                t.add_value(node, k.value, Kind::Number, &number, false);
                let unit = obx.field(6).rep(0);
                let code = part(unit, 1);
                self.put(t, node, k.unit, Primitive::String, part(unit, 2).or_else(|| code.clone()), false);
                if code.is_some() {
                    self.fixed(t, node, k.system, "http://unitsofmeasure.org");
                }
                self.put(t, node, k.code, Primitive::Code, code, false);
            }
            Some("CWE" | "CE" | "CNE") => {
                self.concept(t, k.concept, result.rep(0));
            }
            Some("ST" | "FT" | "TX") => {
                self.put(t, 0, k.string, Primitive::String, joined(), false);
            }
            _ => {}
        }
    }

    fn report(&self, obr: SegmentRef<'_>, patient: &str, order: &str) -> Option<Tree> {
        let k = self.keys;
        let (namespace, number) = self.key(obr.field(3).rep(0), 2, true)?;
        let id = from_identity(&namespace, "DiagnosticReport", [number.as_str(), "report"]);
        let mut t = self.resource("DiagnosticReport", &id);
        self.identifier(&mut t, obr.field(3).rep(0), true);
        self.reference(&mut t, k.based_on, "ServiceRequest", order, true);
        self.fixed(&mut t, 0, k.status, self.status(obr.field(25)).unwrap_or("unknown"));
        if !self.concept(&mut t, k.code, obr.field(4).rep(0)) {
            return None;
        }
        self.reference(&mut t, k.subject, "Patient", patient, false);
        self.put(&mut t, 0, k.effective, Primitive::DateTime, text(obr.field(7).value()), false);
        Some(t)
    }

    fn results(&self, t: &mut Tree, results: &[String], obr: SegmentRef<'_>) {
        self.put(t, 0, self.keys.issued, Primitive::Instant, text(obr.field(22).value()), false);
        results.iter().for_each(|id| self.reference(t, self.keys.result, "Observation", id, true));
    }
}
