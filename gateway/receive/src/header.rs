//! MSH by its bytes, before and without decoding.
//!
//! An answer must echo the sender's names and its control id exactly, also where the rest of the message could
//! not be read, and in whatever charset they came. So the fields are ranges of the bytes that arrived. Bytes of
//! multi-byte characters are stepped over, because in GB18030 the second byte of a character can be `|` or `^`.

use hutong_decode::charset::Charset;
use std::borrow::Cow;

/// The separators of a message, as its MSH-1 and MSH-2 declare them; where they cannot be used, `|^~\&`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Separators {
    pub(crate) field: u8,
    pub(crate) component: u8,
    pub(crate) repetition: u8,
    pub(crate) escape: u8,
    pub(crate) subcomponent: u8,
}

impl Separators {
    pub(crate) const USUAL: Separators = Separators { field: b'|', component: b'^', repetition: b'~', escape: b'\\', subcomponent: b'&' };

    /// `None` where they cannot be used.
    fn read(line: &[u8]) -> Option<Separators> {
        let usual = Separators::USUAL;
        let field = *line.get(3).filter(|byte| byte.is_ascii_punctuation())?;
        let declared: &[u8] = line.get(4..).unwrap_or_default().split(|byte| *byte == field).next().unwrap_or_default();
        let (component, repetition, escape, subcomponent) = match *declared {
            // `^~\\&`: escaped once too often by the sender's program.
            [component, repetition, escape, again, subcomponent] if escape == again => (component, repetition, escape, subcomponent),
            [component, repetition, escape, subcomponent, ..] => (component, repetition, escape, subcomponent),
            [component, repetition, escape] => (component, repetition, escape, usual.subcomponent),
            _ => (usual.component, usual.repetition, usual.escape, usual.subcomponent),
        };
        let all = [field, component, repetition, escape, subcomponent];
        let distinct =
            all.iter().enumerate().all(|(at, byte)| byte.is_ascii_punctuation() && !all.iter().skip(at + 1).any(|other| other == byte));
        distinct.then_some(Separators { field, component, repetition, escape, subcomponent })
    }
}

/// Fields kept: up to MSH-18.
const FIELDS: usize = 19;
/// A field longer than this is not echoed: it is none that any version of HL7 allows.
const ECHO_MAX: usize = 512;

/// MSH of a message.
pub struct Header<'a> {
    pub(crate) separators: Separators,
    /// They are the message's own, so that its fields can be echoed among them.
    pub(crate) declares_separators: bool,
    /// MSH-n at n; 0 to 2 are empty.
    fields: [&'a [u8]; FIELDS],
    /// The line is valid UTF-8.
    pub(crate) utf8: bool,
    /// A byte below 80 always stands for itself.
    singly: bool,
}

impl<'a> Header<'a> {
    /// Finds the first MSH at the beginning of a line. Batch headers and blank lines may stand before it.
    pub fn scan(raw: &'a [u8]) -> Option<Header<'a>> {
        let line = raw.split(|byte| matches!(byte, b'\r' | b'\n')).map(trim).take(SEARCHED_LINES).find(|line| is_msh(line))?;
        let utf8 = std::str::from_utf8(line).is_ok();
        let header = Header::cut(line, utf8, utf8);
        if !utf8 && header.declared_charset().is_none() {
            // In the parts of ISO 8859 a high byte is a character of its own, also before a separator.
            let singly = Header::cut(line, utf8, true);
            if matches!(singly.declared_charset(), Some(Charset::Latin1 | Charset::Iso8859(_))) {
                return Some(singly);
            }
        }
        Some(header)
    }

    fn cut(line: &'a [u8], utf8: bool, singly: bool) -> Header<'a> {
        let usable = Separators::read(line);
        let separators = usable.unwrap_or(Separators::USUAL);
        let field = line.get(3).copied().unwrap_or(separators.field);
        let mut fields: [&[u8]; FIELDS] = [&[]; FIELDS];
        // MSH-1 is the separator itself and MSH-2 the others: neither is a field to be read.
        let mut rest = line.get(4..).and_then(|rest| rest.get(find(rest, field, singly) + 1..));
        for place in fields.iter_mut().skip(3) {
            let Some(text) = rest else { break };
            let end = find(text, field, singly);
            *place = text.get(..end).unwrap_or_default();
            rest = text.get(end + 1..);
        }
        Header { separators, declares_separators: usable.is_some(), fields, utf8, singly }
    }

    /// MSH-n as it stands, all repetitions and components; empty where absent or absurdly long.
    pub fn field(&self, number: usize) -> &'a [u8] {
        self.fields.get(number).copied().filter(|field| field.len() <= ECHO_MAX).unwrap_or_default()
    }

    /// Component `number` (from 1) of MSH-n's first repetition.
    pub fn component(&self, field: usize, number: usize) -> &'a [u8] {
        let text = self.field(field);
        let mut rest = text.get(..find(text, self.separators.repetition, self.singly)).unwrap_or_default();
        for _ in 1..number {
            rest = rest.get(find(rest, self.separators.component, self.singly) + 1..).unwrap_or_default();
        }
        rest.get(..find(rest, self.separators.component, self.singly)).unwrap_or_default()
    }

    /// A component as text, for comparing with names that people have registered.
    pub fn text(&self, field: usize, component: usize) -> Cow<'a, str> {
        let bytes = self.component(field, component);
        match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => encoding_rs::GB18030.decode_without_bom_handling(bytes).0,
        }
    }

    /// MSH-10.
    pub fn control_id(&self) -> &'a [u8] {
        self.field(10)
    }

    /// MSH-12 as numbers, `2.3.1` as `[2, 3, 1]`; `None` where it is not such.
    pub(crate) fn version(&self) -> Option<[u32; 3]> {
        let text = std::str::from_utf8(self.component(12, 1)).ok()?.trim();
        let mut version = [0; 3];
        let mut parts = text.split('.');
        for place in &mut version {
            if let Some(part) = parts.next() {
                *place = part.parse().ok()?;
            }
        }
        parts.next().is_none().then_some(version)
    }

    /// What MSH-18 declares, where that is known.
    pub fn declared_charset(&self) -> Option<Charset> {
        Charset::from_name(std::str::from_utf8(self.component(18, 1)).ok()?.trim())
    }

    /// In which charset to answer: the declared one; else what the message was read as, where its bytes showed
    /// that; else the source's; else ASCII, which is part of all of them.
    pub fn answer_charset(&self, raw: &[u8], read_as: Option<Charset>, source_default: Option<Charset>) -> Charset {
        self.declared_charset().or_else(|| read_as.filter(|_| !raw.is_ascii())).or(source_default).unwrap_or(Charset::Ascii)
    }
}

/// In a batch, MSH stands within the first lines: FHS, BHS, and blank ones.
const SEARCHED_LINES: usize = 16;

fn trim(line: &[u8]) -> &[u8] {
    line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line).trim_ascii_start()
}

fn is_msh(line: &[u8]) -> bool {
    line.starts_with(b"MSH") && line.get(3).is_some_and(u8::is_ascii_punctuation)
}

/// Where `separator` first stands as a character of its own; the text's length where it does not.
fn find(text: &[u8], separator: u8, singly: bool) -> usize {
    if singly {
        return memchr::memchr(separator, text).unwrap_or(text.len());
    }
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += match text.get(at + 1..).unwrap_or_default() {
            // ISO-2022-JP: from `ESC $` to `ESC (` and its one letter.
            [b'$', run @ ..] if byte == 0x1B => memchr::memmem::find(run, b"\x1b(").map_or(text.len(), |end| end + 5),
            [second, ..] if (0x81..=0xFE).contains(&byte) && *second >= 0x40 => 2,
            [second, _, _, ..] if (0x81..=0xFE).contains(&byte) && second.is_ascii_digit() => 4,
            _ if byte == separator => return at,
            _ => 1,
        };
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_as_they_stand() {
        let raw = b"\r\nFHS|^~\\&|X\rMSH|^~\\&|LIS^1.2^ISO|STZX~2|HIS||20260101||ORU^R01^ORU_R01|id 7||2.4|||AL|NE|CHN|GBK\rPID|";
        let header = Header::scan(raw).unwrap();
        assert_eq!(header.field(3), b"LIS^1.2^ISO");
        assert_eq!(header.component(3, 1), b"LIS");
        assert_eq!(header.component(3, 2), b"1.2");
        assert_eq!(header.component(4, 1), b"STZX");
        assert_eq!(header.component(9, 3), b"ORU_R01");
        assert_eq!(header.component(9, 4), b"");
        assert_eq!((header.field(6), header.field(10), header.field(15)), (&b""[..], &b"id 7"[..], &b"AL"[..]));
        assert_eq!(header.declared_charset(), Some(Charset::Gb18030));
        assert_eq!(header.version(), Some([2, 4, 0]));
    }

    #[test]
    fn a_byte_of_a_character_is_no_separator() {
        // 諀 is D5 7C in GBK, and 7C is `|`; 昢 is 95 5E, and 5E is `^`.
        let header = Header::scan(b"MSH|^~\\&|LIS|\xD5\x7C\x95\x5E^X|HIS||1||ADT^A01|7|P|2.4").unwrap();
        assert_eq!(header.component(4, 1), b"\xD5\x7C\x95\x5E");
        assert_eq!((header.text(4, 1).as_ref(), header.control_id()), ("諀昢", &b"7"[..]));
        // In UTF-8 the same trail positions are never ASCII, and an odd number of high bytes stands before `|`.
        let header = Header::scan("MSH|^~\\&|LIS|你|HIS||1||ADT^A01|7|P|2.4".as_bytes()).unwrap();
        assert_eq!((header.text(4, 1).as_ref(), header.control_id()), ("你", &b"7"[..]));
        // In Latin-1, é before a separator is one byte.
        let header = Header::scan(b"MSH|^~\\&|CAF\xC9|\xC9|HIS||1||ADT^A01|7|P|2.4||||||8859/1").unwrap();
        assert_eq!((header.field(3), header.field(4), header.control_id()), (&b"CAF\xC9"[..], &b"\xC9"[..], &b"7"[..]));
        let header = Header::scan(b"MSH|^~\\&|\x1b$B|^|^\x1b(B|JP|HIS||1||ADT^A01|7|P|2.4\xB1").unwrap();
        assert_eq!((header.field(4), header.control_id()), (&b"JP"[..], &b"7"[..]));
    }

    #[test]
    fn separators_are_read_or_the_usual_ones() {
        let separators = |line: &[u8]| {
            let s = Header::scan(line).unwrap().separators;
            [s.field, s.component, s.repetition, s.escape, s.subcomponent]
        };
        for (line, expected) in [
            (&b"MSH|^~\\&|"[..], b"|^~\\&"),
            (b"MSH#*~\\&#LIS", b"#*~\\&"),
            (b"MSH|^~\\\\&|LIS", b"|^~\\&"),
            (b"MSH|^~\\&#|LIS", b"|^~\\&"),
            (b"MSH|^~\\|LIS", b"|^~\\&"),
            (b"MSH||||||", b"|^~\\&"),
            (b"MSH|^^\\&|", b"|^~\\&"),
        ] {
            assert_eq!(&separators(line), expected, "{}", String::from_utf8_lossy(line));
        }
        assert_eq!(Header::scan(b"MSH#*~\\&#LIS*1#F").unwrap().component(3, 1), b"LIS");
    }

    #[test]
    fn what_is_no_header_is_none() {
        for raw in [&b""[..], b"PID|1\rPV1|", b"MSHX", b"MSH", b"XMSH|^~\\&|"] {
            assert!(Header::scan(raw).is_none(), "{raw:?}");
        }
        let long = [b"MSH|^~\\&|||||||||".to_vec(), vec![b'x'; 600], b"|P".to_vec()].concat();
        let header = Header::scan(&long).unwrap();
        assert_eq!((header.control_id(), header.field(11)), (&b""[..], &b""[..]));
        let header = Header::scan(&long[..30]).unwrap();
        assert_eq!((header.field(18), header.component(18, 9)), (&b""[..], &b""[..]));
    }

    #[test]
    fn versions_and_charsets_decide_the_form_of_the_answer() {
        for (text, version) in
            [("2.1", Some([2, 1, 0])), ("2.3.1", Some([2, 3, 1])), ("2.10", Some([2, 10, 0])), ("", None), ("v2", None), ("2.4.1.1", None)]
        {
            let line = format!("MSH|^~\\&|||||||ADT|1|P|{text}");
            assert_eq!(Header::scan(line.as_bytes()).unwrap().version(), version, "{text}");
        }
        let declared = Header::scan(b"MSH|^~\\&||||||||||||||||UNICODE UTF-8").unwrap();
        let silent = Header::scan(b"MSH|^~\\&|").unwrap();
        let gbk = Some(Charset::Gb18030);
        assert_eq!(declared.answer_charset(b"\xC1", gbk, gbk), Charset::Utf8);
        assert_eq!(silent.answer_charset(b"\xC1\xC1", gbk, None), Charset::Gb18030);
        assert_eq!(silent.answer_charset(b"A", Some(Charset::Utf8), gbk), Charset::Gb18030);
        assert_eq!(silent.answer_charset(b"A", Some(Charset::Utf8), None), Charset::Ascii);
    }
}
