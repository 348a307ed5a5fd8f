//! Tokens to a compiled expression (N1, appendix B).
//!
//! Precedence, tightest first: `.` and `[]`, sign, `* / div mod`, `+ - &`, `is as`, `|`, `< > <= >=`,
//! `= ~ != !~`, `in contains`, `and`, `or xor`, `implies`. Chains of `or`, `and` and `|` are flat lists, so that long
//! ones stay shallow.

use super::expr::{Binary, Expr, Function, Op, Step, System, TypeTest, TypeUse, Variable};
use super::fault::{Eval, Fault, FaultKind};
use super::item::Item;
use super::lexer::{self, Placed, Token};
use super::moment;
use super::pattern::Pattern;
use super::quantity::{Calendar, Quantity, Unit};
use crate::definitions::Definitions;
use crate::{Key, fhirpath};
use rust_decimal::Decimal;
use std::borrow::Cow;
use std::sync::OnceLock;

/// Brackets in brackets, and steps behind one another, of one expression.
const DEPTH_MAX: u32 = 160;

struct Parser<'s> {
    tokens: Vec<Placed<'s>>,
    next: usize,
    depth: u32,
    definitions: &'static Definitions,
    strict: bool,
}

pub(super) fn parse(text: &str, definitions: &'static Definitions, strict: bool) -> Eval<Expr> {
    if text.len() > fhirpath::LENGTH_MAX {
        return Err(Fault::new(FaultKind::Limit, 0, "表达式过长", "the expression is too long"));
    }
    let mut parser = Parser { tokens: lexer::tokens(text)?, next: 0, depth: 0, definitions, strict };
    let expr = parser.expression()?;
    match parser.peek() {
        Token::End => Ok(expr),
        _ => Err(parser.unexpected("运算符或表达式结尾", "an operator or the end")),
    }
}

/// What stands between operands, or behind one.
enum Operator {
    Binary(Binary),
    Flat(Flat),
    Type(TypeUse),
}

/// An operator whose chains are one list.
enum Flat {
    Or,
    And,
    Union,
}

/// `left op right`, added to the list where `left` is a chain already.
fn join(flat: Flat, left: Expr, right: Expr, at: u32) -> Expr {
    let place = left.at;
    match (flat, left.op) {
        (Flat::Or, Op::Or(mut list)) => {
            list.push(right);
            expr(Op::Or(list), place)
        }
        (Flat::And, Op::And(mut list)) => {
            list.push(right);
            expr(Op::And(list), place)
        }
        (Flat::Union, Op::Union(mut list)) => {
            list.push(right);
            expr(Op::Union(list), place)
        }
        (Flat::Or, op) => expr(Op::Or(vec![expr(op, place), right]), at),
        (Flat::And, op) => expr(Op::And(vec![expr(op, place), right]), at),
        (Flat::Union, op) => expr(Op::Union(vec![expr(op, place), right]), at),
    }
}

fn expr(op: Op, at: u32) -> Expr {
    Expr { op, at }
}

fn this(at: u32) -> Box<Expr> {
    Box::new(expr(Op::This, at))
}

impl<'s> Parser<'s> {
    fn peek(&self) -> &Token<'s> {
        self.tokens.get(self.next).map_or(&Token::End, |(token, _)| token)
    }

    fn at(&self) -> u32 {
        self.tokens.get(self.next).or(self.tokens.last()).map_or(0, |(_, at)| *at)
    }

    fn take(&mut self) -> Token<'s> {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    fn is(&self, symbol: &str) -> bool {
        matches!(self.peek(), Token::Symbol(s) if *s == symbol)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Name { text, quoted: false } if text == word)
    }

    fn eat(&mut self, symbol: &str) -> bool {
        let found = self.is(symbol);
        self.next += usize::from(found);
        found
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &'static str) -> Eval<()> {
        if self.eat(symbol) { Ok(()) } else { Err(self.unexpected(symbol, symbol)) }
    }

    fn syntax(at: u32, zh: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Box<Fault> {
        Fault::new(FaultKind::Syntax, at, zh, en)
    }

    fn unexpected(&self, zh: &str, en: &str) -> Box<Fault> {
        Self::syntax(self.at(), format!("此处应为 {zh}"), format!("{en} is expected here"))
    }

    fn deeper(&mut self) -> Eval<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Fault::new(FaultKind::Limit, self.at(), "表达式嵌套过深", "the expression is nested too deep"));
        }
        Ok(())
    }

    /// A whole expression.
    fn expression(&mut self) -> Eval<Expr> {
        let depth = self.depth;
        self.deeper()?;
        let expr = self.operators(0)?;
        self.depth = depth;
        Ok(expr)
    }

    /// Operands and operators that bind at least as tight as `least`, from the left.
    fn operators(&mut self, least: u8) -> Eval<Expr> {
        let mut left = self.sign()?;
        let depth = self.depth;
        while let Some((operator, level)) = self.operator().filter(|(_, level)| *level >= least) {
            let at = self.at();
            self.next += 1;
            left = match operator {
                Operator::Type(using) => {
                    self.deeper()?;
                    let test = self.type_test(using)?;
                    expr(Op::Typed(Box::new(left), using, test), at)
                }
                Operator::Binary(binary) => {
                    self.deeper()?;
                    let right = self.operators(level + 1)?;
                    expr(Op::Binary(binary, Box::new(left), Box::new(right)), at)
                }
                Operator::Flat(flat) => {
                    let right = self.operators(level + 1)?;
                    join(flat, left, right, at)
                }
            };
        }
        self.depth = depth;
        Ok(left)
    }

    /// The operator that comes next, with how tight it binds.
    fn operator(&self) -> Option<(Operator, u8)> {
        use Operator::{Binary as B, Flat as F, Type as T};
        let word = match self.peek() {
            Token::Symbol(symbol) => symbol,
            Token::Name { text, quoted: false } => &**text,
            _ => return None,
        };
        Some(match word {
            "implies" => (B(Binary::Implies), 1),
            "or" => (F(Flat::Or), 2),
            "xor" => (B(Binary::Xor), 2),
            "and" => (F(Flat::And), 3),
            "in" => (B(Binary::In), 4),
            "contains" => (B(Binary::Contains), 4),
            "=" => (B(Binary::Equal), 5),
            "!=" => (B(Binary::NotEqual), 5),
            "~" => (B(Binary::Equivalent), 5),
            "!~" => (B(Binary::NotEquivalent), 5),
            "<" => (B(Binary::Less), 6),
            "<=" => (B(Binary::LessOrEqual), 6),
            ">" => (B(Binary::Greater), 6),
            ">=" => (B(Binary::GreaterOrEqual), 6),
            "|" => (F(Flat::Union), 7),
            "is" => (T(TypeUse::Is), 8),
            "as" => (T(TypeUse::As { single: self.strict }), 8),
            "+" => (B(Binary::Add), 9),
            "-" => (B(Binary::Subtract), 9),
            "&" => (B(Binary::Concatenate), 9),
            "*" => (B(Binary::Multiply), 10),
            "/" => (B(Binary::Divide), 10),
            "div" => (B(Binary::Div), 10),
            "mod" => (B(Binary::Mod), 10),
            _ => return None,
        })
    }

    fn sign(&mut self) -> Eval<Expr> {
        let at = self.at();
        let minus = self.is("-");
        if !minus && !self.is("+") {
            return self.path();
        }
        self.next += 1;
        self.deeper()?;
        let inner = Box::new(self.sign()?);
        self.depth -= 1;
        Ok(expr(if minus { Op::Negate(inner) } else { Op::Plus(inner) }, at))
    }

    /// A term with what stands behind it: `.name`, `.function(…)`, `[index]`.
    fn path(&mut self) -> Eval<Expr> {
        let mut left = self.term()?;
        let depth = self.depth;
        loop {
            let at = self.at();
            if self.eat(".") {
                self.deeper()?;
                left = self.invocation(left)?;
            } else if self.eat("[") {
                self.deeper()?;
                let index = self.expression()?;
                self.expect("]")?;
                left = expr(Op::At(Box::new(left), Box::new(index)), at);
            } else {
                self.depth = depth;
                return Ok(left);
            }
        }
    }

    /// Behind a point.
    fn invocation(&mut self, base: Expr) -> Eval<Expr> {
        let at = self.at();
        match self.take() {
            Token::Name { text, quoted } => {
                if !quoted && self.is("(") {
                    return self.call(base, &text, at);
                }
                Ok(expr(Op::Child(Box::new(base), step(&text)), at))
            }
            _ => {
                self.next -= 1;
                Err(self.unexpected("元素名或函数", "an element or a function"))
            }
        }
    }

    fn term(&mut self) -> Eval<Expr> {
        let at = self.at();
        let token = self.take();
        let op = match token {
            Token::Symbol("(") => {
                let inner = self.expression()?;
                self.expect(")")?;
                return Ok(inner);
            }
            Token::Symbol("{") => {
                self.expect("}")?;
                Op::Empty
            }
            Token::Dollar("this") => Op::This,
            Token::Dollar("index") => Op::Index,
            Token::Dollar(_) => Op::Total,
            Token::Constant(name) => Op::Variable(variable(&name)),
            Token::String(text) => Op::Literal(Item::owned(text.into_owned())),
            Token::Number(text) => self.number(text, at)?,
            Token::Moment(text) => {
                Op::Literal(moment::literal(text).ok_or_else(|| Self::syntax(at, "不是有效的日期、时间", "not a date, dateTime or time"))?)
            }
            Token::Name { text, quoted } => return self.named(&text, quoted, at),
            Token::Symbol(_) | Token::End => {
                self.next -= 1;
                return Err(self.unexpected("表达式", "an expression"));
            }
        };
        Ok(expr(op, at))
    }

    /// A number, or a quantity where a unit follows.
    fn number(&mut self, text: &str, at: u32) -> Eval<Op> {
        let bad = || Self::syntax(at, "数值超出范围", "this number is out of range");
        let unit = match self.peek() {
            Token::String(unit) => Some(Unit::Code(Cow::Owned(unit.clone().into_owned()))),
            Token::Name { text, quoted: false } => Calendar::named(text).map(Unit::Calendar),
            _ => None,
        };
        if let Some(unit) = unit {
            self.next += 1;
            let value = Decimal::from_str_exact(text).map_err(|_| bad())?;
            return Ok(Op::Literal(Item::Quantity(Box::new(Quantity { value, unit }))));
        }
        Ok(Op::Literal(if text.contains('.') {
            Item::Decimal(Decimal::from_str_exact(text).map_err(|_| bad())?)
        } else {
            Item::Integer(text.parse().map_err(|_| bad())?)
        }))
    }

    /// A name at the start of a path.
    fn named(&mut self, text: &str, quoted: bool, at: u32) -> Eval<Expr> {
        if !quoted {
            match text {
                "true" => return Ok(expr(Op::Literal(Item::Boolean(true)), at)),
                "false" => return Ok(expr(Op::Literal(Item::Boolean(false)), at)),
                _ => {}
            }
            if self.is("(") {
                return self.call(expr(Op::This, at), text, at);
            }
        }
        if text.starts_with(|c: char| c.is_ascii_uppercase())
            && let Some(id) = self.definitions.type_named(text)
        {
            return Ok(expr(Op::Root(id), at));
        }
        Ok(expr(Op::Child(this(at), step(text)), at))
    }

    /// `name(arguments)` on `base`.
    fn call(&mut self, base: Expr, name: &str, at: u32) -> Eval<Expr> {
        self.expect("(")?;
        let base = Box::new(base);
        let using = match name {
            "is" => Some(TypeUse::Is),
            "as" => Some(TypeUse::As { single: self.strict }),
            "ofType" => Some(TypeUse::OfType),
            _ => None,
        };
        if let Some(using) = using {
            let test = self.type_test(using)?;
            self.expect(")")?;
            return Ok(expr(Op::Typed(base, using, test), at));
        }
        if name == "sort" {
            return self.sort(base, at);
        }
        let Some((function, min, max)) = Function::named(name) else {
            return Err(Self::syntax(at, format!("没有函数 {name}()"), format!("there is no function {name}()")));
        };
        let arguments = self.arguments()?;
        if arguments.len() < min || arguments.len() > max {
            return Err(Self::syntax(
                at,
                format!("{name}() 的参数个数不对，应为 {min} 至 {max} 个"),
                format!("{name}() takes {min} to {max} arguments"),
            ));
        }
        if matches!(function, Function::Matches | Function::MatchesFull | Function::ReplaceMatches) {
            let pattern = match arguments.first().map(|a| &a.op) {
                Some(Op::Literal(Item::String(_))) => Pattern::Literal(OnceLock::new()),
                _ => Pattern::Dynamic,
            };
            return Ok(expr(Op::Match(base, function, pattern, arguments), at));
        }
        Ok(expr(Op::Call(base, function, arguments), at))
    }

    fn arguments(&mut self) -> Eval<Vec<Expr>> {
        let mut list = Vec::new();
        if self.eat(")") {
            return Ok(list);
        }
        loop {
            list.push(self.expression()?);
            if self.eat(")") {
                return Ok(list);
            }
            if !self.eat(",") {
                return Err(self.unexpected(", 或 )", ", or )"));
            }
        }
    }

    /// `sort(-family, given.first())`: a minus before a key, or `desc` behind it, turns the order.
    fn sort(&mut self, base: Box<Expr>, at: u32) -> Eval<Expr> {
        let mut keys = Vec::new();
        if !self.eat(")") {
            loop {
                let down = self.eat("-");
                let key = self.expression()?;
                let down = down ^ self.eat_word("desc");
                let _ = self.eat_word("asc");
                keys.push((key, down));
                if self.eat(")") {
                    break;
                }
                if !self.eat(",") {
                    return Err(self.unexpected(", 或 )", ", or )"));
                }
            }
        }
        Ok(expr(Op::Sort(base, keys), at))
    }

    /// `Quantity`, `FHIR.Patient`, `System.String`.
    fn type_test(&mut self, using: TypeUse) -> Eval<TypeTest> {
        let at = self.at();
        let first = self.type_name()?;
        let (namespace, name) = if self.eat(".") { (Some(first), self.type_name()?) } else { (None, first) };
        let find = |name: &str| self.definitions.type_named(name);
        let (fhir, system) = match namespace.as_deref() {
            None => (find(&name), System::named(&name)),
            Some("FHIR") => (find(&name), None),
            Some("System") => (None, System::named(&name)),
            Some(_) => (None, None),
        };
        // `is` of a type that does not exist is merely false, but nothing can be taken as one
        if fhir.is_none() && system.is_none() && using != TypeUse::Is {
            return Err(Fault::new(FaultKind::Semantic, at, format!("没有类型 {name}"), format!("there is no type {name}")));
        }
        Ok(TypeTest { fhir, system, loose: !self.strict && namespace.is_none() })
    }

    fn type_name(&mut self) -> Eval<Cow<'s, str>> {
        match self.take() {
            Token::Name { text, .. } => Ok(text),
            _ => {
                self.next -= 1;
                Err(self.unexpected("类型名", "the name of a type"))
            }
        }
    }
}

fn step(name: &str) -> Step {
    match Key::known(name) {
        Some(key) => Step::Key { key, is_choice: super::eval::is_choice(key) },
        None => Step::Strange(name.into()),
    }
}

/// `%name` (N1 §4.1.10 and FHIR's own).
fn variable(name: &str) -> Variable {
    let text = |t: String| Variable::Text(t.into());
    match name {
        "resource" => Variable::Resource,
        "rootResource" => Variable::RootResource,
        "context" => Variable::Context,
        "sct" => text("http://snomed.info/sct".into()),
        "loinc" => text("http://loinc.org".into()),
        "ucum" => text("http://unitsofmeasure.org".into()),
        _ => match (name.strip_prefix("vs-"), name.strip_prefix("ext-")) {
            (Some(rest), _) => text(format!("http://hl7.org/fhir/ValueSet/{rest}")),
            (_, Some(rest)) => text(format!("http://hl7.org/fhir/StructureDefinition/{rest}")),
            _ => Variable::Other(name.into()),
        },
    }
}
