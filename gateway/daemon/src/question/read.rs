//! What a message asks of mutual recognition: its orders, its visit, and what the doctor answers in `ZRA`.

use hutong_decode::v2::{Message, SegmentRef, datetime};
use hutong_enforce::recognition::Setting;
use hutong_enforce::recognition::desk::{Ask, OrderAsked};
use hutong_enforce::recognition::record::{Context, Trigger};
use hutong_fhir::{Location, NodeRef};
use hutong_receive::order_answer::{Control, OrderTold, PatientTold};
use hutong_receive::sources::Source;

use super::Circumstances;
use crate::shown::Processed;

/// Types of messages that hold orders for examinations.
const ORDERS: [&str; 7] = ["ORM^O01", "OML^O21", "OMG^O19", "OMI^O23", "OML^O33", "ORM", "OML"];
/// ADT that open a visit.
const VISITS: [&str; 2] = ["ADT^A01", "ADT^A04"];
/// ORC-1 of an order that is new; none at all is one too.
const NEW: [&str; 3] = ["NW", "RO", ""];
/// Orders of one message that are asked about.
pub(super) const ORDERS_MAX: usize = 200;
/// Coding system of a reason in ORC-16: other codes there mean something else to their sender.
const REASON_SYSTEM: &str = "HR-REASON";

pub(crate) fn is_order(message_type: &str) -> bool {
    ORDERS.contains(&message_type)
}

pub(super) fn opens_visit(message_type: &str) -> bool {
    VISITS.contains(&message_type)
}

/// An order as the message gives it.
#[derive(Default, Debug)]
pub(crate) struct Order {
    /// ORC-1.
    pub(super) control: String,
    /// ORC-2, ORC-3, OBR-4 as they stand.
    pub(super) placer: String,
    pub(super) filler: String,
    pub(super) item: String,
    /// Where it stands, for ERR-2.
    pub(super) at: Location,
    /// What is to be asked; `None`: it is not new, or no ServiceRequest was made of it.
    pub(super) asked: Option<OrderAsked>,
    /// `ServiceRequest/<id>`; empty where there is none.
    pub(super) reference: String,
    doctor: String,
    department: String,
}

/// A `ZRA`: what the doctor answers.
#[derive(Default, Debug)]
pub(super) struct Spoken {
    pub(super) sequence: u32,
    pub(super) reminder: String,
    pub(super) report: String,
    pub(super) decision: String,
    pub(super) reason: String,
    pub(super) diagnosis: String,
    pub(super) doctor: String,
    pub(super) department: String,
    pub(super) at_us: Option<i64>,
    /// Which of the orders it stands behind.
    pub(super) behind: Option<usize>,
}

/// All of it.
#[derive(Default)]
pub(crate) struct Asked {
    pub(super) orders: Vec<Order>,
    pub(super) spoken: Vec<Spoken>,
    pub(crate) patient: PatientTold,
    pub(super) context: Context,
    pub(super) setting: Option<Setting>,
    pub(super) trigger: Option<Trigger>,
}

impl Asked {
    /// Reads what of the message the mapping has no place for, and ties its orders to the resources that were made of them.
    pub(super) fn of(message: &Message<'_>, processed: &Processed, source: &Source, trigger: Trigger) -> Asked {
        let mut asked =
            Asked { context: context(message, processed, source), setting: setting(processed), trigger: Some(trigger), ..Asked::default() };
        if let Some(pid) = message.first("PID") {
            asked.patient = PatientTold { identifiers: pid.field(3).raw().to_owned(), name: pid.field(5).raw().to_owned() };
        }
        let requests = processed.requests();
        let mut orc: Option<SegmentRef<'_>> = None;
        // which ORC and OBR of the message it is, for ERR-2
        let (mut orcs, mut obrs) = (0, 0);
        for segment in message.iter() {
            match segment.name() {
                "ORC" => {
                    orcs += 1;
                    orc = Some(segment);
                    asked.orders.push(common(segment, place("ORC", orcs, 1)));
                }
                "OBR" => {
                    obrs += 1;
                    asked.requested(segment, orc, place("OBR", obrs, 4), &requests);
                }
                "ZRA" => {
                    let behind = asked.orders.len().checked_sub(1);
                    let sequence = u32::try_from(asked.spoken.len()).unwrap_or(u32::MAX).saturating_add(1);
                    asked.spoken.push(Spoken { sequence, behind, ..spoken(segment, source.zone_offset_minutes) });
                }
                _ => {}
            }
        }
        asked.excepted();
        asked
    }

    /// An OBR: that of the order begun by the ORC before it, or a further one.
    fn requested(&mut self, obr: SegmentRef<'_>, orc: Option<SegmentRef<'_>>, at: Location, requests: &[(usize, NodeRef<'_>)]) {
        let is_own = self.orders.last().is_some_and(|order| order.item.is_empty());
        if !is_own {
            self.orders.push(orc.map(|orc| common(orc, Location::Whole)).unwrap_or_default());
        }
        let Some(order) = self.orders.last_mut() else { return };
        obr.field(4).raw().clone_into(&mut order.item);
        order.at = at;
        for (field, place) in [(2, &mut order.placer), (3, &mut order.filler)] {
            if place.is_empty() {
                obr.field(field).raw().clone_into(place);
            }
        }
        if order.doctor.is_empty() {
            order.doctor = text(obr, 16);
        }
        let Some((_, request)) = requests.iter().find(|(segment, _)| *segment == obr.index()) else { return };
        let Some(id) = request.at("id") else { return };
        order.reference = format!("ServiceRequest/{id}");
        // an order that comes with a status or a result is none that is placed now
        let told = orc.is_some_and(|orc| !orc.field(5).is_empty()) || !obr.field(25).is_empty();
        if NEW.contains(&&*order.control) && !told {
            let codes = codes(*request);
            let name = request.at("code.text").or_else(|| request.at("code.coding.display")).unwrap_or_default().to_owned();
            order.asked = Some(OrderAsked { order: order.reference.clone(), codes, name, exceptions: order_reason(orc) });
        }
    }

    /// A new order that comes with a reason says from the start why it is repeated.
    fn excepted(&mut self) {
        for spoken in self.spoken.iter().filter(|s| s.decision == "refuse" && !s.reason.is_empty()) {
            let order = spoken.behind.and_then(|n| self.orders.get_mut(n));
            if let Some(asked) = order.and_then(|order| order.asked.as_mut()) {
                asked.exceptions.push(spoken.reason.clone());
            }
        }
    }

    pub(super) fn is_visit(&self) -> bool {
        self.trigger == Some(Trigger::Visit)
    }

    /// Whether the message is a question.
    pub(crate) fn is_question(&self) -> bool {
        !self.spoken.is_empty() || self.is_visit() || self.orders.iter().any(|order| order.asked.is_some())
    }

    /// What is to be asked; `None`: nothing.
    pub(super) fn ask(&self, way: &Circumstances<'_>) -> Option<Ask> {
        let trigger = self.trigger?;
        let orders: Vec<OrderAsked> = self.orders.iter().filter_map(|order| order.asked.clone()).take(ORDERS_MAX).collect();
        let first = self.orders.iter().find(|order| order.asked.is_some());
        if self.context.patient.is_empty() || (trigger == Trigger::Order && orders.is_empty()) {
            return None;
        }
        let mut context = self.context_of(first);
        context.order.clear();
        let (source, same) = (way.source.id.clone(), way.same.clone());
        Some(Ask { trigger, source, context, same, setting: self.setting, at_us: way.now_us, orders })
    }

    /// The orders as they are answered where nothing is said of them.
    pub(crate) fn plain(&self) -> Vec<OrderTold> {
        let told = |order: &Order| OrderTold {
            control: Control::of(&order.control),
            placer: order.placer.clone(),
            filler: order.filler.clone(),
            item: order.item.clone(),
            ..OrderTold::default()
        };
        self.orders.iter().map(told).collect()
    }

    /// Who asks about an order, or at the visit.
    pub(super) fn context_of(&self, order: Option<&Order>) -> Context {
        let mut context = self.context.clone();
        if let Some(order) = order {
            for (own, place) in [(&order.doctor, &mut context.doctor), (&order.department, &mut context.department)] {
                if !own.is_empty() {
                    own.clone_into(place);
                }
            }
            order.reference.clone_into(&mut context.order);
        }
        context
    }
}

fn text(segment: SegmentRef<'_>, field: usize) -> String {
    segment.field(field).value().text().trim().to_owned()
}

fn part(segment: SegmentRef<'_>, field: usize, component: usize) -> String {
    segment.field(field).component(component).value().text().trim().to_owned()
}

/// A field as ERR-2 names it.
pub(super) fn place(segment: &str, sequence: u32, field: u32) -> Location {
    Location::V2 { segment: segment.to_owned(), sequence, field, repetition: 0, component: 0, subcomponent: 0 }
}

fn common(orc: SegmentRef<'_>, at: Location) -> Order {
    Order {
        control: text(orc, 1).to_ascii_uppercase(),
        placer: orc.field(2).raw().to_owned(),
        filler: orc.field(3).raw().to_owned(),
        at,
        doctor: text(orc, 12),
        department: text(orc, 17),
        ..Order::default()
    }
}

/// ORC-16, where its coding system says that it is one of the list.
fn order_reason(orc: Option<SegmentRef<'_>>) -> Vec<String> {
    let reason = orc.filter(|orc| part(*orc, 16, 3) == REASON_SYSTEM).map(|orc| text(orc, 16));
    reason.into_iter().filter(|code| !code.is_empty()).collect()
}

fn codes(request: NodeRef<'_>) -> Vec<(String, String)> {
    let Some(code) = request.get("code") else { return Vec::new() };
    let codings = code.children().filter(|child| child.name() == "coding");
    codings.filter_map(|c| Some((c.at("system").unwrap_or_default().to_owned(), c.at("code")?.to_owned()))).collect()
}

fn spoken(zra: SegmentRef<'_>, zone: i16) -> Spoken {
    let diagnosis = [part(zra, 6, 2), part(zra, 6, 1)].into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    Spoken {
        reminder: text(zra, 2),
        report: text(zra, 3),
        decision: text(zra, 4).to_ascii_lowercase(),
        reason: text(zra, 5),
        diagnosis,
        doctor: text(zra, 7),
        at_us: datetime::parse(&zra.field(8).value().text()).map(|t| t.unix_us(zone)),
        department: text(zra, 9),
        ..Spoken::default()
    }
}

/// What holds for the whole message.
fn context(message: &Message<'_>, processed: &Processed, source: &Source) -> Context {
    let msh = message.first("MSH");
    // a source that speaks for several institutions says in MSH-4 for which
    let said = msh.map(|m| text(m, 4)).filter(|code| !code.is_empty() && source.institution.is_empty() && source.facilities.len() != 1);
    let institution = said.unwrap_or_else(|| source.institution().to_owned());
    let pv1 = message.first("PV1");
    let in_pv1 = |field, component| pv1.map(|p| part(p, field, component)).unwrap_or_default();
    let department = [in_pv1(3, 4), in_pv1(3, 1)].into_iter().find(|d| !d.is_empty()).unwrap_or_default();
    let doctor = [in_pv1(17, 1), in_pv1(7, 1)].into_iter().find(|d| !d.is_empty()).unwrap_or_default();
    let reference = |kind: &str| processed.id_of(kind).map(|id| format!("{kind}/{id}")).unwrap_or_default();
    Context {
        institution,
        department,
        doctor,
        patient: reference("Patient"),
        order: String::new(),
        visit: reference("Encounter"),
        channel: "v2".to_owned(),
        is_test: msh.is_some_and(|m| !matches!(&*text(m, 11), "P" | "")),
    }
}

fn setting(processed: &Processed) -> Option<Setting> {
    match processed.value_of("Encounter", "class.code")? {
        "EMER" => Some(Setting::Emergency),
        "IMP" | "ACUTE" | "NONAC" => Some(Setting::Inpatient),
        "AMB" => Some(Setting::Outpatient),
        _ => None,
    }
}
