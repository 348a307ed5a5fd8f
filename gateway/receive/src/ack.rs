//! Acknowledgements: which answer a message gets, and its bytes.
//!
//! An answer is stored with the message that it answers, and a repeat gets the same bytes again. So everything
//! in it comes from the request: no clock, no counter, no random number is read here. What the answers mean is
//! in `gateway/docs/acknowledgement.md`.

mod write;

use crate::header::Header;
use crate::sources::{Language, StoreUnavailable};
use bytes::Bytes;
use hutong_decode::charset::Charset;
use hutong_fhir::finding::{Finding, Location, Severity};

pub use write::build;
pub(crate) use write::{Response, Writer, time};

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It is durable, and what it says will be done.
    Accept,
    /// Something in its content is wrong: it is kept, and must be corrected.
    Error,
    /// It cannot be taken at all as it is: not its kind, not from this sender, not readable as HL7.
    Reject,
}

/// MSA-1 (HL7 table 0008).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Code {
    Aa,
    Ae,
    Ar,
    Ca,
    Ce,
    Cr,
}

impl Code {
    pub fn as_str(self) -> &'static str {
        match self {
            Code::Aa => "AA",
            Code::Ae => "AE",
            Code::Ar => "AR",
            Code::Ca => "CA",
            Code::Ce => "CE",
            Code::Cr => "CR",
        }
    }

    /// Whether the sender may forget its copy.
    pub fn is_accept(self) -> bool {
        matches!(self, Code::Aa | Code::Ca)
    }
}

/// The answers that a message's MSH-15 and MSH-16 ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Plan {
    /// On the connection it came on; one answer a message, always, so that a sender that counts answers never
    /// takes one for the next message's.
    pub now: Option<Code>,
    /// In an exchange that we begin ourselves (HL7 2.9.3.2: "the initial message of a later exchange").
    pub later: Option<Code>,
}

/// What an answer is made from.
pub struct AckRequest<'a> {
    /// `None` where no MSH could be found.
    pub header: Option<&'a Header<'a>>,
    pub code: Code,
    /// Errors become ERR segments, warnings as well where [`AckRequest::warnings`] says so.
    pub findings: &'a [Finding],
    /// The id under which the message is found again; also the answer's own control id where it is short enough.
    pub receipt: &'a str,
    /// When the message was received, in µs since 1970 UTC.
    pub now_us: i64,
    /// In which the sender's people read times, in minutes east of UTC.
    pub zone_offset_minutes: i16,
    /// See [`Header::answer_charset`].
    pub charset: Charset,
    pub language: Language,
    pub warnings: bool,
    /// At most so many ERR segments.
    pub err_segments: usize,
}

/// What findings come to. What keeps a message from being told apart or processed at all, that is MSH's
/// delimiters, type, id, processing id and version, no MSH, or the wrong sender, is a rejection; what is
/// wrong inside it is an error.
pub fn outcome(findings: &[Finding]) -> Outcome {
    let mut outcome = Outcome::Accept;
    for finding in findings.iter().filter(|finding| finding.severity == Severity::Error) {
        if rejects(finding) {
            return Outcome::Reject;
        }
        outcome = Outcome::Error;
    }
    outcome
}

fn rejects(finding: &Finding) -> bool {
    match &finding.location {
        // A repeated id (205) concerns this one message: another with an id of its own would be taken.
        Location::V2 { segment, field: 1 | 2 | 9..=12, .. } if segment == "MSH" => finding.hl7_code != 205,
        _ => matches!(finding.hl7_code, 100 | 200..=203) || finding.rule == "source.identity_mismatch",
    }
}

/// Which answer, in which mode. Enhanced mode is asked for by a value in MSH-15 or MSH-16 (table 0155).
pub fn plan(header: Option<&Header<'_>>, outcome: Outcome) -> Plan {
    let (application, commit) = match outcome {
        Outcome::Accept => (Code::Aa, Code::Ca),
        Outcome::Error => (Code::Ae, Code::Ce),
        Outcome::Reject => (Code::Ar, Code::Cr),
    };
    let (accept_wish, application_wish) = header.map_or((&b""[..], &b""[..]), |header| (header.component(15, 1), header.component(16, 1)));
    if accept_wish.is_empty() && application_wish.is_empty() {
        return Plan { now: Some(application), later: None };
    }
    let wanted = |wish: &[u8]| match wish.to_ascii_uppercase().as_slice() {
        b"" | b"NE" | b"\"\"" => false,
        b"ER" => outcome != Outcome::Accept,
        b"SU" => outcome == Outcome::Accept,
        _ => true,
    };
    match (wanted(accept_wish), wanted(application_wish)) {
        (true, true) => Plan { now: Some(commit), later: Some(application) },
        (true, false) => Plan { now: Some(commit), later: None },
        // Nothing was asked for on receipt: the one exchange there is carries the application's answer.
        (false, true) => Plan { now: Some(application), later: None },
        (false, false) => Plan { now: None, later: None },
    }
}

/// The answer in words of the source's policy when nothing can be stored; `None`: close without one.
pub fn when_unavailable(policy: StoreUnavailable) -> Option<Code> {
    match policy {
        StoreUnavailable::Close => None,
        StoreUnavailable::Ae207 => Some(Code::Ae),
        StoreUnavailable::Ar207 => Some(Code::Ar),
        StoreUnavailable::Ce => Some(Code::Ce),
    }
}

/// M06: the message is longer than what is read of one.
pub fn too_large(limit_bytes: u64) -> Finding {
    Finding::new(Severity::Error, "msg.too_large", "too-long", 104).says(
        format!("消息超过 {limit_bytes} 字节的上限，未读取其余部分；请把附件拆分后发送，或与平台商定更高的上限"),
        format!("the message is longer than the limit of {limit_bytes} bytes and was not read further; send attachments in parts or agree on a higher limit"),
    )
}

/// Nothing can be stored at the moment; nothing is wrong with the message.
pub fn store_unavailable() -> Finding {
    Finding::new(Severity::Error, "store.unavailable", "transient", 207).says(
        "平台暂时无法保存消息，消息本身没有问题，请稍后重发",
        "the gateway cannot store messages at the moment; nothing is wrong with the message, send it again later",
    )
}

/// M21: the control id came before with other bytes.
pub fn control_id_reused() -> Finding {
    let location = Location::V2 { segment: "MSH".to_owned(), sequence: 1, field: 10, repetition: 0, component: 0, subcomponent: 0 };
    Finding::new(Severity::Error, "control_id.reused", "duplicate", 205).at(location).says(
        "该消息控制号（MSH-10）此前已用于内容不同的消息；每条新消息应使用新的控制号，重发必须与原文完全一致",
        "this control id (MSH-10) came before with another content; a new message needs a new id, and a repeat must be the same to the byte",
    )
}

/// A fault of ours while the message was in work; its bytes are kept.
pub fn internal_fault() -> Finding {
    Finding::new(Severity::Error, "receive.internal", "exception", 207).says(
        "平台处理该消息时发生内部错误，消息已留存，请凭回执号联系平台管理员",
        "the gateway failed while processing this message; it is kept, ask the gateway's operators and give the receipt id",
    )
}

/// A frame of which only the first bytes were kept, answered with what they show; for handlers.
pub fn answer_oversized(first_bytes: &[u8], limit_bytes: u64, receipt: &str, now_us: i64, zone_offset_minutes: i16) -> Option<Bytes> {
    let header = Header::scan(first_bytes);
    let code = plan(header.as_ref(), Outcome::Error).now?;
    let charset = header.as_ref().map_or(Charset::Ascii, |header| header.answer_charset(first_bytes, None, None));
    Some(build(&AckRequest {
        header: header.as_ref(),
        code,
        findings: &[too_large(limit_bytes)],
        receipt,
        now_us,
        zone_offset_minutes,
        charset,
        language: Language::Both,
        warnings: false,
        err_segments: 1,
    }))
}

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod tests;
