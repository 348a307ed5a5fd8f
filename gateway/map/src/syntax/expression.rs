//! Expressions, source paths and conditions.

use super::ast::{Arg, Call, Cond, Count, Expr, ExprKind, Name, Path, Say, Select};
use super::parse::{Parser, Read};
use super::token::Kind;
use crate::diagnostic::{Diagnostic, Span};

impl Parser<'_> {
    /// `A | B | C`
    pub(super) fn expression(&mut self) -> Read<Expr> {
        let first = self.deeper(Parser::typed)?;
        let mut list = vec![first];
        while self.token(self.beyond()).kind == Kind::Bar {
            self.newlines();
            self.next();
            self.newlines();
            list.push(self.deeper(Parser::typed)?);
        }
        match (list.len(), list.pop()) {
            (1, Some(one)) => Ok(one),
            (_, last) => {
                list.extend(last);
                let span = list.iter().fold(list.first().map(|e| e.span).unwrap_or_default(), |s, e| s.to(e.span));
                Ok(Expr { kind: ExprKind::First(list), span })
            }
        }
    }

    /// `EXPR as Type`
    fn typed(&mut self) -> Read<Expr> {
        let value = self.primary()?;
        if !self.eat_word("as") {
            return Ok(value);
        }
        let target = self.name("FHIR 类型", "a FHIR type")?;
        Ok(Expr { span: value.span.to(target.span), kind: ExprKind::As { value: Box::new(value), target } })
    }

    fn primary(&mut self) -> Read<Expr> {
        let start = self.here();
        let kind = match self.peek() {
            Kind::Text => ExprKind::Text(self.quoted()?.text),
            Kind::Int => self.number(),
            Kind::Minus if self.token(1).kind == Kind::Int => self.number(),
            Kind::Dot => ExprKind::Path(self.path()?),
            Kind::Open => self.tuple()?,
            Kind::OpenBrace => {
                self.next();
                ExprKind::Block(self.braced()?)
            }
            Kind::Word => self.worded()?,
            _ => return Err(self.needed("取值", "a value")),
        };
        Ok(Expr { kind, span: start.to(self.last_span()) })
    }

    fn number(&mut self) -> ExprKind {
        let start = self.next().span;
        let mut span = start;
        if self.slice(start) == "-" {
            span = span.to(self.next().span);
        }
        if self.peek() == Kind::Dot && self.joined(0) && self.token(1).kind == Kind::Int {
            self.next();
            span = span.to(self.next().span);
        }
        ExprKind::Number(self.slice(span).to_owned())
    }

    fn tuple(&mut self) -> Read<ExprKind> {
        self.next();
        let mut list = Vec::new();
        self.newlines();
        while self.peek() != Kind::Close {
            list.push(self.expression()?);
            self.newlines();
            if !self.eat(Kind::Comma) {
                break;
            }
            self.newlines();
        }
        self.need(Kind::Close, ")")?;
        Ok(match (list.len(), list.pop()) {
            (1, Some(one)) => one.kind,
            (_, last) => {
                list.extend(last);
                ExprKind::Tuple(list)
            }
        })
    }

    fn worded(&mut self) -> Read<ExprKind> {
        let word = self.slice(self.here()).to_owned();
        match word.as_str() {
            "true" | "false" => {
                self.next();
                Ok(ExprKind::Bool(word == "true"))
            }
            "none" => {
                self.next();
                Ok(ExprKind::Nothing)
            }
            "by" if self.token(1).kind != Kind::Open || !self.joined(1) => self.by(),
            "each" => self.each(),
            "warn" | "reject" => {
                self.next();
                let mut texts = vec![self.quoted()?];
                while self.peek() == Kind::Text {
                    texts.push(self.quoted()?);
                }
                let say = Say { texts };
                Ok(if word == "warn" { ExprKind::Warn(say) } else { ExprKind::Reject(say) })
            }
            _ if self.token(1).kind == Kind::Open && self.joined(1) => self.call(),
            _ => Ok(ExprKind::Path(self.path()?)),
        }
    }

    fn by(&mut self) -> Read<ExprKind> {
        self.next();
        let subject = Box::new(self.expression()?);
        self.newlines();
        self.need(Kind::OpenBrace, "{")?;
        Ok(ExprKind::By { subject, branches: self.branches()? })
    }

    fn each(&mut self) -> Read<ExprKind> {
        self.next();
        let source = Box::new(self.primary()?);
        if !self.eat_word("as") {
            return Err(self.needed(" `as`", "`as`"));
        }
        let name = self.name("名称", "a name")?;
        self.newlines();
        self.need(Kind::OpenBrace, "{")?;
        Ok(ExprKind::Each { source, name, body: self.braced()? })
    }

    fn call(&mut self) -> Read<ExprKind> {
        let name = self.name("名称", "a name")?;
        self.next();
        let mut args = Vec::new();
        self.newlines();
        while self.peek() != Kind::Close {
            let label = if self.peek() == Kind::Word && self.token(1).kind == Kind::Colon {
                let label = self.name("参数名", "the name of an argument")?;
                self.next();
                Some(label)
            } else {
                None
            };
            args.push(Arg { label, value: self.expression()? });
            self.newlines();
            if !self.eat(Kind::Comma) {
                break;
            }
            self.newlines();
        }
        self.need(Kind::Close, ")")?;
        Ok(ExprKind::Call(Call { name, args }))
    }

    /// `OBX-5[2].1.2`, `c.2`, `.5`, `patient`, `NTE*`
    fn path(&mut self) -> Read<Path> {
        let base = if self.peek() == Kind::Dot {
            Name { text: String::new(), span: Span { end: self.here().start, ..self.here() } }
        } else {
            self.name("段、字段或名称", "a segment, field or name")?
        };
        let mut path = Path { base, count: Count::One, of: None, field: None, select: None, parts: Vec::new() };
        if self.peek() == Kind::OpenSquare && self.joined(0) {
            self.next();
            let select = self.select()?;
            if self.peek() == Kind::Minus && self.joined(0) { path.of = Some(select) } else { path.select = Some(select) }
        }
        if self.peek() == Kind::Minus && self.joined(0) {
            self.next();
            path.field = Some(self.index("字段号", "the number of a field")?);
        }
        loop {
            let joined = self.joined(0) || path.base.text.is_empty() && path.parts.is_empty();
            match self.peek() {
                Kind::Dot if joined => {
                    self.next();
                    let part = self.index("组成部分的序号", "the number of a component")?;
                    path.parts.push(part);
                    if path.parts.len() > 2 + usize::from(path.base.text.is_empty()) {
                        let zh = "最多到子组件：`OBX-5.2.1`";
                        return Err(self.fault(Diagnostic::error(
                            "syntax.path",
                            part.1,
                            zh,
                            "a path ends at the subcomponent: `OBX-5.2.1`",
                        )));
                    }
                }
                Kind::Tilde if joined && path.select.is_none() => {
                    self.next();
                    path.select = Some(Select::All);
                }
                Kind::OpenSquare if joined && path.select.is_none() => {
                    self.next();
                    path.select = Some(self.select()?);
                }
                Kind::Question | Kind::Star if joined && path.field.is_none() && path.parts.is_empty() => path.count = self.count(),
                _ => return Ok(path),
            }
        }
    }

    fn index(&mut self, zh: &str, en: &str) -> Read<(u16, Span)> {
        if self.peek() != Kind::Int || !self.joined(0) {
            return Err(self.needed(zh, en));
        }
        let span = self.next().span;
        match self.slice(span).parse::<u16>() {
            Ok(n) if n > 0 => Ok((n, span)),
            _ => Err(self.fault(Diagnostic::error("syntax.path", span, "序号从 1 开始", "numbers begin at 1"))),
        }
    }

    fn select(&mut self) -> Read<Select> {
        let got = if self.peek() == Kind::Int && self.token(1).kind == Kind::CloseSquare {
            let span = self.next().span;
            match self.slice(span).parse::<u16>() {
                Ok(n) if n > 0 => Select::Nth(n),
                _ => return Err(self.fault(Diagnostic::error("syntax.path", span, "序号从 1 开始", "numbers begin at 1"))),
            }
        } else {
            Select::Where(Box::new(self.deeper(Parser::condition)?))
        };
        self.need(Kind::CloseSquare, "]")?;
        Ok(got)
    }

    /// `A or B and not C`
    pub(super) fn condition(&mut self) -> Read<Cond> {
        let mut list = vec![self.conjunction()?];
        while self.tail("or") {
            list.push(self.conjunction()?);
        }
        Ok(one_or(list, Cond::Or))
    }

    fn conjunction(&mut self) -> Read<Cond> {
        let mut list = vec![self.deeper(Parser::judgement)?];
        while self.tail("and") {
            list.push(self.deeper(Parser::judgement)?);
        }
        Ok(one_or(list, Cond::And))
    }

    fn tail(&mut self, word: &str) -> bool {
        let n = self.beyond();
        if !self.is_word(n, word) {
            return false;
        }
        self.newlines();
        self.next();
        self.newlines();
        true
    }

    fn judgement(&mut self) -> Read<Cond> {
        if self.eat_word("not") {
            return Ok(Cond::Not(Box::new(self.deeper(Parser::judgement)?)));
        }
        if self.eat(Kind::Open) {
            self.newlines();
            let inner = self.deeper(Parser::condition)?;
            self.newlines();
            self.need(Kind::Close, ")")?;
            return Ok(inner);
        }
        let left = self.primary()?;
        if self.eat_word("in") {
            self.need(Kind::Open, "(")?;
            let mut list = Vec::new();
            self.newlines();
            while self.peek() != Kind::Close {
                list.push(self.primary()?);
                self.newlines();
                if !self.eat(Kind::Comma) {
                    break;
                }
                self.newlines();
            }
            self.need(Kind::Close, ")")?;
            return Ok(Cond::In { left, list });
        }
        if self.eat_word("matches") {
            let mut classes = vec![self.name("类别，如 `digits`", "a class such as `digits`")?];
            while self.eat(Kind::Bar) {
                classes.push(self.name("类别，如 `digits`", "a class such as `digits`")?);
            }
            return Ok(Cond::Matches { left, classes });
        }
        let not = match self.peek() {
            Kind::Equals => false,
            Kind::NotEquals => true,
            _ => return Ok(Cond::Has(left)),
        };
        self.next();
        let right = self.primary()?;
        Ok(Cond::Equals { left, right, not })
    }
}

fn one_or(mut list: Vec<Cond>, many: fn(Vec<Cond>) -> Cond) -> Cond {
    match (list.len(), list.pop()) {
        (1, Some(one)) => one,
        (_, last) => {
            list.extend(last);
            many(list)
        }
    }
}
