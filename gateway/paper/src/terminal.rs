//! A document on a terminal: columns that line up with Chinese text.

use crate::document::{Align, Block, Document, Table};
use crate::text::{Lang, Text};
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

/// The whole document as text. Charts are left out: their figures stand in tables.
pub fn terminal(document: &Document, lang: Lang) -> String {
    let mut out = String::new();
    for text in [&document.title, &document.subtitle] {
        line(&mut out, text.of(lang));
    }
    for (label, value) in document.meta.lines(lang) {
        line(&mut out, &format!("{label}{}{value}", colon(lang)));
    }
    for block in &document.blocks {
        match block {
            Block::Heading(_, text) => {
                out.push('\n');
                line(&mut out, text.of(lang));
                line(&mut out, &"═".repeat(width(text.of(lang))));
            }
            Block::Paragraph(text) => line(&mut out, text.of(lang)),
            Block::Notes(notes) => numbered(&mut out, notes, lang),
            Block::Table(t) => {
                out.push('\n');
                out.push_str(&table(t, lang));
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

/// One table with its title, totals and footnotes.
pub fn table(table: &Table, lang: Lang) -> String {
    let shown = |row: &Vec<Value>| -> Vec<String> {
        (0..table.columns.len()).map(|i| one_line(&row.get(i).unwrap_or(&Value::Empty).shown(lang))).collect()
    };
    let header: Vec<String> = table.columns.iter().map(|c| one_line(c.title.of(lang))).collect();
    let rows: Vec<Vec<String>> = table.rows.iter().map(shown).collect();
    let totals: Option<Vec<String>> = table.totals.as_ref().map(shown);
    let all = || [&header].into_iter().chain(&rows).chain(&totals);
    let widths: Vec<usize> = (0..header.len()).map(|i| all().filter_map(|r| r.get(i)).map(|t| width(t)).max().unwrap_or(0)).collect();
    let aligns: Vec<Align> = table.columns.iter().map(|c| c.align()).collect();
    let mut out = String::new();
    let rule: Vec<String> = widths.iter().map(|w| "─".repeat(*w)).collect();
    line(&mut out, table.title.of(lang));
    line(&mut out, &joined(&header, &widths, &aligns));
    line(&mut out, &rule.join("  "));
    for row in &rows {
        line(&mut out, &joined(row, &widths, &aligns));
    }
    if let Some(totals) = &totals {
        line(&mut out, &rule.join("  "));
        line(&mut out, &joined(totals, &widths, &aligns));
    }
    for note in &table.footnotes {
        line(&mut out, note.of(lang));
    }
    out
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
    padded.join("  ").trim_end().to_owned()
}

fn numbered(out: &mut String, notes: &[Text], lang: Lang) {
    for (i, note) in notes.iter().enumerate() {
        line(out, &format!("{}. {}", i + 1, note.of(lang)));
    }
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

    #[test]
    fn columns_line_up_with_chinese() {
        let t = Table {
            title: Text::same("表"),
            columns: vec![Column::new("who", "机构", "institution", Kind::Text), Column::new("n", "人次", "cases", Kind::Integer)],
            rows: vec![vec!["县人民医院𬭎".into(), 1200.into()], vec!["HIS\u{1b}[31m".into(), 7.into()], vec!["村".into()]],
            totals: Some(vec!["合计".into(), 1207.into()]),
            ..Table::default()
        };
        let text = table(&t, Lang::Zh);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[3], "县人民医院𬭎  1,200");
        assert_eq!(lines[4], "HIS [31m          7");
        assert_eq!(lines[5], "村                —");
        assert_eq!((lines[7], lines[2]), ("合计          1,207", "────────────  ─────"));
        assert!([3, 4, 7].iter().all(|i| width(lines[*i]) == width(lines[2])), "{text}");
    }
}
