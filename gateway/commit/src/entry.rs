//! What the journal holds: one entry a message, with all that was received, decided and answered.
//!
//! An entry is written once and never changed. Its bytes describe themselves, see [`bytes`].

mod bytes;

use std::ops::Range;

use bytes::{FLAG_CONFLICT, FLAG_REUSED};
pub(crate) use bytes::{Fixed, conflict, duplicate, mark_reused};

/// How a message ended; each entry has exactly one, and their sum is the number of messages received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Final {
    Stored = 0,
    Rejected = 1,
    Held = 2,
    Duplicate = 3,
}

impl Final {
    pub const ALL: [Final; 4] = [Final::Stored, Final::Rejected, Final::Held, Final::Duplicate];

    pub fn as_str(self) -> &'static str {
        match self {
            Final::Stored => "stored",
            Final::Rejected => "rejected",
            Final::Held => "held",
            Final::Duplicate => "duplicate",
        }
    }
}

/// What kind of event an entry tells of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum EntryKind {
    Message = 0,
    /// What somebody did at the gateway itself: an import, a decision of a review, a doctor's answer.
    Act = 1,
}

/// What the body of a resource does to the version before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Update {
    /// The body is the whole resource.
    Replace = 0,
    /// The elements of the body replace those of the same name, the others stay.
    Merge = 1,
    /// The resource is gone; the body is empty.
    Delete = 2,
}

/// A resource as a message gives it.
#[derive(Clone)]
pub struct ResourceDraft {
    pub resource_type: String,
    pub id: String,
    /// FHIR JSON, UTF-8, `resourceType` and `id` first, without `meta.versionId` and `meta.lastUpdated`.
    pub body: Vec<u8>,
    pub update: Update,
    /// Names of elements that the sender emptied (HL7 v2 `""`); they are removed by a merge.
    pub clear: Vec<String>,
    /// Business time of what the resource tells (OBR-22, EVN-2, MSH-7), microseconds since 1970; 0 = not known. Of two
    /// writes with equal status the later event wins, whatever the order of their arrival.
    pub event_us: i64,
}

/// Something that was decided or done, for those projections that are not FHIR resources: identities, registries,
/// recognition, counting.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventDraft {
    /// Whose it is: `identity`, `registry`, `recognition` … Events of one kind are read back in order.
    pub kind: String,
    /// JSON that says itself what it is; what was written once keeps its meaning.
    pub body: Vec<u8>,
}

/// Builds the answer to a control id that comes with other bytes: called only then, which is rare, from the writer's
/// thread.
pub type Conflict = std::sync::Arc<dyn Fn() -> Vec<u8> + Send + Sync>;

/// An entry before the journal gave it a number.
#[derive(Clone)]
pub struct Draft {
    pub kind: EntryKind,
    /// The number by which a person finds the message again; unique.
    pub receipt: String,
    pub received_us: i64,
    /// Id of the source as configured.
    pub source: String,
    /// `mllp`, `http` …
    pub protocol: &'static str,
    /// MSH-10 or its like; empty = none, then the message is never a duplicate.
    pub control_id: String,
    /// SHA-256 of what makes two messages "the same bytes" for this source.
    pub content_hash: [u8; 32],
    pub message_type: String,
    /// Never [`Final::Duplicate`]: that is for the journal to find out.
    pub outcome: Final,
    /// The exact bytes answered, given again to a duplicate.
    pub answer: Vec<u8>,
    /// JSON array of findings.
    pub findings: Vec<u8>,
    /// The exact bytes received.
    pub raw: Vec<u8>,
    pub resources: Vec<ResourceDraft>,
    /// In the order in which they are to be applied.
    pub events: Vec<EventDraft>,
    /// Which version of the mappings made the resources.
    pub plan_hash: [u8; 32],
    /// The answer if the control id is known with other bytes: the entry is then kept as [`Final::Rejected`] without
    /// resources. `None`: it is accepted and flagged.
    pub conflict: Option<Conflict>,
}

/// Why bytes are not an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecodeError {
    /// A version of the form that this program does not know.
    Version(u8),
    /// Ends early, a length passes the end, an unknown code or text that is not UTF-8; with the byte position.
    Malformed(usize),
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DecodeError::Version(version) => write!(f, "entry form {version} is not known"),
            DecodeError::Malformed(at) => write!(f, "entry is malformed at byte {at}"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// An entry of the journal, decoded; its parts are slices of [`Entry::payload`].
pub struct Entry {
    seq: u64,
    committed_us: i64,
    fixed: Fixed,
    receipt: Range<usize>,
    source: Range<usize>,
    protocol: Range<usize>,
    control_id: Range<usize>,
    message_type: Range<usize>,
    answer: Range<usize>,
    findings: Range<usize>,
    raw: Range<usize>,
    resources: Vec<Placed>,
    events: Vec<(Range<usize>, Range<usize>)>,
    payload: Vec<u8>,
}

struct Placed {
    resource_type: Range<usize>,
    id: Range<usize>,
    update: Update,
    event_us: i64,
    clear: Vec<Range<usize>>,
    body: Range<usize>,
}

/// A resource within an entry.
#[derive(Clone, Copy)]
pub struct ResourceRef<'a> {
    entry: &'a Entry,
    placed: &'a Placed,
}

impl<'a> ResourceRef<'a> {
    pub fn resource_type(self) -> &'a str {
        self.entry.text(&self.placed.resource_type)
    }

    pub fn id(self) -> &'a str {
        self.entry.text(&self.placed.id)
    }

    pub fn update(self) -> Update {
        self.placed.update
    }

    /// Business time, microseconds since 1970, where it is known.
    pub fn event_us(self) -> Option<i64> {
        (self.placed.event_us != 0).then_some(self.placed.event_us)
    }

    pub fn clear(self) -> impl Iterator<Item = &'a str> {
        self.placed.clear.iter().map(move |range| self.entry.text(range))
    }

    pub fn body(self) -> &'a [u8] {
        self.entry.bytes(&self.placed.body)
    }

    /// Where the body starts within the entry's payload: what the store's `body(seq, offset, length)` takes.
    pub fn body_offset(self) -> usize {
        self.placed.body.start
    }
}

impl Entry {
    /// Position in the journal, from 1, without gaps.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// When it was committed, microseconds since 1970; never decreases with [`Entry::seq`].
    pub fn committed_us(&self) -> i64 {
        self.committed_us
    }

    pub fn kind(&self) -> EntryKind {
        self.fixed.kind
    }

    pub fn outcome(&self) -> Final {
        self.fixed.outcome
    }

    /// Duplicate: the entry whose answer was given again. Conflict or reused control id: the earlier entry.
    pub fn refers(&self) -> Option<u64> {
        (self.fixed.refers != 0).then_some(self.fixed.refers)
    }

    /// Accepted although its control id was known with other bytes.
    pub fn reused_control_id(&self) -> bool {
        self.fixed.flags & FLAG_REUSED != 0
    }

    /// Rejected because its control id was known with other bytes.
    pub fn conflict(&self) -> bool {
        self.fixed.flags & FLAG_CONFLICT != 0
    }

    pub fn received_us(&self) -> i64 {
        self.fixed.received_us
    }

    pub fn content_hash(&self) -> &[u8; 32] {
        &self.fixed.content_hash
    }

    pub fn plan_hash(&self) -> &[u8; 32] {
        &self.fixed.plan_hash
    }

    pub fn receipt(&self) -> &str {
        self.text(&self.receipt)
    }

    pub fn source(&self) -> &str {
        self.text(&self.source)
    }

    pub fn protocol(&self) -> &str {
        self.text(&self.protocol)
    }

    pub fn control_id(&self) -> &str {
        self.text(&self.control_id)
    }

    pub fn message_type(&self) -> &str {
        self.text(&self.message_type)
    }

    /// The bytes answered; empty on a duplicate: they are those of the entry it refers to.
    pub fn answer(&self) -> &[u8] {
        self.bytes(&self.answer)
    }

    /// JSON array of findings; empty on a duplicate.
    pub fn findings(&self) -> &[u8] {
        self.bytes(&self.findings)
    }

    /// The bytes received; empty on a duplicate.
    pub fn raw(&self) -> &[u8] {
        self.bytes(&self.raw)
    }

    pub fn resources(&self) -> impl ExactSizeIterator<Item = ResourceRef<'_>> {
        self.resources.iter().map(move |placed| ResourceRef { entry: self, placed })
    }

    /// (kind, JSON) of what was decided or done with it.
    pub fn events(&self) -> impl ExactSizeIterator<Item = (&str, &[u8])> {
        self.events.iter().map(|(kind, body)| (self.text(kind), self.bytes(body)))
    }

    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    fn bytes(&self, range: &Range<usize>) -> &[u8] {
        self.payload.get(range.clone()).unwrap_or_default()
    }

    fn text(&self, range: &Range<usize>) -> &str {
        // Checked by decode; an empty text can only stand here if the payload had changed, which nothing can do.
        std::str::from_utf8(self.bytes(range)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        let resource = |kind: &str, update, clear: &[&str]| ResourceDraft {
            resource_type: kind.into(),
            id: format!("{kind}-1"),
            body: format!(r#"{{"resourceType":"{kind}","id":"{kind}-1"}}"#).into_bytes(),
            update,
            clear: clear.iter().map(|&name| name.to_owned()).collect(),
            event_us: 1_700_000_000_000_001,
        };
        Draft {
            kind: EntryKind::Message,
            receipt: "R1".into(),
            received_us: 1_700_000_000_000_000,
            source: "his".into(),
            protocol: "mllp",
            control_id: "C1".into(),
            content_hash: [7; 32],
            message_type: "ADT^A01".into(),
            outcome: Final::Stored,
            answer: b"MSH|ACK".to_vec(),
            findings: b"[]".to_vec(),
            raw: vec![b'x'; 300],
            resources: vec![resource("Patient", Update::Merge, &["name", "telecom"]), resource("Encounter", Update::Replace, &[])],
            events: vec![EventDraft { kind: "identity".into(), body: b"{}".to_vec() }],
            plan_hash: [9; 32],
            conflict: None,
        }
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let draft = draft();
        let entry = Entry::decode(5, 6, draft.encode(77)).unwrap();
        assert_eq!((entry.seq(), entry.committed_us(), entry.outcome(), entry.refers()), (5, 6, Final::Stored, None));
        assert_eq!((entry.receipt(), entry.source(), entry.protocol(), entry.control_id()), ("R1", "his", "mllp", "C1"));
        assert_eq!((entry.raw(), entry.answer(), entry.findings()), (&*draft.raw, &*draft.answer, &*draft.findings));
        assert_eq!(Fixed::read(entry.payload()).unwrap().key, 77);
        assert_eq!(entry.events().collect::<Vec<_>>(), [("identity", &b"{}"[..])]);
        let resources: Vec<_> = entry.resources().collect();
        assert_eq!(resources.len(), 2);
        for (read, written) in resources.iter().zip(&draft.resources) {
            assert_eq!((read.resource_type(), read.id()), (&*written.resource_type, &*written.id));
            assert_eq!((read.update(), read.body()), (written.update, &*written.body));
            assert_eq!(read.event_us(), Some(written.event_us));
            assert_eq!(read.clear().collect::<Vec<_>>(), written.clear);
            assert_eq!(&entry.payload()[read.body_offset()..][..read.body().len()], read.body());
        }
    }

    #[test]
    fn an_entry_cut_anywhere_or_with_any_byte_changed_never_panics() {
        let bytes = draft().encode(1);
        for end in 0..bytes.len() {
            assert!(Entry::decode(1, 1, bytes[..end].to_vec()).is_err(), "cut at {end}");
        }
        for at in 0..bytes.len() {
            for value in [0, 0x7f, 0xff] {
                let mut changed = bytes.clone();
                changed[at] = value;
                let _ = Entry::decode(1, 1, changed);
            }
        }
        let mut older = Draft { events: Vec::new(), ..draft() }.encode(1);
        older.pop();
        older[0] = 1;
        assert_eq!(Entry::decode(1, 1, older).map(|e| (e.resources().len(), e.events().len())).unwrap(), (2, 0), "the form before events");
        let mut longer = bytes;
        longer.push(0);
        assert!(Entry::decode(1, 1, longer).is_err());
    }

    #[test]
    fn arrivals_that_the_journal_knows_are_shortened() {
        let mut payload = draft().encode(1);
        let arrived = Entry::decode(2, 2, payload.clone()).unwrap();
        let again = Entry::decode(2, 2, duplicate(&arrived, 1)).unwrap();
        assert_eq!((again.outcome(), again.refers(), again.receipt()), (Final::Duplicate, Some(1), "R1"));
        assert_eq!((again.raw().len(), again.answer().len(), again.resources().len(), again.events().len()), (0, 0, 0, 0));
        assert_eq!(again.content_hash(), &[7; 32]);
        let other = Entry::decode(2, 2, conflict(&arrived, 1, b"AE")).unwrap();
        assert_eq!((other.outcome(), other.refers(), other.answer()), (Final::Rejected, Some(1), &b"AE"[..]));
        assert_eq!((other.raw(), other.resources().len(), other.conflict()), (arrived.raw(), 0, true));
        mark_reused(&mut payload, 1);
        let flagged = Entry::decode(2, 2, payload).unwrap();
        assert!(flagged.reused_control_id() && flagged.refers() == Some(1) && flagged.resources().len() == 2);
    }
}
