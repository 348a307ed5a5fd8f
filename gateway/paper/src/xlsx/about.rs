//! The sheet that says on what the figures rest: title, position in the journal, definitions, what is said in words.

use rust_xlsxwriter::{Format, FormatAlign, Worksheet, XlsxError};

use super::cut;
use crate::document::{Block, Document};
use crate::text::Lang;

pub(super) fn about(sheet: &mut Worksheet, document: &Document, lang: Lang) -> Result<(), XlsxError> {
    let title = Format::new().set_bold().set_font_size(16);
    let label = Format::new().set_bold().set_align(FormatAlign::Top).set_text_wrap();
    let body = Format::new().set_text_wrap().set_align(FormatAlign::Top);
    sheet.set_column_width(0, 26)?.set_column_width(1, 96)?;
    sheet.write_string_with_format(0, 0, cut(document.title.of(lang)), &title)?;
    sheet.write_string(1, 0, cut(document.subtitle.of(lang)))?;
    let mut row = 3;
    let mut pair = |name: &str, text: &str| -> Result<(), XlsxError> {
        sheet.write_string_with_format(row, 0, cut(name), &label)?;
        sheet.write_string_with_format(row, 1, cut(text), &body)?;
        row += 1;
        Ok(())
    };
    for (name, value) in document.meta.lines(lang) {
        pair(name, &value)?;
    }
    // each text under its heading, which is named once
    let mut heading = "";
    for block in &document.blocks {
        match block {
            Block::Heading(_, text) => heading = text.of(lang),
            Block::Paragraph(text) => pair(std::mem::take(&mut heading), text.of(lang))?,
            Block::Notes(notes) => {
                for (i, note) in notes.iter().enumerate() {
                    pair(std::mem::take(&mut heading), &format!("{}. {}", i + 1, note.of(lang)))?;
                }
            }
            Block::Figures(figures) => {
                for figure in figures {
                    let text = format!("{} {} {}", figure.value.shown(lang), figure.unit.of(lang), figure.note.of(lang));
                    pair(figure.label.of(lang), text.trim())?;
                }
            }
            Block::Table(_) | Block::Chart(_) | Block::PageBreak => {}
        }
    }
    sheet.set_paper_size(9).set_print_fit_to_pages(1, 0);
    Ok(())
}
