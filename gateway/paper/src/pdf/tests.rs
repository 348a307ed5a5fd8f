//! Pages as lists of marks: what is drawn is what was laid out. Needs the Debian package fonts-noto-cjk.

use super::*;
use crate::chart::Mark;
use crate::document::{Block, Chart, Column, Kind, Meta, Series, Shape, Table};
use crate::text::Text;

fn fonts() -> Fonts {
    Fonts::load(None).unwrap_or_else(|fault| panic!("{fault}"))
}

fn chart() -> Chart {
    Chart {
        title: Text::same("图1"),
        summary: Text::default(),
        unit: Text::same("例"),
        shape: Shape::Bars {
            categories: vec![Text::same("影像"), Text::same("心电")],
            series: vec![Series { name: Text::same("本季"), values: vec![Some(20.0), Some(7.0)] }],
        },
    }
}

fn document(blocks: Vec<Block>) -> Document {
    Document {
        title: Text::same("清江县通报 㐱䶮𬭎𫖯"),
        meta: Meta { period: Text::same("2026Q3"), journal_position: 7, made_at_us: 1_795_331_040_000_000, ..Meta::default() },
        blocks,
        ..Document::default()
    }
}

#[test]
fn a_chart_on_paper_has_the_rectangles_of_the_page() {
    let pages = lay_out(&document(vec![Block::Chart(chart())]), Lang::Zh, &fonts()).pages;
    let on_paper: Vec<(f32, f32)> = pages
        .iter()
        .flatten()
        .filter_map(|(_, op)| match op {
            Op::Rect { width, height, .. } => Some((*width, *height)),
            _ => None,
        })
        .collect();
    let drawing = chart().draw(665.0, Lang::Zh);
    let scale = (RIGHT - LEFT) / 665.0;
    let on_page: Vec<(f32, f32)> = drawing
        .marks
        .iter()
        .filter_map(|m| match m {
            Mark::Rect { width, height, .. } => Some((*width as f32 * scale, *height as f32 * scale)),
            _ => None,
        })
        .collect();
    assert_eq!(on_paper, on_page);
    assert_eq!(crate::svg(&drawing, "", "").as_str().matches("<rect ").count(), on_page.len());
}

#[test]
fn a_table_over_pages_repeats_its_header() {
    let rows = (0..120).map(|i| vec![format!("第{i}村卫生室").into(), i.into()]).collect();
    let table = Table {
        title: Text::same("表1"),
        columns: vec![Column::new("who", "机构名称", "institution", Kind::Text), Column::new("n", "人次", "cases", Kind::Integer)],
        rows,
        ..Table::default()
    };
    let pages = lay_out(&document(vec![Block::Table(table)]), Lang::Zh, &fonts()).pages;
    assert!(pages.len() >= 3, "{}", pages.len());
    for (i, page) in pages.iter().enumerate() {
        let has = |wanted: &str| page.iter().any(|(_, op)| matches!(op, Op::Text { text, .. } if text == wanted));
        assert!(has("机构名称"), "page {i}");
        assert!(has(&format!("— {} / {} —", i + 1, pages.len())), "page {i}");
        for (_, op) in page {
            if let Op::Text { x, y, text, .. } = op {
                assert!((LEFT - 0.01..RIGHT).contains(x) && (30.0..HEIGHT - 20.0).contains(y), "page {i}: {text} at {x}, {y}");
            }
        }
    }
}

#[test]
fn what_no_font_has_is_marked_and_named() {
    let odd = "名\u{1f600}字\u{0}\u{e000}";
    let pages = lay_out(&document(vec![Block::Paragraph(Text::same(odd))]), Lang::Zh, &fonts()).pages;
    let texts: Vec<&str> = pages
        .iter()
        .flatten()
        .filter_map(|(_, op)| match op {
            Op::Text { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert!(texts.iter().any(|t| t.contains("名〓字")), "{texts:?}");
    assert!(texts.iter().any(|t| t.contains("U+1F600")), "{texts:?}");
    assert!(pdf(&document(vec![Block::Paragraph(Text::same(odd))]), Lang::Zh, &fonts()).is_ok());
}

#[test]
fn the_same_document_gives_the_same_bytes() {
    let document = document(vec![Block::Chart(chart()), Block::Notes(vec![Text::same("说明")])]);
    let fonts = fonts();
    let bytes = pdf(&document, Lang::Zh, &fonts).unwrap();
    assert!(bytes.starts_with(b"%PDF-1.7"));
    assert_eq!(bytes, pdf(&document, Lang::Zh, &fonts).unwrap());
}

#[test]
fn without_a_font_it_is_said_what_to_install() {
    let Err(fault) = Fonts::load(Some(std::path::Path::new("/nowhere/font.ttf"))) else { panic!("a font from nowhere") };
    assert!(fault.text().zh.contains("/nowhere/font.ttf"));
    assert!(Fault::NoFont(vec![]).text().zh.contains("fonts-noto-cjk"));
}
