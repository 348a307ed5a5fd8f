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
    // rows above the first used one are lines too, and say nothing
    let mut out = "#\n".repeat(sheet.start().map_or(0, |(row, _)| row as usize));
    for row in sheet.rows() {
        let cells: Vec<String> = row.iter().map(cell).collect();
        let last = cells.iter().rposition(|c| !c.is_empty()).map_or(0, |n| n + 1);
        out.push_str(&cells.get(..last).unwrap_or_default().join(","));
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A zip archive whose entries are stored as they are (APPNOTE.TXT 4.3).
    fn archive(files: &[(&str, &str)]) -> Vec<u8> {
        let crc = |bytes: &[u8]| {
            !bytes
                .iter()
                .fold(u32::MAX, |crc, b| (0..8).fold(crc ^ u32::from(*b), |c, _| if c & 1 == 1 { c >> 1 ^ 0xedb8_8320 } else { c >> 1 }))
        };
        let (mut out, mut directory) = (Vec::new(), Vec::new());
        for (name, text) in files {
            let at = out.len() as u32;
            let mut head = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0x5a];
            head.extend(crc(text.as_bytes()).to_le_bytes());
            head.extend([(text.len() as u32).to_le_bytes(); 2].concat());
            head.extend((name.len() as u16).to_le_bytes());
            head.extend([0, 0]);
            out.extend(b"PK\x03\x04".iter().chain(&head).chain(name.as_bytes()).chain(text.as_bytes()));
            directory.extend(b"PK\x01\x02\x14\x00".iter().chain(&head));
            directory.extend([0; 10]);
            directory.extend(at.to_le_bytes());
            directory.extend(name.as_bytes());
        }
        let at = out.len() as u32;
        out.extend(&directory);
        out.extend(b"PK\x05\x06\x00\x00\x00\x00");
        out.extend([(files.len() as u16).to_le_bytes(); 2].concat());
        out.extend((directory.len() as u32).to_le_bytes());
        out.extend(at.to_le_bytes());
        out.extend([0, 0]);
        out
    }

    #[test]
    fn a_sheet_keeps_its_lines() {
        const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
        const RELATIONS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
        const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
        let book =
            format!(r#"<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="表" sheetId="1" r:id="r1"/></sheets></workbook>"#);
        let links = format!(
            r#"<Relationships xmlns="{RELATIONS}"><Relationship Id="r1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#
        );
        let text = |at: &str, t: &str| format!(r#"<c r="{at}" t="inlineStr"><is><t>{t}</t></is></c>"#);
        let sheet = format!(
            r#"<worksheet xmlns="{MAIN}"><sheetData><row r="2">{}{}</row><row r="4">{}{}<c r="C4"><v>1001</v></c></row></sheetData></worksheet>"#,
            text("A2", "code"),
            text("B2", "name"),
            text("A4", "H1"),
            text("B4", "县医院,\n\"东区\""),
        );
        let root = format!(
            r#"<Relationships xmlns="{RELATIONS}"><Relationship Id="r1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
        );
        let bytes = archive(&[
            ("_rels/.rels", &root),
            ("xl/workbook.xml", &book),
            ("xl/_rels/workbook.xml.rels", &links),
            ("xl/worksheets/sheet1.xml", &sheet),
        ]);
        let input = |bytes: Vec<u8>| Input { name: "t.xlsx".into(), bytes };
        let csv = first_sheet(&input(bytes.clone())).unwrap();
        assert_eq!(csv, "#\ncode,name\n\nH1,\"县医院, \"\"东区\"\"\",1001\n");
        for end in [0, 10, bytes.len() / 2, bytes.len() - 1] {
            assert!(first_sheet(&input(bytes[..end].to_vec())).is_err(), "cut at {end}");
        }
    }
}
