//! A search as it was asked, checked: every name, modifier and value is known before anything touches the store.

use super::cursor::Cursor;
use super::table::{self, ParamKind, Parameter, Plan, TypeTable};
use super::value::{self, Value};

/// Limits of one search.
const PARAMS_MAX: usize = 100;
const VALUES_MAX: usize = 200;
const VALUE_LEN_MAX: usize = 2_000;
const SORT_KEYS_MAX: usize = 3;
/// The largest page; more is cut to this (the self link says so).
pub const COUNT_MAX: usize = 500;
const COUNT_DEFAULT: usize = 50;

/// What is wrong with a parameter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum QueryFault {
    UnknownType,
    UnknownParameter,
    UnknownModifier,
    BadValue,
    NotSupported,
    TooCostly,
}

impl QueryFault {
    /// FHIR `issue.code`.
    pub fn issue_code(self) -> &'static str {
        match self {
            QueryFault::UnknownType | QueryFault::UnknownParameter | QueryFault::UnknownModifier | QueryFault::NotSupported => {
                "not-supported"
            }
            QueryFault::BadValue => "value",
            QueryFault::TooCostly => "too-costly",
        }
    }
}

/// A parameter that was refused. The texts name the parameter, never its value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueryError {
    pub fault: QueryFault,
    /// As sent, where it is harmless to repeat it; else empty.
    pub parameter: String,
    pub zh: String,
    pub en: String,
}

impl QueryError {
    fn new(fault: QueryFault, parameter: &str) -> QueryError {
        let harmless = parameter.len() <= 64 && parameter.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-:.".contains(&b));
        let parameter = if harmless { parameter } else { "" };
        let (zh, en) = match fault {
            QueryFault::UnknownType => ("不支持对该资源类型的检索", "this resource type cannot be searched"),
            QueryFault::UnknownParameter => ("未知的检索参数", "unknown search parameter"),
            QueryFault::UnknownModifier => ("该检索参数不支持此修饰符", "this modifier is not supported for this search parameter"),
            QueryFault::BadValue => ("检索参数的值无法识别", "the value of the search parameter cannot be read"),
            QueryFault::NotSupported => ("不支持该检索功能", "this search feature is not supported"),
            QueryFault::TooCostly => ("检索请求过大，请缩小范围", "the search asks for too much; narrow it"),
        };
        let with = |text: &str, sep: &str| if parameter.is_empty() { text.to_owned() } else { format!("{text}{sep}{parameter}") };
        QueryError { fault, parameter: parameter.to_owned(), zh: with(zh, "："), en: with(en, ": ") }
    }
}

/// How values are compared (<https://hl7.org/fhir/R4/search.html#modifiers>).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Modifier {
    None,
    Missing,
    Exact,
    Contains,
    Not,
    /// The logical identifier of a reference.
    Identifier,
    /// `subject:Patient=…`
    Type(&'static str),
}

/// One condition: `name[:modifier]=value[,value…]`; the values are joined by "or".
#[derive(Clone)]
pub struct Param {
    pub(crate) definition: &'static Parameter,
    pub modifier: Modifier,
    pub values: Vec<Value>,
    /// `patient.identifier=…`: the reference points at one of these types, where the condition holds.
    pub chain: Vec<(&'static TypeTable, Param)>,
    /// As it was asked, for the self link.
    asked: (String, String),
}

impl Param {
    pub fn name(&self) -> &'static str {
        self.definition.name
    }
}

/// What to sort by.
#[derive(Clone, Copy)]
pub enum SortKey {
    LastUpdated,
    Id,
    Param(&'static Parameter),
}

#[derive(Clone, Copy)]
pub struct Sort {
    pub key: SortKey,
    pub descending: bool,
}

/// `_include=Observation:subject[:Patient]` or `_revinclude=…`.
pub struct Include {
    /// Type that holds the reference.
    pub source: &'static TypeTable,
    pub(crate) param: &'static Parameter,
    /// Only references to this type.
    pub target: Option<String>,
    asked: String,
}

impl Include {
    /// The condition that the source points at these references.
    pub(crate) fn pointing_at(&self, references: Value) -> Param {
        Param {
            definition: self.param,
            modifier: Modifier::None,
            values: vec![references],
            chain: Vec::new(),
            asked: (String::new(), String::new()),
        }
    }
}

/// Whether the number of all matches is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Total {
    None,
    Accurate,
}

/// A search of one resource type.
pub struct Query {
    pub table: &'static TypeTable,
    pub params: Vec<Param>,
    /// Matches on a page, 0 ..= [`COUNT_MAX`].
    pub count: usize,
    pub sort: Vec<Sort>,
    pub include: Vec<Include>,
    pub revinclude: Vec<Include>,
    pub total: Total,
    /// `_summary=count` or `_count=0`: only the total.
    pub count_only: bool,
    /// Where the page before this one ended.
    pub after: Option<Cursor>,
    control: Vec<(String, String)>,
}

impl Query {
    /// Everything of `resource_type`, as a start for [`Query::read`] and for tests.
    pub fn all(resource_type: &str) -> Result<Query, QueryError> {
        let table = table::of(resource_type).ok_or_else(|| QueryError::new(QueryFault::UnknownType, resource_type))?;
        Ok(Query {
            table,
            params: Vec::new(),
            count: COUNT_DEFAULT,
            sort: Vec::new(),
            include: Vec::new(),
            revinclude: Vec::new(),
            total: Total::None,
            count_only: false,
            after: None,
            control: Vec::new(),
        })
    }

    /// Reads the decoded pairs of a query string or form, without the parameters that are the server's own (`_format`,
    /// `_pretty`, its page link). Refused pairs are not in the query; a strict caller answers 400 where there is any.
    /// `now_us` is only used by the prefix `ap`.
    pub fn read(resource_type: &str, pairs: &[(String, String)], now_us: i64) -> Result<(Query, Vec<QueryError>), QueryError> {
        let mut query = Query::all(resource_type)?;
        if pairs.len() > PARAMS_MAX {
            return Err(QueryError::new(QueryFault::TooCostly, ""));
        }
        let mut refused = Vec::new();
        for (name, text) in pairs {
            if let Err(fault) = query.pair(name, text, now_us) {
                refused.push(QueryError::new(fault, name));
            }
        }
        if query.count == 0 {
            query.count_only = true;
        }
        if query.count_only {
            query.total = Total::Accurate;
        }
        Ok((query, refused))
    }

    /// The pairs that were understood, in a form that says what is really done: the truthful self link.
    pub fn applied(&self) -> Vec<(String, String)> {
        let mut out: Vec<(String, String)> = self.params.iter().map(|p| p.asked.clone()).collect();
        out.extend(self.include.iter().map(|i| ("_include".to_owned(), i.asked.clone())));
        out.extend(self.revinclude.iter().map(|i| ("_revinclude".to_owned(), i.asked.clone())));
        out.extend(self.control.iter().cloned());
        out
    }

    fn pair(&mut self, name: &str, text: &str, now_us: i64) -> Result<(), QueryFault> {
        if text.len() > VALUE_LEN_MAX || name.len() > VALUE_LEN_MAX {
            return Err(QueryFault::TooCostly);
        }
        if text.contains('\0') {
            return Err(QueryFault::BadValue);
        }
        match name {
            "_count" => {
                let wanted: usize = text.parse().map_err(|_| QueryFault::BadValue)?;
                self.count = wanted.min(COUNT_MAX);
                self.control(name, self.count.to_string());
            }
            "_sort" => {
                self.sort = self.sort_keys(text)?;
                self.control(name, text.to_owned());
            }
            "_total" => {
                self.total = match text {
                    "none" => Total::None,
                    "accurate" | "estimate" => Total::Accurate,
                    _ => return Err(QueryFault::BadValue),
                };
                self.control(name, text.to_owned());
            }
            "_summary" => {
                self.count_only = match text {
                    "count" => true,
                    "false" => false,
                    _ => return Err(QueryFault::NotSupported),
                };
                self.control(name, text.to_owned());
            }
            "_include" => {
                let include = include(text)?;
                if include.source.resource_type != self.table.resource_type {
                    return Err(QueryFault::BadValue);
                }
                self.include.push(include);
            }
            "_revinclude" => {
                let include = include(text)?;
                let ours = self.table.resource_type;
                let targets = &include.param.targets;
                if !(targets.is_empty() || targets.contains(&ours)) || include.target.as_deref().is_some_and(|t| t != ours) {
                    return Err(QueryFault::BadValue);
                }
                self.revinclude.push(include);
            }
            _ if name.starts_with("_include:") || name.starts_with("_revinclude:") => return Err(QueryFault::NotSupported),
            _ => {
                let param = param(self.table, name, text, now_us, false)?;
                self.params.push(param);
            }
        }
        Ok(())
    }

    fn control(&mut self, name: &str, value: String) {
        self.control.retain(|(n, _)| n != name);
        self.control.push((name.to_owned(), value));
    }

    fn sort_keys(&self, text: &str) -> Result<Vec<Sort>, QueryFault> {
        let keys: Vec<&str> = text.split(',').collect();
        if keys.len() > SORT_KEYS_MAX {
            return Err(QueryFault::TooCostly);
        }
        keys.iter()
            .map(|key| {
                let (descending, name) = key.strip_prefix('-').map_or((false, *key), |n| (true, n));
                let key = match name {
                    "_lastUpdated" => SortKey::LastUpdated,
                    "_id" => SortKey::Id,
                    _ => {
                        let p = self.table.param(name).ok_or(QueryFault::UnknownParameter)?;
                        let sortable = matches!(p.plan, Plan::Text)
                            || (matches!(p.plan, Plan::Column { .. }) && matches!(p.kind, ParamKind::Date | ParamKind::Token));
                        sortable.then_some(SortKey::Param(p)).ok_or(QueryFault::NotSupported)?
                    }
                };
                Ok(Sort { key, descending })
            })
            .collect()
    }
}

/// `Type:param[:Target]`. `*` would follow every reference of every match, and is refused.
fn include(text: &str) -> Result<Include, QueryFault> {
    if text.contains('*') {
        return Err(QueryFault::NotSupported);
    }
    let mut parts = text.split(':');
    let source = parts.next().and_then(table::of).ok_or(QueryFault::BadValue)?;
    let param = parts.next().and_then(|p| source.param(p)).ok_or(QueryFault::UnknownParameter)?;
    let target = parts.next();
    if parts.next().is_some() || param.kind != ParamKind::Reference {
        return Err(QueryFault::BadValue);
    }
    if target.is_some_and(|t| !param.targets.is_empty() && !param.targets.contains(&t)) {
        return Err(QueryFault::BadValue);
    }
    Ok(Include { source, param, target: target.map(str::to_owned), asked: text.to_owned() })
}

/// One condition. `chained`: the condition stands behind a dot already, where no second dot is allowed.
fn param(table: &'static TypeTable, name: &str, text: &str, now_us: i64, chained: bool) -> Result<Param, QueryFault> {
    if !chained && let Some((reference, rest)) = name.split_once('.') {
        return chain(table, reference, rest, name, text, now_us);
    }
    let (bare, modifier) = name.split_once(':').map_or((name, None), |(b, m)| (b, Some(m)));
    let definition = table.param(bare).ok_or(QueryFault::UnknownParameter)?;
    let modifier = modifier.map_or(Ok(Modifier::None), |m| modifier_of(definition, m))?;
    let pieces = value::alternatives(text);
    if pieces.len() > VALUES_MAX {
        return Err(QueryFault::TooCostly);
    }
    let values: Option<Vec<Value>> = pieces.iter().map(|piece| read_value(definition, modifier, piece, now_us)).collect();
    let values = values.ok_or(QueryFault::BadValue)?;
    Ok(Param { definition, modifier, values, chain: Vec::new(), asked: (name.to_owned(), text.to_owned()) })
}

fn read_value(definition: &Parameter, modifier: Modifier, piece: &str, now_us: i64) -> Option<Value> {
    match modifier {
        Modifier::Missing => match piece {
            "true" => Some(Value::Missing(true)),
            "false" => Some(Value::Missing(false)),
            _ => None,
        },
        Modifier::Identifier => value::token(piece),
        Modifier::Type(t) => value::read(definition, Some(t), false, piece, now_us),
        Modifier::Exact => value::read(definition, None, true, piece, now_us),
        Modifier::None | Modifier::Contains | Modifier::Not => value::read(definition, None, false, piece, now_us),
    }
}

fn modifier_of(definition: &Parameter, modifier: &str) -> Result<Modifier, QueryFault> {
    let known = match (modifier, definition.kind) {
        ("missing", kind) if kind != ParamKind::Id && definition.plan != Plan::Special => Modifier::Missing,
        ("exact", ParamKind::String) => Modifier::Exact,
        ("contains", ParamKind::String) => Modifier::Contains,
        ("not", ParamKind::Token) => Modifier::Not,
        ("identifier", ParamKind::Reference) => Modifier::Identifier,
        (t, ParamKind::Reference) => {
            let target = definition.targets.iter().copied().find(|target| *target == t);
            let any = || table::of(t).filter(|_| definition.targets.is_empty()).map(|t| t.resource_type);
            Modifier::Type(target.or_else(any).ok_or(QueryFault::UnknownModifier)?)
        }
        _ => return Err(QueryFault::UnknownModifier),
    };
    Ok(known)
}

/// `patient.identifier=…`, `subject:Patient.name=…`: one level.
fn chain(table: &'static TypeTable, reference: &str, rest: &str, name: &str, text: &str, now_us: i64) -> Result<Param, QueryFault> {
    let (bare, of_type) = reference.split_once(':').map_or((reference, None), |(b, t)| (b, Some(t)));
    let definition = table.param(bare).filter(|p| p.kind == ParamKind::Reference).ok_or(QueryFault::UnknownParameter)?;
    if rest.contains('.') {
        return Err(QueryFault::NotSupported);
    }
    let mut links = Vec::new();
    let wanted: Vec<&str> = of_type.map_or_else(|| definition.targets.clone(), |t| vec![t]);
    let mut fault = QueryFault::UnknownParameter;
    for target in wanted.into_iter().filter(|t| definition.targets.is_empty() || definition.targets.contains(t)).filter_map(table::of) {
        match param(target, rest, text, now_us, true) {
            Ok(inner) => links.push((target, inner)),
            // not every possible target has the parameter; but where one has it, its value must be right
            Err(QueryFault::UnknownParameter) => {}
            Err(other) => fault = other,
        }
    }
    if links.is_empty() {
        return Err(fault);
    }
    Ok(Param { definition, modifier: Modifier::None, values: Vec::new(), chain: links, asked: (name.to_owned(), text.to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(ty: &str, pairs: &[(&str, &str)]) -> (Query, Vec<QueryFault>) {
        let pairs: Vec<(String, String)> = pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        let (query, refused) = Query::read(ty, &pairs, 0).ok().unwrap();
        (query, refused.iter().map(|e| e.fault).collect())
    }

    #[test]
    fn what_is_not_known_is_refused_one_by_one() {
        use QueryFault::*;
        let long = "x".repeat(3000);
        let cases: [(&str, &str, QueryFault); 18] = [
            ("pateint", "x", UnknownParameter),
            ("code:above", "x", UnknownModifier),
            ("code:text", "x", UnknownModifier),
            ("date", "2026-13", BadValue),
            ("date", "xx2026", BadValue),
            ("_count", "-1", BadValue),
            ("_count", "many", BadValue),
            ("_sort", "nothing", UnknownParameter),
            ("_sort", "subject", NotSupported),
            ("_include", "*", NotSupported),
            ("_include:iterate", "Observation:subject", NotSupported),
            ("_include", "Patient:organization", BadValue),
            ("_revinclude", "Encounter:diagnosis", BadValue),
            ("subject:Slot", "1", UnknownModifier),
            ("patient.colour", "red", UnknownParameter),
            ("patient.organization.name", "x", NotSupported),
            ("code", "\0", BadValue),
            ("code", &long, TooCostly),
        ];
        for (name, text, fault) in cases {
            let (query, refused) = ask("Observation", &[(name, text)]);
            assert_eq!(refused, [fault], "{name}");
            assert!(query.params.is_empty() && query.applied().is_empty(), "{name}");
        }
    }

    #[test]
    fn the_self_link_tells_what_was_done() {
        let (query, refused) =
            ask("Observation", &[("patient", "1"), ("nonsense", "1"), ("_count", "100000"), ("_include", "Observation:subject")]);
        assert_eq!(refused.len(), 1);
        let applied: Vec<String> = query.applied().iter().map(|(a, b)| format!("{a}={b}")).collect();
        assert_eq!(applied, ["patient=1", "_include=Observation:subject", "_count=500"]);
    }

    #[test]
    fn chains_go_one_level_to_the_types_that_know_the_parameter() {
        let (query, refused) = ask("Observation", &[("subject.family", "张"), ("patient.identifier", "a|b")]);
        assert_eq!(refused, []);
        let types: Vec<&str> = query.params[0].chain.iter().map(|(t, _)| t.resource_type).collect();
        assert_eq!(types, ["Patient"]);
        assert_eq!(query.params[1].chain.len(), 1);
    }

    #[test]
    fn errors_never_repeat_values_or_odd_names() {
        let e = QueryError::new(QueryFault::UnknownParameter, "<script>");
        assert_eq!((e.parameter.as_str(), e.en.as_str()), ("", "unknown search parameter"));
    }

    #[test]
    fn count_zero_asks_for_the_total_only() {
        let (query, _) = ask("Patient", &[("_count", "0")]);
        assert!(query.count_only && query.total == Total::Accurate);
    }
}
