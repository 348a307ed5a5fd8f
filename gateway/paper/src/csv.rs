//! CSV as Excel in China opens it: UTF-8 with a byte-order mark, RFC 4180, nothing that could run as a formula.

use crate::document::{Block, Document, Table};
use crate::text::Lang;
use crate::value::Value;

/// All tables of a document. Where there are several, a line with its title stands before each and an empty line between.
pub fn csv(document: &Document, lang: Lang) -> String {
    let tables: Vec<&Table> = document.tables().collect();
    let mut out = String::from('\u{feff}');
    for (i, table) in tables.iter().enumerate() {
        if tables.len() > 1 {
            out.push_str(if i > 0 { "\r\n" } else { "" });
            row(&mut out, [guarded(table.title.of(lang))]);
        }
        row(&mut out, table.columns.iter().map(|c| guarded(c.title.of(lang))));
        for values in table.rows.iter().chain(&table.totals) {
            let cell = |i: usize| values.get(i).map_or_else(String::new, |value| cell(value, lang));
            row(&mut out, (0..table.columns.len()).map(cell));
        }
    }
    out
}

impl Document {
    /// The tables in order.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Table(table) => Some(table),
            _ => None,
        })
    }
}

fn cell(value: &Value, lang: Lang) -> String {
    let text = value.plain(lang);
    if value.is_text() { guarded(&text) } else { text }
}

/// A text that a spreadsheet would run (it begins with `=`, `+`, `-`, `@`, tab or return, also behind blanks or in full
/// width) gets an apostrophe in front: OWASP, "CSV Injection".
fn guarded(text: &str) -> String {
    let first = text.trim_start_matches(' ').chars().next();
    let runs = matches!(first, Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠'));
    if runs { format!("'{text}") } else { text.to_owned() }
}

fn row(out: &mut String, cells: impl IntoIterator<Item = String>) {
    for (i, cell) in cells.into_iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        if cell.contains(['"', ',', '\r', '\n']) {
            out.push('"');
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(&cell);
        }
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Column, Kind};
    use crate::text::Text;

    #[test]
    fn a_cell_is_quoted_and_never_a_formula() {
        let table = |values: &[&str]| Table {
            key: "t".into(),
            title: Text::same("=表"),
            columns: vec![Column::new("a", "列,一", "a", Kind::Text)],
            rows: values.iter().map(|v| vec![Value::from(*v)]).chain([vec![Value::Integer(-5)], vec![]]).collect(),
            ..Table::default()
        };
        for (text, expected) in [
            ("张三", "张三"),
            ("㐱䶮𬭎𫖯", "㐱䶮𬭎𫖯"),
            ("a,b", "\"a,b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("a\nb", "\"a\nb\""),
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(1)", "'@SUM(1)"),
            ("  =1", "'  =1"),
            ("\t=1", "'\t=1"),
            ("＝1", "'＝1"),
        ] {
            let one = Document { blocks: vec![Block::Table(table(&[text]))], ..Document::default() };
            assert_eq!(csv(&one, Lang::Zh), format!("\u{feff}\"列,一\"\r\n{expected}\r\n-5\r\n\r\n"));
        }
        let two = Document { blocks: vec![Block::Table(table(&[])), Block::Table(table(&[]))], ..Document::default() };
        assert_eq!(csv(&two, Lang::En), "\u{feff}'=表\r\na\r\n-5\r\n\r\n\r\n'=表\r\na\r\n-5\r\n\r\n");
    }
}
