//! A document as HTML: semantic tables, charts as SVG. As a fragment for the console, or as a page of its own.

use crate::document::{Align, Block, Chart, Document, Figure, Table};
use crate::markup::Html;
use crate::svg::svg;
use crate::text::{Lang, Text};
use crate::value::Value;

/// What a fragment needs of a style sheet, with the colours of both themes.
pub const STYLE: &str = include_str!("paper.css");

/// Widths at which a chart is drawn: for a column of text, and for a phone. The style sheet shows one of two.
const WIDE: f64 = 720.0;
const NARROW: f64 = 330.0;
/// Rows of a table that stands whole on a printed page.
const SHORT: usize = 14;

/// The document as one `<article>`, with its title as `<h1>`.
pub fn html(document: &Document, lang: Lang) -> Html {
    let mut html = Html::default();
    html.node("article", &[("class", "paper"), ("lang", lang.tag())], |article| {
        article.node("header", &[("class", "paper-head")], |head| {
            head.leaf("h1", &[], document.title.of(lang));
            if !document.subtitle.is_empty() {
                head.leaf("p", &[("class", "subtitle")], document.subtitle.of(lang));
            }
            meta(head, document, lang);
        });
        for block in &document.blocks {
            write(article, block, lang);
        }
    });
    html
}

/// The document as a file that needs nothing beside it.
pub fn html_page(document: &Document, lang: Lang) -> String {
    let mut page = Html::default();
    page.trusted("<!doctype html>\n");
    page.node("html", &[("lang", lang.tag())], |html| {
        html.node("head", &[], |head| {
            head.open("meta", &[("charset", "utf-8")]);
            head.open("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
            head.leaf("title", &[], &document.name(lang));
            head.node("style", &[], |style| style.trusted(STYLE));
        });
        html.node("body", &[], |body| {
            let article = self::html(document, lang);
            body.node("main", &[], |main| main.push(&article));
        });
    });
    page.into_string()
}

fn meta(head: &mut Html, document: &Document, lang: Lang) {
    let lines = document.meta.lines(lang);
    if lines.is_empty() {
        return;
    }
    head.node("dl", &[("class", "meta")], |list| {
        for (label, value) in &lines {
            list.node("div", &[], |pair| {
                pair.leaf("dt", &[], label);
                pair.leaf("dd", &[], value);
            });
        }
    });
}

fn write(html: &mut Html, block: &Block, lang: Lang) {
    match block {
        Block::Heading(level, text) => html.leaf(if *level <= 1 { "h2" } else { "h3" }, &[], text.of(lang)),
        Block::Paragraph(text) => html.leaf("p", &[], text.of(lang)),
        Block::Notes(notes) => html.node("ol", &[("class", "notes")], |list| {
            for note in notes {
                list.leaf("li", &[], note.of(lang));
            }
        }),
        Block::Table(one) => table(html, one, lang),
        Block::Chart(one) => chart(html, one, WIDE, lang),
        Block::Figures(all) => figures(html, all, lang),
        Block::PageBreak => html.open("hr", &[("class", "page-break")]),
    }
}

/// Big numbers side by side.
pub fn figures(html: &mut Html, figures: &[Figure], lang: Lang) {
    html.node("dl", &[("class", "figures")], |list| {
        for figure in figures {
            list.node("div", &[("class", "figure")], |one| {
                one.leaf("dt", &[], figure.label.of(lang));
                one.node("dd", &[], |dd| {
                    dd.leaf("span", &[("class", "number")], &figure.value.shown(lang));
                    dd.text(" ");
                    dd.leaf("span", &[("class", "unit")], figure.unit.of(lang));
                });
                if !figure.note.is_empty() {
                    one.leaf("dd", &[("class", "note")], figure.note.of(lang));
                }
            });
        }
    });
}

/// A chart with its title above and what one sees in it below; `wide`: about the width that it will have, so that its labels
/// come out as they are.
pub fn chart(html: &mut Html, chart: &Chart, wide: f64, lang: Lang) {
    html.node("figure", &[("class", "chart")], |figure| {
        figure.leaf("figcaption", &[], chart.title.of(lang));
        let name = if chart.summary.is_empty() { &chart.title } else { &chart.summary };
        figure.push(&svg(&chart.draw(wide, lang), name.of(lang), "wide"));
        figure.push(&svg(&chart.draw(NARROW, lang), name.of(lang), "narrow"));
        if !chart.summary.is_empty() {
            figure.leaf("p", &[("class", "summary")], chart.summary.of(lang));
        }
    });
}

/// A table that may be wider than the screen: it scrolls by itself, also by keyboard.
pub fn table(html: &mut Html, table: &Table, lang: Lang) {
    let table = &*table.for_people();
    let title = table.title.of(lang);
    let name = if title.is_empty() { table.key.as_str() } else { title };
    // a short one is not parted on paper
    let scroll = if table.rows.len() <= SHORT { "scroll short" } else { "scroll" };
    html.node("div", &[("class", scroll), ("role", "region"), ("tabindex", "0"), ("aria-label", name)], |scroll| {
        scroll.node("table", &[], |t| {
            if !title.is_empty() {
                t.leaf("caption", &[], title);
            }
            t.node("thead", &[], |head| {
                head.node("tr", &[], |tr| {
                    for column in &table.columns {
                        tr.leaf("th", &[("scope", "col"), ("class", class(column.align()))], column.title.of(lang));
                    }
                });
            });
            t.node("tbody", &[], |body| table.rows.iter().for_each(|values| row(body, table, values, lang)));
            if let Some(totals) = &table.totals {
                t.node("tfoot", &[], |foot| row(foot, table, totals, lang));
            }
        });
    });
    footnotes(html, &table.footnotes, lang);
}

fn row(html: &mut Html, table: &Table, values: &[Value], lang: Lang) {
    html.node("tr", &[], |tr| {
        for (i, column) in table.columns.iter().enumerate() {
            let value = values.get(i).unwrap_or(&Value::Empty);
            let class = class(column.align());
            if i == 0 {
                tr.leaf("th", &[("scope", "row"), ("class", class)], &value.shown(lang));
            } else {
                tr.leaf("td", &[("class", class)], &value.shown(lang));
            }
        }
    });
}

fn class(align: Align) -> &'static str {
    match align {
        Align::Left => "left",
        Align::Centre => "centre",
        Align::Right => "right",
    }
}

fn footnotes(html: &mut Html, notes: &[Text], lang: Lang) {
    for note in notes {
        html.leaf("p", &[("class", "footnote")], note.of(lang));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Column, Goal, Kind, Shape};

    #[test]
    fn tables_have_captions_and_scopes_and_charts_have_names() {
        let document = Document {
            title: Text::new("通报", "Bulletin"),
            blocks: vec![
                Block::Heading(1, Text::same("一、总体情况")),
                Block::Table(Table {
                    title: Text::same("表1"),
                    columns: vec![Column::new("who", "机构", "institution", Kind::Text), Column::new("n", "人次", "cases", Kind::Integer)],
                    rows: vec![vec!["<script>alert(1)</script>".into(), 1200.into()]],
                    totals: Some(vec!["合计".into(), 1200.into()]),
                    ..Table::default()
                }),
                Block::Chart(Chart {
                    title: Text::same("图1"),
                    summary: Text::same("影像 50 / 100"),
                    unit: Text::default(),
                    shape: Shape::Progress(vec![Goal { label: Text::same("影像"), value: 50.0, target: Some(100.0) }]),
                }),
            ],
            ..Document::default()
        };
        let page = html_page(&document, Lang::Zh);
        for part in [
            "<html lang=\"zh-CN\">",
            "<h1>通报</h1>",
            "<h2>一、总体情况</h2>",
            "<caption>表1</caption>",
            "<th scope=\"col\" class=\"right\">人次</th>",
            "<th scope=\"row\" class=\"left\">&lt;script&gt;alert(1)&lt;/script&gt;</th><td class=\"right\">1,200</td>",
            "<tfoot><tr><th scope=\"row\" class=\"left\">合计</th>",
            "role=\"img\" font-family=\"sans-serif\"><title>影像 50 / 100</title>",
            "class=\"narrow\" viewBox=\"0 0 330 42\"",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
        assert!(!page.contains("<script"));
        assert!(!page.contains(" style="), "a strict policy of content forbids style attributes");
    }
}
