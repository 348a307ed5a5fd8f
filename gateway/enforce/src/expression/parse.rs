//! From tokens to a checked plan in one pass: operands come before what is done with them, so steps are written as they are
//! read.

use super::fault::nearest;
use super::token::{Kind, Token, WORDS, tokens};
use super::{DEPTH_MAX, Expression, Fault, Names, STEPS_MAX, TEXT_MAX, Type};
use rust_decimal::Decimal;
use std::sync::Arc;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Compare {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// One step on a stack of values.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Number(Decimal),
    Text(Arc<str>),
    Boolean(bool),
    Texts(Arc<[Arc<str>]>),
    /// The value of a name, by its place in `Expression::names`.
    Name(usize),
    Negate,
    Not,
    Add,
    Subtract,
    Multiply,
    /// With the bytes of the divisor, to say what was zero.
    Divide(usize, usize),
    Compare(Compare),
    And,
    Or,
    In,
    /// Condition, then, else.
    Select,
    Least(usize),
    Greatest(usize),
    /// Half away from zero, to so many places.
    Round(u32),
    Sum,
    Count,
    Given,
    Otherwise,
}

const FUNCTIONS: [&str; 7] = ["min", "max", "round", "sum", "count", "given", "otherwise"];
/// Decimal places to which one may round.
const PLACES_MAX: u32 = 12;

/// A part that was read: its type and its bytes.
#[derive(Clone, Copy)]
struct Part {
    of: Type,
    start: usize,
    end: usize,
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    at: usize,
    known: &'t Names,
    ops: Vec<Op>,
    names: Vec<Arc<str>>,
    types: Vec<Type>,
}

type Result<T> = std::result::Result<T, Fault>;

pub(super) fn compile(text: &str, known: &Names) -> Result<Expression> {
    if text.len() > TEXT_MAX {
        let (zh, en) = (format!("表达式超过 {TEXT_MAX} 字节"), format!("the expression has more than {TEXT_MAX} bytes"));
        return Err(Fault::new(0, 1, zh, en));
    }
    let mut parser = Parser { text, tokens: tokens(text)?, at: 0, known, ops: Vec::new(), names: Vec::new(), types: Vec::new() };
    let whole = parser.expression(0, 0)?;
    if let Some(more) = parser.peek() {
        return Err(Fault::new(more.start, more.end, "表达式到此应已结束", "the expression should end here"));
    }
    let Parser { tokens, ops, names, types, .. } = parser;
    Ok(Expression { text: text.to_owned(), tokens, ops, names, types, result: whole.of })
}

/// How strongly a sign or word between two parts binds; comparisons do not chain.
fn strength(kind: Kind) -> Option<u8> {
    Some(match kind {
        Kind::Word("or") => 1,
        Kind::Word("and") => 2,
        Kind::Sign("=" | "!=" | "<" | "<=" | ">" | ">=") | Kind::Word("in") => 4,
        Kind::Sign("+" | "-") => 5,
        Kind::Sign("*" | "/") => 6,
        _ => return None,
    })
}
const OF_NOT: u8 = 3;
const OF_COMPARISON: u8 = 4;
const OF_MINUS: u8 = 7;

impl Parser<'_> {
    fn peek(&self) -> Option<Token> {
        self.tokens.get(self.at).copied()
    }

    fn word(&self, token: Token) -> &str {
        self.text.get(token.start..token.end).unwrap_or("")
    }

    fn end_fault(&self, zh: &str, en: &str) -> Fault {
        Fault::new(self.text.len(), self.text.len(), zh, en)
    }

    fn next(&mut self) -> Result<Token> {
        let token = self.peek().ok_or_else(|| self.end_fault("表达式没有写完", "the expression is not complete"))?;
        self.at += 1;
        Ok(token)
    }

    fn expect(&mut self, wanted: Kind) -> Result<Token> {
        let (Kind::Sign(shown) | Kind::Word(shown)) = wanted else {
            return Err(self.end_fault("表达式没有写完", "the expression is not complete"));
        };
        let message = || (format!("此处应为 {shown}"), format!("{shown} is expected here"));
        match self.peek() {
            Some(token) if token.kind == wanted => self.next(),
            Some(token) => {
                let (zh, en) = message();
                Err(Fault::new(token.start, token.end, zh, en))
            }
            None => {
                let (zh, en) = message();
                Err(self.end_fault(&zh, &en))
            }
        }
    }

    fn push(&mut self, op: Op, part: Part) -> Result<Part> {
        if self.ops.len() >= STEPS_MAX {
            let (zh, en) = (format!("表达式超过 {STEPS_MAX} 步"), format!("the expression has more than {STEPS_MAX} steps"));
            return Err(Fault::new(part.start, part.end, zh, en));
        }
        self.ops.push(op);
        Ok(part)
    }

    /// Reads parts as long as what stands between them binds at least as strongly as `least`.
    fn expression(&mut self, least: u8, depth: usize) -> Result<Part> {
        if depth >= DEPTH_MAX {
            let at = self.peek().map_or(self.text.len(), |t| t.start);
            let (zh, en) = (format!("嵌套超过 {DEPTH_MAX} 层"), format!("nested more than {DEPTH_MAX} deep"));
            return Err(Fault::new(at, at, zh, en));
        }
        let mut left = self.prefix(depth)?;
        while let Some(sign) = self.peek() {
            let Some(binds) = strength(sign.kind).filter(|s| *s >= least) else { break };
            self.at += 1;
            let right = self.expression(binds + 1, depth + 1)?;
            left = self.infix(sign, left, right)?;
            let again = self.peek().filter(|t| strength(t.kind) == Some(OF_COMPARISON));
            if let (OF_COMPARISON, Some(t)) = (binds, again) {
                return Err(Fault::new(t.start, t.end, "比较不能连写：用 and 连接", "comparisons do not chain: join them with and"));
            }
        }
        Ok(left)
    }

    fn infix(&mut self, sign: Token, left: Part, right: Part) -> Result<Part> {
        let both = |of| Part { of, start: left.start, end: right.end };
        let (op, wanted, of) = match sign.kind {
            Kind::Sign("+") => (Op::Add, Type::Number, Type::Number),
            Kind::Sign("-") => (Op::Subtract, Type::Number, Type::Number),
            Kind::Sign("*") => (Op::Multiply, Type::Number, Type::Number),
            Kind::Sign("/") => {
                if matches!(self.ops.last(), Some(Op::Number(n)) if n.is_zero() && right.of == Type::Number) {
                    return Err(Fault::new(right.start, right.end, "除数是零", "the divisor is zero"));
                }
                (Op::Divide(right.start, right.end), Type::Number, Type::Number)
            }
            Kind::Word("and") => (Op::And, Type::Boolean, Type::Boolean),
            Kind::Word("or") => (Op::Or, Type::Boolean, Type::Boolean),
            Kind::Word("in") => {
                must_be(left, Type::Text)?;
                must_be(right, Type::Texts)?;
                return self.push(Op::In, both(Type::Boolean));
            }
            Kind::Sign("=") => return self.equality(Compare::Equal, left, right),
            Kind::Sign("!=") => return self.equality(Compare::NotEqual, left, right),
            Kind::Sign("<") => (Op::Compare(Compare::Less), Type::Number, Type::Boolean),
            Kind::Sign("<=") => (Op::Compare(Compare::LessOrEqual), Type::Number, Type::Boolean),
            Kind::Sign(">") => (Op::Compare(Compare::Greater), Type::Number, Type::Boolean),
            _ => (Op::Compare(Compare::GreaterOrEqual), Type::Number, Type::Boolean),
        };
        must_be(left, wanted)?;
        must_be(right, wanted)?;
        self.push(op, both(of))
    }

    fn equality(&mut self, how: Compare, left: Part, right: Part) -> Result<Part> {
        if matches!(left.of, Type::Numbers | Type::Texts) {
            return Err(Fault::new(left.start, left.end, "数列和集合不能比较", "series and sets are not compared"));
        }
        must_be(right, left.of)?;
        self.push(Op::Compare(how), Part { of: Type::Boolean, start: left.start, end: right.end })
    }

    fn prefix(&mut self, depth: usize) -> Result<Part> {
        let token = self.next()?;
        let part = |of| Part { of, start: token.start, end: token.end };
        match token.kind {
            Kind::Number => {
                let number = Decimal::from_str_exact(self.word(token))
                    .map_err(|_| Fault::new(token.start, token.end, "数字超过 28 位", "the number has more than 28 digits"))?;
                self.push(Op::Number(number), part(Type::Number))
            }
            Kind::Text => {
                let text = self.word(token).trim_matches('"').into();
                self.push(Op::Text(text), part(Type::Text))
            }
            Kind::Word(word @ ("true" | "false")) => self.push(Op::Boolean(word == "true"), part(Type::Boolean)),
            Kind::Word("not") => {
                let what = self.expression(OF_NOT, depth + 1)?;
                must_be(what, Type::Boolean)?;
                self.push(Op::Not, Part { start: token.start, ..what })
            }
            Kind::Sign("-") => {
                let what = self.expression(OF_MINUS, depth + 1)?;
                must_be(what, Type::Number)?;
                self.push(Op::Negate, Part { start: token.start, ..what })
            }
            Kind::Sign("(") => {
                let inside = self.expression(0, depth + 1)?;
                let close = self.expect(Kind::Sign(")"))?;
                Ok(Part { of: inside.of, start: token.start, end: close.end })
            }
            Kind::Sign("{") => self.set(token),
            Kind::Word("if") => self.choice(token, depth),
            Kind::Name if self.peek().is_some_and(|t| t.kind == Kind::Sign("(")) => self.call(token, depth),
            Kind::Name => self.name(token),
            Kind::Word(_) | Kind::Sign(_) => Err(Fault::new(token.start, token.end, "此处应为一个值", "a value is expected here")),
        }
    }

    fn choice(&mut self, start: Token, depth: usize) -> Result<Part> {
        let condition = self.expression(0, depth + 1)?;
        must_be(condition, Type::Boolean)?;
        self.expect(Kind::Word("then"))?;
        let then = self.expression(0, depth + 1)?;
        self.expect(Kind::Word("else"))?;
        let other = self.expression(0, depth + 1)?;
        must_be(other, then.of)?;
        self.push(Op::Select, Part { of: then.of, start: start.start, end: other.end })
    }

    fn set(&mut self, start: Token) -> Result<Part> {
        let mut texts: Vec<Arc<str>> = Vec::new();
        loop {
            let token = self.next()?;
            if token.kind != Kind::Text {
                return Err(Fault::new(token.start, token.end, "集合里只能写带引号的文本", "a set holds texts in quotes"));
            }
            texts.push(self.word(token).trim_matches('"').into());
            if self.peek().is_some_and(|t| t.kind == Kind::Sign(",")) {
                self.at += 1;
                continue;
            }
            let close = self.expect(Kind::Sign("}"))?;
            texts.sort();
            texts.dedup();
            return self.push(Op::Texts(texts.into()), Part { of: Type::Texts, start: start.start, end: close.end });
        }
    }

    fn name(&mut self, token: Token) -> Result<Part> {
        let word = self.word(token).to_owned();
        let Some(of) = self.known.get(&word).copied() else {
            let (zh, en) = (format!("没有名为 {word} 的量"), format!("nothing is called {word}"));
            let known = self.known.keys().map(String::as_str).chain(WORDS);
            return Err(Fault { instead: nearest(&word, known), ..Fault::new(token.start, token.end, zh, en) });
        };
        let place = self.names.iter().position(|n| **n == *word).unwrap_or(self.names.len());
        if place == self.names.len() {
            self.names.push(word.as_str().into());
            self.types.push(of);
        }
        self.push(Op::Name(place), Part { of, start: token.start, end: token.end })
    }

    fn call(&mut self, name: Token, depth: usize) -> Result<Part> {
        let word = self.word(name).to_owned();
        if !FUNCTIONS.contains(&word.as_str()) {
            let (zh, en) = (format!("没有名为 {word} 的函数"), format!("no function is called {word}"));
            let instead = nearest(&word, FUNCTIONS.into_iter());
            return Err(Fault { instead, ..Fault::new(name.start, name.end, zh, en) });
        }
        self.expect(Kind::Sign("("))?;
        let mut parts = vec![self.expression(0, depth + 1)?];
        let mut places = None;
        while self.peek().is_some_and(|t| t.kind == Kind::Sign(",")) {
            self.at += 1;
            if word == "round" {
                places = Some(self.places()?);
                break;
            }
            parts.push(self.expression(0, depth + 1)?);
        }
        let close = self.expect(Kind::Sign(")"))?;
        let (op, of) = apply(&word, &parts, places, Fault::new(name.start, close.end, "", ""))?;
        self.push(op, Part { of, start: name.start, end: close.end })
    }

    /// The second argument of `round` is a plain number.
    fn places(&mut self) -> Result<u32> {
        let token = self.next()?;
        let places = self.word(token).parse::<u32>().ok().filter(|p| token.kind == Kind::Number && *p <= PLACES_MAX);
        places.ok_or_else(|| {
            let (zh, en) = (format!("小数位数须为 0 到 {PLACES_MAX}"), format!("places are a number from 0 to {PLACES_MAX}"));
            Fault::new(token.start, token.end, zh, en)
        })
    }
}

fn must_be(part: Part, wanted: Type) -> Result<()> {
    if part.of == wanted {
        return Ok(());
    }
    let zh = format!("此处应为{}，写的是{}", wanted.zh(), part.of.zh());
    Err(Fault::new(part.start, part.end, zh, format!("{wanted} is expected here, this is {}", part.of)))
}

/// What a function does with its arguments. `fault` is its place.
fn apply(word: &str, parts: &[Part], places: Option<u32>, fault: Fault) -> Result<(Op, Type)> {
    let count = |least: usize, most: usize| {
        if (least..=most).contains(&parts.len()) {
            return Ok(());
        }
        let (zh, en) = (format!("{word} 的参数个数不对"), format!("{word} has another number of arguments"));
        Err(Fault { zh, en, ..fault.clone() })
    };
    let first = parts.first().copied().ok_or_else(|| fault.clone())?;
    Ok(match word {
        "min" | "max" => {
            count(2, 16)?;
            parts.iter().try_for_each(|p| must_be(*p, Type::Number))?;
            (if word == "min" { Op::Least(parts.len()) } else { Op::Greatest(parts.len()) }, Type::Number)
        }
        "round" => {
            must_be(first, Type::Number)?;
            (Op::Round(places.unwrap_or(0)), Type::Number)
        }
        "sum" => {
            count(1, 1)?;
            must_be(first, Type::Numbers)?;
            (Op::Sum, Type::Number)
        }
        "count" => {
            count(1, 1)?;
            if first.of != Type::Texts {
                must_be(first, Type::Numbers)?;
            }
            (Op::Count, Type::Number)
        }
        "given" => {
            count(1, 1)?;
            (Op::Given, Type::Boolean)
        }
        _ => {
            count(2, 2)?;
            parts.iter().try_for_each(|p| must_be(*p, first.of))?;
            (Op::Otherwise, first.of)
        }
    })
}
