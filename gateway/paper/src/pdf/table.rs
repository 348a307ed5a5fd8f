//! Tables: columns fitted to the page, rows never parted, the header again on every page.

use super::blocks::{CAPTION, SMALL, rule};
use super::flow::{Flow, INK, LEFT, MUTED, Op, RIGHT, Style, TINT};
use super::font::Face;
use super::structure::Role;
use crate::document::{Align, Table};
use crate::text::Lang;
use crate::value::Value;

/// Texts such as names are not pressed below this as long as there is room.
const TEXT_LEGIBLE: f32 = 110.0;
const PAD: f32 = 4.5;
const CELL: Style = Style { face: Face::Sans, size: 9.0, colour: INK, leading: 13.0 };
const STRONG: Style = Style { face: Face::Strong, size: 9.0, colour: INK, leading: 13.0 };
const HEAD: Style = Style { face: Face::Strong, size: 8.5, colour: MUTED, leading: 12.5 };
/// A cell is cut after so many lines: what is longer belongs into a file.
const LINES_MAX: usize = 24;

/// A table no taller than this stands on one page.
const WHOLE_MAX: f32 = 330.0;

/// Columns of a table: where each begins and how wide it is, its padding included.
struct Columns {
    at: Vec<(f32, f32)>,
    aligns: Vec<Align>,
}

pub(super) fn table(flow: &mut Flow<'_>, table: &Table) {
    let table = &*table.for_people();
    let lang = flow.lang;
    let columns = columns(flow, table);
    let head: Vec<String> = table.columns.iter().map(|c| c.title.of(lang).to_owned()).collect();
    flow.y += 6.0;
    // a small table is not parted
    let notes = footnotes(flow, table);
    let whole = CAPTION.leading + tall(flow, table, &columns, &head) + notes;
    flow.need(if whole <= WHOLE_MAX { whole } else { 90.0 });
    let title = table.title.of(lang);
    flow.part(Role::Table(title.to_owned()), |flow| {
        if !title.is_empty() {
            flow.part(Role::Caption, |flow| flow.paragraph(title, CAPTION, LEFT, 0.0, Align::Left));
        }
        flow.part(Role::Row, |flow| header(flow, &columns, &head, true));
        let totals = table.totals.as_ref().map(|totals| shown(table, totals, lang));
        let below = totals.as_ref().map_or(0.0, |texts| height(&cells(flow, &columns, texts, STRONG), STRONG));
        let below = below + notes;
        for (i, values) in table.rows.iter().enumerate() {
            // totals and footnotes stand below a row, never alone
            let keep = if i + 1 == table.rows.len() { below } else { 0.0 };
            row(flow, table, &columns, &head, (&shown(table, values, lang), CELL), keep);
        }
        if let Some(totals) = &totals {
            row(flow, table, &columns, &head, (totals, STRONG), notes);
        }
    });
    rule(flow, 1.0, true);
    flow.y += 4.0;
    for note in &table.footnotes {
        flow.part(Role::Paragraph, |flow| flow.paragraph(note.of(lang), SMALL, LEFT, 0.0, Align::Left));
    }
    flow.y += 6.0;
}

fn shown(table: &Table, values: &[Value], lang: Lang) -> Vec<String> {
    (0..table.columns.len()).map(|i| values.get(i).unwrap_or(&Value::Empty).shown(lang)).collect()
}

/// `first`: it is read; where it stands again on a further page, it is for the eye alone.
fn header(flow: &mut Flow<'_>, columns: &Columns, head: &[String], first: bool) {
    rule(flow, 1.0, true);
    let cells = head_cells(flow, columns, head);
    let height = height(&cells, HEAD);
    let y = flow.y;
    flow.decorate(Op::Rect { x: LEFT, y, width: RIGHT - LEFT, height, colour: TINT });
    set(flow, columns, &cells, HEAD, |_| first.then_some(Role::ColumnHead));
    flow.y += height;
    rule(flow, 0.6, true);
}

/// `keep`: what must have room below it on its page.
fn row(flow: &mut Flow<'_>, table: &Table, columns: &Columns, head: &[String], (texts, style): (&[String], Style), keep: f32) {
    let cells = cells(flow, columns, texts, style);
    let height = height(&cells, style);
    if flow.need(height + keep + 2.0) {
        let more = if flow.lang == Lang::Zh { "（续）" } else { " (continued)" };
        let title = format!("{}{more}", table.title.of(flow.lang));
        flow.decorate_text(LEFT, &title, CAPTION);
        header(flow, columns, head, false);
    }
    flow.part(Role::Row, |flow| set(flow, columns, &cells, style, |i| Some(if i == 0 { Role::RowHead } else { Role::Cell })));
    flow.y += height;
    rule(flow, 0.4, false);
}

fn cells(flow: &Flow<'_>, columns: &Columns, texts: &[String], style: Style) -> Vec<Vec<String>> {
    let one = |(text, (_, width)): (&String, &(f32, f32))| {
        let mut lines = flow.broken(text, style, width - 2.0 * PAD, 0.0);
        lines.truncate(LINES_MAX);
        lines
    };
    texts.iter().zip(&columns.at).map(one).collect()
}

/// A Chinese header that is too wide is parted at its blanks first: `ALL4 人次` becomes two lines, not `ALL4 人` and `次`.
fn head_cells(flow: &Flow<'_>, columns: &Columns, head: &[String]) -> Vec<Vec<String>> {
    let one = |(text, (_, width)): (&String, &(f32, f32))| {
        let room = width - 2.0 * PAD;
        let whole = flow.broken(text, HEAD, room, 0.0);
        if whole.len() < 2 || !is_chinese(text) {
            return whole;
        }
        text.split(' ').flat_map(|piece| flow.broken(piece, HEAD, room, 0.0)).collect()
    };
    head.iter().zip(&columns.at).map(one).collect()
}

fn is_chinese(text: &str) -> bool {
    text.chars().any(|c| crate::terminal::width(c.encode_utf8(&mut [0; 4])) == 2)
}

/// Height of the footnotes, where it is little.
fn footnotes(flow: &Flow<'_>, table: &Table) -> f32 {
    let lines: usize = table.footnotes.iter().map(|note| flow.broken(note.of(flow.lang), SMALL, RIGHT - LEFT, 0.0).len()).sum();
    (lines as f32 * SMALL.leading + 6.0).min(80.0)
}

/// Height of header and rows.
fn tall(flow: &Flow<'_>, table: &Table, columns: &Columns, head: &[String]) -> f32 {
    let mut sum = height(&head_cells(flow, columns, head), HEAD);
    for values in table.rows.iter().chain(&table.totals) {
        sum += height(&cells(flow, columns, &shown(table, values, flow.lang), STRONG), STRONG);
        if sum > WHOLE_MAX {
            break;
        }
    }
    sum
}

fn height(cells: &[Vec<String>], style: Style) -> f32 {
    cells.iter().map(Vec::len).max().unwrap_or(1) as f32 * style.leading + 2.0 * PAD - 3.0
}

/// Each column's lines in its place; `role`: what a cell of a column is, `None` for decoration.
fn set(flow: &mut Flow<'_>, columns: &Columns, cells: &[Vec<String>], style: Style, role: impl Fn(usize) -> Option<Role>) {
    let top = flow.y + PAD - 1.5;
    for (column, ((lines, (x, width)), align)) in cells.iter().zip(&columns.at).zip(&columns.aligns).enumerate() {
        let x = match align {
            Align::Left => x + PAD,
            Align::Centre => x + width / 2.0,
            Align::Right => x + width - PAD,
        };
        let draw = |flow: &mut Flow<'_>| {
            for (i, line) in lines.iter().enumerate() {
                flow.text(x, top + style.leading * (i as f32 + 0.5) + style.size * 0.36, line, style, *align);
            }
        };
        match role(column) {
            Some(role) => flow.part(role, draw),
            None => flow.unread(draw),
        }
    }
}

/// Widths by what the columns hold: numbers are never broken, texts give way, what is left over is shared out.
fn columns(flow: &Flow<'_>, table: &Table) -> Columns {
    let lang = flow.lang;
    let width = |text: &str, style: Style| flow.fonts.width(style.face, &flow.fonts.clean(style.face, text), style.size);
    let mut wanted: Vec<f32> = Vec::new();
    let mut least: Vec<f32> = Vec::new();
    let mut legible: Vec<f32> = Vec::new();
    for (i, column) in table.columns.iter().enumerate() {
        let cells = || table.rows.iter().chain(&table.totals).filter_map(move |row| row.get(i));
        let body = cells().map(|v| width(&v.shown(lang), STRONG)).fold(0.0, f32::max);
        let numbers = cells().filter(|v| !v.is_text()).map(|v| width(&v.shown(lang), STRONG)).fold(0.0, f32::max);
        let title = column.title.of(lang);
        let head = width(title, HEAD);
        // a header may stand in two or three lines
        let piece = title.split(' ').map(|piece| width(piece, HEAD)).fold(0.0, f32::max).min(if is_chinese(title) { 36.0 } else { 60.0 });
        let narrow = numbers.max(piece).max(22.0) + 2.0 * PAD + 1.0;
        wanted.push(body.max(head) + 2.0 * PAD + 1.0);
        least.push(narrow);
        legible.push(if body > numbers { narrow.max(body.min(TEXT_LEGIBLE) + 2.0 * PAD + 1.0) } else { narrow });
    }
    let room = RIGHT - LEFT;
    let least = if legible.iter().sum::<f32>() <= room { &legible } else { &least };
    let widths = fitted(&wanted, least, room);
    let mut x = LEFT;
    let at = widths
        .iter()
        .map(|w| {
            let from = x;
            x += w;
            (from, *w)
        })
        .collect();
    Columns { at, aligns: table.columns.iter().map(|c| c.align()).collect() }
}

fn fitted(wanted: &[f32], least: &[f32], room: f32) -> Vec<f32> {
    let sum = |all: &[f32]| all.iter().sum::<f32>().max(1.0);
    if sum(wanted) <= room {
        let spare = (room - sum(wanted)) / wanted.len().max(1) as f32;
        return wanted.iter().map(|w| w + spare).collect();
    }
    if sum(least) >= room {
        return least.iter().map(|w| w * room / sum(least)).collect();
    }
    let over: Vec<f32> = wanted.iter().zip(least).map(|(w, l)| (w - l).max(0.0)).collect();
    let share = (room - sum(least)) / sum(&over);
    least.iter().zip(&over).map(|(l, o)| l + o * share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fill_the_page_and_no_more() {
        for (wanted, least) in
            [(vec![100.0, 50.0], vec![40.0, 40.0]), (vec![900.0, 60.0], vec![50.0, 60.0]), (vec![900.0, 900.0], vec![700.0, 700.0])]
        {
            let got = fitted(&wanted, &least, 470.0);
            assert!((got.iter().sum::<f32>() - 470.0).abs() < 0.01, "{got:?}");
        }
        assert_eq!(fitted(&[900.0, 60.0], &[50.0, 60.0], 470.0)[1], 60.0, "numbers keep their width");
    }
}
