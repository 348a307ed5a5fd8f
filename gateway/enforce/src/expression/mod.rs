//! The language in which the community's rules compute: formulas of indicators, conditions of review rules. A small total
//! language over named values: no loop, no recursion, no clock, no reading of anything. Every name and type is checked when
//! a rule is loaded, with line, column and what was probably meant; what is not there when it is evaluated is a value, with
//! its name. `gateway/docs/expressions.md` is its reference.
//!
//! A text becomes a flat plan of postfix steps without jumps: as many steps are done as the plan has, whatever the facts.

mod evaluate;
mod fault;
mod parse;
mod token;

#[cfg(test)]
mod tests;

pub use fault::Fault;

use parse::Op;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use token::{Kind, Token};

/// Bytes of one expression.
pub const TEXT_MAX: usize = 8_192;
/// Nesting of one expression.
pub const DEPTH_MAX: usize = 32;
/// Steps of one plan.
pub const STEPS_MAX: usize = 1_024;

/// What a name or an expression is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Type {
    Number,
    Text,
    Boolean,
    /// A named series of numbers, for `sum` and `count`.
    Numbers,
    /// A named set of texts, for `in` and `count`.
    Texts,
}

/// What was computed. Numbers are exact decimals of up to 28 digits; only a quotient is ever rounded, at its 28th digit.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    Number(Decimal),
    Text(Arc<str>),
    Boolean(bool),
    Numbers(Arc<[Decimal]>),
    Texts(Arc<[Arc<str>]>),
    /// Not known, and all the reasons for it; never empty.
    Missing(Vec<Absence>),
}

/// One reason for which a value is not known.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Absence {
    /// A name, or the part of the expression it is about.
    pub what: Arc<str>,
    pub why: Why,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Why {
    /// Nobody gave this value.
    NotGiven,
    /// The value is not of the type that was declared.
    WrongType,
    /// It is zero, and something is divided by it.
    DivisionByZero,
    /// The result has more digits than a number holds.
    TooLarge,
}

/// Names that an expression may use, and their types.
pub type Names = BTreeMap<String, Type>;

/// The values an expression is evaluated with.
pub trait Facts {
    /// `None` = not known.
    fn value(&self, name: &str) -> Option<Value>;
}

impl Facts for BTreeMap<String, Value> {
    fn value(&self, name: &str) -> Option<Value> {
        self.get(name).cloned()
    }
}

/// A checked expression.
#[derive(Clone, Debug)]
pub struct Expression {
    text: String,
    tokens: Vec<Token>,
    ops: Vec<Op>,
    names: Vec<Arc<str>>,
    types: Vec<Type>,
    result: Type,
}

impl Expression {
    /// Reads and checks an expression.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place in the text.
    pub fn compile(text: &str, names: &Names) -> Result<Expression, Fault> {
        parse::compile(text, names)
    }

    /// What it computes.
    pub fn result(&self) -> Type {
        self.result
    }

    /// The names it uses, each once, in the order in which they are met.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|n| &**n)
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The expression for a reader: names replaced by what `title` calls them, signs as they are printed.
    pub fn read_as(&self, title: impl Fn(&str) -> Option<String>) -> String {
        let mut out = String::new();
        for token in &self.tokens {
            let text = self.text.get(token.start..token.end).unwrap_or("");
            let shown = match token.kind {
                Kind::Name => title(text).unwrap_or_else(|| text.to_owned()),
                Kind::Sign("*") => " × ".to_owned(),
                Kind::Sign("/") => " ÷ ".to_owned(),
                Kind::Sign(s @ ("(" | ")")) => s.to_owned(),
                Kind::Sign(",") => ", ".to_owned(),
                Kind::Sign(s) => format!(" {s} "),
                Kind::Word(w) => format!(" {w} "),
                Kind::Number | Kind::Text => text.to_owned(),
            };
            out.push_str(&shown);
        }
        out.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

impl Value {
    /// Not known, for one reason.
    pub fn missing(what: &str, why: Why) -> Value {
        Value::Missing(vec![Absence { what: what.into(), why }])
    }

    /// `None` for what is missing.
    pub fn kind(&self) -> Option<Type> {
        Some(match self {
            Value::Number(_) => Type::Number,
            Value::Text(_) => Type::Text,
            Value::Boolean(_) => Type::Boolean,
            Value::Numbers(_) => Type::Numbers,
            Value::Texts(_) => Type::Texts,
            Value::Missing(_) => return None,
        })
    }
}

impl Type {
    pub(crate) fn zh(self) -> &'static str {
        match self {
            Type::Number => "数",
            Type::Text => "文本",
            Type::Boolean => "真假值",
            Type::Numbers => "数列",
            Type::Texts => "文本集合",
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::Number => "a number",
            Type::Text => "a text",
            Type::Boolean => "true or false",
            Type::Numbers => "a series of numbers",
            Type::Texts => "a set of texts",
        })
    }
}
