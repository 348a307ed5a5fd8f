//! Tokens to declarations and lines. Never fails as a whole: what cannot be read gets a diagnostic, and reading goes
//! on at the next line.

use super::ast::{AbsentDecl, Branch, Count, Decl, ExtendDecl, Line, LineKind, MapDecl, MessageDecl, Name, Param, Step, Write};
use super::token::{Kind, Token, tokens, unquote};
use crate::diagnostic::{Diagnostic, Span, closest};

/// How deep brackets and braces may stand in one another.
const DEPTH_MAX: usize = 24;

/// What a line lacked has been said; go on at the next line.
pub(super) struct Skip;

pub(super) type Read<T> = Result<T, Skip>;

/// Reads a file.
pub(crate) fn parse(text: &str, file: u32) -> (Vec<Decl>, Vec<Diagnostic>) {
    let (mut list, faults) = tokens(text, file);
    list.retain(|t| !matches!(t.kind, Kind::Comment));
    let mut p = Parser { text, tokens: list, at: 0, depth: 0, faults };
    let mut decls = Vec::new();
    loop {
        p.blank();
        if p.peek() == Kind::End {
            return (decls, p.faults);
        }
        let from = p.at;
        match p.decl() {
            Ok(decl) => decls.push(decl),
            Err(Skip) => p.skip_line(),
        }
        if p.at == from {
            p.at += 1;
        }
    }
}

pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    pub(super) depth: usize,
    faults: Vec<Diagnostic>,
}

impl Parser<'_> {
    pub(super) fn token(&self, ahead: usize) -> Token {
        let none = Token { kind: Kind::End, span: Span::default() };
        self.tokens.get(self.at + ahead).or(self.tokens.last()).copied().unwrap_or(none)
    }

    pub(super) fn peek(&self) -> Kind {
        self.token(0).kind
    }

    /// The span of the present token.
    pub(super) fn here(&self) -> Span {
        self.token(0).span
    }

    /// The span of the token just read.
    pub(super) fn last_span(&self) -> Span {
        self.at.checked_sub(1).and_then(|i| self.tokens.get(i)).map_or_else(|| self.here(), |t| t.span)
    }

    pub(super) fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or("")
    }

    pub(super) fn is_word(&self, ahead: usize, word: &str) -> bool {
        let t = self.token(ahead);
        t.kind == Kind::Word && self.slice(t.span) == word
    }

    pub(super) fn next(&mut self) -> Token {
        let t = self.token(0);
        self.at += 1;
        t
    }

    pub(super) fn eat(&mut self, kind: Kind) -> bool {
        let found = self.peek() == kind;
        self.at += usize::from(found);
        found
    }

    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(0, word);
        self.at += usize::from(found);
        found
    }

    /// Whether the present token touches the one before.
    pub(super) fn joined(&self, ahead: usize) -> bool {
        let index = self.at + ahead;
        let before = index.checked_sub(1).and_then(|i| self.tokens.get(i));
        before.is_some_and(|b| b.span.end == self.token(ahead).span.start)
    }

    pub(super) fn fault(&mut self, d: Diagnostic) -> Skip {
        // the lexer has already spoken about this character
        let spoken = self.faults.iter().any(|f| f.span.start <= d.span.start && d.span.end <= f.span.end);
        if !spoken {
            self.faults.push(d);
        }
        Skip
    }

    /// Says that `what` was needed where the parser stands.
    pub(super) fn needed(&mut self, zh: &str, en: &str) -> Skip {
        let t = self.token(0);
        let (found_zh, found_en) = match t.kind {
            Kind::Newline | Kind::End => ("行尾".to_owned(), "the end of the line".to_owned()),
            _ => (format!("`{}`", self.slice(t.span)), format!("`{}`", self.slice(t.span))),
        };
        self.fault(Diagnostic::error(
            "syntax",
            t.span,
            format!("此处需要{zh}，却是{found_zh}"),
            format!("{en} is needed here, not {found_en}"),
        ))
    }

    pub(super) fn need(&mut self, kind: Kind, sign: &str) -> Read<Token> {
        if self.peek() == kind { Ok(self.next()) } else { Err(self.needed(&format!(" `{sign}`"), &format!("`{sign}`"))) }
    }

    pub(super) fn name(&mut self, zh: &str, en: &str) -> Read<Name> {
        if self.peek() != Kind::Word {
            return Err(self.needed(zh, en));
        }
        let span = self.next().span;
        Ok(Name { text: self.slice(span).to_owned(), span })
    }

    /// A quoted text without its quotes.
    pub(super) fn quoted(&mut self) -> Read<Name> {
        if self.peek() != Kind::Text {
            return Err(self.needed("带引号的文本", "a quoted text"));
        }
        let span = self.next().span;
        Ok(Name { text: unquote(self.slice(span)), span })
    }

    pub(super) fn blank(&mut self) {
        while matches!(self.peek(), Kind::Newline | Kind::Semicolon) {
            self.at += 1;
        }
    }

    pub(super) fn newlines(&mut self) {
        while self.peek() == Kind::Newline {
            self.at += 1;
        }
    }

    /// The first token behind line ends, without going there.
    pub(super) fn beyond(&self) -> usize {
        let mut n = 0;
        while self.token(n).kind == Kind::Newline {
            n += 1;
        }
        n
    }

    fn skip_line(&mut self) {
        let mut open = 0usize;
        loop {
            match self.peek() {
                Kind::End => return,
                Kind::Newline if open == 0 => return,
                Kind::OpenBrace => open += 1,
                Kind::CloseBrace if open == 0 => return,
                Kind::CloseBrace => open -= 1,
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Runs `read` one level deeper, unless that is too deep.
    pub(super) fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.depth >= DEPTH_MAX {
            let span = self.here();
            return Err(self.fault(Diagnostic::error("syntax.depth", span, "嵌套过深", "this is nested too deeply")));
        }
        self.depth += 1;
        let got = read(self);
        self.depth -= 1;
        got
    }

    fn at_decl(&self) -> bool {
        self.peek() == Kind::Word
            && matches!(self.slice(self.here()), "map" | "message" | "extend" | "absent")
            && matches!(self.token(1).kind, Kind::Word | Kind::Text)
            && !self.is_word(1, "as")
    }

    fn decl(&mut self) -> Read<Decl> {
        let start = self.here();
        if !self.at_decl() {
            let near = closest(self.slice(start), ["map", "message", "extend", "absent"]).map(str::to_owned);
            let d = Diagnostic::error(
                "syntax.declaration",
                start,
                "此处需要声明：`map`、`message`、`extend` 或 `absent`",
                "a declaration is needed here: `map`, `message`, `extend` or `absent`",
            );
            return Err(self.fault(d.instead(near)));
        }
        if self.eat_word("map") {
            return self.map(start).map(Decl::Map);
        }
        if self.eat_word("message") {
            return self.message(start).map(Decl::Message);
        }
        if self.eat_word("extend") {
            return self.extend(start).map(Decl::Extend);
        }
        self.next();
        self.absent().map(Decl::Absent)
    }

    fn map(&mut self, start: Span) -> Read<MapDecl> {
        let mut names = vec![self.name("映射的名称", "the name of the map")?];
        while self.peek() == Kind::Word {
            names.push(self.name("映射的名称", "the name of the map")?);
        }
        self.need(Kind::Open, "(")?;
        let mut params = Vec::new();
        self.newlines();
        while self.peek() != Kind::Close {
            params.push(self.param()?);
            self.newlines();
            if !self.eat(Kind::Comma) {
                break;
            }
            self.newlines();
        }
        self.need(Kind::Close, ")")?;
        self.need(Kind::Arrow, "->")?;
        let target = self.type_name()?;
        let mut body = self.body();
        if target.text != "Meta" {
            profiles(&mut body);
        }
        Ok(MapDecl { names, params, span: start.to(target.span), target, body })
    }

    /// `Observation`, `Patient.contact`
    fn type_name(&mut self) -> Read<Name> {
        let mut name = self.name("FHIR 类型", "a FHIR type")?;
        while self.peek() == Kind::Dot {
            self.next();
            let part = self.name("元素名", "the name of an element")?;
            name.text = format!("{}.{}", name.text, part.text);
            name.span = name.span.to(part.span);
        }
        Ok(name)
    }

    fn param(&mut self) -> Read<Param> {
        let mut name = self.name("参数名", "the name of a parameter")?;
        let mut label = None;
        if self.eat(Kind::Colon) {
            label = Some(name);
            name = self.name("参数名", "the name of a parameter")?;
        }
        Ok(Param { name, count: self.count(), label })
    }

    pub(super) fn count(&mut self) -> Count {
        match self.peek() {
            Kind::Question => {
                self.next();
                Count::Optional
            }
            Kind::Star => {
                self.next();
                Count::Many
            }
            _ => Count::One,
        }
    }

    fn message(&mut self, start: Span) -> Read<MessageDecl> {
        let mut types = vec![self.message_type()?];
        while self.eat(Kind::Comma) {
            self.newlines();
            types.push(self.message_type()?);
        }
        let span = types.last().map_or(start, |t| start.to(t.span));
        Ok(MessageDecl { types, body: self.body(), span })
    }

    fn message_type(&mut self) -> Read<Name> {
        let mut name = self.name("消息类型，如 `ADT^A01`", "a message type such as `ADT^A01`")?;
        if self.eat(Kind::Caret) {
            let event = self.name("事件，如 `A01`", "an event such as `A01`")?;
            name = Name { text: format!("{}^{}", name.text, event.text), span: name.span.to(event.span) };
        }
        Ok(name)
    }

    fn extend(&mut self, start: Span) -> Read<ExtendDecl> {
        let name = self.message_type()?;
        let target = if self.eat(Kind::Arrow) { Some(self.type_name()?) } else { None };
        let when = if self.eat_word("when") { Some(self.condition()?) } else { None };
        let span = start.to(name.span);
        let mut body = self.body();
        profiles(&mut body);
        Ok(ExtendDecl { span, name, target, when, body })
    }

    fn absent(&mut self) -> Read<AbsentDecl> {
        let mut values = vec![self.quoted()?];
        while self.eat(Kind::Comma) {
            self.newlines();
            values.push(self.quoted()?);
        }
        if !self.eat_word("as") {
            return Err(self.needed(" `as`", "`as`"));
        }
        let mut reason = self.name("原因代码，如 `unknown`", "a reason code such as `unknown`")?;
        while self.peek() == Kind::Minus && self.joined(0) {
            self.next();
            let part = self.name("原因代码", "a reason code")?;
            reason = Name { text: format!("{}-{}", reason.text, part.text), span: reason.span.to(part.span) };
        }
        self.end_of_line()?;
        Ok(AbsentDecl { values, reason })
    }

    fn end_of_line(&mut self) -> Read<()> {
        match self.peek() {
            Kind::Newline | Kind::Semicolon | Kind::CloseBrace | Kind::End => Ok(()),
            _ => Err(self.needed("换行（或 `;`）", "a new line (or `;`)")),
        }
    }

    /// Lines up to the next declaration.
    fn body(&mut self) -> Vec<Line> {
        let mut lines = Vec::new();
        if self.end_of_line().is_err() {
            self.skip_line();
        }
        loop {
            self.blank();
            if self.peek() == Kind::End || self.at_decl() {
                return lines;
            }
            self.line_into(&mut lines);
        }
    }

    /// Lines between braces; the `{` is already read.
    pub(super) fn braced(&mut self) -> Read<Vec<Line>> {
        self.deeper(|p| {
            let mut lines = Vec::new();
            loop {
                p.blank();
                match p.peek() {
                    Kind::CloseBrace => {
                        p.next();
                        return Ok(lines);
                    }
                    Kind::End => return Err(p.needed(" `}`", "`}`")),
                    _ => p.line_into(&mut lines),
                }
            }
        })
    }

    fn line_into(&mut self, lines: &mut Vec<Line>) {
        let from = self.at;
        match self.line() {
            Ok(line) => {
                lines.push(line);
                // within braces lines may share a line of the file: `{ start = a end = b }`
                let next_line = self.depth > 0 && matches!(self.peek(), Kind::Word | Kind::Dollar);
                if !next_line && self.end_of_line().is_err() {
                    self.skip_line();
                }
            }
            Err(Skip) => self.skip_line(),
        }
        if self.at == from {
            // a stray `}`: said, and passed over
            let _ = self.needed("一行映射", "a line");
            self.at += 1;
        }
    }

    fn line(&mut self) -> Read<Line> {
        let start = self.here();
        let kind = if self.is_word(0, "let") && self.token(1).kind == Kind::Word {
            self.next();
            let name = self.name("名称", "a name")?;
            self.need(Kind::Equals, "=")?;
            let value = self.expression()?;
            let when = if self.tail_word("when") { Some(self.condition()?) } else { None };
            LineKind::Let { name, value, when }
        } else if self.is_word(0, "each") && self.token(1).kind == Kind::Word {
            self.next();
            let group = self.name("组或段的名称", "the name of a group or segment")?;
            if self.is_word(0, "as") {
                let span = group.span;
                let zh = "`each … as` 是取值，须写在 `目标 +=` 之后";
                return Err(self.fault(Diagnostic::error("syntax", span, zh, "`each … as` is a value: it stands behind `TARGET +=`")));
            }
            self.need(Kind::OpenBrace, "{")?;
            LineKind::Each { group, body: self.braced()? }
        } else {
            LineKind::Write(self.write()?)
        };
        Ok(Line { kind, span: start.to(self.last_span()) })
    }

    fn write(&mut self) -> Read<Write> {
        let start = self.here();
        let mut target = vec![self.step()?];
        while self.peek() == Kind::Dot {
            self.next();
            target.push(self.step()?);
        }
        let target_span = target.last().map_or(start, |s| start.to(s.slice.as_ref().or(s.url.as_ref()).unwrap_or(&s.name).span));
        let add = match self.peek() {
            Kind::Plus => true,
            Kind::Equals => false,
            _ => return Err(self.needed(" `=` 或 `+=`", "`=` or `+=`")),
        };
        self.next();
        self.newlines();
        let value = self.expression()?;
        let mut write =
            Write { target, target_span, add, value, when: None, otherwise: None, when_inner: false, required: None, keep: false };
        loop {
            if write.when.is_none() && self.tail_word("when") {
                write.when = Some(self.condition()?);
            } else if write.otherwise.is_none() && self.tail_word("else") {
                write.otherwise = Some(self.expression()?);
                write.when_inner = write.when.is_some();
            } else if write.required.is_none() && self.tail_word("required") {
                write.required = Some(self.last_span());
            } else {
                return Ok(write);
            }
        }
    }

    /// Takes a word that continues the line, also from the next line.
    fn tail_word(&mut self, word: &str) -> bool {
        let n = self.beyond();
        let target = matches!(self.token(n + 1).kind, Kind::Equals | Kind::Plus | Kind::Dot);
        if !self.is_word(n, word) || (n > 0 && target) {
            return false;
        }
        self.at += n + 1;
        true
    }

    fn step(&mut self) -> Read<Step> {
        if self.peek() == Kind::Dollar {
            let span = self.next().span;
            return Ok(Step { name: Name { text: "$".to_owned(), span }, slice: None, url: None });
        }
        let name = self.name("元素名", "the name of an element")?;
        let mut step = Step { name, slice: None, url: None };
        if self.peek() == Kind::Open {
            self.next();
            step.url = Some(self.quoted()?);
            self.need(Kind::Close, ")")?;
        }
        if self.eat(Kind::Colon) {
            step.slice = Some(self.name("切片名", "the name of a slice")?);
        }
        Ok(step)
    }

    /// The branches of a `by`; the `{` is already read.
    pub(super) fn branches(&mut self) -> Read<Vec<Branch>> {
        self.deeper(|p| {
            let mut branches = Vec::new();
            loop {
                p.blank();
                match p.peek() {
                    Kind::CloseBrace => {
                        p.next();
                        return Ok(branches);
                    }
                    Kind::End => return Err(p.needed(" `}`", "`}`")),
                    _ => {}
                }
                let from = p.at;
                match p.branch() {
                    Ok(branch) => branches.push(branch),
                    Err(Skip) => p.skip_line(),
                }
                if p.at == from {
                    return Err(p.needed("一个分支", "a branch"));
                }
            }
        })
    }

    fn branch(&mut self) -> Read<Branch> {
        let mut labels = Vec::new();
        let other = self.is_word(0, "else") && self.token(1).kind == Kind::Colon;
        if other {
            self.next();
        }
        while !other && self.peek() != Kind::Colon {
            labels.push(self.label()?);
        }
        self.need(Kind::Colon, ":")?;
        self.newlines();
        let value = self.expression()?;
        Ok(Branch { labels, value })
    }

    /// A value in front of a branch: a word, a number, a quoted text, or such a thing as `X.400` or `zh-CN`.
    fn label(&mut self) -> Read<Name> {
        if self.peek() == Kind::Text {
            return self.quoted();
        }
        if !matches!(self.peek(), Kind::Word | Kind::Int) {
            return Err(self.needed("分支的值", "the value of a branch"));
        }
        let mut span = self.next().span;
        while self.joined(0) && matches!(self.peek(), Kind::Word | Kind::Int | Kind::Minus | Kind::Dot) {
            span = span.to(self.next().span);
        }
        Ok(Name { text: self.slice(span).to_owned(), span })
    }
}

/// `profile = "…"` is short for a line that adds to `meta.profile`, whatever else the message gives for `meta`.
fn profiles(lines: &mut [Line]) {
    for line in lines {
        let LineKind::Write(w) = &mut line.kind else { continue };
        let [step] = w.target.as_slice() else { continue };
        if step.name.text == "profile" && step.url.is_none() {
            let meta = Step { name: Name { text: "meta".to_owned(), span: step.name.span }, slice: None, url: None };
            w.target.insert(0, meta);
            w.add = true;
            w.keep = true;
        }
    }
}
