//! Writes the invented county's quarterly report in every form into a directory, for looking at:
//! `cargo run -p hutong-console --features fake --example bulletin -- DIR`.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a tool for developers may stop

use std::path::PathBuf;

use hutong_paper::{Fonts, Lang, csv, html_page, ndjson, pdf, terminal, xlsx};

fn main() {
    let dir = PathBuf::from(std::env::args().nth(1).expect("a directory"));
    let document = hutong_console::fake::bulletin("2026Q3");
    let fonts = Fonts::load(None).unwrap_or_else(|fault| panic!("{fault}"));
    for (lang, name) in [(Lang::Zh, "zh"), (Lang::En, "en")] {
        let write = |ending: &str, bytes: Vec<u8>| std::fs::write(dir.join(format!("bulletin-{name}.{ending}")), bytes).unwrap();
        write("pdf", pdf(&document, lang, &fonts).unwrap_or_else(|fault| panic!("{fault}")));
        write("xlsx", xlsx(&document, lang).unwrap_or_else(|fault| panic!("{fault}")));
        write("html", html_page(&document, lang).into_bytes());
        write("csv", csv(&document, lang).into_bytes());
        write("ndjson", ndjson(&document, lang).into_bytes());
        write("txt", terminal(&document, lang, None).into_bytes());
    }
}
