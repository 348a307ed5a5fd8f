//! The one generator of search SQL. What differs between SQLite and PostgreSQL is in [`Dialect`]; values are always
//! parameters, and a set of numbers is one parameter.

use std::rc::Rc;

use super::cursor::{Cursor, KeyValue};
use super::value::Prefix;

/// A parameter of a statement.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Arg {
    Int(i64),
    Real(f64),
    Text(String),
    /// A resource id, stored in a form of its own.
    Id(String),
    Set(Rc<Vec<i64>>),
}

/// The database the SQL is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Dialect {
    Sqlite,
    /// Not run by this crate yet; its tests hold the text of the statements.
    #[cfg(test)]
    Postgres,
}

impl Dialect {
    fn mark(self, n: usize) -> String {
        match self {
            Dialect::Sqlite => format!("?{n}"),
            #[cfg(test)]
            Dialect::Postgres => format!("${n}"),
        }
    }

    /// A set parameter as a table of that name with the column `value`.
    fn set(self, mark: &str, name: &str) -> String {
        match self {
            Dialect::Sqlite => format!("rarray({mark}) {name}"),
            #[cfg(test)]
            Dialect::Postgres => format!("unnest({mark}::bigint[]) {name}(value)"),
        }
    }

    /// Joins in this order.
    fn join(self) -> &'static str {
        match self {
            // CROSS keeps SQLite from choosing the other order
            Dialect::Sqlite => "CROSS JOIN",
            #[cfg(test)]
            Dialect::Postgres => "JOIN",
        }
    }

    /// Reads along this index.
    fn along(self, index: &str) -> String {
        match self {
            // without statistics SQLite would rather read the whole table in the order of the answer
            Dialect::Sqlite => format!(" INDEXED BY {index}"),
            #[cfg(test)]
            Dialect::Postgres => String::new(),
        }
    }

    fn position(self) -> &'static str {
        match self {
            Dialect::Sqlite => "instr",
            #[cfg(test)]
            Dialect::Postgres => "strpos",
        }
    }
}

/// How a text is looked for among the normalised ones.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum TextMatch {
    Begins(String),
    Contains(String),
    /// Normalised and exact text.
    Is(String, String),
}

/// A condition on row `r` of a resource table.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Cond {
    True,
    False,
    And(Vec<Cond>),
    Or(Vec<Cond>),
    /// Also true where the inner condition is unknown.
    Not(Box<Cond>),
    /// A column is one of these.
    In(String, Vec<i64>),
    Null(String),
    /// Bit of `has` is not set.
    HasNot(u32),
    /// Row and version are in this set of packed numbers.
    Packed(Rc<Vec<i64>>),
    /// Row numbers.
    Rows(Rc<Vec<i64>>),
    /// `r.seq` from (inclusive) and to (exclusive).
    Seq(i64, i64),
    /// Date column (without `_lo`), compared with the range [lo, hi).
    Date {
        column: String,
        prefix: Prefix,
        lo: i64,
        hi: i64,
    },
    /// Number column, compared with the range [lo, hi) around a value.
    Number {
        column: String,
        prefix: Prefix,
        value: f64,
        lo: f64,
        hi: f64,
    },
    Text {
        param: i64,
        wanted: TextMatch,
    },
}

/// Where the rows come from.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Driver {
    /// The whole table.
    All,
    Rows(Rc<Vec<i64>>),
    /// Packed rows and versions.
    Packed(Rc<Vec<i64>>),
    /// Numbers of messages.
    Messages(Rc<Vec<i64>>),
    Text {
        param: i64,
        wanted: TextMatch,
    },
    /// The rows changed last, along the index on `seq`; the condition says which.
    Recent,
}

/// A sort key: an expression on `r`.
pub(crate) struct OrderBy {
    pub(crate) expression: String,
    pub(crate) descending: bool,
}

/// A search of one table.
pub(crate) struct Select<'a> {
    pub(crate) table: &'a str,
    pub(crate) driver: Driver,
    pub(crate) cond: Cond,
    pub(crate) order: Vec<OrderBy>,
    pub(crate) after: Option<&'a Cursor>,
    /// The first sort key is the time of the last change: rows changed since the first page are out of its order.
    pub(crate) by_time: bool,
    pub(crate) limit: Option<usize>,
    /// Bits of a packed number that are the version.
    pub(crate) version_bits: u32,
}

/// A statement in the making.
pub(crate) struct Sql {
    dialect: Dialect,
    pub(crate) text: String,
    pub(crate) args: Vec<Arg>,
    version_bits: u32,
}

impl Select<'_> {
    /// The rows of a page: columns of a place, then the sort keys.
    pub(crate) fn page(&self, dialect: Dialect, columns: &str) -> Sql {
        let mut sql = Sql { dialect, text: format!("SELECT {columns}"), args: Vec::new(), version_bits: self.version_bits };
        for key in &self.order {
            sql.text += ", ";
            sql.text += &key.expression;
        }
        self.write_from_where(&mut sql);
        if let Some(cursor) = self.after {
            sql.text += " AND ";
            self.behind(cursor, &mut sql);
        }
        sql.text += " ORDER BY ";
        for key in &self.order {
            sql.text += &key.expression;
            sql.text += if key.descending { " DESC, " } else { ", " };
        }
        sql.text += if self.row_descends() { "r.rid DESC" } else { "r.rid" };
        if let Some(limit) = self.limit {
            sql.text += " LIMIT ";
            sql.int(limit as i64);
        }
        sql
    }

    /// The number of all matches.
    pub(crate) fn count(&self, dialect: Dialect) -> Sql {
        let mut sql = Sql { dialect, text: "SELECT count(*)".to_owned(), args: Vec::new(), version_bits: self.version_bits };
        self.write_from_where(&mut sql);
        sql
    }

    /// Whether later pages take what was changed since the first page from its history. Sorted by the time of change it
    /// has left the order instead, and unsorted it stays where it is.
    pub(crate) fn as_it_was(&self) -> bool {
        !self.order.is_empty() && !self.by_time
    }

    /// Equal keys are told apart by the row number, in the direction of the first key, as an index has them.
    fn row_descends(&self) -> bool {
        self.order.first().is_some_and(|k| k.descending)
    }

    fn write_from_where(&self, sql: &mut Sql) {
        sql.from(&self.driver, self.table);
        sql.text += " WHERE r.len>0";
        if let Some(cursor) = self.after {
            sql.text += " AND r.rid<=";
            sql.int(cursor.born);
            if self.by_time || self.as_it_was() {
                sql.text += " AND r.seq<=";
                sql.int(cursor.seq as i64);
            }
        }
        if self.cond != Cond::True {
            sql.text += " AND ";
            sql.cond(&self.cond);
        }
    }

    /// Behind the cursor in the order of the keys, then of the rows.
    fn behind(&self, cursor: &Cursor, sql: &mut Sql) {
        for (key, value) in self.order.iter().zip(&cursor.keys) {
            sql.text.push('(');
            sql.beyond(&key.expression, value, key.descending);
            sql.text += " OR (";
            sql.same(&key.expression, value);
            sql.text += " AND ";
        }
        sql.text += if self.row_descends() { "r.rid<" } else { "r.rid>" };
        sql.int(cursor.row);
        for _ in self.order.iter().zip(&cursor.keys) {
            sql.text += "))";
        }
    }
}

impl Sql {
    fn arg(&mut self, arg: Arg) {
        self.args.push(arg);
        self.text += &self.dialect.mark(self.args.len());
    }

    fn int(&mut self, n: i64) {
        self.arg(Arg::Int(n));
    }

    fn key_value(&mut self, value: &KeyValue) {
        match value {
            KeyValue::Null => self.text += "NULL",
            KeyValue::Int(n) => self.int(*n),
            KeyValue::Text(t) => self.arg(Arg::Text(t.clone())),
            KeyValue::Id(t) => self.arg(Arg::Id(t.clone())),
        }
    }

    /// NULL comes first upwards and last downwards, as in SQLite.
    fn beyond(&mut self, expression: &str, value: &KeyValue, descending: bool) {
        match (value, descending) {
            (KeyValue::Null, false) => self.text += &format!("{expression} IS NOT NULL"),
            (KeyValue::Null, true) => self.text += "1=0",
            (_, false) => {
                self.text += &format!("{expression}>");
                self.key_value(value);
            }
            (_, true) => {
                self.text += &format!("({expression} IS NULL OR {expression}<");
                self.key_value(value);
                self.text.push(')');
            }
        }
    }

    fn same(&mut self, expression: &str, value: &KeyValue) {
        if *value == KeyValue::Null {
            self.text += &format!("{expression} IS NULL");
        } else {
            self.text += &format!("{expression}=");
            self.key_value(value);
        }
    }

    fn set(&mut self, set: &Rc<Vec<i64>>, name: &str) -> String {
        self.args.push(Arg::Set(Rc::clone(set)));
        self.dialect.set(&self.dialect.mark(self.args.len()), name)
    }

    fn from(&mut self, driver: &Driver, table: &str) {
        let join = self.dialect.join();
        let (bits, mask) = (self.version_bits, (1i64 << self.version_bits) - 1);
        match driver {
            Driver::All => self.text += &format!(" FROM {table} r"),
            Driver::Recent => self.text += &format!(" FROM {table} r{}", self.dialect.along(&format!("{table}_seq"))),
            Driver::Rows(set) => {
                let set = self.set(set, "d");
                self.text += &format!(" FROM {set} {join} {table} r ON r.rid=d.value");
            }
            Driver::Packed(set) => {
                let set = self.set(set, "d");
                self.text += &format!(" FROM {set} {join} {table} r ON r.rid=d.value>>{bits} AND r.ver=(d.value&{mask})");
            }
            Driver::Messages(set) => {
                let set = self.set(set, "d");
                self.text += &format!(" FROM {set} {join} {table} r ON r.seq=d.value");
            }
            Driver::Text { param, wanted } => {
                self.text += " FROM (SELECT DISTINCT rid, ver FROM text WHERE ";
                self.text_where(*param, wanted);
                self.text += &format!(") d {join} {table} r ON r.rid=d.rid AND r.ver=d.ver");
            }
        }
    }

    fn text_where(&mut self, param: i64, wanted: &TextMatch) {
        self.text += "param=";
        self.int(param);
        match wanted {
            TextMatch::Begins(text) => {
                self.text += " AND norm>=";
                self.arg(Arg::Text(text.clone()));
                self.text += " AND norm<";
                self.arg(Arg::Text(format!("{text}\u{10ffff}")));
            }
            TextMatch::Contains(text) => {
                self.text += &format!(" AND {}(norm,", self.dialect.position());
                self.arg(Arg::Text(text.clone()));
                self.text += ")>0";
            }
            TextMatch::Is(norm, exact) => {
                self.text += " AND norm=";
                self.arg(Arg::Text(norm.clone()));
                self.text += " AND exact=";
                self.arg(Arg::Text(exact.clone()));
            }
        }
    }

    fn list(&mut self, conds: &[Cond], word: &str) {
        self.text.push('(');
        for (i, cond) in conds.iter().enumerate() {
            if i > 0 {
                self.text += word;
            }
            self.cond(cond);
        }
        self.text.push(')');
    }

    /// Depth is that of a condition: a few levels, whatever was asked.
    fn cond(&mut self, cond: &Cond) {
        match cond {
            Cond::True => self.text += "1=1",
            Cond::False => self.text += "1=0",
            Cond::And(list) if list.is_empty() => self.text += "1=1",
            Cond::Or(list) if list.is_empty() => self.text += "1=0",
            Cond::And(list) => self.list(list, " AND "),
            Cond::Or(list) => self.list(list, " OR "),
            Cond::Not(inner) => {
                self.text += "((";
                self.cond(inner);
                self.text += ") IS NOT TRUE)";
            }
            Cond::In(column, values) => {
                self.text += &format!("r.{column} IN (");
                for (i, value) in values.iter().enumerate() {
                    if i > 0 {
                        self.text.push(',');
                    }
                    self.int(*value);
                }
                self.text.push(')');
            }
            Cond::Null(column) => self.text += &format!("r.{column} IS NULL"),
            Cond::HasNot(bit) => self.text += &format!("(r.has&{})=0", 1i64 << bit),
            Cond::Packed(set) => {
                let bits = self.version_bits;
                let set = self.set(set, "p");
                self.text += &format!("((r.rid<<{bits})|r.ver) IN (SELECT value FROM {set})");
            }
            Cond::Rows(set) => {
                let set = self.set(set, "p");
                self.text += &format!("r.rid IN (SELECT value FROM {set})");
            }
            Cond::Seq(from, to) => {
                self.text += "(r.seq>=";
                self.int(*from);
                self.text += " AND r.seq<";
                self.int(*to);
                self.text.push(')');
            }
            Cond::Date { column, prefix, lo, hi } => self.date(column, *prefix, *lo, *hi),
            Cond::Number { column, prefix, value, lo, hi } => self.number(column, *prefix, *value, (*lo, *hi)),
            Cond::Text { param, wanted } => {
                self.text += "(r.rid,r.ver) IN (SELECT rid,ver FROM text WHERE ";
                self.text_where(*param, wanted);
                self.text.push(')');
            }
        }
    }

    /// <https://hl7.org/fhir/R4/search.html#prefix>, with the stored range [lo, lo + len) and the asked one [lo, hi).
    fn date(&mut self, column: &str, prefix: Prefix, lo: i64, hi: i64) {
        let from = format!("r.{column}_lo");
        let to = format!("(r.{column}_lo+r.{column}_len)");
        let parts: &[(&str, &str, i64)] = match prefix {
            // the second follows from the third, and lets an index end there
            Prefix::Eq => &[(&from, ">=", lo), (&from, "<", hi), (&to, "<=", hi)],
            Prefix::Ne => &[(&from, "<", lo), (&to, ">", hi)],
            Prefix::Gt => &[(&to, ">", hi)],
            Prefix::Lt => &[(&from, "<", lo)],
            // within the asked range, or reaching past it
            Prefix::Ge => &[(&from, ">=", lo), (&to, ">", hi)],
            Prefix::Le => &[(&to, "<=", hi), (&from, "<", lo)],
            Prefix::Sa => &[(&from, ">=", hi)],
            Prefix::Eb => &[(&to, "<=", lo)],
            Prefix::Ap => &[(&from, "<", hi), (&to, ">", lo)],
        };
        let word = if matches!(prefix, Prefix::Ne | Prefix::Ge | Prefix::Le) { " OR " } else { " AND " };
        self.text.push('(');
        for (i, (side, operator, bound)) in parts.iter().enumerate() {
            if i > 0 {
                self.text += word;
            }
            self.text += &format!("{side}{operator}");
            self.int(*bound);
        }
        self.text.push(')');
    }

    fn number(&mut self, column: &str, prefix: Prefix, value: f64, (lo, hi): (f64, f64)) {
        let column = format!("r.{column}");
        let parts: &[(&str, f64)] = match prefix {
            Prefix::Eq | Prefix::Ap => &[(">=", lo), ("<", hi)],
            Prefix::Ne => &[("<", lo), (">=", hi)],
            Prefix::Gt => &[(">", value)],
            Prefix::Lt => &[("<", value)],
            Prefix::Ge => &[(">=", value)],
            Prefix::Le => &[("<=", value)],
            Prefix::Sa => &[(">=", hi)],
            Prefix::Eb => &[("<", lo)],
        };
        let word = if prefix == Prefix::Ne { " OR " } else { " AND " };
        self.text.push('(');
        for (i, (operator, bound)) in parts.iter().enumerate() {
            if i > 0 {
                self.text += word;
            }
            self.text += &format!("{column}{operator}");
            self.arg(Arg::Real(*bound));
        }
        self.text.push(')');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select() -> Select<'static> {
        Select {
            table: "r_Observation",
            driver: Driver::Packed(Rc::new(vec![1])),
            cond: Cond::And(vec![
                Cond::In("s_subject".into(), vec![5, 6]),
                Cond::Not(Box::new(Cond::In("s_status".into(), vec![1]))),
                Cond::Date { column: "s_date".into(), prefix: Prefix::Ge, lo: 1, hi: 2 },
            ]),
            order: vec![OrderBy { expression: "r.s_date_lo".into(), descending: true }],
            after: None,
            by_time: false,
            limit: Some(11),
            version_bits: 24,
        }
    }

    #[test]
    fn one_statement_in_two_dialects() {
        let sqlite = select().page(Dialect::Sqlite, "r.rid");
        assert_eq!(
            sqlite.text,
            "SELECT r.rid, r.s_date_lo FROM rarray(?1) d CROSS JOIN r_Observation r ON r.rid=d.value>>24 AND r.ver=(d.value&16777215) \
             WHERE r.len>0 AND (r.s_subject IN (?2,?3) AND ((r.s_status IN (?4)) IS NOT TRUE) AND (r.s_date_lo>=?5 OR (r.s_date_lo+r.s_date_len)>?6)) \
             ORDER BY r.s_date_lo DESC, r.rid DESC LIMIT ?7"
        );
        let postgres = select().page(Dialect::Postgres, "r.rid");
        assert_eq!(
            postgres.text,
            "SELECT r.rid, r.s_date_lo FROM unnest($1::bigint[]) d(value) JOIN r_Observation r ON r.rid=d.value>>24 AND r.ver=(d.value&16777215) \
             WHERE r.len>0 AND (r.s_subject IN ($2,$3) AND ((r.s_status IN ($4)) IS NOT TRUE) AND (r.s_date_lo>=$5 OR (r.s_date_lo+r.s_date_len)>$6)) \
             ORDER BY r.s_date_lo DESC, r.rid DESC LIMIT $7"
        );
        assert_eq!(sqlite.args, postgres.args);
    }

    #[test]
    fn a_cursor_goes_on_behind_its_row() {
        let cursor = Cursor { seq: 9, born: 8, row: 7, keys: vec![KeyValue::Int(3)] };
        let text = Select { after: Some(&cursor), cond: Cond::True, driver: Driver::All, ..select() }.page(Dialect::Sqlite, "r.rid").text;
        assert_eq!(
            text,
            "SELECT r.rid, r.s_date_lo FROM r_Observation r WHERE r.len>0 AND r.rid<=?1 AND r.seq<=?2 \
             AND ((r.s_date_lo IS NULL OR r.s_date_lo<?3) OR (r.s_date_lo=?4 AND r.rid<?5)) ORDER BY r.s_date_lo DESC, r.rid DESC LIMIT ?6"
        );
    }
}
