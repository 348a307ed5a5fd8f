//! Reports escape sequences that have no meaning, once each kind, with the first place and the number.

use hutong_fhir::{Finding, Severity};

use super::sequence::{Sequence, hex_bytes, next_sequence};
use crate::v2::message::Message;
use crate::v2::{Limits, parse};

#[derive(Default)]
struct Kind {
    first: Option<usize>,
    count: usize,
}

impl Kind {
    fn add(&mut self, at: usize) {
        self.first.get_or_insert(at);
        self.count += 1;
    }

    fn finding(self, message: &Message<'_>, severity: Severity, rule: &'static str, zh: &str, en: &str) -> Option<Finding> {
        let at = self.first?;
        Some(
            Finding::new(severity, rule, "value", 102)
                .at(message.locate(at))
                .with_value(format!("offset={at} count={}", self.count))
                .says(format!("{zh}（共 {} 处）", self.count), format!("{en} ({} in this message)", self.count)),
        )
    }
}

/// Looks at every escape character after MSH-2.
pub(in crate::v2) fn check(message: &Message<'_>, limits: &Limits, findings: &mut Vec<Finding>) {
    let separators = message.separators();
    let text = message.text();
    let mut at = message.segment(0).map_or(0, |header| {
        let encoding = header.field(2);
        encoding.offset() + encoding.raw().len()
    });
    let (mut malformed, mut local, mut charset, mut nul) = (Kind::default(), Kind::default(), Kind::default(), Kind::default());
    let ends = |b: u8| [separators.field, separators.component, separators.subcomponent, separators.repetition, b'\r', b'\n'].contains(&b);
    // a message of nothing but escapes has been refused for it already; its findings need not be complete
    for _ in 0..limits.escapes_per_field_max {
        let Some(next) = text.as_bytes().get(at..).and_then(|rest| memchr::memchr(separators.escape, rest)) else { break };
        at += next;
        let rest = text.get(at..).unwrap_or_default();
        // a sequence ends within its subcomponent; of all bodies only a local one can hold any character
        let within = |len: usize| !rest.bytes().take(len).any(&ends);
        match next_sequence(rest, &separators).filter(|(sequence, len)| !matches!(sequence, Sequence::Local) || within(*len)) {
            None => {
                malformed.add(at);
                at += 1;
            }
            Some((sequence, len)) => {
                match sequence {
                    Sequence::Local => local.add(at),
                    Sequence::UnknownCharset => charset.add(at),
                    Sequence::Hex(digits) if hex_bytes(digits).any(|b| b == 0) => nul.add(at),
                    _ => {}
                }
                at += len;
            }
        }
    }
    if let Some(at) = nul.first {
        findings.push(parse::nul(message.locate(at), at));
    }
    findings.extend(malformed.finding(
        message,
        Severity::Warning,
        "hl7.escape.malformed",
        "转义符后不是合法的转义序列，已原样保留；转义符本身应写作 \\E\\",
        "an escape character begins no valid sequence and was kept as it stands; the character itself is written \\E\\",
    ));
    findings.extend(charset.finding(
        message,
        Severity::Warning,
        "hl7.escape.charset",
        "\\C..\\ 或 \\M..\\ 转义指定了不支持的字符集，已原样保留",
        "a \\C..\\ or \\M..\\ sequence names a character set that is not known and was kept as it stands",
    ));
    findings.extend(local.finding(
        message,
        Severity::Information,
        "hl7.escape.local",
        "含有本地定义的转义序列 \\Z..\\，已原样保留",
        "locally defined \\Z..\\ sequences were kept as they stand",
    ));
}
