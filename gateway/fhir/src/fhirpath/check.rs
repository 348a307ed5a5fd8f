//! What can only be a mistake on the type that an expression is for.

use super::expr::Expr;
use super::fault::Eval;
use crate::definitions::{Definitions, TypeId};

pub(super) fn check(_root: &Expr, _definitions: &'static Definitions, _context: Option<TypeId>) -> Eval<()> {
    Ok(())
}
