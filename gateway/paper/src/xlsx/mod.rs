//! A document as an Excel workbook: one sheet a table, with types that Excel computes with, one with the charts as Excel's own,
//! and one that says on what the figures rest. Texts are written as texts, so nothing can run as a formula.

mod about;
mod charts;

use hutong_fhir::calendar::CHINA_US;
use rust_xlsxwriter::{Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError};

use crate::document::{Align, Block, Chart, Column, Document, Table};
use crate::fault::Fault;
use crate::terminal::width;
use crate::text::Lang;
use crate::value::Value;

/// Excel's own limits ("Excel specifications and limits").
const ROWS_MAX: usize = 1_048_576 - 100;
const COLUMNS_MAX: usize = 16_384;
const CELL_CHARS_MAX: usize = 32_767;
const NAME_CHARS_MAX: usize = 31;
/// Beyond it a number of Excel is no longer exact.
const EXACT_MAX: u64 = 1 << 53;

/// Days from Excel's first day to 1970.
const EPOCH_DAYS: i64 = 25_569;
const DAY_US: f64 = 86_400_000_000.0;

/// The workbook's bytes; the same document gives the same bytes.
pub fn xlsx(document: &Document, lang: Lang) -> Result<Vec<u8>, Fault> {
    let tables: Vec<&Table> = document.tables().collect();
    if tables.iter().any(|t| t.rows.len() > ROWS_MAX) {
        return Err(Fault::TooLarge("Excel rows", ROWS_MAX as u64));
    }
    if tables.iter().any(|t| t.columns.len() > COLUMNS_MAX) {
        return Err(Fault::TooLarge("Excel columns", COLUMNS_MAX as u64));
    }
    workbook(document, &tables, lang).map_err(|error| Fault::Refused(error.to_string()))
}

fn workbook(document: &Document, tables: &[&Table], lang: Lang) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let made = ExcelDateTime::from_timestamp(document.meta.made_at_us.div_euclid(1_000_000).max(0))?;
    let properties = DocProperties::new().set_title(document.title.of(lang)).set_subject(document.meta.period.of(lang));
    book.set_properties(&properties.set_creation_datetime(&made));
    let mut names: Vec<String> = Vec::new();
    for table in tables {
        let title = if table.title.is_empty() { table.key.as_str() } else { table.title.of(lang) };
        let name = sheet_name(title, &names);
        let sheet = book.add_worksheet();
        sheet.set_name(&name)?;
        names.push(name);
        fill(sheet, table, lang)?;
        edges(sheet, document, lang);
    }
    let drawn: Vec<&Chart> = document.blocks.iter().filter_map(|b| if let Block::Chart(chart) = b { Some(chart) } else { None }).collect();
    if !drawn.is_empty() {
        let name = sheet_name(if lang == Lang::Zh { "图" } else { "Charts" }, &names);
        let sheet = book.add_worksheet();
        sheet.set_name(&name)?;
        charts::charts(sheet, &name, &drawn, lang)?;
        edges(sheet, document, lang);
        names.push(name);
    }
    let about = book.add_worksheet();
    about.set_name(sheet_name(if lang == Lang::Zh { "说明" } else { "About" }, &names))?;
    about::about(about, document, lang)?;
    edges(about, document, lang);
    book.save_to_buffer()
}

/// What stands on every printed page.
fn edges(sheet: &mut Worksheet, document: &Document, lang: Lang) {
    // & begins a code of Excel's; a header holds 255 characters
    let title: String = document.name(lang).replace('&', "&&").chars().take(120).collect();
    sheet.set_header(format!("&L{title}&R&A")).set_footer("&C&P / &N");
}

/// A name that Excel takes and no other sheet has.
fn sheet_name(title: &str, taken: &[String]) -> String {
    let clean: String = title.chars().map(|c| if c.is_control() || "[]:*?/\\'".contains(c) { ' ' } else { c }).collect();
    let cut = |text: &str, max: usize| {
        let mut out = String::new();
        for c in text.trim().chars() {
            if out.encode_utf16().count() + c.len_utf16() > max {
                break;
            }
            out.push(c);
        }
        out.trim().to_owned()
    };
    let mut name = cut(&clean, NAME_CHARS_MAX);
    if name.is_empty() {
        name = "Sheet".to_owned();
    }
    let mut number = 2;
    // Excel tells no case apart
    while taken.iter().any(|t| t.to_lowercase() == name.to_lowercase()) {
        name = format!("{} ({number})", cut(&clean, NAME_CHARS_MAX - 6));
        number += 1;
    }
    name
}

fn fill(sheet: &mut Worksheet, table: &Table, lang: Lang) -> Result<(), XlsxError> {
    let header = Format::new()
        .set_bold()
        .set_background_color(Color::RGB(0x1f_5fa8))
        .set_font_color(Color::White)
        .set_align(FormatAlign::VerticalCenter)
        .set_text_wrap();
    for (i, column) in indexed(&table.columns) {
        let format = aligned(header.clone(), column.align());
        sheet.write_string_with_format(0, i, cut(column.title.of(lang)), &format)?;
        sheet.set_column_width(i, column_width(table, usize::from(i), lang))?;
    }
    let mut at: u32 = 1;
    for row in &table.rows {
        for (i, column) in indexed(&table.columns) {
            put(sheet, at, i, row.get(usize::from(i)), column, Format::new(), lang)?;
        }
        at += 1;
    }
    sheet.set_freeze_panes(1, 0)?;
    if let Some(last) = table.columns.len().checked_sub(1).and_then(|n| u16::try_from(n).ok()) {
        sheet.autofilter(0, 0, at - 1, last)?;
    }
    if let Some(totals) = &table.totals {
        let format = Format::new().set_bold().set_border_top(FormatBorder::Thin);
        for (i, column) in indexed(&table.columns) {
            put(sheet, at, i, totals.get(usize::from(i)), column, format.clone(), lang)?;
        }
        at += 1;
    }
    let note = Format::new().set_font_color(Color::RGB(0x5a_6775));
    for (i, text) in table.footnotes.iter().enumerate().take(90) {
        sheet.write_string_with_format(at + 1 + i as u32, 0, cut(text.of(lang)), &note)?;
    }
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0).set_repeat_rows(0, 0)?;
    Ok(())
}

fn indexed(columns: &[Column]) -> impl Iterator<Item = (u16, &Column)> {
    columns.iter().enumerate().filter_map(|(i, column)| Some((u16::try_from(i).ok()?, column)))
}

/// One value in the type that Excel has for it.
fn put(
    sheet: &mut Worksheet,
    row: u32,
    at: u16,
    value: Option<&Value>,
    column: &Column,
    format: Format,
    lang: Lang,
) -> Result<(), XlsxError> {
    let format = aligned(format, column.align());
    let number = |text: String| text.parse::<f64>().unwrap_or_default();
    let (n, shape) = match value.unwrap_or(&Value::Empty) {
        Value::Empty => {
            sheet.write_blank(row, at, &format)?;
            return Ok(());
        }
        Value::Integer(n) if n.unsigned_abs() <= EXACT_MAX => (*n as f64, "#,##0".to_owned()),
        Value::Decimal(d) => (number(d.to_string()), format!("#,##0{}", places(d.scale()))),
        Value::Percent(d) => (number(d.to_string()) / 100.0, format!("0{}%", places(d.scale()))),
        Value::Change(d) => {
            let shape = format!("0{}%", places(d.scale()));
            (number(d.to_string()) / 100.0, format!("+{shape};-{shape};{shape}"))
        }
        Value::Money(fen) if fen.unsigned_abs() <= EXACT_MAX => (*fen as f64 / 100.0, "#,##0.00".to_owned()),
        Value::Date(days) => ((days + EPOCH_DAYS) as f64, "yyyy-mm-dd".to_owned()),
        Value::Moment(us) => ((us.saturating_add(CHINA_US)) as f64 / DAY_US + EPOCH_DAYS as f64, "yyyy-mm-dd hh:mm".to_owned()),
        // negative times are not shown by Excel
        Value::Duration(s) if *s >= 0 => (*s as f64 / 86_400.0, "[h]:mm:ss".to_owned()),
        other => {
            let text = other.shown(lang);
            sheet.write_string_with_format(row, at, cut(&text), &format.set_text_wrap().set_align(FormatAlign::Top))?;
            return Ok(());
        }
    };
    sheet.write_number_with_format(row, at, n, &format.set_num_format(shape).set_align(FormatAlign::Top))?;
    Ok(())
}

fn aligned(format: Format, align: Align) -> Format {
    format.set_align(match align {
        Align::Left => FormatAlign::Left,
        Align::Centre => FormatAlign::Center,
        Align::Right => FormatAlign::Right,
    })
}

fn places(scale: u32) -> String {
    if scale == 0 { String::new() } else { format!(".{}", "0".repeat(scale.min(15) as usize)) }
}

fn column_width(table: &Table, at: usize, lang: Lang) -> f64 {
    let cells = table.rows.iter().chain(&table.totals).filter_map(|row| row.get(at)).map(|v| width(&v.shown(lang)));
    let title = table.columns.get(at).map_or(0, |c| width(c.title.of(lang)));
    // the filter's button takes room in the header
    (cells.chain([title + 3]).max().unwrap_or(0) as f64 + 2.0).clamp(8.0, 60.0)
}

fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\n').take(CELL_CHARS_MAX / 2).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use calamine::{Data, DataType, Reader, Xlsx};

    use super::*;
    use crate::document::{Goal, Kind, Meta, Shape};
    use crate::text::Text;

    fn table(title: &'static str) -> Table {
        Table {
            key: "t".into(),
            title: Text::same(title),
            columns: vec![
                Column::new("who", "机构", "institution", Kind::Text),
                Column::new("n", "人次", "cases", Kind::Integer),
                Column::new("share", "完成率", "share", Kind::Percent),
                Column::new("money", "费用", "cost", Kind::Money),
                Column::new("day", "日期", "day", Kind::Date),
                Column::new("took", "用时", "took", Kind::Duration),
            ],
            rows: vec![vec![
                "=HYPERLINK(\"http://x\")㐱䶮𬭎𫖯".into(),
                1_234.into(),
                Value::Percent("58.3".parse().unwrap()),
                Value::Money(123_456),
                Value::Date(20_779),
                Value::Duration(5_400),
            ]],
            totals: Some(vec!["合计".into(), 1_234.into()]),
            footnotes: vec![Text::same("注：…")],
        }
    }

    #[test]
    fn what_is_written_is_read_back_in_its_types() {
        let document = Document {
            title: Text::same("通报"),
            meta: Meta { period: Text::same("2026Q3"), journal_position: 42, made_at_us: 1_795_331_040_000_000, ..Meta::default() },
            blocks: vec![
                Block::Table(table("表1 机构/完成")),
                Block::Table(table("表1 机构/完成")),
                Block::Heading(1, Text::same("二、说明")),
                Block::Notes(vec![Text::same("说明文字")]),
                Block::Chart(Chart {
                    title: Text::same("图1"),
                    summary: Text::default(),
                    unit: Text::same("人次"),
                    shape: Shape::Progress(vec![Goal { label: Text::same("石堤"), value: 7.0, target: Some(9.0) }]),
                }),
            ],
            ..Document::default()
        };
        let bytes = xlsx(&document, Lang::Zh).unwrap();
        assert_eq!(bytes, xlsx(&document, Lang::Zh).unwrap(), "the same document gives the same bytes");
        let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).unwrap();
        assert_eq!(book.sheet_names(), ["表1 机构 完成", "表1 机构 完成 (2)", "图", "说明"]);
        let sheet = book.worksheet_range("表1 机构 完成").unwrap();
        let row: Vec<Data> = sheet.rows().nth(1).unwrap().to_vec();
        assert_eq!(row[0], Data::String("=HYPERLINK(\"http://x\")㐱䶮𬭎𫖯".into()), "a text, not a formula");
        assert_eq!(row[1], Data::Float(1_234.0));
        assert_eq!((row[2].as_f64(), row[3].as_f64()), (Some(0.583), Some(1_234.56)));
        let day = row[4].as_datetime_parts();
        assert_eq!(day, Some((2026, 11, 22)), "{:?}", row[4]);
        assert!(matches!(&row[5], Data::DateTime(d) if d.is_duration() && (d.as_f64() - 0.0625).abs() < 1e-9), "{:?}", row[5]);
        assert!(book.worksheet_formula("表1 机构 完成").unwrap().used_cells().next().is_none());
        let drawn: Vec<Vec<String>> =
            book.worksheet_range("图").unwrap().rows().map(|r| r.iter().map(ToString::to_string).collect()).collect();
        assert_eq!(drawn[1..], [["人次", "人次", "目标"], ["石堤", "7", "9"]], "the numbers stand beside the chart");
        let about = book.worksheet_range("说明").unwrap();
        let texts: Vec<String> = about.rows().flatten().map(ToString::to_string).collect();
        for text in ["通报", "2026Q3", "42", "1. 说明文字", "二、说明"] {
            assert!(texts.iter().any(|t| t == text), "{text} is not in {texts:?}");
        }
    }

    trait Parts {
        fn as_datetime_parts(&self) -> Option<(i64, i64, i64)>;
    }

    impl Parts for Data {
        fn as_datetime_parts(&self) -> Option<(i64, i64, i64)> {
            match self {
                Data::DateTime(d) => Some(hutong_fhir::calendar::civil(d.as_f64() as i64 - EPOCH_DAYS)),
                _ => None,
            }
        }
    }

    #[test]
    fn names_of_sheets_are_what_excel_takes() {
        for (title, expected) in [("a/b:c", "a b c"), ("", "Sheet"), ("'x'", "x")] {
            assert_eq!(sheet_name(title, &[]), expected);
        }
        let long = "县".repeat(40);
        let first = sheet_name(&long, &[]);
        assert_eq!(first.chars().count(), 31);
        let second = sheet_name(&long, std::slice::from_ref(&first));
        assert!(second != first && second.ends_with("(2)") && second.chars().count() <= 31);
    }
}
