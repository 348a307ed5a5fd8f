//! A table of rules as people keep it: lines of `#key value`, a row of column names, rows. A table with a fault is refused
//! as a whole, each fault with its line.

use crate::cells::{Cells, Separator};
use std::borrow::Cow;

/// Rows of one table beyond which it is refused.
const ROWS_MAX: usize = 1_000_000;
/// Faults that are told; there may be more.
const FAULTS_MAX: usize = 100;

/// What is wrong with a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// From 1; 0 = the table as a whole.
    pub line: usize,
    /// Name of the column, where it is about one.
    pub column: String,
    pub zh: String,
    pub en: String,
}

/// A table that was read: all rows have all columns, in the order that was asked for.
pub struct Sheet<'t> {
    head: Vec<(&'t str, &'t str)>,
    columns: Vec<&'static str>,
    rows: Vec<(usize, Vec<Cow<'t, str>>)>,
    faults: Vec<Fault>,
}

/// One row.
#[derive(Clone, Copy)]
pub struct Row<'s, 't> {
    sheet: &'s Sheet<'t>,
    at: usize,
}

impl<'t> Sheet<'t> {
    /// Reads a TSV or CSV text. Columns that are not asked for are left out; one that is asked for and missing is a fault,
    /// unless its name here ends with `?`.
    pub fn read(text: &'t str, wanted: &[&'static str]) -> Sheet<'t> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut sheet = Sheet { head: Vec::new(), columns: Vec::new(), rows: Vec::new(), faults: Vec::new() };
        let (mut rest, mut line) = (text, 0);
        while let Some(comment) = rest.strip_prefix('#') {
            let (this, after) = comment.split_once('\n').unwrap_or((comment, ""));
            let this = this.trim_end_matches('\r').trim();
            sheet.head.extend(this.split_once([' ', '\t']).map(|(k, v)| (k, v.trim())));
            (rest, line) = (after, line + 1);
        }
        let heading = rest.split('\n').next().unwrap_or("");
        let mut cells = Cells::new(rest, Separator::of(heading), line);
        let mut row = Vec::new();
        if !matches!(cells.row(&mut row), Ok(true)) {
            sheet.fault(0, "", "表是空的：没有列名行", "the table is empty: there is no row of column names");
            return sheet;
        }
        let names: Vec<String> = row.iter().map(|c| c.trim().to_owned()).collect();
        let mut places = Vec::new();
        for name in wanted {
            let plain = name.trim_end_matches('?');
            sheet.columns.push(plain);
            let place = names.iter().position(|n| n == plain);
            if place.is_none() && plain.len() == name.len() {
                sheet.fault(cells.line(), plain, &format!("缺少列 {plain}"), &format!("column {plain} is missing"));
            }
            places.push(place);
        }
        sheet.fill(&mut cells, &places, names.len());
        sheet
    }

    fn fill(&mut self, cells: &mut Cells<'t>, places: &[Option<usize>], width: usize) {
        let mut row = Vec::new();
        loop {
            match cells.row(&mut row) {
                Ok(true) => {}
                Ok(false) => return,
                Err(line) => return self.fault(line, "", "引号没有配对", "a quote is never closed"),
            }
            let empty = row.iter().all(|c| c.trim().is_empty());
            if empty || row.first().is_some_and(|c| c.starts_with('#')) {
                continue;
            }
            if self.rows.len() >= ROWS_MAX {
                return self.fault(cells.line(), "", "行数过多", "there are too many rows");
            }
            if row.len() > width {
                self.fault(
                    cells.line(),
                    "",
                    &format!("这一行有 {} 列，表头只有 {width} 列", row.len()),
                    &format!("the row has {} cells, the heading {width}", row.len()),
                );
            }
            let take = |place: &Option<usize>| place.and_then(|p| row.get(p)).cloned().unwrap_or_default();
            self.rows.push((cells.line(), places.iter().map(take).collect()));
        }
    }

    /// The value of a line `#key value` before the rows.
    pub fn head(&self, key: &str) -> Option<&'t str> {
        self.head.iter().find(|(k, _)| *k == key).map(|(_, v)| *v)
    }

    pub fn rows(&self) -> impl Iterator<Item = Row<'_, 't>> {
        (0..self.rows.len()).map(move |at| Row { sheet: self, at })
    }

    pub fn fault(&mut self, line: usize, column: &str, zh: &str, en: &str) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault { line, column: column.to_owned(), zh: zh.to_owned(), en: en.to_owned() });
        }
    }

    /// The faults found so far, in the order of lines.
    pub fn into_faults(mut self) -> Vec<Fault> {
        self.faults.sort_by_key(|f| f.line);
        self.faults
    }
}

impl<'s> Row<'s, '_> {
    pub fn line(self) -> usize {
        self.sheet.rows.get(self.at).map_or(0, |r| r.0)
    }

    /// The cell of a column that was asked for, without blanks around it; empty where there is none.
    pub fn get(self, column: &str) -> &'s str {
        let place = self.sheet.columns.iter().position(|c| *c == column);
        place.and_then(|p| self.sheet.rows.get(self.at)?.1.get(p)).map_or("", |c| c.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_by_its_columns() {
        let sheet = Sheet::read("#version 3\n# free text\nb,a,x\n\"1,1\",2,\n\n,,\n# off\n3,4\n", &["a", "b", "c?"]);
        assert_eq!(sheet.head("version"), Some("3"));
        let rows: Vec<_> = sheet.rows().map(|r| (r.line(), r.get("a").to_owned(), r.get("b").to_owned(), r.get("c").to_owned())).collect();
        assert_eq!(rows, [(4, "2".into(), "1,1".into(), String::new()), (8, "4".into(), "3".into(), String::new())]);
        assert_eq!(sheet.into_faults(), []);
    }

    #[test]
    fn faults_name_line_and_column() {
        let faults = Sheet::read("a\tb\n1\t2\t3\n", &["a", "c"]).into_faults();
        assert_eq!(faults.iter().map(|f| (f.line, &*f.column)).collect::<Vec<_>>(), [(1, "c"), (2, "")]);
        assert_eq!(Sheet::read("", &["a"]).into_faults().len(), 1);
    }
}
