//! An Excel workbook as the text that a table is imported from: CSV with the lines of the sheet, so that faults name the
//! rows that Excel shows.

use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};

use super::Failure;
use super::files::Input;

/// Rows and columns beyond which a sheet is refused: one cell at the far corner would otherwise fill the memory.
const CELLS_MAX: usize = 4_000_000;

/// The first sheet as CSV.
pub(crate) fn first_sheet(input: &Input) -> Result<String, Failure> {
    let name = &input.name;
    let unreadable = |e: &dyn std::fmt::Display| {
        Failure::judged(format!("{name}：不是可读的 XLSX 工作簿：{e}"), format!("{name}: not a readable XLSX workbook: {e}"))
    };
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(input.bytes.as_slice())).map_err(|e| unreadable(&e))?;
    let sheet = book.worksheet_range_at(0).ok_or_else(|| unreadable(&"no sheet"))?.map_err(|e| unreadable(&e))?;
    let (height, width) = sheet.get_size();
    if height.saturating_mul(width) > CELLS_MAX {
        return Err(unreadable(&"too large"));
    }
    // rows above the first used one are lines too
    let mut out = "\n".repeat(sheet.start().map_or(0, |(row, _)| row as usize));
    for row in sheet.rows() {
        let cells: Vec<String> = row.iter().map(cell).collect();
        out.push_str(&cells.join(","));
        out.push('\n');
    }
    Ok(out)
}

/// One cell as CSV: always one line.
fn cell(data: &Data) -> String {
    let text = match data {
        Data::Empty => return String::new(),
        // a code that Excel took for a number: 1001, not 1001.0
        Data::Float(n) if n.fract() == 0.0 && n.abs() < 1e15 => format!("{n:.0}"),
        Data::DateTime(when) if when.is_datetime() => {
            let (year, month, day, ..) = when.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02}")
        }
        other => other.to_string(),
    };
    let text = text.replace(['\r', '\n'], " ");
    if text.contains([',', '"']) || text.starts_with(' ') { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}
