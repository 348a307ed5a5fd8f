//! "A late or lower status never overwrites a final one": how far a status is, and what may follow what.
//!
//! | types | 0 | 1 | 2 | 3 | 4 | 5 | ended |
//! |---|---|---|---|---|---|---|---|
//! | Observation, DiagnosticReport | unknown | registered | partial, preliminary | final | amended, corrected, appended | – | cancelled, entered-in-error |
//! | ServiceRequest, MedicationRequest | unknown | draft | active, on-hold | completed | – | – | revoked, cancelled, stopped, entered-in-error |
//! | Encounter | unknown | planned | arrived, triaged | in-progress, onleave | finished | – | cancelled, entered-in-error |
//! | Procedure, Immunization, MedicationAdministration, MedicationDispense | unknown | preparation | in-progress, on-hold | completed, not-done, stopped, declined | – | – | cancelled, entered-in-error |
//! | ImagingStudy | unknown | registered | available | – | – | – | cancelled, entered-in-error |
//! | Appointment | – | proposed | pending, waitlist | booked | arrived, checked-in | fulfilled, noshow | cancelled, entered-in-error |
//! | Task | – | draft, requested | received, accepted, ready | in-progress, on-hold | completed, failed | – | rejected, cancelled, entered-in-error |
//!
//! Rules, with the business time of a write ("event") where both are known, in this order:
//! 1. an ended resource is only written by a *newer* event whose status is at least `back` of its type (a result that
//!    is reported after all, an order that is activated again), or by another ended status that is not older;
//! 2. an ended status overwrites every other;
//! 3. a lower status is superseded; an Encounter goes back from finished only by a newer "cancel discharge" (ADT^A13),
//!    from arrived or in-progress by a newer "cancel admit", "cancel transfer" (A11, A12);
//! 4. a higher status is written whatever its event time;
//! 5. with equal status (or types without one) the older event is superseded.

/// Why a write did not become a version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Reason {
    /// The current status is further.
    LowerStatus = 1,
    /// The current state is of a later business time.
    OlderEvent = 2,
    /// The resource was cancelled, revoked or entered in error.
    Ended = 3,
}

impl Reason {
    pub(crate) fn of(code: i64) -> Option<Reason> {
        [Reason::LowerStatus, Reason::OlderEvent, Reason::Ended].into_iter().find(|r| *r as i64 == code)
    }

    pub fn zh(self) -> &'static str {
        match self {
            Reason::LowerStatus => "状态低于现有版本，未覆盖",
            Reason::OlderEvent => "业务时间早于现有版本，未覆盖",
            Reason::Ended => "资源已取消、撤销或标记为误录，未覆盖",
        }
    }

    pub fn en(self) -> &'static str {
        match self {
            Reason::LowerStatus => "its status is lower than that of the current version",
            Reason::OlderEvent => "its business time is before that of the current version",
            Reason::Ended => "the resource was cancelled, revoked or entered in error",
        }
    }
}

/// One write as far as the rules look at it. Times are µs since 1970.
#[derive(Clone, Copy)]
pub(crate) struct Write<'a> {
    pub(crate) status: Option<&'a str>,
    pub(crate) event_us: Option<i64>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Level {
    At(u8),
    Ended,
}

/// Level of a status, and the level from which on a newer event brings an ended resource back.
fn level(resource_type: &str, status: &str) -> Option<(Level, u8)> {
    use Level::{At, Ended};
    let (level, back) = match resource_type {
        "Observation" | "DiagnosticReport" => (
            match status {
                "registered" => At(1),
                "partial" | "preliminary" => At(2),
                "final" => At(3),
                "amended" | "corrected" | "appended" => At(4),
                "cancelled" | "entered-in-error" => Ended,
                _ => At(0),
            },
            3,
        ),
        "ServiceRequest" | "MedicationRequest" => (
            match status {
                "draft" => At(1),
                "active" | "on-hold" => At(2),
                "completed" => At(3),
                "revoked" | "cancelled" | "stopped" | "entered-in-error" => Ended,
                _ => At(0),
            },
            2,
        ),
        "Encounter" => (
            match status {
                "planned" => At(1),
                "arrived" | "triaged" => At(2),
                "in-progress" | "onleave" => At(3),
                "finished" => At(4),
                "cancelled" | "entered-in-error" => Ended,
                _ => At(0),
            },
            1,
        ),
        "Procedure" | "Immunization" | "MedicationAdministration" | "MedicationDispense" => (
            match status {
                "preparation" => At(1),
                "in-progress" | "on-hold" => At(2),
                "completed" | "not-done" | "stopped" | "declined" => At(3),
                "cancelled" | "entered-in-error" => Ended,
                _ => At(0),
            },
            2,
        ),
        "ImagingStudy" => (
            match status {
                "registered" => At(1),
                "available" => At(2),
                "cancelled" | "entered-in-error" => Ended,
                _ => At(0),
            },
            2,
        ),
        "Appointment" => (
            match status {
                "proposed" => At(1),
                "pending" | "waitlist" => At(2),
                "booked" => At(3),
                "arrived" | "checked-in" => At(4),
                "fulfilled" | "noshow" => At(5),
                "cancelled" | "entered-in-error" => Ended,
                _ => At(0),
            },
            3,
        ),
        "Task" => (
            match status {
                "draft" | "requested" => At(1),
                "received" | "accepted" | "ready" => At(2),
                "in-progress" | "on-hold" => At(3),
                "completed" | "failed" => At(4),
                "rejected" | "cancelled" | "entered-in-error" => Ended,
                _ => At(0),
            },
            2,
        ),
        _ => return None,
    };
    Some((level, back))
}

/// Whether `new` may overwrite `old`; `message_type` as in the journal, e.g. `ADT^A13^ADT_A01`.
pub(crate) fn judge(resource_type: &str, message_type: &str, old: Write<'_>, new: Write<'_>) -> Option<Reason> {
    let older = matches!((old.event_us, new.event_us), (Some(o), Some(n)) if n < o);
    let newer = matches!((old.event_us, new.event_us), (Some(o), Some(n)) if n > o);
    let levels = (old.status.and_then(|s| level(resource_type, s)), new.status.and_then(|s| level(resource_type, s)));
    let (Some((was, back)), Some((is, _))) = levels else {
        return older.then_some(Reason::OlderEvent);
    };
    match (was, is) {
        (Level::Ended, Level::Ended) => older.then_some(Reason::OlderEvent),
        (Level::Ended, Level::At(n)) => (!(newer && n >= back)).then_some(Reason::Ended),
        (Level::At(_), Level::Ended) => None,
        (Level::At(o), Level::At(n)) if n < o => (!(newer && goes_back(resource_type, message_type, o))).then_some(Reason::LowerStatus),
        (Level::At(o), Level::At(n)) if n > o => None,
        _ => older.then_some(Reason::OlderEvent),
    }
}

/// HL7 v2 events that take a step of an encounter back.
fn goes_back(resource_type: &str, message_type: &str, level: u8) -> bool {
    let event = message_type.split('^').nth(1).unwrap_or_default();
    resource_type == "Encounter" && (event == "A13" || (level < 4 && matches!(event, "A11" | "A12" | "A27" | "A32" | "A33")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(ty: &str, message: &str, old: (&str, i64), new: (&str, i64)) -> Option<Reason> {
        let write = |(status, event): (&'static str, i64)| Write { status: Some(status), event_us: (event != 0).then_some(event) };
        // leak: a handful of literals in a test
        let own = |(s, e): (&str, i64)| write((Box::leak(s.to_owned().into_boxed_str()), e));
        judge(ty, message, own(old), own(new))
    }

    #[test]
    fn every_rule() {
        use Reason::*;
        let oru = "ORU^R01";
        type State = (&'static str, i64);
        #[rustfmt::skip]
        let cases: &[(&str, &str, State, State, Option<Reason>)] = &[
            // 3: lower
            ("Observation", oru, ("final", 0), ("preliminary", 0), Some(LowerStatus)),
            ("Observation", oru, ("final", 5), ("preliminary", 9), Some(LowerStatus)),
            ("Observation", oru, ("corrected", 0), ("final", 0), Some(LowerStatus)),
            ("DiagnosticReport", oru, ("amended", 1), ("final", 2), Some(LowerStatus)),
            ("Observation", oru, ("preliminary", 0), ("registered", 0), Some(LowerStatus)),
            ("Observation", oru, ("final", 0), ("unknown", 0), Some(LowerStatus)),
            ("ServiceRequest", "ORM^O01", ("completed", 1), ("active", 2), Some(LowerStatus)),
            ("MedicationRequest", "RDE^O11", ("active", 1), ("draft", 2), Some(LowerStatus)),
            ("Encounter", "ADT^A08", ("finished", 1), ("in-progress", 2), Some(LowerStatus)),
            ("ImagingStudy", "ORM^O01", ("available", 1), ("registered", 2), Some(LowerStatus)),
            ("Immunization", "VXU^V04", ("completed", 0), ("preparation", 0), Some(LowerStatus)),
            // 4: higher, whatever its time
            ("Observation", oru, ("preliminary", 9), ("final", 1), None),
            ("Observation", oru, ("final", 0), ("corrected", 0), None),
            ("Encounter", "ADT^A03", ("in-progress", 9), ("finished", 1), None),
            ("Appointment", "SIU^S12", ("pending", 0), ("booked", 0), None),
            ("Task", "", ("requested", 0), ("completed", 0), None),
            // 2: ended overwrites
            ("Observation", oru, ("corrected", 9), ("cancelled", 1), None),
            ("Observation", oru, ("final", 0), ("entered-in-error", 0), None),
            ("ServiceRequest", "ORM^O01", ("completed", 0), ("revoked", 0), None),
            // 1: after the end
            ("Observation", oru, ("cancelled", 1), ("preliminary", 2), Some(Ended)),
            ("Observation", oru, ("cancelled", 2), ("final", 1), Some(Ended)),
            ("Observation", oru, ("cancelled", 0), ("final", 0), Some(Ended)),
            ("Observation", oru, ("cancelled", 1), ("final", 2), None),
            ("Observation", oru, ("entered-in-error", 1), ("corrected", 2), None),
            ("ServiceRequest", "ORM^O01", ("revoked", 0), ("active", 0), Some(Ended)),
            ("ServiceRequest", "ORM^O01", ("revoked", 1), ("active", 2), None),
            ("ServiceRequest", "ORM^O01", ("revoked", 1), ("draft", 2), Some(Ended)),
            ("Observation", oru, ("cancelled", 5), ("entered-in-error", 4), Some(OlderEvent)),
            ("Observation", oru, ("cancelled", 5), ("entered-in-error", 6), None),
            // 3: an encounter's steps back
            ("Encounter", "ADT^A13^ADT_A01", ("finished", 1), ("in-progress", 2), None),
            ("Encounter", "ADT^A13", ("finished", 2), ("in-progress", 1), Some(LowerStatus)),
            ("Encounter", "ADT^A12", ("finished", 1), ("in-progress", 2), Some(LowerStatus)),
            ("Encounter", "ADT^A11", ("in-progress", 1), ("planned", 2), None),
            ("Observation", "ADT^A13", ("final", 1), ("preliminary", 2), Some(LowerStatus)),
            // 5: equal
            ("Observation", oru, ("final", 2), ("final", 1), Some(OlderEvent)),
            ("Observation", oru, ("final", 1), ("final", 1), None),
            ("Observation", oru, ("partial", 0), ("preliminary", 1), None),
            ("Encounter", "ADT^A08", ("in-progress", 2), ("in-progress", 1), Some(OlderEvent)),
            ("Patient", "ADT^A08", ("", 2), ("", 1), Some(OlderEvent)),
            ("Patient", "ADT^A08", ("", 0), ("", 1), None),
        ];
        for (ty, message, old, new, want) in cases {
            assert_eq!(ask(ty, message, *old, *new), *want, "{ty} {message} {old:?} -> {new:?}");
        }
    }
}
