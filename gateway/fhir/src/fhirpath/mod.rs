//! FHIRPath over the tree: expressions compiled once, then evaluated against nodes
//! (<http://hl7.org/fhirpath/N1/>, with FHIR's additions, <https://hl7.org/fhir/R4/fhirpath.html>).
//!
//! [`compile`] reads the text, resolves element names to [`crate::Key`]s, type names to [`TypeId`]s and functions to
//! numbers; what is left to [`Expression::evaluate`] is to walk. Paths are walked as a stream (`eval`): nothing is
//! collected for `name.exists()`. An expression never stops the process: its length, depth and steps are limited,
//! and whatever goes wrong is a [`Fault`].
//!
//! Two strictnesses: [`compile`] takes all that can be evaluated; [`compile_for`] with [`Options::strict`] also refuses
//! what can only be a mistake (an element that the type does not have, text functions on a complex element).

mod check;
mod env;
mod eval;
mod expr;
mod fault;
mod item;
mod lexer;
mod moment;
mod parser;
mod pattern;
mod quantity;

pub use env::{Env, Host, NoHost, STEPS_MAX};
pub use fault::{Fault, FaultKind};
pub use item::{Item, TypeName};
pub use moment::{Moment, Precision};
pub use quantity::{Quantity, Unit};

use crate::definitions::{Definitions, TypeId};

/// Longest expression, in bytes.
pub const LENGTH_MAX: usize = 64 * 1024;

/// How an expression is compiled.
#[derive(Clone, Copy, Default)]
pub struct Options {
    /// The type of the nodes it will be evaluated on, where it is known.
    pub context: Option<TypeId>,
    /// Refuse what can only be a mistake, and keep FHIRPath's rules where published expressions do not: `as()` on
    /// several items, `Boolean` for FHIR's `boolean`, ordered functions on what has no order.
    pub strict: bool,
}

/// A compiled expression.
pub struct Expression {
    root: expr::Expr,
    text: Box<str>,
}

/// Compiles an expression for whatever it will be evaluated on.
///
/// # Errors
/// A [`Fault`] of kind [`FaultKind::Syntax`]: not FHIRPath, or an unknown function.
pub fn compile(text: &str, definitions: &'static Definitions) -> Result<Expression, Fault> {
    compile_for(text, definitions, Options::default())
}

/// Compiles an expression for nodes of a known type, or strictly.
///
/// # Errors
/// As [`compile`]; with [`Options::strict`] also of kind [`FaultKind::Semantic`].
pub fn compile_for(text: &str, definitions: &'static Definitions, options: Options) -> Result<Expression, Fault> {
    let root = parser::parse(text, definitions, options.strict).map_err(|f| *f)?;
    if options.strict {
        check::check(&root, definitions, options.context).map_err(|f| *f)?;
    }
    Ok(Expression { root, text: text.into() })
}

impl Expression {
    /// The text it was compiled from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The items that the expression gives on `focus`.
    ///
    /// # Errors
    /// A [`Fault`]: the expression cannot be evaluated on this input, the host cannot answer, or a limit is reached.
    pub fn evaluate<'t>(&'t self, focus: Item<'t>, env: &Env<'t>) -> Result<Vec<Item<'t>>, Fault> {
        eval::evaluate(&self.root, focus, env).map_err(|f| *f)
    }

    /// Whether an invariant holds on `focus`: a single true, or a single item that is not a Boolean; empty is false.
    ///
    /// # Errors
    /// As [`Expression::evaluate`].
    pub fn holds<'t>(&'t self, focus: Item<'t>, env: &Env<'t>) -> Result<bool, Fault> {
        eval::holds(&self.root, focus, env).map_err(|f| *f)
    }
}

#[cfg(test)]
mod tests;
