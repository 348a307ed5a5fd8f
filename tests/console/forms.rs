//! The quarterly report in every form, read by other programs than ours.

use std::io::Cursor;
use std::path::Path;
use std::process::Command;

use calamine::{Reader, Xlsx};
use hutong_console::fake::bulletin;
use hutong_paper::{Fonts, Lang, csv, ndjson, pdf, xlsx};

pub(super) fn tool(name: &str, arguments: &[&str]) -> String {
    let out = Command::new(name).args(arguments).output();
    let out = out.unwrap_or_else(|_| panic!("{name} is not installed: run tests/run, or apt-get install poppler-utils"));
    assert!(out.status.success(), "{name}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// Text as one reads it: line breaks of the layout do not count.
fn flat(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn the_pdf_is_text_in_embedded_chinese_fonts() {
    let fonts = Fonts::load(None).unwrap_or_else(|fault| panic!("{fault}"));
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bulletin.pdf");
    std::fs::write(&path, pdf(&bulletin("2026Q3"), Lang::Zh, &fonts).unwrap()).unwrap();
    let path = path.to_str().unwrap();
    let text = flat(&tool("pdftotext", &["-layout", path, "-"]));
    for wanted in ["清江县紧密型县域医共体季度通报", "㐱、䶮、𬭎、𫖯", "412,830.50", "表3主要核心绩效指标对照", "日志位置：1284077", "—1/"]
    {
        assert!(text.contains(wanted), "{wanted} is not in {text}");
    }
    let listed = tool("pdffonts", &[path]);
    let lines: Vec<&str> = listed.lines().skip(2).collect();
    assert!(!lines.is_empty());
    for line in lines {
        // emb sub uni: embedded, a subset, and with a way back to Unicode
        assert_eq!(line.matches(" yes").count(), 3, "{line}");
    }
    let info = tool("pdfinfo", &[path]);
    assert!(info.contains("(A4)"), "{info}");
    assert!(flat(&info).contains("Tagged:yes"), "{info}");
    // the tree that a screen reader follows
    let tree = tool("pdfinfo", &["-struct", path]);
    for part in ["H1", "H2", "Table", "TH", "TD", "Figure", "LBody"] {
        assert!(tree.lines().any(|l| l.split_whitespace().next().is_some_and(|t| t.trim_end_matches(':') == part)), "no {part} in {tree}");
    }
    let declared = flat(&tool("pdfinfo", &["-meta", path]));
    for part in ["<pdfaid:part>2<", "<pdfaid:conformance>A<", "<pdfuaid:part>1<"] {
        assert!(declared.contains(part), "{part} is not in {declared}");
    }
}

#[test]
fn all_forms_say_the_same_figures() {
    let document = bulletin("2026Q3");
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(xlsx(&document, Lang::Zh).unwrap())).unwrap();
    let sheet = book.worksheet_range("表1 各检查机构完成情况").unwrap();
    let row: Vec<String> = sheet.rows().nth(1).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(row, ["柳溪中心卫生院", "8412", "5888", "14517", "9000", "0.934", "0.064"]);
    assert!(csv(&document, Lang::Zh).contains("柳溪中心卫生院,8412,5888,14517,9000,93.4%,6.4%\r\n"));
    let lines = ndjson(&document, Lang::Zh);
    let line = lines.lines().next().unwrap();
    assert_eq!(
        line,
        r#"{"table":"institutions","institution":"柳溪中心卫生院","cases":8412,"persons":5888,"all4":14517,"target":9000,"share":93.4,"change":6.4}"#
    );
}
