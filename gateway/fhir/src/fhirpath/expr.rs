//! A compiled expression: a tree whose names are keys, types and functions, not text.

use super::item::Item;
use super::pattern::Pattern;
use crate::Key;
use crate::definitions::TypeId;

/// A node of the expression with its byte offset in the text.
pub(super) struct Expr {
    pub(super) op: Op,
    pub(super) at: u32,
}

pub(super) enum Op {
    /// `$this`, and what a path without a start starts from.
    This,
    Index,
    Total,
    /// `{}`
    Empty,
    Literal(Item<'static>),
    Variable(Variable),
    /// `Patient` at the start of a path: the focus where it is of that type.
    Root(TypeId),
    Child(Box<Expr>, Step),
    Call(Box<Expr>, Function, Vec<Expr>),
    /// `matches` and its kin; the pattern is compiled where it is a literal.
    Match(Box<Expr>, Function, Pattern, Vec<Expr>),
    /// `is`, `as`, `ofType`.
    Typed(Box<Expr>, TypeUse, TypeTest),
    At(Box<Expr>, Box<Expr>),
    Negate(Box<Expr>),
    Plus(Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Union(Vec<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    /// `sort(…)`: keys, each with whether it goes down.
    Sort(Box<Expr>, Vec<(Expr, bool)>),
}

/// One step down.
pub(super) enum Step {
    Key {
        key: Key,
        /// Some type has this name as a choice: `value` finds `valueQuantity`.
        is_choice: bool,
    },
    /// A name that R4 does not have: found in trees that have it all the same.
    Strange(Box<str>),
}

/// `%name`
pub(super) enum Variable {
    Resource,
    RootResource,
    Context,
    Text(Box<str>),
    Other(Box<str>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TypeUse {
    Is,
    /// `as`; `single` = an error on several items.
    As {
        single: bool,
    },
    OfType,
}

/// A type that items are tested for.
pub(super) struct TypeTest {
    pub(super) fhir: Option<TypeId>,
    pub(super) system: Option<System>,
    /// `Boolean` also means FHIR's `boolean`, as published expressions have it.
    pub(super) loose: bool,
}

/// The System types.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum System {
    Any,
    Boolean,
    Integer,
    Decimal,
    String,
    Date,
    DateTime,
    Time,
    Quantity,
}

impl System {
    pub(super) const ALL: [(System, &'static str); 9] = [
        (System::Any, "Any"),
        (System::Boolean, "Boolean"),
        (System::Integer, "Integer"),
        (System::Decimal, "Decimal"),
        (System::String, "String"),
        (System::Date, "Date"),
        (System::DateTime, "DateTime"),
        (System::Time, "Time"),
        (System::Quantity, "Quantity"),
    ];

    pub(super) fn named(name: &str) -> Option<System> {
        System::ALL.iter().find(|(_, n)| *n == name).map(|(system, _)| *system)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Binary {
    Equal,
    NotEqual,
    Equivalent,
    NotEquivalent,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Contains,
    Add,
    Subtract,
    Multiply,
    Divide,
    Div,
    Mod,
    Concatenate,
    Xor,
    Implies,
}

macro_rules! functions {
    ($($variant:ident $name:literal $min:literal $max:literal)*) => {
        /// The functions.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(super) enum Function { $($variant),* }

        impl Function {
            /// Function, name, least and greatest number of arguments.
            pub(super) const ALL: &[(Function, &'static str, usize, usize)] = &[$((Function::$variant, $name, $min, $max)),*];
        }
    };
}

functions! {
    // existence (N1 §5.1)
    Empty "empty" 0 0  Exists "exists" 0 1  All "all" 1 1  AllTrue "allTrue" 0 0  AnyTrue "anyTrue" 0 0
    AllFalse "allFalse" 0 0  AnyFalse "anyFalse" 0 0  SubsetOf "subsetOf" 1 1  SupersetOf "supersetOf" 1 1
    Count "count" 0 0  Distinct "distinct" 0 0  IsDistinct "isDistinct" 0 0  Not "not" 0 0
    // filtering, projection and order (§5.2)
    Where "where" 1 1  Select "select" 1 1  Repeat "repeat" 1 1  Aggregate "aggregate" 1 2
    // parts (§5.3), combining (§5.4)
    Single "single" 0 0  First "first" 0 0  Last "last" 0 0  Tail "tail" 0 0  Skip "skip" 1 1  Take "take" 1 1
    Intersect "intersect" 1 1  Exclude "exclude" 1 1  Union "union" 1 1  Combine "combine" 1 1
    // conversion (§5.5)
    Iif "iif" 2 3
    ToBoolean "toBoolean" 0 0  ToInteger "toInteger" 0 0  ToDecimal "toDecimal" 0 0  ToString "toString" 0 0
    ToDate "toDate" 0 0  ToDateTime "toDateTime" 0 0  ToTime "toTime" 0 0  ToQuantity "toQuantity" 0 1
    ConvertsToBoolean "convertsToBoolean" 0 0  ConvertsToInteger "convertsToInteger" 0 0
    ConvertsToDecimal "convertsToDecimal" 0 0  ConvertsToString "convertsToString" 0 0
    ConvertsToDate "convertsToDate" 0 0  ConvertsToDateTime "convertsToDateTime" 0 0
    ConvertsToTime "convertsToTime" 0 0  ConvertsToQuantity "convertsToQuantity" 0 1
    // text (§5.6)
    IndexOf "indexOf" 1 1  LastIndexOf "lastIndexOf" 1 1  Substring "substring" 1 2  StartsWith "startsWith" 1 1
    EndsWith "endsWith" 1 1  Contains "contains" 1 1  Upper "upper" 0 0  Lower "lower" 0 0  Replace "replace" 2 2
    Matches "matches" 1 1  MatchesFull "matchesFull" 1 1  ReplaceMatches "replaceMatches" 2 2
    Length "length" 0 0  ToChars "toChars" 0 0  Encode "encode" 1 1  Decode "decode" 1 1  Escape "escape" 1 1
    Unescape "unescape" 1 1  Trim "trim" 0 0  Split "split" 1 1  Join "join" 0 1
    // numbers (§5.7)
    Abs "abs" 0 0  Ceiling "ceiling" 0 0  Exp "exp" 0 0  Floor "floor" 0 0  Ln "ln" 0 0  Log "log" 1 1
    Power "power" 1 1  Round "round" 0 1  Sqrt "sqrt" 0 0  Truncate "truncate" 0 0
    LowBoundary "lowBoundary" 0 1  HighBoundary "highBoundary" 0 1  Precision "precision" 0 0
    Comparable "comparable" 1 1
    // tree (§5.8), utility (§5.9)
    Children "children" 0 0  Descendants "descendants" 0 0  Trace "trace" 1 2  Now "now" 0 0  Today "today" 0 0
    TimeOfDay "timeOfDay" 0 0  Type "type" 0 0
    // FHIR's own (R4, fhirpath.html)
    Extension "extension" 1 1  HasValue "hasValue" 0 0  GetValue "getValue" 0 0  Resolve "resolve" 0 0
    MemberOf "memberOf" 1 1  Subsumes "subsumes" 1 1  SubsumedBy "subsumedBy" 1 1  ConformsTo "conformsTo" 1 1
    HtmlChecks "htmlChecks" 0 0  ElementDefinition "elementDefinition" 0 0  Slice "slice" 2 2
    CheckModifiers "checkModifiers" 0 64
}

impl Function {
    /// A function with its least and greatest number of arguments.
    pub(super) fn named(name: &str) -> Option<(Function, usize, usize)> {
        Function::ALL.iter().find(|(_, n, ..)| *n == name).map(|(f, _, min, max)| (*f, *min, *max))
    }

    pub(super) fn name(self) -> &'static str {
        Function::ALL.get(self as usize).map_or("", |(_, name, ..)| name)
    }
}
