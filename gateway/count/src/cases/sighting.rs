//! What one message says of one case: the body of a journal event of kind `case`.
//!
//! Numbers are hashed, for only their equality matters here; the message itself, which the event's entry holds, has them.
//! Field names are short because there is one such event to nearly every message.

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;

/// Which part of a case a message is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Order,
    Specimen,
    /// Images or a tracing were taken.
    Study,
    Report,
    /// Somebody says how far it is, and nothing else.
    Status,
}

/// How far a part is. Of a report [`Status::is_final`] and [`Status::is_void`] decide.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    #[default]
    Unknown,
    Registered,
    Active,
    Completed,
    Preliminary,
    Final,
    Amended,
    Corrected,
    Cancelled,
    EnteredInError,
}

impl Status {
    pub fn is_final(self) -> bool {
        matches!(self, Status::Final | Status::Amended | Status::Corrected)
    }

    pub fn is_void(self) -> bool {
        matches!(self, Status::Cancelled | Status::EnteredInError)
    }
}

/// What was examined with; the categories of the counting rule.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[repr(u8)]
pub enum Modality {
    #[default]
    Unknown,
    /// CR, DX
    Xr,
    Ct,
    Mr,
    Mg,
    Us,
    /// NM, PT
    Nm,
    Ecg,
    Emg,
    Eeg,
    Lab,
    Path,
    /// Known, and of no scope: endoscopy, angiography …
    Other,
}

/// The shared centre (共享中心) that a modality belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Centre {
    /// 影像诊断中心
    Imaging,
    /// 心电诊断中心, with EMG and EEG
    Tracing,
    /// 检验中心
    Laboratory,
    /// 病理诊断中心
    Pathology,
    None,
}

impl Modality {
    pub const ALL: [Modality; 13] = [
        Modality::Unknown,
        Modality::Xr,
        Modality::Ct,
        Modality::Mr,
        Modality::Mg,
        Modality::Us,
        Modality::Nm,
        Modality::Ecg,
        Modality::Emg,
        Modality::Eeg,
        Modality::Lab,
        Modality::Path,
        Modality::Other,
    ];

    pub(crate) fn of(number: u8) -> Modality {
        Modality::ALL.get(usize::from(number)).copied().unwrap_or_default()
    }

    pub fn centre(self) -> Centre {
        use Modality::*;
        match self {
            Xr | Ct | Mr | Mg | Us | Nm => Centre::Imaging,
            Ecg | Emg | Eeg => Centre::Tracing,
            Lab => Centre::Laboratory,
            Path => Centre::Pathology,
            Unknown | Other => Centre::None,
        }
    }

    /// As the events and exports write it.
    pub fn code(self) -> &'static str {
        use Modality::*;
        match self {
            Unknown => "UNKNOWN",
            Xr => "XR",
            Ct => "CT",
            Mr => "MR",
            Mg => "MG",
            Us => "US",
            Nm => "NM",
            Ecg => "ECG",
            Emg => "EMG",
            Eeg => "EEG",
            Lab => "LAB",
            Path => "PATH",
            Other => "OTHER",
        }
    }
}

/// Which number it is. The order is that in which a report's numbers say which accession it is of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum IdKind {
    /// 检查号、条码号: the filler's number and the accession number are one thing in the field.
    #[serde(rename = "a")]
    Accession,
    /// Study Instance UID
    #[serde(rename = "u")]
    Study,
    /// 报告号
    #[serde(rename = "r")]
    Report,
    /// 申请单号
    #[serde(rename = "p")]
    Order,
    /// The resource itself, where a part has no number at all.
    #[serde(rename = "x")]
    Resource,
}

impl IdKind {
    /// A number of the examination itself, not of the paper that asks for it or tells of it.
    pub(crate) fn is_examination(self) -> bool {
        matches!(self, IdKind::Accession | IdKind::Study)
    }
}

/// A number with its assigner, hashed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Id(pub IdKind, pub u64);

impl Id {
    pub fn new(kind: IdKind, assigner: &str, value: &str) -> Id {
        Id(kind, hash(&[&[kind as u8], assigner.as_bytes(), value.as_bytes()]))
    }
}

/// FNV-1a of 64 bits over the parts, each followed by the byte 0x1f, then one round of the finalizer of MurmurHash3, so
/// that all bits depend on all of them. Events of the journal hold it: it never changes.
pub fn hash(parts: &[&[u8]]) -> u64 {
    let mut h = 0xcbf2_9ce4_8422_2325_u64;
    for byte in parts.iter().flat_map(|p| p.iter().copied().chain([0x1f])) {
        h = (h ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    }
    h = (h ^ (h >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    h = (h ^ (h >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    h ^ (h >> 33)
}

/// What one message says of one case. Times are microseconds since 1970.
///
/// `S` is how texts are kept: the ledger reads them where they lie.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "S: Serialize + AsRef<str>"))]
pub struct Sighting<S = String> {
    #[serde(rename = "k")]
    pub kind: Kind,
    /// Code of the institution that sent it.
    #[serde(rename = "s")]
    pub source: S,
    /// The resource that it was read from, such as `DiagnosticReport/1`: the same report sent again is the same resource.
    #[serde(rename = "r")]
    pub resource: S,
    /// Of a report the first says which examination it is.
    #[serde(rename = "i")]
    pub ids: Vec<Id>,
    /// The first number is a 登记号 (accession number), which all who handle the examination share.
    #[serde(rename = "a", default, skip_serializing_if = "is_default")]
    pub accession: bool,
    /// Key of the patient's record, such as `Patient/1`; empty = not said.
    #[serde(rename = "p", default, skip_serializing_if = "is_empty")]
    pub patient: S,
    /// `system|code` of what was asked for or examined.
    #[serde(rename = "c", default, skip_serializing_if = "is_empty")]
    pub item: S,
    #[serde(rename = "m", default, skip_serializing_if = "is_default")]
    pub modality: Modality,
    #[serde(rename = "t", default, skip_serializing_if = "is_default")]
    pub status: Status,
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub ordered_us: Option<i64>,
    /// Images taken, specimen collected.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub examined_us: Option<i64>,
    /// The specimen arrived.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub received_us: Option<i64>,
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub reported_us: Option<i64>,
    /// Code of the institution that examined, where the message says so.
    #[serde(rename = "e", default, skip_serializing_if = "is_empty")]
    pub exam: S,
    /// Code of the institution that read it, where the message says so.
    #[serde(rename = "d", default, skip_serializing_if = "is_empty")]
    pub read: S,
    /// Who signed the report: references.
    #[serde(rename = "w", default, skip_serializing_if = "Vec::is_empty")]
    pub readers: Vec<S>,
    #[serde(rename = "T", default, skip_serializing_if = "is_default")]
    pub test: bool,
    /// 体检
    #[serde(rename = "C", default, skip_serializing_if = "is_default")]
    pub checkup: bool,
    /// The specimen was rejected (标本拒收).
    #[serde(rename = "J", default, skip_serializing_if = "is_default")]
    pub rejected: bool,
    /// 危急值
    #[serde(rename = "K", default, skip_serializing_if = "is_default")]
    pub critical: bool,
}

impl Sighting {
    /// One that says nothing yet.
    pub fn new(kind: Kind, source: &str, resource: &str) -> Sighting {
        Sighting {
            kind,
            source: source.to_owned(),
            resource: resource.to_owned(),
            ids: Vec::new(),
            accession: false,
            patient: String::new(),
            item: String::new(),
            modality: Modality::Unknown,
            status: Status::Unknown,
            ordered_us: None,
            examined_us: None,
            received_us: None,
            reported_us: None,
            exam: String::new(),
            read: String::new(),
            readers: Vec::new(),
            test: false,
            checkup: false,
            rejected: false,
            critical: false,
        }
    }
}

/// A text that is read where it lies, unless it is escaped.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Text<'a>(Cow<'a, str>);

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Text<'a>, D::Error> {
        struct Read;
        impl<'a> Visitor<'a> for Read {
            type Value = Text<'a>;
            fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                to.write_str("a text")
            }
            fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Text<'a>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Text<'a>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        from.deserialize_str(Read)
    }
}

fn is_empty<S: AsRef<str>>(text: &S) -> bool {
    text.as_ref().is_empty()
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_never_changes() {
        assert_eq!(Id::new(IdKind::Order, "HIS", "1").1, Id::new(IdKind::Order, "HIS", "1").1);
        assert_ne!(Id::new(IdKind::Order, "HIS", "1").1, Id::new(IdKind::Order, "HI", "S1").1, "the parts are kept apart");
        assert_ne!(Id::new(IdKind::Order, "HIS", "1").1, Id::new(IdKind::Accession, "HIS", "1").1);
        assert_eq!(hash(&[b"hutong"]), HUTONG, "events in journals hold hashes made with it");
    }

    const HUTONG: u64 = 4_377_930_811_744_001_152;

    #[test]
    fn a_sighting_is_short_and_reads_back() {
        let mut s = Sighting::new(Kind::Report, "X1", "DiagnosticReport/1");
        s.ids.push(Id::new(IdKind::Accession, "RIS", "A1"));
        (s.modality, s.status) = (Modality::Ct, Status::Final);
        let text = serde_json::to_string(&s).unwrap();
        assert!(text.starts_with(r#"{"k":"report","s":"X1","r":"DiagnosticReport/1","i":[["a","#), "{text}");
        assert!(text.ends_with(r#"]],"m":"CT","t":"final"}"#), "{text}");
        assert_eq!(serde_json::from_str::<Sighting>(&text).unwrap(), s);
        let read: Sighting<Text<'_>> = serde_json::from_str(&text).unwrap();
        assert!(matches!(read.source.0, Cow::Borrowed("X1")) && (read.patient.as_ref(), read.ids) == ("", s.ids));
        let escaped: Text<'_> = serde_json::from_str(r#""a\"b""#).unwrap();
        assert_eq!(escaped.as_ref(), "a\"b");
    }

    #[test]
    fn a_modality_is_its_number() {
        for m in Modality::ALL {
            assert_eq!(Modality::of(m as u8), m);
            assert_eq!(serde_json::to_string(&m).unwrap(), format!("\"{}\"", m.code()));
        }
    }
}
