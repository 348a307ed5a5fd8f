//! The bytes of an acknowledgement: MSH, MSA, ERR.

use super::AckRequest;
use crate::header::{Header, Separators};
use crate::sources::Language;
use bytes::Bytes;
use hutong_decode::charset::Charset;
use hutong_fhir::finding::{Finding, Location, Severity};
use std::borrow::Cow;

/// Length that ERR-8 has in every version, and MSA-3 before 2.5.
const ERR_8_CHARS: usize = 250;
const MSA_3_CHARS: usize = 80;
/// MSH-10 before 2.7.
const CONTROL_ID_BYTES: usize = 20;
const ESC: u8 = 0x1B;
/// What names us where the sender did not say whom it was talking to.
const OUR_NAME: &[u8] = b"HUTONG";
/// The version most spoken here, where the sender did not say its own.
const USUAL_VERSION: &[u8] = b"2.4";

/// The acknowledgement, without framing: the same request gives the same bytes.
pub fn build(request: &AckRequest<'_>) -> Bytes {
    Bytes::from(Writer::begun(request, None).bytes)
}

fn is_told(finding: &Finding, request: &AckRequest<'_>) -> bool {
    match finding.severity {
        Severity::Error => true,
        Severity::Warning => request.warnings,
        // what a question is answered is told, however light it is
        Severity::Information => finding.rule.starts_with("recognition."),
    }
}

/// Type of an answer that is no ACK: `("ORR", "O02")`.
pub(crate) type Response = (&'static str, &'static str);

pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
    separators: Separators,
    charset: Charset,
    /// The message's MSH is valid UTF-8.
    utf8: bool,
    /// Our separators, where the message's own were of no use and its fields may hold ours.
    alien: Vec<u8>,
    /// ERR-1 and MSA-3 are what systems before HL7 2.5 look at; those since have ERR-2 to ERR-8.
    old_form: bool,
}

impl Writer {
    /// MSH, MSA and ERR of an answer.
    pub(crate) fn begun(request: &AckRequest<'_>, response: Option<Response>) -> Writer {
        let mut out = Writer::new(request);
        out.msh(request, response);
        out.msa(request);
        let mut written = 0;
        for finding in request.findings.iter().filter(|finding| is_told(finding, request)).take(request.err_segments.max(1)) {
            out.err(finding, request);
            written += 1;
        }
        if written == 0 && !request.code.is_accept() {
            out.err(&super::internal_fault(), request);
        }
        out
    }

    fn new(request: &AckRequest<'_>) -> Writer {
        let separators = request.header.map_or(Separators::USUAL, |header| header.separators);
        let Separators { field, component, repetition, escape, subcomponent } = separators;
        let own = request.header.is_none_or(|header| header.declares_separators);
        Writer {
            bytes: Vec::with_capacity(256),
            separators,
            charset: request.charset,
            utf8: request.header.is_none_or(|header| header.utf8),
            alien: if own { Vec::new() } else { vec![field, component, repetition, escape, subcomponent] },
            old_form: request.header.and_then(Header::version).is_some_and(|version| version < [2, 5, 0]),
        }
    }

    fn msh(&mut self, request: &AckRequest<'_>, response: Option<Response>) {
        let separators = self.separators;
        let header = request.header;
        let field = |number: usize| header.map_or(&b""[..], |header| header.field(number));
        self.bytes.extend([b'M', b'S', b'H', separators.field]);
        self.bytes.extend([separators.component, separators.repetition, separators.escape, separators.subcomponent]);
        // Sender and receiver change places.
        for number in [5, 6, 3, 4] {
            self.separate(1);
            let name = field(number);
            self.echo(if number == 5 && name.is_empty() { OUR_NAME } else { name });
        }
        self.separate(1);
        self.text(&time(request.now_us, request.zone_offset_minutes));
        self.separate(2);
        self.message_type(header, response);
        self.separate(1);
        self.text(&control_id(request.receipt));
        self.separate(1);
        let processing = field(11);
        self.echo(if processing.is_empty() { b"P" } else { processing });
        self.separate(1);
        let version = field(12);
        self.echo(if version.is_empty() { USUAL_VERSION } else { version });
        if header.is_some_and(|header| header.declared_charset().is_some()) {
            self.separate(6);
            self.echo(field(18));
        }
        self.bytes.push(b'\r');
    }

    /// `ACK^A01^ACK`, `ORR^O02^ORR_O02`; the third component exists since 2.3.1, the second since 2.2.
    fn message_type(&mut self, header: Option<&Header<'_>>, response: Option<Response>) {
        let (code, own) = response.unwrap_or(("ACK", ""));
        self.ascii(code);
        let event = header.map_or(&b""[..], |header| header.component(9, 2));
        let event = if own.is_empty() { event } else { own.as_bytes() };
        let version = header.and_then(Header::version).unwrap_or([2, 5, 0]);
        if event.is_empty() || version < [2, 2, 0] {
            return;
        }
        self.bytes.push(self.separators.component);
        self.echo(event);
        if version >= [2, 3, 1] {
            self.bytes.push(self.separators.component);
            self.ascii(code);
            if !own.is_empty() {
                self.ascii("_");
                self.ascii(own);
            }
        }
    }

    fn msa(&mut self, request: &AckRequest<'_>) {
        self.ascii("MSA");
        self.separate(1);
        self.ascii(request.code.as_str());
        self.separate(1);
        self.echo(request.header.map_or(b"", Header::control_id));
        let first = request.findings.iter().find(|finding| finding.severity == Severity::Error);
        if let Some(finding) = first.filter(|_| self.old_form && !request.code.is_accept()) {
            self.separate(1);
            // Eighty characters hold one language.
            let language = if request.language == Language::En { Language::En } else { Language::Zh };
            let text = self.words(finding, language, MSA_3_CHARS);
            self.text(&text);
        }
        self.bytes.push(b'\r');
    }

    fn err(&mut self, finding: &Finding, request: &AckRequest<'_>) {
        let code = match (finding.hl7_code, finding.severity) {
            (0, Severity::Error) => 207,
            (code, _) => code,
        };
        self.ascii("ERR");
        self.separate(1);
        if self.old_form {
            self.err_1(finding, code);
        }
        self.separate(1);
        self.location(&finding.location);
        self.separate(1);
        let component = self.separators.component;
        self.ascii(&code.to_string());
        self.bytes.push(component);
        self.text(meaning(code));
        self.bytes.push(component);
        self.ascii("HL70357");
        self.separate(1);
        self.ascii(match finding.severity {
            Severity::Error => "E",
            Severity::Warning => "W",
            Severity::Information => "I",
        });
        self.separate(1);
        self.text(application_code(&finding.rule));
        self.separate(2);
        self.text(&diagnosis(finding, request.receipt));
        self.separate(1);
        let text = self.words(finding, request.language, ERR_8_CHARS);
        self.text(&text);
        self.bytes.push(b'\r');
    }

    /// ERR-1 up to 2.4 (ELD): `segment^sequence^field^code&text&system`.
    fn err_1(&mut self, finding: &Finding, code: u16) {
        let Separators { component, subcomponent, .. } = self.separators;
        let Location::V2 { segment, sequence, field, .. } = &finding.location else {
            self.bytes.extend([component; 3]);
            return self.coded(code, subcomponent);
        };
        self.text(segment);
        self.bytes.push(component);
        self.ascii(&(*sequence).max(1).to_string());
        self.bytes.push(component);
        if *field > 0 {
            self.ascii(&field.to_string());
        }
        self.bytes.push(component);
        self.coded(code, subcomponent);
    }

    fn coded(&mut self, code: u16, between: u8) {
        self.ascii(&code.to_string());
        self.bytes.push(between);
        self.text(meaning(code));
        self.bytes.push(between);
        self.ascii("HL70357");
    }

    /// ERR-2 (ERL): `segment^sequence^field^repetition^component^subcomponent`, as far as it is known. The first
    /// repetition of a field that has but one is not told.
    fn location(&mut self, location: &Location) {
        let Location::V2 { segment, sequence, field, repetition, component, subcomponent } = location else { return };
        self.text(segment);
        let repetition = if *component > 0 { (*repetition).max(1) } else { *repetition };
        let repetition = if *component == 0 && repetition == 1 { 0 } else { repetition };
        let parts = [(*sequence).max(1), *field, repetition, *component, *subcomponent];
        let known = parts.iter().rposition(|part| *part > 0).map_or(0, |last| last + 1);
        for part in parts.iter().take(known) {
            self.bytes.push(self.separators.component);
            if *part > 0 {
                self.ascii(&part.to_string());
            }
        }
    }

    /// The finding in words that the answer's charset can hold.
    fn words<'a>(&self, finding: &'a Finding, language: Language, max_chars: usize) -> Cow<'a, str> {
        self.said(&finding.zh, &finding.en, language, max_chars)
    }

    pub(crate) fn said<'a>(&self, zh: &'a str, en: &'a str, language: Language, max_chars: usize) -> Cow<'a, str> {
        let holds_chinese = matches!(self.charset, Charset::Utf8 | Charset::Gb18030);
        let text: Cow<'a, str> = match language {
            Language::Both if holds_chinese => Cow::Owned(format!("{zh} / {en}")),
            Language::Zh if holds_chinese => Cow::Borrowed(zh),
            _ => Cow::Borrowed(en),
        };
        match text.char_indices().nth(max_chars) {
            None => text,
            Some(_) => Cow::Owned(text.chars().take(max_chars - 3).chain("...".chars()).collect()),
        }
    }

    pub(crate) fn separate(&mut self, times: usize) {
        self.bytes.extend(std::iter::repeat_n(self.separators.field, times));
    }

    /// Bytes of the message itself, which have its separators and its charset already. Where they are not what
    /// the answer's charset allows, a `?` stands for each: half a character would swallow the separator behind
    /// it. Control characters have no meaning in MSH and could end a frame.
    fn echo(&mut self, bytes: &[u8]) {
        let intact = bytes.is_ascii() && !bytes.contains(&ESC) || self.holds(bytes);
        // A separator inside a field can only be the second half of a character, in a charset that has such.
        let halves = intact && !matches!(self.charset, Charset::Utf8 | Charset::Latin1 | Charset::Iso8859(_));
        let passes = |byte: u8| match byte {
            b' '..=b'~' => !self.alien.contains(&byte) && (halves || byte != self.separators.field),
            _ => intact && (byte >= 0x80 || byte == ESC),
        };
        let Separators { field, component, repetition, escape, subcomponent } = self.separators;
        let stand_in = if [field, component, repetition, escape, subcomponent].contains(&b'?') { b'x' } else { b'?' };
        self.bytes.extend(bytes.iter().map(|byte| if passes(*byte) { *byte } else { stand_in }));
    }

    fn holds(&self, bytes: &[u8]) -> bool {
        let decodes =
            |encoding: &'static encoding_rs::Encoding| encoding.decode_without_bom_handling_and_without_replacement(bytes).is_some();
        match self.charset {
            Charset::Utf8 => std::str::from_utf8(bytes).is_ok(),
            Charset::Gb18030 => decodes(encoding_rs::GB18030),
            Charset::Big5 => decodes(encoding_rs::BIG5),
            Charset::EucKr => decodes(encoding_rs::EUC_KR),
            // Back in ASCII at the end.
            Charset::Iso2022Jp => {
                let back = memchr::memrchr(ESC, bytes).and_then(|at| bytes.get(at + 1..)).is_none_or(|rest| rest.starts_with(b"("));
                back && decodes(encoding_rs::ISO_2022_JP)
            }
            Charset::Latin1 | Charset::Iso8859(_) => !bytes.contains(&ESC),
            // Nothing is declared: what the whole line is.
            Charset::Ascii if self.utf8 => std::str::from_utf8(bytes).is_ok(),
            Charset::Ascii => decodes(encoding_rs::GB18030),
        }
    }

    /// Letters and digits of ours: none of them can be a separator.
    pub(crate) fn ascii(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Text of ours: separators escaped, line ends made blanks, in the answer's charset.
    pub(crate) fn text(&mut self, text: &str) {
        let Separators { field, component, repetition, escape, subcomponent } = self.separators;
        let separators = [field, component, repetition, escape, subcomponent];
        if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !separators.contains(&byte)) {
            return self.ascii(text);
        }
        let mut escaped = String::with_capacity(text.len());
        for character in text.chars() {
            let letter = match u8::try_from(character) {
                Ok(byte) if byte == field => Some('F'),
                Ok(byte) if byte == component => Some('S'),
                Ok(byte) if byte == repetition => Some('R'),
                Ok(byte) if byte == escape => Some('E'),
                Ok(byte) if byte == subcomponent => Some('T'),
                _ => None,
            };
            match letter {
                Some(letter) => escaped.extend([char::from(escape), letter, char::from(escape)]),
                None if character.is_control() => escaped.push(' '),
                None => escaped.push(character),
            }
        }
        self.encode(&escaped);
    }

    /// Text of the message itself, decoded, with its separators between its parts.
    pub(crate) fn verbatim(&mut self, text: &str) {
        let alien = |character: char| u8::try_from(character).is_ok_and(|byte| self.alien.contains(&byte));
        let line = char::from(self.separators.field);
        let keep = |character: char| match character {
            character if character.is_control() || character == line => ' ',
            character if alien(character) => ' ',
            character => character,
        };
        let text: String = text.chars().map(keep).collect();
        self.encode(&text);
    }

    fn encode(&mut self, text: &str) {
        match self.charset {
            Charset::Utf8 => self.bytes.extend_from_slice(text.as_bytes()),
            Charset::Gb18030 => self.bytes.extend_from_slice(&encoding_rs::GB18030.encode(text).0),
            _ => self.bytes.extend(text.chars().map(|character| u8::try_from(character).ok().filter(u8::is_ascii).unwrap_or(b'?'))),
        }
    }

    pub(crate) fn separators(&self) -> Separators {
        self.separators
    }
}

/// ERR-7: `rule=…; receipt=…; offset=…`, never a value of the message.
fn diagnosis(finding: &Finding, receipt: &str) -> String {
    let mut text = format!("rule={}", finding.rule);
    if !receipt.is_empty() {
        text.push_str("; receipt=");
        text.push_str(receipt);
    }
    match &finding.location {
        Location::Byte(at) => text.push_str(&format!("; offset={at}")),
        Location::Path { expression, .. } => text.push_str(&format!("; at={expression}")),
        _ => {}
    }
    if finding.rule.starts_with("hl7.charset.") {
        // Of what the charset's rules have found out, only position and guess are no content.
        let value = finding.value.as_deref().unwrap_or_default();
        for word in value.split(' ').filter(|word| word.starts_with("offset=") || word.starts_with("looks_like=")) {
            text.push_str("; ");
            text.push_str(word);
        }
    }
    text
}

/// HL7 table 0357.
fn meaning(code: u16) -> &'static str {
    match code {
        0 => "Message accepted",
        100 => "Segment sequence error",
        101 => "Required field missing",
        102 => "Data type error",
        103 => "Table value not found",
        104 => "Value too long",
        198 => "Non-Conformant Cardinality",
        199 => "Other HL7 Error",
        200 => "Unsupported message type",
        201 => "Unsupported event code",
        202 => "Unsupported processing id",
        203 => "Unsupported version id",
        204 => "Unknown key identifier",
        205 => "Duplicate key identifier",
        206 => "Application record locked",
        _ => "Application error",
    }
}

/// ERR-5: our own code for what operators look up most.
fn application_code(rule: &str) -> &'static str {
    match rule {
        "source.identity_mismatch" => "SRC-MISMATCH",
        "control_id.reused" => "ID-REUSED",
        "msg.too_large" => "TOO-LARGE",
        "hl7.limit" => "LIMIT",
        "store.unavailable" => "STORE-UNAVAILABLE",
        "recognition.remind" => "HR-REMIND",
        "recognition.hold" => "HR-HOLD",
        "recognition.refuse" => "HR-REFUSE",
        "recognition.degraded" => "HR-DEGRADED",
        rule if rule.starts_with("recognition.") => "HR-ANSWER",
        _ => "",
    }
}

/// The answer's own id: the receipt, so that both can be looked up by one id; a hash of it where it is too long.
fn control_id(receipt: &str) -> String {
    let fits = !receipt.is_empty()
        && receipt.len() <= CONTROL_ID_BYTES
        && receipt.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if fits {
        return receipt.to_owned();
    }
    // FNV-1a, 64 bits: distinctness among one receiver's answers, no secrecy.
    let hash = receipt.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
    format!("H{hash:016X}")
}

/// `20260102030405+0800`.
pub(crate) fn time(now_us: i64, zone_offset_minutes: i16) -> String {
    let offset = i64::from(zone_offset_minutes);
    let seconds = now_us.div_euclid(1_000_000).saturating_add(offset * 60);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let mut text = String::with_capacity(19);
    let parts = [(year, 4), (month, 2), (day, 2), (second / 3600, 2), (second / 60 % 60, 2), (second % 60, 2)];
    for (number, width) in parts {
        digits(&mut text, number, width);
    }
    text.push(if offset < 0 { '-' } else { '+' });
    digits(&mut text, offset.abs() / 60, 2);
    digits(&mut text, offset.abs() % 60, 2);
    text
}

/// The last `width` decimal digits; several times as fast as formatting, and every answer has a time.
fn digits(text: &mut String, number: i64, width: u32) {
    for place in (0..width).rev() {
        let digit = number / 10_i64.pow(place) % 10;
        text.push(char::from(b'0' + u8::try_from(digit).unwrap_or(0)));
    }
}

/// Year, month and day of a day number since 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    // Far outside any real date the answer's time is of no use, but it must not overflow.
    hutong_fhir::calendar::civil(days.clamp(-700_000, 2_900_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_the_senders_own() {
        for (now_us, offset, expected) in [
            (0, 480, "19700101080000+0800"),
            (1_767_323_045_999_999, 480, "20260102110405+0800"),
            (951_782_400_000_000, 0, "20000229000000+0000"),
            (1_709_164_800_000_000, -150, "20240228213000-0230"),
            (-1, 0, "19691231235959+0000"),
            (4_102_444_799_000_000, 480, "21000101075959+0800"),
        ] {
            assert_eq!(time(now_us, offset), expected);
        }
        assert_eq!(time(i64::MAX, 480).len(), time(i64::MIN, 480).len());
    }

    #[test]
    fn an_answer_has_an_id_of_its_own() {
        assert_eq!(control_id("R-20260102-000001"), "R-20260102-000001");
        let long = control_id("01JGZ7T0000000000000000001");
        assert_eq!(long.len(), 17);
        assert_ne!(long, control_id("01JGZ7T0000000000000000002"));
        assert_eq!(control_id("").len(), 17);
        assert!(control_id("a|b").starts_with('H'));
    }
}
