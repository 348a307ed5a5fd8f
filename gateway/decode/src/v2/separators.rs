//! MSH-1 and MSH-2: which characters separate what. They are read from each message, never assumed.

use hutong_fhir::{Finding, Location, Severity};

/// A byte that no UTF-8 text holds stands for a separator that is not declared, so that nothing is split by it.
const NONE: u8 = 0xff;

/// The separators of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Separators {
    pub(super) field: u8,
    pub(super) component: u8,
    pub(super) repetition: u8,
    pub(super) escape: u8,
    pub(super) subcomponent: u8,
    pub(super) truncation: u8,
    /// MSH-2 is `^~\\&`: the text went through an escaping step once too often, and its escapes read `\\T\\` as well as `\T\`.
    pub(super) escape_is_doubled: bool,
}

impl Default for Separators {
    /// `|^~\&`
    fn default() -> Separators {
        Separators {
            field: b'|',
            component: b'^',
            repetition: b'~',
            escape: b'\\',
            subcomponent: b'&',
            truncation: NONE,
            escape_is_doubled: false,
        }
    }
}

fn declared(byte: u8) -> Option<char> {
    (byte != NONE).then(|| char::from(byte))
}

impl Separators {
    /// Nothing separates anything: MSH-1 and MSH-2 themselves are read with these.
    pub(super) const PLAIN: Separators = Separators {
        field: NONE,
        component: NONE,
        repetition: NONE,
        escape: NONE,
        subcomponent: NONE,
        truncation: NONE,
        escape_is_doubled: false,
    };

    pub fn field(&self) -> char {
        char::from(self.field)
    }
    pub fn component(&self) -> Option<char> {
        declared(self.component)
    }
    pub fn repetition(&self) -> Option<char> {
        declared(self.repetition)
    }
    pub fn escape(&self) -> Option<char> {
        declared(self.escape)
    }
    pub fn subcomponent(&self) -> Option<char> {
        declared(self.subcomponent)
    }
    pub fn truncation(&self) -> Option<char> {
        declared(self.truncation)
    }

    /// MSH-2 as one writes it with these separators.
    pub fn encoding_characters(&self) -> String {
        [self.component, self.repetition, self.escape, self.subcomponent, self.truncation].into_iter().filter_map(declared).collect()
    }

    /// Reads the separators of a segment that starts with its name, MSH-1 and MSH-2 (MSH, BHS, FHS).
    /// What cannot be used is left at its default, so that the rest can still be shown.
    pub(super) fn read(header: &str, findings: &mut Vec<Finding>) -> Separators {
        let bytes = header.as_bytes();
        let mut separators = Separators::default();
        if bytes.get(3..).is_some_and(|rest| rest.starts_with(b"|^~\\&|")) {
            return separators;
        }
        let segment = header.get(..3).unwrap_or("MSH");
        let field = bytes.get(3).copied().unwrap_or(b'\r');
        if !is_legal(field) {
            findings.push(illegal(segment, 1));
            return separators;
        }
        separators.field = field;
        let line = bytes.get(4..).unwrap_or_default();
        let end = line.iter().position(|b| *b == field || *b == b'\r' || *b == b'\n').unwrap_or(line.len());
        let mut characters = line.get(..end).unwrap_or_default();
        if let [c, r, e, e2, s, more @ ..] = characters
            && e == e2
            && more.len() <= 1
            && [field, *c, *r, *e, *s].iter().chain(more).all(|b| is_legal(*b))
            && all_distinct(&[&[field, *c, *r, *e, *s], more].concat())
        {
            let truncation = more.first().copied().unwrap_or(NONE);
            let (component, repetition, escape, subcomponent) = (*c, *r, *e, *s);
            findings.push(note(segment, "hl7.delimiters.doubled_escape").says(
                "MSH-2 中的转义符写了两次（^~\\\\&），已按 ^~\\& 读取；请检查发送程序的字符串转义",
                "the escape character stands twice in MSH-2 (^~\\\\&), read as ^~\\&; check the string escaping of the sending program",
            ));
            return Separators { field, component, repetition, escape, subcomponent, truncation, escape_is_doubled: true };
        }
        let legal = characters.iter().position(|b| !is_legal(*b)).unwrap_or(characters.len()).min(5);
        if legal < characters.len() && legal >= 4 {
            // such as `^~\&amp;`: what follows the four is the trace of another encoding
            findings.push(
                note(segment, "hl7.delimiters.too_many")
                    .says("MSH-2 的字符多于 5 个，已忽略多余的字符", "MSH-2 holds more than five characters; those in excess were ignored"),
            );
            characters = characters.get(..4).unwrap_or_default();
        }
        let mut used = vec![field];
        used.extend_from_slice(characters);
        if characters.is_empty() || !characters.iter().all(|b| is_legal(*b)) || !all_distinct(&used) {
            findings.push(illegal(segment, 2));
            return separators;
        }
        if characters.len() < 3 {
            findings.push(note(segment, "hl7.delimiters.too_few").says(
                "MSH-2 少于 3 个字符，未声明的分隔符按普通字符处理",
                "MSH-2 holds fewer than three characters; separators it does not declare are ordinary characters",
            ));
        }
        let nth = |n: usize| characters.get(n).copied().unwrap_or(NONE);
        separators.component = nth(0);
        separators.repetition = nth(1);
        separators.escape = nth(2);
        separators.subcomponent = nth(3);
        separators.truncation = nth(4);
        separators
    }
}

/// Any displayable ASCII character that cannot be part of a segment's name or a number.
pub(super) fn is_legal(byte: u8) -> bool {
    byte.is_ascii_punctuation()
}

fn all_distinct(bytes: &[u8]) -> bool {
    bytes.iter().enumerate().all(|(i, b)| !bytes.iter().skip(i + 1).any(|other| other == b))
}

fn location(segment: &str, field: u32) -> Location {
    Location::V2 { segment: segment.to_owned(), sequence: 1, field, repetition: 0, component: 0, subcomponent: 0 }
}

fn note(segment: &str, rule: &'static str) -> Finding {
    Finding::new(Severity::Warning, rule, "value", 102).at(location(segment, 2))
}

fn illegal(segment: &str, field: u32) -> Finding {
    Finding::new(Severity::Error, "hl7.delimiters", "value", 102).at(location(segment, field)).says(
        format!("{segment}-1、{segment}-2 中的分隔符缺失、重复或不是可打印的 ASCII 标点，无法划分消息；通常应为 |^~\\&"),
        format!("the separators in {segment}-1 and {segment}-2 are missing, not distinct or not ASCII punctuation, so the message cannot be split; |^~\\& is usual"),
    )
}
