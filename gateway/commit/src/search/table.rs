//! The search parameters we index, read once from `profiles/r4/search.tsv`: which elements each looks at, and whether
//! its values stand in a column, are only posted, or are in the table of strings.

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
    /// Index of the column in [`TypeTable::columns`].
    Column { column: usize },
    /// Only posted.
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
    /// Number of this parameter among the postings and in the table of strings; unique over all types but for parameters
    /// with the same elements, and stable only within one schema hash (the projection is rebuilt when it changes).
    pub(crate) number: i64,
    /// Of a parameter without column: its bit in the row's `has`, which tells whether there is any value.
    pub(crate) bit: u32,
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
    /// Second and later values are posted; without this the element has one value at most.
    pub(crate) further: bool,
    /// The column's own value is posted too, so that it can be looked up: of a reference once a message.
    pub(crate) posted: bool,
    /// Number under which its values are posted.
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
    /// B-tree indexes; only those that begin with a date, where new rows come at the end.
    pub(crate) indexes: Vec<Vec<String>>,
    /// (reference column, token column) whose values are posted together: what a patient has of a code.
    pub(crate) pairs: Vec<(usize, usize)>,
    /// Position in the table, as the small number of the type in shared tables.
    pub(crate) number: usize,
}

impl TypeTable {
    pub fn param(&self, name: &str) -> Option<&Parameter> {
        self.params.iter().find(|p| p.name == name)
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
            let mut ty =
                TypeTable { resource_type, params: Vec::new(), columns: Vec::new(), indexes: Vec::new(), pairs: Vec::new(), number: at };
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
            return self.index(&paths.split(',').collect::<Vec<_>>());
        }
        let kind = ParamKind::of(kind).ok_or_else(|| format!("{name}: unknown kind"))?;
        let targets = if targets == "-" || targets == "*" { Vec::new() } else { targets.split('|').collect() };
        let paths: Vec<Vec<Step>> = paths.split('|').map(steps).collect();
        let mut param = Parameter { name, kind, targets, plan: Plan::Narrow, paths, number, bit: 0 };
        param.plan = match plan {
            "special" => Plan::Special,
            "#" => Plan::Narrow,
            "text" => Plan::Text,
            _ => self.column(&param, plan)?,
        };
        // parameters that differ only in the types they may point at (`actor`, `location` of Appointment) share values
        let twin = self.params.iter().find(|p| p.plan == Plan::Narrow && p.kind == param.kind && p.paths == param.paths);
        match (&param.plan, twin) {
            (Plan::Narrow, Some(twin)) => (param.number, param.bit) = (twin.number, twin.bit),
            (Plan::Narrow | Plan::Text, _) => {
                let used = self.params.iter().filter(|p| matches!(p.plan, Plan::Narrow | Plan::Text)).map(|p| p.bit + 1).max();
                param.bit = used.unwrap_or(0);
            }
            _ => {}
        }
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
            return Ok(Plan::Column { column: at });
        }
        self.columns.push(Column { name: name.to_owned(), kind, paths: param.paths.clone(), further, posted, number: param.number });
        Ok(Plan::Column { column: self.columns.len() - 1 })
    }

    /// `!index`: beginning with a date it is a B-tree; beginning with a reference or a code, that column is posted, and a
    /// code behind a reference is posted together with it.
    fn index(&mut self, names: &[&str]) -> Result<(), String> {
        let at = |name: &str| self.columns.iter().position(|c| c.name == name).ok_or_else(|| format!("no column {name}"));
        let columns: Vec<usize> = names.iter().map(|n| at(n)).collect::<Result<_, _>>()?;
        let kind = |i: usize| columns.get(i).and_then(|c| self.columns.get(*c)).map(|c| c.kind);
        match (kind(0), kind(1)) {
            (Some(ColumnKind::Date), _) => {
                let names = columns.iter().filter_map(|c| self.columns[*c].names().into_iter().next()).collect();
                self.indexes.push(names);
            }
            (Some(ColumnKind::Reference), Some(ColumnKind::Token)) => {
                self.columns[columns[0]].posted = true;
                self.pairs.push((columns[0], columns[1]));
            }
            (Some(ColumnKind::Reference | ColumnKind::Token), _) => self.columns[columns[0]].posted = true,
            _ => return Err(format!("an index cannot begin with {names:?}")),
        }
        Ok(())
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
        assert!((60..250).contains(&types().len()));
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
    fn bits_of_has_are_few_and_shared_by_twins() {
        for ty in types() {
            assert!(ty.params.iter().all(|p| p.bit < 62), "{}", ty.resource_type);
        }
        let encounter = of("Encounter").unwrap();
        let of = |n| encounter.param(n).map(|p| (p.number, p.bit)).unwrap();
        assert_eq!(of("participant"), of("practitioner"));
        assert_ne!(of("participant").1, of("location").1);
    }

    #[test]
    fn patient_and_subject_share_a_column() {
        let obs = of("Observation").unwrap();
        let plan = |n| obs.param(n).unwrap().plan.clone();
        assert_eq!(plan("patient"), plan("subject"));
        let column = |n: &str| obs.columns.iter().position(|c| c.name == n).unwrap();
        assert_eq!(obs.pairs, [(column("subject"), column("code"))]);
        assert!(obs.columns[column("subject")].posted && obs.columns[column("code")].posted && !obs.columns[column("status")].posted);
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
