//! FHIR JSON to a [`Tree`] and back (FHIR R4, <https://hl7.org/fhir/R4/json.html>).
//!
//! Reading is strict where silence would lose data: duplicate keys, lone surrogates, depth and number range are
//! errors; shapes that JSON allows and FHIR does not (empty arrays, arrays in arrays, stray nulls) are reported
//! beside the tree, with their position.

use crate::names::Key;
use crate::tree::{Kind, NO_ORIGIN, NodeId, NodeRef, Tree};

/// Limits of one JSON document.
#[derive(Clone, Copy, Debug)]
pub struct JsonLimits {
    pub depth_max: usize,
    pub nodes_max: usize,
    pub keys_per_object_max: usize,
}

impl Default for JsonLimits {
    fn default() -> Self {
        JsonLimits { depth_max: 64, nodes_max: 1_000_000, keys_per_object_max: 10_000 }
    }
}

/// Why a document could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JsonErrorKind {
    Syntax,
    Utf8,
    Depth,
    TooManyNodes,
    DuplicateKey,
    LoneSurrogate,
    NumberRange,
    NotAnObject,
}

/// What is wrong, and where (byte offset in the document). Holds no text of the document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JsonError {
    pub kind: JsonErrorKind,
    pub offset: usize,
}

/// A shape that JSON allows and FHIR does not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JsonIssueKind {
    EmptyArray,
    ArrayInArray,
    Null,
    /// `_name` is not an object (or an array of objects and nulls as long as `name`).
    BadPrimitiveSibling,
}

/// Where such a shape stands: below `node`, at a byte offset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JsonIssue {
    pub kind: JsonIssueKind,
    pub node: NodeId,
    pub offset: usize,
}

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

/// Line and column (both from 1, columns in characters) of a byte offset in a document.
pub fn line_column(text: &[u8], offset: usize) -> (u32, u32) {
    let before = &text[..offset.min(text.len())];
    let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    // continuation bytes of UTF-8 do not count
    let column = before[line_start..].iter().filter(|b| **b & 0xc0 != 0x80).count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
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
            if sibling {
                self.primitive_sibling(node, key, depth, seen.has(key, false))?;
            } else {
                self.member(node, key, depth, seen.has(key, true))?;
            }
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
    fn member(&mut self, node: NodeId, key: Key, depth: usize, made: bool) -> Result<(), JsonError> {
        if self.peek() != Some(b'[') {
            let offset = self.at;
            let id = self.fill_or_add(node, key, made.then_some(0), false)?;
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
        let mut index = 0;
        loop {
            self.space();
            if self.peek() == Some(b'[') {
                self.issues.push(JsonIssue { kind: JsonIssueKind::ArrayInArray, node, offset: self.at });
                self.skip(depth + 1)?;
            } else {
                let id = self.fill_or_add(node, key, made.then_some(index), true)?;
                self.value(id, depth + 1)?;
            }
            index += 1;
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
    fn primitive_sibling(&mut self, node: NodeId, key: Key, depth: usize, made: bool) -> Result<(), JsonError> {
        match self.peek() {
            Some(b'{') => {
                let id = self.fill_or_add(node, key, made.then_some(0), false)?;
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
                let mut index = 0;
                loop {
                    self.space();
                    let id = self.fill_or_add(node, key, made.then_some(index), true)?;
                    match self.peek() {
                        Some(b'{') => self.object(id, depth + 2)?,
                        Some(b'n') => self.word("null")?,
                        _ => {
                            self.issues.push(JsonIssue { kind: JsonIssueKind::BadPrimitiveSibling, node: id, offset: self.at });
                            self.skip(depth + 2)?;
                        }
                    }
                    index += 1;
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

    /// The `made`th node under `key` where the other of `name` and `_name` made it already, else a new one.
    fn fill_or_add(&mut self, node: NodeId, key: Key, made: Option<usize>, list: bool) -> Result<NodeId, JsonError> {
        if let Some(found) = made.and_then(|index| self.tree.node(node).all(key).nth(index)) {
            return Ok(found.id());
        }
        if self.tree.len() >= self.limits.nodes_max {
            return Err(self.error(JsonErrorKind::TooManyNodes));
        }
        let id = self.tree.add(node, key, Kind::Empty, list);
        self.tree.set_origin(id, u32::try_from(self.at).unwrap_or(NO_ORIGIN));
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

/// The member names of one object: a short list first, a set once it grows.
#[derive(Default)]
struct Seen {
    few: Vec<(Key, bool)>,
    many: Option<std::collections::HashSet<(Key, bool)>>,
}

impl Seen {
    fn insert(&mut self, key: Key, sibling: bool) -> bool {
        if let Some(many) = &mut self.many {
            return many.insert((key, sibling));
        }
        if self.few.contains(&(key, sibling)) {
            return false;
        }
        self.few.push((key, sibling));
        if self.few.len() > 32 {
            self.many = Some(self.few.drain(..).collect());
        }
        true
    }

    fn has(&self, key: Key, sibling: bool) -> bool {
        self.many.as_ref().map_or_else(|| self.few.contains(&(key, sibling)), |many| many.contains(&(key, sibling)))
    }

    fn len(&self) -> usize {
        self.many.as_ref().map_or(self.few.len(), std::collections::HashSet::len)
    }
}

/// Writes a node as compact FHIR JSON.
pub fn write(node: NodeRef<'_>, out: &mut Vec<u8>) {
    write_object(node, out, None);
}

/// Writes a node as indented FHIR JSON, for people.
pub fn write_pretty(node: NodeRef<'_>, out: &mut Vec<u8>) {
    write_object(node, out, Some(0));
}

fn newline(out: &mut Vec<u8>, indent: Option<usize>) {
    if let Some(n) = indent {
        out.push(b'\n');
        out.extend(std::iter::repeat_n(b' ', n * 2));
    }
}

fn write_key(name: &str, sibling: bool, out: &mut Vec<u8>, pretty: bool) {
    out.push(b'"');
    if sibling {
        out.push(b'_');
    }
    escape(name, out);
    out.extend_from_slice(if pretty { b"\": " } else { b"\":" });
}

fn write_object(node: NodeRef<'_>, out: &mut Vec<u8>, indent: Option<usize>) {
    out.push(b'{');
    let inner = indent.map(|n| n + 1);
    let mut children = node.children().peekable();
    let mut first = true;
    while let Some(child) = children.peek().copied() {
        // one run of nodes under one key
        let mut run = node.children();
        let key = child.key();
        while let Some(c) = children.peek() {
            if c.key() != key {
                break;
            }
            children.next();
        }
        while let Some(c) = run.clone().next() {
            if c.key() == key {
                break;
            }
            run.next();
        }
        let run = run.take_while(move |c| c.key() == key);
        write_run(run, child, out, inner, &mut first);
    }
    if !first {
        newline(out, indent);
    }
    out.push(b'}');
}

fn write_run<'t>(
    run: impl Iterator<Item = NodeRef<'t>> + Clone,
    head: NodeRef<'t>,
    out: &mut Vec<u8>,
    indent: Option<usize>,
    first: &mut bool,
) {
    let name = head.name();
    let list = head.is_list() || run.clone().nth(1).is_some();
    let complex = run.clone().any(|c| c.kind() == Kind::Object);
    let values = complex || run.clone().any(|c| c.value().is_some());
    let siblings = !complex && run.clone().any(NodeRef::has_children);
    let start = |sibling: bool, out: &mut Vec<u8>, first: &mut bool| {
        if !*first {
            out.push(b',');
        }
        *first = false;
        newline(out, indent);
        write_key(name, sibling, out, indent.is_some());
    };
    if values || !siblings {
        start(false, out, first);
        write_items(run.clone(), list, out, indent, write_value);
    }
    if siblings {
        start(true, out, first);
        write_items(run, list, out, indent, |c, out, indent| {
            if c.has_children() {
                write_object(c, out, indent);
            } else {
                out.extend_from_slice(b"null");
            }
        });
    }
}

fn write_items<'t>(
    run: impl Iterator<Item = NodeRef<'t>>,
    list: bool,
    out: &mut Vec<u8>,
    indent: Option<usize>,
    write_one: impl Fn(NodeRef<'t>, &mut Vec<u8>, Option<usize>),
) {
    if !list {
        for c in run {
            write_one(c, out, indent);
        }
        return;
    }
    out.push(b'[');
    let inner = indent.map(|n| n + 1);
    for (i, c) in run.enumerate() {
        if i > 0 {
            out.push(b',');
        }
        newline(out, inner);
        write_one(c, out, inner);
    }
    newline(out, indent);
    out.push(b']');
}

fn write_value(node: NodeRef<'_>, out: &mut Vec<u8>, indent: Option<usize>) {
    match (node.kind(), node.value()) {
        (Kind::Object, _) => write_object(node, out, indent),
        (Kind::String, Some(v)) => {
            out.push(b'"');
            escape(v, out);
            out.push(b'"');
        }
        (_, Some(v)) => out.extend_from_slice(v.as_bytes()),
        (_, None) => out.extend_from_slice(b"null"),
    }
}

/// Appends `text` with JSON's escapes (RFC 8259 §7).
pub fn escape(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let mut from = 0;
    for (i, &b) in bytes.iter().enumerate() {
        if b >= 0x20 && b != b'"' && b != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[from..i]);
        from = i + 1;
        match b {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => out.extend_from_slice(format!("\\u{b:04x}").as_bytes()),
        }
    }
    out.extend_from_slice(&bytes[from..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(text: &str) -> String {
        let (tree, issues) = parse(text.as_bytes(), &JsonLimits::default()).map_err(|e| format!("{e:?}")).unwrap();
        assert_eq!(issues, []);
        let mut out = Vec::new();
        write(tree.root(), &mut out);
        String::from_utf8(out).unwrap()
    }

    fn fails(text: &str) -> JsonErrorKind {
        parse(text.as_bytes(), &JsonLimits::default()).err().map(|e| e.kind).unwrap()
    }

    #[test]
    fn documents_come_back_as_they_were() {
        for text in [
            r#"{"resourceType":"Patient","id":"a","name":[{"family":"张","given":["三","\"x\\\n"]}],"active":true}"#,
            r#"{"resourceType":"Observation","valueQuantity":{"value":1.50}}"#,
            r#"{"resourceType":"Patient","birthDate":"2020","_birthDate":{"extension":[{"url":"u","valueCode":"x"}]}}"#,
            r#"{"resourceType":"Patient","name":[{"given":["a",null],"_given":[null,{"id":"x"}]}]}"#,
            r#"{"resourceType":"Patient","_birthDate":{"id":"x"}}"#,
            r#"{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o"}],"pateint":{"x":[1,2]}}"#,
            r#"{"resourceType":"Patient","deceasedDateTime":"2020"}"#,
            "{}",
        ] {
            assert_eq!(round(text), text);
        }
    }

    #[test]
    fn what_would_lose_data_is_refused() {
        assert_eq!(fails(r#"{"a":1,"a":2}"#), JsonErrorKind::DuplicateKey);
        assert_eq!(fails(r#"{"id":"a","\u0069d":"b"}"#), JsonErrorKind::DuplicateKey);
        assert_eq!(fails(r#"{"a":"\ud800"}"#), JsonErrorKind::LoneSurrogate);
        assert_eq!(fails(r#"{"a":1e400}"#), JsonErrorKind::NumberRange);
        assert_eq!(fails(r#"{"a":01}"#), JsonErrorKind::Syntax);
        assert_eq!(fails("[1]"), JsonErrorKind::NotAnObject);
        assert_eq!(fails(&(r#"{"a":"#.repeat(10_000))), JsonErrorKind::Depth);
        assert_eq!(fails(&format!(r#"{{"a":{}"#, "[".repeat(10_000))), JsonErrorKind::Depth);
    }

    #[test]
    fn shapes_that_fhir_forbids_are_reported() {
        let (_, issues) = parse(br#"{"a":[],"b":[[1]],"c":null,"_d":5}"#, &JsonLimits::default()).ok().unwrap();
        let kinds: Vec<JsonIssueKind> = issues.iter().map(|i| i.kind).collect();
        use JsonIssueKind::*;
        assert_eq!(kinds, [EmptyArray, ArrayInArray, Null, BadPrimitiveSibling]);
    }

    #[test]
    fn lines_and_columns_count_from_one_in_characters() {
        let text = "ab\n张三x".as_bytes();
        assert_eq!(line_column(text, 0), (1, 1));
        assert_eq!(line_column(text, 2), (1, 3));
        assert_eq!(line_column(text, 3), (2, 1));
        assert_eq!(line_column(text, 9), (2, 3));
        assert_eq!(line_column(text, 1000), (2, 4));
    }

    #[test]
    fn digits_of_decimals_are_kept() {
        assert_eq!(round(r#"{"a":1.00000000000000000001}"#), r#"{"a":1.00000000000000000001}"#);
    }
}
