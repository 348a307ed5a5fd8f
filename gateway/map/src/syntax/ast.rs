//! What the parser gives: declarations with spans, nothing resolved.

use crate::diagnostic::Span;

/// A word with its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Name {
    pub text: String,
    pub span: Span,
}

#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a few hundred of them, once at load")]
pub(crate) enum Decl {
    Map(MapDecl),
    Message(MessageDecl),
    Extend(ExtendDecl),
    Absent(AbsentDecl),
}

/// `map NAME…(PARAMS) -> Type` with its lines.
#[derive(Clone, Debug)]
pub(crate) struct MapDecl {
    pub names: Vec<Name>,
    pub params: Vec<Param>,
    pub target: Name,
    pub body: Vec<Line>,
    pub span: Span,
}

/// How many things a parameter or an argument stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Count {
    One,
    /// `?`
    Optional,
    /// `*`
    Many,
}

#[derive(Clone, Debug)]
pub(crate) struct Param {
    pub name: Name,
    pub count: Count,
    /// Written `unit: u`: passed by this name.
    pub label: Option<Name>,
}

/// `message ADT^A01, ADT^A04` with its lines.
#[derive(Clone, Debug)]
pub(crate) struct MessageDecl {
    /// `ADT^A01` or a structure, `ADT_A01`.
    pub types: Vec<Name>,
    pub body: Vec<Line>,
    pub span: Span,
}

/// `extend NAME [-> Type] [when COND]` with its lines.
#[derive(Clone, Debug)]
pub(crate) struct ExtendDecl {
    pub name: Name,
    pub target: Option<Name>,
    pub when: Option<Cond>,
    pub body: Vec<Line>,
    pub span: Span,
}

/// `absent "-", "无" as unknown`
#[derive(Clone, Debug)]
pub(crate) struct AbsentDecl {
    pub values: Vec<Name>,
    pub reason: Name,
}

/// One line of a map, a message or a `{ }`.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub kind: LineKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum LineKind {
    Write(Write),
    /// `let x = EXPR when COND`
    Let {
        name: Name,
        value: Expr,
        when: Option<Cond>,
    },
    /// `each GROUP { }` of a message.
    Each {
        group: Name,
        body: Vec<Line>,
    },
}

/// `TARGET = EXPR when COND else EXPR required`
#[derive(Clone, Debug)]
pub(crate) struct Write {
    pub target: Vec<Step>,
    pub target_span: Span,
    /// `+=`
    pub add: bool,
    pub value: Expr,
    pub when: Option<Cond>,
    pub otherwise: Option<Expr>,
    /// `when` stands in front of `else`, which then also counts where the condition is not met.
    pub when_inner: bool,
    pub required: Option<Span>,
    /// Stays where its parent holds nothing but literals (`profile`).
    pub keep: bool,
}

/// A step of a target: `identifier:mrn`, `extension("url")`.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub name: Name,
    pub slice: Option<Name>,
    pub url: Option<Name>,
}

#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum ExprKind {
    Path(Path),
    Text(String),
    Number(String),
    Bool(bool),
    /// `none`: takes a line away in an overlay.
    Nothing,
    First(Vec<Expr>),
    Tuple(Vec<Expr>),
    Call(Call),
    By {
        subject: Box<Expr>,
        branches: Vec<Branch>,
    },
    Each {
        source: Box<Expr>,
        name: Name,
        body: Vec<Line>,
    },
    Block(Vec<Line>),
    Warn(Say),
    Reject(Say),
    /// `EXPR as Type`
    As {
        value: Box<Expr>,
        target: Name,
    },
}

/// Text(s) of a `warn` or `reject`.
#[derive(Clone, Debug)]
pub(crate) struct Say {
    pub texts: Vec<Name>,
}

#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub name: Name,
    pub args: Vec<Arg>,
}

#[derive(Clone, Debug)]
pub(crate) struct Arg {
    pub label: Option<Name>,
    pub value: Expr,
}

/// `A B : EXPR`; no labels = `else`.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    pub labels: Vec<Name>,
    pub value: Expr,
}

/// A source path: `OBX-5[2].1`, `c.2`, `patient`, `NTE*`; an empty base is the repetition that a `[ ]` judges (`.5`).
#[derive(Clone, Debug)]
pub(crate) struct Path {
    pub base: Name,
    pub count: Count,
    /// `OBX[.3 = "IMP"]`: which segments.
    pub of: Option<Select>,
    pub field: Option<(u16, Span)>,
    pub select: Option<Select>,
    /// Component, then subcomponent; in a condition on segments the field comes first.
    pub parts: Vec<(u16, Span)>,
}

#[derive(Clone, Debug)]
pub(crate) enum Select {
    /// `~`
    All,
    /// `[2]`
    Nth(u16),
    /// `[.5 = "MR"]`
    Where(Box<Cond>),
}

#[derive(Clone, Debug)]
pub(crate) enum Cond {
    Has(Expr),
    Equals { left: Expr, right: Expr, not: bool },
    In { left: Expr, list: Vec<Expr> },
    Matches { left: Expr, classes: Vec<Name> },
    Not(Box<Cond>),
    And(Vec<Cond>),
    Or(Vec<Cond>),
}

impl Step {
    /// As it is written: `identifier:mrn`.
    pub(crate) fn text(&self) -> String {
        let slice = self.slice.as_ref().map(|s| format!(":{}", s.text)).unwrap_or_default();
        let url = self.url.as_ref().map(|u| format!("(\"{}\")", u.text)).unwrap_or_default();
        format!("{}{url}{slice}", self.name.text)
    }
}
