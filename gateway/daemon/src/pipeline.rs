//! A message's way on one screen: decode → map → validate, then (in `ingest`) commit → answer.
//!
//! Everything here is a function of the bytes, the source and the mappings: `serve`, `convert`, `map explain` and a
//! shadow run go the same way.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use hutong_commit::entry::Final;
use hutong_decode::charset::{self, Charset};
use hutong_decode::v2::{self, Grammar, PartKind};
use hutong_fhir::definitions::Definitions;
use hutong_fhir::{Finding, Location, Severity};
use hutong_map::{Context, Mapped, MappedResource, Mappings};
use hutong_validate::Demands;

use crate::cli::Failure;
use crate::library::Library;

pub(crate) use crate::shown::{Bundle, Processed};

/// Rules after which there is nothing to map.
const UNREADABLE: [&str; 3] = ["hl7.no_msh", "hl7.limit", "hl7.delimiters"];

/// What is known of the sender before a byte of the message is read.
pub(crate) struct Origin {
    /// Its id, by which the demands on it are found; empty: nobody's.
    pub(crate) source: String,
    /// Within which record and order numbers are unique.
    pub(crate) namespace: String,
    pub(crate) sites: Vec<String>,
    pub(crate) charset: Option<Charset>,
    pub(crate) zone_minutes: i16,
    /// Now, microseconds since 1970; `None` where a file is converted and the sender's clock is nobody's concern.
    pub(crate) now_us: Option<i64>,
}

impl Origin {
    /// A file on somebody's desk.
    pub(crate) fn local() -> Origin {
        Origin {
            source: String::new(),
            namespace: "urn:hutong:local".into(),
            sites: Vec::new(),
            charset: None,
            zone_minutes: hutong_map::CHINA_ZONE_MINUTES,
            now_us: None,
        }
    }
}

pub(crate) struct Pipeline {
    pub(crate) mappings: Arc<Mappings>,
    pub(crate) grammar: &'static Grammar,
    library: Arc<Library>,
    limits: v2::Limits,
    plan_hash: [u8; 32],
}

impl Pipeline {
    /// With the mappings built in, or those of a directory, judged by the community's profiles.
    pub(crate) fn load(directory: Option<&Path>) -> Result<Pipeline, Failure> {
        Pipeline::with(directory, Arc::new(Library::community()?))
    }

    pub(crate) fn with(directory: Option<&Path>, library: Arc<Library>) -> Result<Pipeline, Failure> {
        let (definitions, grammar) = (Definitions::r4(), Grammar::get());
        let mappings = crate::mappings::load(directory, definitions, grammar)?;
        let plan_hash = crate::mappings::hash(mappings.files());
        Ok(Pipeline { mappings: Arc::new(mappings), grammar, library, limits: v2::Limits::default(), plan_hash })
    }

    /// Which version of the mappings this is.
    pub(crate) fn plan_hash(&self) -> [u8; 32] {
        self.plan_hash
    }

    /// All messages of one frame or file, in order; never none.
    pub(crate) fn convert(&self, raw: &[u8], origin: &Origin) -> Vec<Processed> {
        let text = match charset::decode(raw, origin.charset) {
            Ok(text) => text,
            Err(finding) => return vec![Processed::refused(raw, finding)],
        };
        let parts = v2::split_batch(&text.text);
        let single = parts.iter().filter(|p| p.kind == PartKind::Message).count() <= 1;
        let mut all: Vec<Processed> = Vec::with_capacity(1);
        let mut beside = text.findings;
        for part in parts {
            if part.kind != PartKind::Message {
                beside.extend(part.findings);
                continue;
            }
            // one message is kept as it arrived, batch envelope and all; several are kept apart
            let own = if single { Cow::Borrowed(raw) } else { cut(raw, &text.text, text.charset, part.offset, part.text.len()) };
            let mut message = self.message(part.text, text.charset, own.into_owned(), origin);
            message.findings.splice(0..0, part.findings);
            all.push(message);
        }
        match all.first_mut() {
            Some(first) => {
                first.findings.splice(0..0, beside);
            }
            None => all.push(Processed::refused(raw, no_message())),
        }
        all
    }

    fn message(&self, text: &str, charset: Charset, raw: Vec<u8>, origin: &Origin) -> Processed {
        // decode
        let parsed = v2::parse(text, &self.limits);
        let mut message = parsed.message;
        message.set_charset(charset);
        let mut out = Processed::new(raw, &message);
        out.findings = parsed.findings;
        out.findings.extend(v2::check_header(&message, self.grammar, origin.now_us));
        // A sender is told; somebody who converts a file sees what would become of it all the same.
        let unreadable = |f: &Finding| f.severity == Severity::Error && (origin.now_us.is_some() || UNREADABLE.contains(&&*f.rule));
        if out.findings.iter().any(unreadable) {
            out.outcome = Final::Rejected;
            return out;
        }
        let arrangement = v2::arrange(&message, self.grammar);
        // map
        let context = Context { namespace: &origin.namespace, zone_minutes: origin.zone_minutes, sites: &origin.sites };
        let mut mapped = self.mappings.apply(&message, &arrangement, &context);
        out.findings.extend(arrangement.findings);
        self.judge(&mut out, &mut mapped, &origin.source);
        out.keep(mapped, &message, origin.zone_minutes);
        out
    }

    /// validate, and what all findings together mean for the message.
    fn judge(&self, out: &mut Processed, mapped: &mut Mapped, source: &str) {
        out.findings.append(&mut mapped.findings);
        out.findings.extend(mapped.refused.take());
        if out.has_errors() {
            out.outcome = Final::Rejected;
            return;
        }
        // one edition judges the whole message
        let in_force = self.library.in_force();
        let policy = in_force.policy(source);
        // what nobody has to do anything about is told to those who ask, not noted of every message
        let demands = |r: &MappedResource| Demands { least: Severity::Warning, ..policy.demands(r.resource_type) };
        let judge = |r: &MappedResource| in_force.edition.validator.validate_as(&r.tree, &demands(r));
        let judged = mapped.resources.iter().flat_map(judge);
        let found: Vec<Finding> = judged.map(|located| located.finding).collect();
        // What we made and is not valid is ours to mend, not the sender's: the message is held, not refused.
        let invalid = found.iter().any(|f| f.severity == Severity::Error);
        out.findings.extend(found);
        out.outcome = if invalid || mapped.resources.is_empty() { Final::Held } else { Final::Stored };
    }
}

/// The bytes of one message of several, as they arrived.
fn cut<'a>(raw: &'a [u8], text: &str, charset: Charset, offset: usize, length: usize) -> Cow<'a, [u8]> {
    let from = charset::raw_offset(raw, charset, offset);
    let to = charset::raw_offset(raw, charset, (offset + length).min(text.len()));
    Cow::Borrowed(raw.get(from..to).unwrap_or_default())
}

fn no_message() -> Finding {
    Finding::new(Severity::Error, "hl7.no_msh", "structure", 100).at(Location::Whole).says(
        "没有消息：内容为空，或只有批次头尾。请检查发送程序。",
        "there is no message: the content is empty, or only a batch envelope. Check the sending program.",
    )
}
