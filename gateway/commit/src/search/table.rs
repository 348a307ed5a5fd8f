//! The search parameters we index, read once from `profiles/r4/search.tsv`: which elements each looks at, and whether
//! its values stand in a column, in the narrow table or in the table of strings.

use std::collections::BTreeMap;
use std::sync::LazyLock;

const TEXT: &str = include_str!("../../../../profiles/r4/search.tsv");

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(TEXT));

/// FHIR R4 search parameter types (<https://hl7.org/fhir/R4/search.html#ptypes>); `Id` is `_id`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParamKind {
    Id,
    Token,
    Reference,
    Date,
    String,
    Quantity,
    Uri,
}

impl ParamKind {
    /// The code FHIR uses for it in a CapabilityStatement.
    pub fn code(self) -> &'static str {
        match self {
            ParamKind::Id | ParamKind::Token => "token",
            ParamKind::Reference => "reference",
            ParamKind::Date => "date",
            ParamKind::String => "string",
            ParamKind::Quantity => "quantity",
            ParamKind::Uri => "uri",
        }
    }

    fn of(code: &str) -> Option<ParamKind> {
        Some(match code {
            "id" => ParamKind::Id,
            "token" => ParamKind::Token,
            "reference" => ParamKind::Reference,
            "date" => ParamKind::Date,
            "string" => ParamKind::String,
            "quantity" => ParamKind::Quantity,
            "uri" => ParamKind::Uri,
            _ => return None,
        })
    }
}

/// Where the values of a parameter are kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Plan {
    /// Answered from the row's own id or time.
    Special,
    /// Index of the first column of the parameter in [`TypeTable::columns`].
    /// `further`: second and later values stand in the narrow table. `posted`: can be looked up without a patient.
    Column { column: usize, further: bool, posted: bool },
    /// Only in the narrow table of posted values.
    Narrow,
    /// In the table of normalised strings.
    Text,
}

/// One step of a path: an element, and the filter `where(name='value')` on it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) filter: Option<(&'static str, &'static str)>,
}

/// One search parameter of one resource type.
pub struct Parameter {
    pub name: &'static str,
    pub kind: ParamKind,
    /// Resource types a reference parameter may point at; empty means any.
    pub targets: Vec<&'static str>,
    pub(crate) plan: Plan,
    pub(crate) paths: Vec<Vec<Step>>,
    /// Number of this parameter in the narrow and the string table; unique over all types, and stable only within
    /// one schema hash (the projection is rebuilt when it changes).
    pub(crate) number: i64,
}

/// What a column holds. `Date` and `Quantity` and `Token` columns have companions, see [`Column::names`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ColumnKind {
    Token,
    Reference,
    Date,
    Quantity,
}

pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: ColumnKind,
    pub(crate) paths: Vec<Vec<Step>>,
    pub(crate) further: bool,
    pub(crate) posted: bool,
    /// Number under which posted and further values stand in the narrow table.
    pub(crate) number: i64,
}

impl Column {
    /// `s_` keeps `for`, `when`, `source` and the row's own columns apart from words of SQL.
    fn sql(&self, tail: &str) -> String {
        format!("s_{}{tail}", self.name)
    }

    /// The SQL columns: code and system of a token, lower bound and length of a date, value and unit of a quantity.
    pub(crate) fn names(&self) -> Vec<String> {
        match self.kind {
            ColumnKind::Reference => vec![self.sql("")],
            ColumnKind::Token => vec![self.sql(""), self.sql("_s")],
            ColumnKind::Date => vec![self.sql("_lo"), self.sql("_len")],
            ColumnKind::Quantity => vec![self.sql(""), self.sql("_u")],
        }
    }
}

/// Everything known about the search of one resource type.
pub struct TypeTable {
    pub resource_type: &'static str,
    pub params: Vec<Parameter>,
    pub(crate) columns: Vec<Column>,
    pub(crate) indexes: Vec<Vec<String>>,
    /// Position in the table, as the small number of the type in shared tables.
    pub(crate) number: usize,
}

impl TypeTable {
    pub fn param(&self, name: &str) -> Option<&Parameter> {
        self.params.iter().find(|p| p.name == name)
    }

    /// Whether one of the composite indexes begins with this SQL column.
    pub(crate) fn leads(&self, sql_column: &str) -> bool {
        self.indexes.iter().any(|cols| cols.first().is_some_and(|c| c == sql_column))
    }
}

struct Table {
    types: Vec<TypeTable>,
    by_name: BTreeMap<&'static str, usize>,
    faults: Vec<String>,
}

impl Table {
    fn read(text: &'static str) -> Table {
        let rows: Vec<Vec<&'static str>> =
            text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).map(|l| l.split('\t').collect()).collect();
        let mut table = Table { types: Vec::new(), by_name: BTreeMap::new(), faults: Vec::new() };
        let mut number = 1;
        for row in &rows {
            let [resource_type, ..] = row[..] else { continue };
            if resource_type == "*" || table.by_name.contains_key(resource_type) {
                continue;
            }
            let at = table.types.len();
            let mut ty = TypeTable { resource_type, params: Vec::new(), columns: Vec::new(), indexes: Vec::new(), number: at };
            for row in rows.iter().filter(|r| r[0] == "*" || r[0] == resource_type) {
                if let Err(fault) = ty.row(row, number) {
                    table.faults.push(format!("{resource_type}: {fault}"));
                }
                number += 1;
            }
            table.by_name.insert(resource_type, at);
            table.types.push(ty);
        }
        table
    }
}

impl TypeTable {
    fn row(&mut self, row: &[&'static str], number: i64) -> Result<(), String> {
        let [_, name, kind, paths, targets, plan] = *row else { return Err("six columns are needed".into()) };
        if name == "!index" {
            let cols: Result<Vec<String>, String> = paths.split(',').map(|c| self.index_column(c)).collect();
            self.indexes.push(cols?);
            return Ok(());
        }
        let kind = ParamKind::of(kind).ok_or_else(|| format!("{name}: unknown kind"))?;
        let targets = if targets == "-" || targets == "*" { Vec::new() } else { targets.split('|').collect() };
        let paths: Vec<Vec<Step>> = paths.split('|').map(steps).collect();
        let mut param = Parameter { name, kind, targets, plan: Plan::Narrow, paths, number };
        param.plan = match plan {
            "special" => Plan::Special,
            "#" => Plan::Narrow,
            "text" => Plan::Text,
            _ => self.column(&param, plan)?,
        };
        self.params.push(param);
        Ok(())
    }

    /// A column plan: a new column, or the one that another parameter (`patient` beside `subject`) made already.
    fn column(&mut self, param: &Parameter, plan: &'static str) -> Result<Plan, String> {
        let further = plan.starts_with('+');
        let posted = plan.ends_with('*');
        let name = plan.trim_start_matches(['=', '+']).trim_end_matches('*');
        let kind = match param.kind {
            ParamKind::Token => ColumnKind::Token,
            ParamKind::Reference => ColumnKind::Reference,
            ParamKind::Date => ColumnKind::Date,
            ParamKind::Quantity => ColumnKind::Quantity,
            _ => return Err(format!("{name}: this kind has no column")),
        };
        if let Some(at) = self.columns.iter().position(|c| c.name == name) {
            let known = &self.columns[at];
            if known.paths != param.paths || known.kind != kind {
                return Err(format!("{name}: two different columns of one name"));
            }
            return Ok(Plan::Column { column: at, further: known.further, posted: known.posted });
        }
        self.columns.push(Column { name: name.to_owned(), kind, paths: param.paths.clone(), further, posted, number: param.number });
        Ok(Plan::Column { column: self.columns.len() - 1, further, posted })
    }

    fn index_column(&self, name: &str) -> Result<String, String> {
        let column = self.columns.iter().find(|c| c.name == name).ok_or_else(|| format!("no column {name}"))?;
        column.names().into_iter().next().ok_or_else(|| "no name".to_owned())
    }
}

fn steps(path: &'static str) -> Vec<Step> {
    let mut out: Vec<Step> = Vec::new();
    for part in path.split('.') {
        let filter = part.strip_prefix("where(").and_then(|p| p.strip_suffix("')")).and_then(|p| p.split_once("='"));
        match (filter, out.last_mut()) {
            (Some(filter), Some(last)) => last.filter = Some(filter),
            _ => out.push(Step { name: part, filter: None }),
        }
    }
    out
}

/// All resource types that can be stored and searched.
pub fn types() -> &'static [TypeTable] {
    &TABLE.types
}

/// The search table of a resource type; `None` where we do not store the type.
pub fn of(resource_type: &str) -> Option<&'static TypeTable> {
    TABLE.types.get(*TABLE.by_name.get(resource_type)?)
}

/// The text the table was read from, for the schema hash.
pub(crate) fn text() -> &'static str {
    TEXT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_table_has_no_faults() {
        assert_eq!(TABLE.faults, Vec::<String>::new());
        assert!(types().len() >= 36);
    }

    #[test]
    fn every_path_is_made_of_r4_element_names() {
        for ty in types() {
            for p in &ty.params {
                for step in p.paths.iter().flatten() {
                    assert!(hutong_fhir::Key::known(step.name).is_some(), "{} {}: {}", ty.resource_type, p.name, step.name);
                }
            }
        }
    }

    #[test]
    fn patient_and_subject_share_a_column() {
        let obs = of("Observation").unwrap();
        let plan = |n| obs.param(n).unwrap().plan.clone();
        assert_eq!(plan("patient"), plan("subject"));
        assert!(obs.leads("s_subject"));
        assert_eq!(obs.param("patient").unwrap().targets, ["Patient"]);
    }

    #[test]
    fn a_filter_belongs_to_the_step_before_it() {
        let patient = of("Patient").unwrap();
        let phone = &patient.param("phone").unwrap().paths[0];
        assert_eq!(phone.len(), 1);
        assert_eq!(phone[0].filter, Some(("system", "phone")));
    }
}
