//! The parser: strict JSON (RFC 8259) into a [`Tree`], with the shapes that FHIR forbids reported beside it.

use super::{JsonError, JsonErrorKind, JsonIssue, JsonIssueKind, JsonLimits};
use crate::names::Key;
use crate::tree::{Kind, NO_ORIGIN, NodeId, Tree};
use std::collections::HashMap;

/// Member names that are kept as a list.
const FEW: usize = 32;

/// Reads one resource. The `origin` of every node is the byte offset of its value.
pub fn parse(text: &[u8], limits: &JsonLimits) -> Result<(Tree, Vec<JsonIssue>), JsonError> {
    let text = std::str::from_utf8(text).map_err(|e| JsonError { kind: JsonErrorKind::Utf8, offset: e.valid_up_to() })?;
    let mut p = Parser { text, s: text.as_bytes(), at: 0, tree: Tree::new(), issues: Vec::new(), limits: *limits, scratch: String::new() };
    p.space();
    if p.peek() != Some(b'{') {
        return Err(p.error(JsonErrorKind::NotAnObject));
    }
    p.object(0, 1)?;
    p.space();
    if p.at != p.s.len() {
        return Err(p.error(JsonErrorKind::Syntax));
    }
    Ok((p.tree, p.issues))
}

struct Parser<'a> {
    text: &'a str,
    s: &'a [u8],
    at: usize,
    tree: Tree,
    issues: Vec<JsonIssue>,
    limits: JsonLimits,
    scratch: String,
}

impl Parser<'_> {
    fn error(&self, kind: JsonErrorKind) -> JsonError {
        JsonError { kind, offset: self.at }
    }

    fn peek(&self) -> Option<u8> {
        self.s.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, b: u8) -> Result<(), JsonError> {
        if self.peek() == Some(b) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.error(JsonErrorKind::Syntax))
        }
    }

    /// Reads the members of an object into `node`; `self.at` is at `{`.
    fn object(&mut self, node: NodeId, depth: usize) -> Result<(), JsonError> {
        if depth > self.limits.depth_max {
            return Err(self.error(JsonErrorKind::Depth));
        }
        self.expect(b'{')?;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        let mut seen = Seen::default();
        loop {
            self.space();
            let key_at = self.at;
            let (key, sibling) = self.member_name()?;
            if !seen.insert(key, sibling) {
                return Err(JsonError { kind: JsonErrorKind::DuplicateKey, offset: key_at });
            }
            if seen.len() > self.limits.keys_per_object_max {
                return Err(JsonError { kind: JsonErrorKind::TooManyNodes, offset: key_at });
            }
            self.space();
            self.expect(b':')?;
            self.space();
            let mut cursor = Cursor { next: seen.first(key, !sibling), last: None, first: None };
            if sibling {
                self.primitive_sibling(node, key, depth, &mut cursor)?;
            } else {
                self.member(node, key, depth, &mut cursor)?;
            }
            seen.insert_first(key, sibling, cursor.first);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.error(JsonErrorKind::Syntax)),
            }
        }
    }

    fn member_name(&mut self) -> Result<(Key, bool), JsonError> {
        let text = self.text;
        if let Some(span) = self.plain_string()? {
            let name = &text[span.0..span.1];
            return Ok(match name.strip_prefix('_') {
                Some(rest) if !rest.is_empty() => (self.tree.key(rest), true),
                _ => (self.tree.key(name), false),
            });
        }
        self.scratch.clear();
        self.string_with_escapes()?;
        let name = std::mem::take(&mut self.scratch);
        let (key, sibling) = match name.strip_prefix('_') {
            Some(rest) if !rest.is_empty() => (self.tree.key(rest), true),
            _ => (self.tree.key(&name), false),
        };
        self.scratch = name;
        Ok((key, sibling))
    }

    /// A value of member `key`: one node, or one for each item of an array.
    fn member(&mut self, node: NodeId, key: Key, depth: usize, cursor: &mut Cursor) -> Result<(), JsonError> {
        if self.peek() != Some(b'[') {
            let offset = self.at;
            let id = self.fill_or_add(node, key, cursor, false)?;
            self.value(id, depth)?;
            if self.tree.node(id).kind() == Kind::Empty && !self.tree.node(id).has_children() {
                self.issues.push(JsonIssue { kind: JsonIssueKind::Null, node: id, offset });
            }
            return Ok(());
        }
        let offset = self.at;
        self.at += 1;
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            self.issues.push(JsonIssue { kind: JsonIssueKind::EmptyArray, node, offset });
            return Ok(());
        }
        loop {
            self.space();
            if self.peek() == Some(b'[') {
                self.issues.push(JsonIssue { kind: JsonIssueKind::ArrayInArray, node, offset: self.at });
                self.skip(depth + 1)?;
            } else {
                let id = self.fill_or_add(node, key, cursor, true)?;
                self.value(id, depth + 1)?;
            }
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.error(JsonErrorKind::Syntax)),
            }
        }
    }

    /// `_name`: the `id` and `extension` of the primitive(s) `name`, before or after it.
    fn primitive_sibling(&mut self, node: NodeId, key: Key, depth: usize, cursor: &mut Cursor) -> Result<(), JsonError> {
        match self.peek() {
            Some(b'{') => {
                let id = self.fill_or_add(node, key, cursor, false)?;
                self.object(id, depth + 1)
            }
            Some(b'[') => {
                let offset = self.at;
                self.at += 1;
                self.space();
                if self.peek() == Some(b']') {
                    self.at += 1;
                    self.issues.push(JsonIssue { kind: JsonIssueKind::EmptyArray, node, offset });
                    return Ok(());
                }
                loop {
                    self.space();
                    let id = self.fill_or_add(node, key, cursor, true)?;
                    match self.peek() {
                        Some(b'{') => self.object(id, depth + 2)?,
                        Some(b'n') => self.word("null")?,
                        _ => {
                            self.issues.push(JsonIssue { kind: JsonIssueKind::BadPrimitiveSibling, node: id, offset: self.at });
                            self.skip(depth + 2)?;
                        }
                    }
                    self.space();
                    match self.peek() {
                        Some(b',') => self.at += 1,
                        Some(b']') => {
                            self.at += 1;
                            return Ok(());
                        }
                        _ => return Err(self.error(JsonErrorKind::Syntax)),
                    }
                }
            }
            _ => {
                self.issues.push(JsonIssue { kind: JsonIssueKind::BadPrimitiveSibling, node, offset: self.at });
                self.skip(depth + 1)
            }
        }
    }

    /// The node that the other of `name` and `_name` made at this place already, else a new one behind the last.
    fn fill_or_add(&mut self, node: NodeId, key: Key, cursor: &mut Cursor, list: bool) -> Result<NodeId, JsonError> {
        let id = match cursor.next {
            Some(made) => made,
            None if self.tree.len() >= self.limits.nodes_max => return Err(self.error(JsonErrorKind::TooManyNodes)),
            None => {
                let id = self.tree.insert(node, cursor.last, key, Kind::Empty, list);
                self.tree.set_origin(id, u32::try_from(self.at).unwrap_or(NO_ORIGIN));
                id
            }
        };
        if cursor.next.is_some() {
            cursor.next = self.tree.next_of_run(id);
        }
        cursor.last = Some(id);
        cursor.first.get_or_insert(id);
        Ok(id)
    }

    fn value(&mut self, id: NodeId, depth: usize) -> Result<(), JsonError> {
        match self.peek() {
            Some(b'{') => {
                self.tree.set_value(id, Kind::Object, "");
                self.object(id, depth + 1)
            }
            Some(b'"') => {
                let text = self.text;
                if let Some((a, b)) = self.plain_string()? {
                    self.tree.set_value(id, Kind::String, &text[a..b]);
                } else {
                    self.scratch.clear();
                    self.string_with_escapes()?;
                    self.tree.set_value(id, Kind::String, &self.scratch);
                }
                Ok(())
            }
            Some(b't') => {
                self.word("true")?;
                self.tree.set_value(id, Kind::Bool, "true");
                Ok(())
            }
            Some(b'f') => {
                self.word("false")?;
                self.tree.set_value(id, Kind::Bool, "false");
                Ok(())
            }
            Some(b'n') => self.word("null"),
            Some(b'-' | b'0'..=b'9') => {
                let (a, b) = self.number()?;
                let text = self.text;
                self.tree.set_value(id, Kind::Number, &text[a..b]);
                Ok(())
            }
            _ => Err(self.error(JsonErrorKind::Syntax)),
        }
    }

    fn word(&mut self, word: &str) -> Result<(), JsonError> {
        if self.s[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(())
        } else {
            Err(self.error(JsonErrorKind::Syntax))
        }
    }

    fn digits(&mut self) -> usize {
        let from = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - from
    }

    /// RFC 8259 §6, kept as text. A magnitude that no decimal of 1e±307 holds is refused.
    fn number(&mut self) -> Result<(usize, usize), JsonError> {
        let from = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let zero = self.peek() == Some(b'0');
        let whole = self.digits();
        if whole == 0 || (zero && whole > 1) {
            return Err(self.error(JsonErrorKind::Syntax));
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(self.error(JsonErrorKind::Syntax));
            }
        }
        let mut exponent = 0i64;
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            let negative = self.peek() == Some(b'-');
            if matches!(self.peek(), Some(b'-' | b'+')) {
                self.at += 1;
            }
            let digits_at = self.at;
            if self.digits() == 0 {
                return Err(self.error(JsonErrorKind::Syntax));
            }
            exponent = self.text[digits_at..self.at].parse::<i64>().unwrap_or(i64::MAX / 2);
            if negative {
                exponent = -exponent;
            }
        }
        if exponent.saturating_add(whole as i64) > 308 || exponent < -307 || self.at - from > 1024 {
            return Err(JsonError { kind: JsonErrorKind::NumberRange, offset: from });
        }
        Ok((from, self.at))
    }

    /// A string without escapes as a span of the text; `None` (and nothing read) where it has escapes.
    fn plain_string(&mut self) -> Result<Option<(usize, usize)>, JsonError> {
        let from = self.at;
        self.expect(b'"')?;
        let start = self.at;
        loop {
            match self.peek() {
                None => return Err(self.error(JsonErrorKind::Syntax)),
                Some(b'"') => {
                    let end = self.at;
                    self.at += 1;
                    return Ok(Some((start, end)));
                }
                Some(b'\\') => {
                    self.at = from;
                    return Ok(None);
                }
                Some(0..=0x1f) => return Err(self.error(JsonErrorKind::Syntax)),
                Some(_) => self.at += 1,
            }
        }
    }

    fn string_with_escapes(&mut self) -> Result<(), JsonError> {
        self.expect(b'"')?;
        loop {
            let start = self.at;
            while !matches!(self.peek(), None | Some(b'"' | b'\\' | 0..=0x1f)) {
                self.at += 1;
            }
            let text = self.text;
            self.scratch.push_str(&text[start..self.at]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    let c = self.peek().ok_or(self.error(JsonErrorKind::Syntax))?;
                    self.at += 1;
                    match c {
                        b'"' | b'\\' | b'/' => self.scratch.push(c as char),
                        b'b' => self.scratch.push('\u{8}'),
                        b'f' => self.scratch.push('\u{c}'),
                        b'n' => self.scratch.push('\n'),
                        b'r' => self.scratch.push('\r'),
                        b't' => self.scratch.push('\t'),
                        b'u' => {
                            let c = self.unicode_escape()?;
                            self.scratch.push(c);
                        }
                        _ => return Err(self.error(JsonErrorKind::Syntax)),
                    }
                }
                _ => return Err(self.error(JsonErrorKind::Syntax)),
            }
        }
    }

    fn hex4(&mut self) -> Result<u32, JsonError> {
        let digits = self.s.get(self.at..self.at + 4).ok_or(self.error(JsonErrorKind::Syntax))?;
        let mut n = 0;
        for d in digits {
            n = n * 16 + (*d as char).to_digit(16).ok_or(self.error(JsonErrorKind::Syntax))?;
        }
        self.at += 4;
        Ok(n)
    }

    fn unicode_escape(&mut self) -> Result<char, JsonError> {
        let offset = self.at;
        let lone = JsonError { kind: JsonErrorKind::LoneSurrogate, offset };
        let high = self.hex4()?;
        if !(0xd800..0xe000).contains(&high) {
            return char::from_u32(high).ok_or(lone);
        }
        if high >= 0xdc00 || !self.s[self.at..].starts_with(b"\\u") {
            return Err(lone);
        }
        self.at += 2;
        let low = self.hex4()?;
        if !(0xdc00..0xe000).contains(&low) {
            return Err(lone);
        }
        char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)).ok_or(lone)
    }

    /// Reads and drops a value, with the same checks.
    fn skip(&mut self, depth: usize) -> Result<(), JsonError> {
        if depth > self.limits.depth_max {
            return Err(self.error(JsonErrorKind::Depth));
        }
        let (open, close) = match self.peek() {
            Some(b'[') => (b'[', b']'),
            Some(b'{') => (b'{', b'}'),
            Some(b'"') => {
                if self.plain_string()?.is_none() {
                    self.scratch.clear();
                    self.string_with_escapes()?;
                }
                return Ok(());
            }
            Some(b't') => return self.word("true"),
            Some(b'f') => return self.word("false"),
            Some(b'n') => return self.word("null"),
            Some(_) => return self.number().map(|_| ()),
            None => return Err(self.error(JsonErrorKind::Syntax)),
        };
        self.expect(open)?;
        self.space();
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.space();
            if open == b'{' {
                self.skip(depth + 1)?;
                self.space();
                self.expect(b':')?;
                self.space();
            }
            self.skip(depth + 1)?;
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b) if b == close => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.error(JsonErrorKind::Syntax)),
            }
        }
    }
}

/// Where the next value of a member goes. `name` and `_name` fill the same nodes, whichever comes first; the place is
/// kept, so that nothing is searched for each item of a long array.
struct Cursor {
    /// A node that the other member made and this one has not reached.
    next: Option<NodeId>,
    last: Option<NodeId>,
    first: Option<NodeId>,
}

/// The member names of one object with the first node of each: a short list first, a map once it grows.
#[derive(Default)]
struct Seen {
    few: Vec<((Key, bool), Option<NodeId>)>,
    many: HashMap<(Key, bool), Option<NodeId>>,
}

impl Seen {
    /// Notes a name; `false` where it was there already.
    fn insert(&mut self, key: Key, sibling: bool) -> bool {
        if self.find(key, sibling).is_some() {
            return false;
        }
        if self.many.is_empty() && self.few.len() < FEW {
            self.few.push(((key, sibling), None));
            return true;
        }
        self.many.extend(self.few.drain(..));
        self.many.insert((key, sibling), None);
        true
    }

    fn find(&self, key: Key, sibling: bool) -> Option<Option<NodeId>> {
        if self.many.is_empty() {
            return self.few.iter().find(|(name, _)| *name == (key, sibling)).map(|(_, first)| *first);
        }
        self.many.get(&(key, sibling)).copied()
    }

    fn first(&self, key: Key, sibling: bool) -> Option<NodeId> {
        self.find(key, sibling).flatten()
    }

    fn insert_first(&mut self, key: Key, sibling: bool, first: Option<NodeId>) {
        if self.many.is_empty() {
            if let Some((_, slot)) = self.few.iter_mut().find(|(name, _)| *name == (key, sibling)) {
                *slot = first;
            }
        } else {
            self.many.insert((key, sibling), first);
        }
    }

    fn len(&self) -> usize {
        self.few.len() + self.many.len()
    }
}
