//! Why an expression could not be compiled or evaluated.

use std::borrow::Cow;

/// What kind of fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FaultKind {
    /// Not FHIRPath.
    Syntax,
    /// FHIRPath that can only be a mistake on the type it is for.
    Semantic,
    /// Cannot be evaluated on this input (several items where one is needed, operands that do not fit).
    Execution,
    /// Only the host could say, and it does not know (`memberOf` of an unknown value set): neither true nor false.
    Undecided,
    /// A limit of length, depth or steps.
    Limit,
}

/// A fault with the place in the expression. It never holds data of the resource.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    pub kind: FaultKind,
    /// Byte offset in the expression.
    pub offset: usize,
    pub zh: Cow<'static, str>,
    pub en: Cow<'static, str>,
}

/// Inside the engine: boxed, so that the good way stays small.
pub(super) type Eval<T> = Result<T, Box<Fault>>;

impl Fault {
    pub(super) fn new(kind: FaultKind, offset: u32, zh: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Box<Fault> {
        Box::new(Fault { kind, offset: offset as usize, zh: zh.into(), en: en.into() })
    }

    pub(super) fn execution(offset: u32, zh: &'static str, en: &'static str) -> Box<Fault> {
        Fault::new(FaultKind::Execution, offset, zh, en)
    }

    /// Several items where one is needed.
    pub(super) fn not_single(offset: u32) -> Box<Fault> {
        Fault::execution(
            offset,
            "这里只能有一个值，而集合中有多个；可用 first()、where() 或 exists() 先取出一个",
            "one value is needed here and the collection has several: choose one with first(), where() or exists()",
        )
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.en, self.offset)
    }
}

impl std::error::Error for Fault {}
