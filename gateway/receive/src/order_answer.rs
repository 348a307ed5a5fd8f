//! What an order is answered with where there is more to say than "taken": ORR^O02, ORL^O22, ORG^O20 or an ACK, with the
//! answer to each order and a segment `ZRR` for each result of which the doctor is reminded (互认提醒).
//!
//! As with an acknowledgement nothing here is read from a clock or a counter: the answer is stored with its message and
//! given again to a repeat. The fields of `ZRR` are in `gateway/docs/recognition-v2.md`.

use crate::ack::{AckRequest, Response, Writer, time};
use crate::header::Header;
use bytes::Bytes;

/// Segments `ZRR` in one answer; what is beyond is said in words.
pub const REMINDERS_MAX: usize = 100;
/// Characters of a note, and of a result's value.
const TEXT_CHARS: usize = 1_000;
/// Characters of a field of the order that is echoed; a longer one is none that an order number or item has.
const ECHO_CHARS: usize = 500;

/// What became of an order (ORC-1, HL7 table 0119).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Control {
    /// Taken.
    #[default]
    Ok,
    /// Held until the doctor has answered.
    Held,
    /// Not taken.
    Unable,
    /// Withdrawn, discontinued, changed, held, released: as was asked.
    Cancelled,
    Discontinued,
    Changed,
    HeldAsAsked,
    Released,
}

impl Control {
    /// The answer to an ORC-1 with which nothing is wrong.
    pub fn of(control: &str) -> Control {
        match control {
            "CA" => Control::Cancelled,
            "DC" => Control::Discontinued,
            "XO" => Control::Changed,
            "HD" => Control::HeldAsAsked,
            "RL" => Control::Released,
            _ => Control::Ok,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Control::Ok => "OK",
            Control::Held => "OH",
            Control::Unable => "UA",
            Control::Cancelled => "CR",
            Control::Discontinued => "DR",
            Control::Changed => "XR",
            Control::HeldAsAsked => "HR",
            Control::Released => "OR",
        }
    }
}

/// The answer to one order. Fields of the message stand as they do in it, separators and escapes included.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OrderTold {
    pub control: Control,
    /// ORC-2, ORC-3.
    pub placer: String,
    pub filler: String,
    /// OBR-4; empty: an order without OBR.
    pub item: String,
    /// For people, Chinese and English.
    pub notes: Vec<(String, String)>,
    pub reminders: Vec<ReminderTold>,
}

/// The fields of a `ZRR`, but for its number and the order's.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ReminderTold {
    /// Code and name in the community's list of items.
    pub item: (String, String),
    /// `recognise` …
    pub verdict: &'static str,
    pub report: String,
    /// Code and name of the institution whose result it is.
    pub institution: (String, String),
    /// Time of the report, microseconds since 1970.
    pub reported_us: Option<i64>,
    pub value: String,
    pub until_us: Option<i64>,
    /// Rule set, version and line.
    pub rule: (String, String, String),
    pub mark: String,
    pub certificate: String,
    /// GUID.
    pub reminder: String,
    pub link: String,
    /// `remind`, `hold` or `refuse`.
    pub mode: &'static str,
    /// `late`, `unreadable` or `too-many`; empty: the answer is whole.
    pub degraded: &'static str,
}

/// PID-3 and PID-5 as they stand in the message: some answers must hold the patient.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PatientTold {
    pub identifiers: String,
    pub name: String,
}

/// An answer to orders.
pub struct OrderAnswer<'a> {
    /// Its findings are told first; those with rules `recognition.…` of all severities.
    pub ack: AckRequest<'a>,
    /// Whether the type of message is that of an answer to orders, where HL7 has one.
    pub response: bool,
    pub patient: &'a PatientTold,
    pub orders: &'a [OrderTold],
}

/// The type of the answer that HL7 has for a message; `None`: an ACK. Those that would need segments of which we know
/// nothing (images of ORI^O24, specimens of ORL^O34) are none.
fn response(header: &Header<'_>) -> Option<Response> {
    match (header.component(9, 1), header.component(9, 2)) {
        (b"ORM", b"O01" | b"") => Some(("ORR", "O02")),
        (b"OML", b"O21" | b"") => Some(("ORL", "O22")),
        (b"OMG", b"O19" | b"") => Some(("ORG", "O20")),
        _ => None,
    }
}

/// The answer, without framing: the same request gives the same bytes.
pub fn build(answer: &OrderAnswer<'_>) -> Bytes {
    let response = answer.ack.header.filter(|_| answer.response).and_then(response);
    let mut out = Segments { out: Writer::begun(&answer.ack, response), answer, reminders: 0, pending: 0 };
    match response {
        None => {
            for order in answer.orders {
                out.reminders(order);
            }
        }
        Some((code, _)) => {
            // ORL has notes before its orders, the others behind each
            let notes_first = code == "ORL";
            if notes_first {
                out.notes(answer.orders.iter().flat_map(|order| &order.notes));
                out.patient();
            }
            for order in answer.orders {
                out.order(order);
                if !notes_first {
                    out.notes(&order.notes);
                }
                out.reminders(order);
            }
        }
    }
    Bytes::from(out.out.bytes)
}

struct Segments<'a> {
    out: Writer,
    answer: &'a OrderAnswer<'a>,
    reminders: usize,
    /// Separators that come before the next field that has a value: none stand at the end of a segment.
    pending: usize,
}

impl Segments<'_> {
    fn begin(&mut self, name: &str) {
        self.out.ascii(name);
        self.pending = 1;
    }

    fn end(&mut self) {
        self.out.bytes.push(b'\r');
    }

    fn write(&mut self, is_empty: bool, write: impl FnOnce(&mut Writer)) {
        if !is_empty {
            self.out.separate(std::mem::take(&mut self.pending));
            write(&mut self.out);
        }
        self.pending += 1;
    }

    /// A field of the message; what is too long is not echoed.
    fn echo(&mut self, text: &str) {
        let is_long = text.chars().nth(ECHO_CHARS).is_some();
        self.write(text.is_empty() || is_long, |out| out.verbatim(text));
    }

    fn field(&mut self, text: &str) {
        self.write(text.is_empty(), |out| out.text(text));
    }

    /// Components.
    fn parts(&mut self, parts: &[&str]) {
        let used = parts.iter().rposition(|part| !part.is_empty()).map_or(0, |last| last + 1);
        self.write(used == 0, |out| {
            for (n, part) in parts.iter().take(used).enumerate() {
                if n > 0 {
                    out.bytes.push(out.separators().component);
                }
                out.text(part);
            }
        });
    }

    fn moment(&mut self, at_us: Option<i64>) {
        let text = at_us.map(|at| time(at, self.answer.ack.zone_offset_minutes)).unwrap_or_default();
        self.field(&text);
    }

    fn patient(&mut self) {
        self.begin("PID");
        self.field("1");
        self.field("");
        self.echo(&self.answer.patient.identifiers);
        self.field("");
        self.echo(&self.answer.patient.name);
        self.end();
    }

    fn order(&mut self, order: &OrderTold) {
        self.begin("ORC");
        self.field(order.control.as_str());
        self.echo(&order.placer);
        self.echo(&order.filler);
        self.end();
        if !order.item.is_empty() {
            self.begin("OBR");
            self.field("1");
            self.echo(&order.placer);
            self.echo(&order.filler);
            self.echo(&order.item);
            self.end();
        }
    }

    fn notes<'n>(&mut self, notes: impl IntoIterator<Item = &'n (String, String)>) {
        for (n, (zh, en)) in notes.into_iter().enumerate() {
            self.begin("NTE");
            self.field(&(n + 1).to_string());
            self.field("");
            let text = self.out.said(zh, en, self.answer.ack.language, TEXT_CHARS).into_owned();
            self.field(&text);
            self.end();
        }
    }

    fn reminders(&mut self, order: &OrderTold) {
        for told in &order.reminders {
            if self.reminders == REMINDERS_MAX {
                return;
            }
            self.reminders += 1;
            self.begin("ZRR");
            self.field(&self.reminders.to_string());
            self.echo(&order.placer);
            let system = if told.item.0.is_empty() { "" } else { "HR-ITEM" };
            self.parts(&[&told.item.0, &told.item.1, system]);
            self.field(told.verdict);
            self.field(&told.report);
            self.parts(&[&told.institution.0, &told.institution.1]);
            self.moment(told.reported_us);
            let value: String = told.value.chars().take(TEXT_CHARS).collect();
            self.field(&value);
            self.moment(told.until_us);
            self.parts(&[&told.rule.0, &told.rule.1, &told.rule.2]);
            self.field(&told.mark);
            self.field(&told.certificate);
            self.field(&told.reminder);
            self.field(&told.link);
            self.field(told.mode);
            self.field(told.degraded);
            self.end();
        }
    }
}

#[cfg(test)]
mod tests;
