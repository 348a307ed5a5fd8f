//! A forward reader of JSON that was checked when it was accepted: it skips what nobody asked for without building
//! anything. On malformed input it ends early; it never panics and never recurses.

use std::borrow::Cow;

/// A value in the text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Object,
    Array,
    String,
    /// Number, `true`, `false` or `null`.
    Word,
}

/// A position in a JSON text.
#[derive(Clone)]
pub(crate) struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Scan<'a> {
        Scan { text, at: 0 }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// What the value at this position is.
    pub(crate) fn shape(&mut self) -> Option<Shape> {
        self.space();
        Some(match self.peek()? {
            b'{' => Shape::Object,
            b'[' => Shape::Array,
            b'"' => Shape::String,
            b'}' | b']' | b',' | b':' => return None,
            _ => Shape::Word,
        })
    }

    /// Steps into an object or array.
    pub(crate) fn enter(&mut self) {
        self.at += 1;
    }

    /// Steps over what separates two members or items; `false` (and behind the bracket) at the end.
    pub(crate) fn more(&mut self) -> bool {
        self.space();
        loop {
            match self.peek() {
                Some(b',') => {
                    self.at += 1;
                    self.space();
                }
                Some(b'}' | b']') => {
                    self.at += 1;
                    return false;
                }
                None => return false,
                Some(_) => return true,
            }
        }
    }

    /// The name of the next member, with its escapes; the position is then at its value.
    pub(crate) fn name(&mut self) -> Option<&'a [u8]> {
        let (raw, _) = self.string_raw()?;
        self.space();
        if self.peek()? != b':' {
            return None;
        }
        self.at += 1;
        Some(raw)
    }

    /// The inside of a string, and whether it has escapes.
    fn string_raw(&mut self) -> Option<(&'a [u8], bool)> {
        self.space();
        if self.peek()? != b'"' {
            return None;
        }
        let start = self.at + 1;
        let mut escapes = false;
        let mut from = start;
        loop {
            let stop = from + memchr::memchr2(b'"', b'\\', self.text.get(from..)?)?;
            if self.text.get(stop) == Some(&b'"') {
                self.at = stop + 1;
                return Some((self.text.get(start..stop)?, escapes));
            }
            escapes = true;
            from = stop + 2;
        }
    }

    /// A primitive as text: a string without its escapes, a number or a boolean as written; `None` for `null`.
    pub(crate) fn primitive(&mut self) -> Option<Cow<'a, str>> {
        match self.shape()? {
            Shape::String => {
                let (raw, escapes) = self.string_raw()?;
                let text = std::str::from_utf8(raw).ok()?;
                Some(if escapes { Cow::Owned(unescape(text)) } else { Cow::Borrowed(text) })
            }
            Shape::Word => {
                let start = self.at;
                self.word();
                let word = std::str::from_utf8(self.text.get(start..self.at)?).ok()?;
                (word != "null").then_some(Cow::Borrowed(word))
            }
            Shape::Object | Shape::Array => {
                self.skip();
                None
            }
        }
    }

    fn word(&mut self) {
        while !matches!(self.peek(), None | Some(b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// Steps over one value and returns its text.
    pub(crate) fn skip(&mut self) -> &'a [u8] {
        self.space();
        let start = self.at;
        match self.peek() {
            Some(b'"') => {
                if self.string_raw().is_none() {
                    self.at = self.text.len();
                }
            }
            Some(b'{' | b'[') => self.skip_nested(),
            _ => self.word(),
        }
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn skip_nested(&mut self) {
        let mut depth = 0usize;
        while let Some(rest) = self.text.get(self.at..) {
            // only brackets and strings matter
            let Some(step) = rest.iter().position(|b| matches!(b, b'"' | b'{' | b'}' | b'[' | b']')) else { break };
            self.at += step;
            match self.peek() {
                Some(b'"') => {
                    if self.string_raw().is_none() {
                        break;
                    }
                }
                Some(b'{' | b'[') => {
                    depth += 1;
                    self.at += 1;
                }
                _ => {
                    depth -= 1;
                    self.at += 1;
                    if depth == 0 {
                        return;
                    }
                }
            }
        }
        self.at = self.text.len();
    }
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (head, tail) = rest.split_at(at);
        out.push_str(head);
        let mut chars = tail.chars();
        chars.next();
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('u') => {
                let (c, used) = unicode(chars.as_str());
                out.push(c);
                chars = chars.as_str().get(used..).unwrap_or_default().chars();
            }
            Some(c) => out.push(c),
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    out
}

/// The character of `hhhh` or of the surrogate pair `hhhh\uhhhh`, and how many bytes it took.
fn unicode(text: &str) -> (char, usize) {
    let unit = |t: &str| u32::from_str_radix(t.get(..4)?, 16).ok();
    let Some(first) = unit(text) else { return ('\u{fffd}', 0) };
    if (0xd800..0xdc00).contains(&first)
        && let Some(second) = text.get(4..).and_then(|t| t.strip_prefix("\\u")).and_then(unit)
        && (0xdc00..0xe000).contains(&second)
    {
        let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return (char::from_u32(code).unwrap_or('\u{fffd}'), 10);
    }
    (char::from_u32(first).unwrap_or('\u{fffd}'), 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_skipped_whole() {
        for value in [r#"{"a":[1,{"b":"]}"}],"c":"\\\""}"#, r#"[[],{}]"#, r#""a\"b""#, "12.5e3", "true", "null"] {
            let text = format!("  {value} ,rest");
            let mut scan = Scan::new(text.as_bytes());
            assert_eq!(std::str::from_utf8(scan.skip()).unwrap(), value);
            assert_eq!(&text[scan.at()..], " ,rest");
        }
    }

    #[test]
    fn members_come_in_order() {
        let mut scan = Scan::new(br#" { "a" : 1 , "b":"x\u00e9\ud83d\ude00\n", "c":null}"#);
        assert!(scan.shape() == Some(Shape::Object));
        scan.enter();
        let mut seen = Vec::new();
        while scan.more() {
            let name = String::from_utf8(scan.name().unwrap().to_vec()).unwrap();
            seen.push((name, scan.primitive().map(Cow::into_owned)));
        }
        let want = [("a", Some("1")), ("b", Some("xé😀\n")), ("c", None)];
        assert_eq!(seen.iter().map(|(a, b)| (a.as_str(), b.as_deref())).collect::<Vec<_>>(), want);
    }

    #[test]
    fn broken_text_ends_early_and_never_panics() {
        let text = br#"{"a":[1,{"b":"\u12"}],"c":"x\ud800y","d":{"e":[}]}}"#;
        for cut in 0..text.len() {
            let mut scan = Scan::new(&text[..cut]);
            scan.skip();
            let mut scan = Scan::new(&text[..cut]);
            scan.shape();
            scan.enter();
            let mut steps = 0;
            while scan.more() && steps < 100 {
                if scan.name().is_none() {
                    break;
                }
                scan.primitive();
                steps += 1;
            }
            assert!(steps < 100);
        }
    }
}
