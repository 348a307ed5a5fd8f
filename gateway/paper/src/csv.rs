//! CSV as Excel in China opens it: UTF-8 with a byte-order mark, RFC 4180, nothing that could run as a formula.

use crate::document::{Block, Document, Table};
use crate::text::{Lang, Text};
use crate::value::Value;

/// All tables of a document. One table is header and rows and nothing else. A report of several begins with what it is and on
/// what it rests, has a line with its title before each table and an empty line between, and ends with what is said in words.
pub fn csv(document: &Document, lang: Lang) -> String {
    let tables: Vec<&Table> = document.tables().collect();
    let mut out = String::from('\u{feff}');
    let is_report = tables.len() > 1;
    if is_report {
        row(&mut out, [guarded(&document.name(lang))]);
        for (label, value) in document.meta.lines(lang) {
            row(&mut out, [guarded(label), guarded(&value)]);
        }
        out.push_str("\r\n");
    }
    for (i, table) in tables.iter().enumerate() {
        if is_report {
            out.push_str(if i > 0 { "\r\n" } else { "" });
            row(&mut out, [guarded(table.title.of(lang))]);
        }
        row(&mut out, table.columns.iter().map(|c| guarded(c.title.of(lang))));
        for values in table.rows.iter().chain(&table.totals) {
            let cell = |i: usize| values.get(i).map_or_else(String::new, |value| cell(value, lang));
            row(&mut out, (0..table.columns.len()).map(cell));
        }
    }
    for (heading, notes) in document.notes().filter(|_| is_report) {
        out.push_str("\r\n");
        row(&mut out, [guarded(heading.of(lang))]);
        for (i, note) in notes.iter().enumerate() {
            row(&mut out, [(i + 1).to_string(), guarded(note.of(lang))]);
        }
    }
    out
}

impl Document {
    /// Notes with the heading that they stand under.
    pub(crate) fn notes(&self) -> impl Iterator<Item = (Text, &[Text])> {
        let mut heading = Text::default();
        self.blocks.iter().filter_map(move |block| match block {
            Block::Heading(_, text) => {
                heading = text.clone();
                None
            }
            Block::Notes(notes) => Some((heading.clone(), notes.as_slice())),
            _ => None,
        })
    }

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
    use crate::document::{Column, Kind, Meta};

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
        let said = vec![Text::same("-1 例")];
        let blocks = vec![Block::Table(table(&[])), Block::Table(table(&[])), Block::Heading(1, Text::same("说明")), Block::Notes(said)];
        let meta = Meta { period: Text::same("2026Q3"), journal_position: 7, ..Meta::default() };
        let two = Document { title: Text::same("通报"), meta, blocks, ..Document::default() };
        let tables = "'=表\r\na\r\n-5\r\n\r\n\r\n'=表\r\na\r\n-5\r\n\r\n";
        let expected = format!("\u{feff}通报\r\nPeriod,2026Q3\r\nJournal position,7\r\n\r\n{tables}\r\n说明\r\n1,'-1 例\r\n");
        assert_eq!(csv(&two, Lang::En), expected);
    }
}
