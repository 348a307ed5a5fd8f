//! A document on a terminal: columns that line up with Chinese text.

use crate::document::{Align, Block, Document, Table};
use crate::lines::break_lines;
use crate::text::Lang;
use crate::value::Value;

/// Columns that a terminal needs for `text`: East Asian wide characters take two (UAX #11, the ranges in use here).
pub fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

fn char_width(c: char) -> usize {
    match u32::from(c) {
        0..=0x1f | 0x7f => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1f64f
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// The whole document as text. Charts are left out: their figures stand in tables. `columns`: the terminal's width, to which
/// texts and tables are fitted; without it every paragraph and every row is one line, for other programs to read.
pub fn terminal(document: &Document, lang: Lang, columns: Option<usize>) -> String {
    let columns = columns.unwrap_or(usize::MAX).max(COLUMNS_MIN);
    let mut out = String::new();
    for text in [&document.title, &document.subtitle] {
        line(&mut out, text.of(lang));
    }
    for (label, value) in document.meta.lines(lang) {
        hanging(&mut out, &format!("{label}{}", colon(lang)), &value, columns);
    }
    for block in &document.blocks {
        match block {
            Block::Heading(_, text) => {
                out.push('\n');
                line(&mut out, text.of(lang));
                line(&mut out, &"═".repeat(width(text.of(lang))));
            }
            Block::Paragraph(text) => hanging(&mut out, "", text.of(lang), columns),
            Block::Notes(notes) => {
                for (i, note) in notes.iter().enumerate() {
                    hanging(&mut out, &format!("{}. ", i + 1), note.of(lang), columns);
                }
            }
            Block::Table(t) => {
                out.push('\n');
                out.push_str(&table(t, lang, columns));
            }
            Block::Figures(figures) => {
                for figure in figures {
                    let unit = figure.unit.of(lang);
                    let text =
                        format!("{}{}{} {unit}  {}", figure.label.of(lang), colon(lang), figure.value.shown(lang), figure.note.of(lang));
                    line(&mut out, text.trim_end());
                }
            }
            Block::Chart(_) | Block::PageBreak => {}
        }
    }
    out
}

/// Nobody reads a report in less.
const COLUMNS_MIN: usize = 40;
/// What a column of text or a header may be pressed to.
const TEXT_MIN: usize = 10;
const HEAD_MIN: usize = 4;

/// One table with its title, totals and footnotes, no wider than `columns` where that can be: numbers are never broken.
fn table(table: &Table, lang: Lang, columns: usize) -> String {
    let table = &*table.for_people();
    let shown = |row: &Vec<Value>| -> Vec<String> {
        (0..table.columns.len()).map(|i| one_line(&row.get(i).unwrap_or(&Value::Empty).shown(lang))).collect()
    };
    let header: Vec<String> = table.columns.iter().map(|c| one_line(c.title.of(lang))).collect();
    let rows: Vec<Vec<String>> = table.rows.iter().map(shown).collect();
    let totals: Option<Vec<String>> = table.totals.as_ref().map(shown);
    let widths = widths(table, &header, &rows, totals.as_ref(), columns);
    let aligns: Vec<Align> = table.columns.iter().map(|c| c.align()).collect();
    let mut out = String::new();
    let rule: Vec<String> = widths.iter().map(|w| "─".repeat(*w)).collect();
    line(&mut out, table.title.of(lang));
    row(&mut out, &header, &widths, &aligns);
    line(&mut out, &rule.join(GAP));
    for cells in &rows {
        row(&mut out, cells, &widths, &aligns);
    }
    if let Some(totals) = &totals {
        line(&mut out, &rule.join(GAP));
        row(&mut out, totals, &widths, &aligns);
    }
    for note in &table.footnotes {
        hanging(&mut out, "", note.of(lang), columns);
    }
    out
}

const GAP: &str = "  ";

fn widths(table: &Table, header: &[String], rows: &[Vec<String>], totals: Option<&Vec<String>>, columns: usize) -> Vec<usize> {
    let widest = |i: usize, of: &mut dyn Iterator<Item = &Vec<String>>| of.filter_map(|r| r.get(i)).map(|t| width(t)).max().unwrap_or(0);
    let mut wanted = Vec::new();
    let mut least = Vec::new();
    for (i, head) in header.iter().enumerate() {
        let body = widest(i, &mut rows.iter().chain(totals));
        let is_text = table.rows.iter().any(|r| r.get(i).is_some_and(|v| v.is_text() || matches!(v, Value::Duration(_))));
        wanted.push(body.max(width(head)));
        least.push(if is_text { body.min(TEXT_MIN) } else { body }.max(width(head).min(HEAD_MIN)));
    }
    let room = columns.saturating_sub(GAP.len() * header.len().saturating_sub(1));
    let (mut over, least_sum) = (room.saturating_sub(least.iter().sum()), least.iter().sum::<usize>());
    if wanted.iter().sum::<usize>() <= room || least_sum > room {
        return wanted;
    }
    // the narrowest wishes first: what they leave goes to the others
    let mut order: Vec<usize> = (0..header.len()).collect();
    order.sort_by_key(|i| wanted[*i] - least[*i].min(wanted[*i]));
    let mut out = least.clone();
    for (n, i) in order.iter().enumerate() {
        let more = (wanted[*i].saturating_sub(least[*i])).min(over / (order.len() - n));
        out[*i] += more;
        over -= more;
    }
    out
}

/// One row, over as many lines as its longest cell needs.
fn row(out: &mut String, cells: &[String], widths: &[usize], aligns: &[Align]) {
    let broken = |(cell, columns): (&String, &usize)| {
        if width(cell) <= *columns { vec![cell.clone()] } else { break_lines(cell, *columns as f32, 0.0, |t| width(t) as f32) }
    };
    let cells: Vec<Vec<String>> = cells.iter().zip(widths).map(broken).collect();
    for n in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
        let one: Vec<String> = cells.iter().map(|lines| lines.get(n).cloned().unwrap_or_default()).collect();
        line(out, &joined(&one, widths, aligns));
    }
}

/// A text whose further lines stand behind its label.
fn hanging(out: &mut String, label: &str, text: &str, columns: usize) {
    let indent = width(label);
    let room = columns.saturating_sub(indent).max(20);
    let lines = if width(text) <= room { vec![text.to_owned()] } else { break_lines(text, room as f32, 0.0, |t| width(t) as f32) };
    for (i, one) in lines.iter().enumerate() {
        let before = if i == 0 { label.to_owned() } else { " ".repeat(indent) };
        line(out, &format!("{before}{one}"));
    }
}

/// What comes from messages must not move the cursor or colour the terminal.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn joined(cells: &[String], widths: &[usize], aligns: &[Align]) -> String {
    let padded: Vec<String> = cells
        .iter()
        .zip(widths)
        .zip(aligns)
        .map(|((cell, columns), align)| {
            let free = columns.saturating_sub(width(cell));
            let before = match align {
                Align::Left => 0,
                Align::Centre => free / 2,
                Align::Right => free,
            };
            format!("{}{cell}{}", " ".repeat(before), " ".repeat(free - before))
        })
        .collect();
    padded.join(GAP).trim_end().to_owned()
}

fn line(out: &mut String, text: &str) {
    if !text.is_empty() {
        out.push_str(text);
        out.push('\n');
    }
}

pub(crate) fn colon(lang: Lang) -> &'static str {
    if lang == Lang::Zh { "：" } else { ": " }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Column, Kind};
    use crate::text::Text;

    #[test]
    fn columns_line_up_with_chinese() {
        let t = Table {
            title: Text::same("表"),
            columns: vec![Column::new("who", "机构", "institution", Kind::Text), Column::new("n", "人次", "cases", Kind::Integer)],
            rows: vec![vec!["县人民医院𬭎".into(), 1200.into()], vec!["HIS\u{1b}[31m".into(), 7.into()], vec!["村".into()]],
            totals: Some(vec!["合计".into(), 1207.into()]),
            ..Table::default()
        };
        let text = super::table(&t, Lang::Zh, usize::MAX);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[3], "县人民医院𬭎  1,200");
        assert_eq!(lines[4], "HIS [31m          7");
        assert_eq!(lines[5], "村                —");
        assert_eq!((lines[7], lines[2]), ("合计          1,207", "────────────  ─────"));
        assert!([3, 4, 7].iter().all(|i| width(lines[*i]) == width(lines[2])), "{text}");
    }

    #[test]
    fn a_narrow_terminal_breaks_texts_and_never_numbers() {
        let column = |key: &str, zh: &'static str, kind| Column::new(key, zh, zh, kind);
        let t = Table {
            title: Text::same("表"),
            columns: vec![
                column("who", "检查机构", Kind::Text),
                column("n", "本期计入的人次", Kind::Integer),
                Column::data("code", "代码", "code", Kind::Text),
                column("why", "原因", Kind::Text),
            ],
            rows: vec![vec![
                "清江县石堤镇中心卫生院".into(),
                1_234_567.into(),
                "T1".into(),
                "报告没有签发医师，申请、标本、检查消息都没有收到".into(),
            ]],
            ..Table::default()
        };
        for columns in [40, 60, 80] {
            let text = super::table(&t, Lang::Zh, columns);
            assert!(text.lines().all(|l| width(l) <= columns), "{columns}:\n{text}");
            assert!(text.contains("1,234,567") && !text.contains("T1"), "{text}");
        }
        let document = Document {
            blocks: vec![Block::Notes(vec![Text::same("目标为文件所在区划全域的目标。".repeat(5))])],
            ..Document::default()
        };
        let narrow = terminal(&document, Lang::Zh, Some(50));
        assert!(narrow.lines().count() > 2 && narrow.lines().all(|l| width(l) <= 50), "{narrow}");
        assert!(narrow.lines().nth(1).unwrap().starts_with("   "), "{narrow}");
        assert_eq!(terminal(&document, Lang::Zh, None).lines().count(), 1, "for other programs a note is a line");
    }
}
