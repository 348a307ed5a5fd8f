//! A document as PDF/A-2u: header and page numbers, tables over pages, charts from the same marks as the page's SVG.
//!
//! First everything is laid out as marks on pages (`flow`, `blocks`, `table`), then the pages are drawn, when it is known how
//! many there are.

mod blocks;
mod flow;
mod font;
mod lines;
mod table;

use krilla::color::rgb;
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::geom::{Path, PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::text::TextDirection;
use krilla::{Document as Pdf, SerializeSettings};

use crate::document::Document;
use crate::fault::Fault;
use crate::text::Lang;
use crate::value::moment;
use flow::{BOTTOM, Colour, Flow, HEIGHT, LEFT, Op, RIGHT, WIDTH};
use font::Face;
pub use font::Fonts;

/// The document's bytes; the same document with the same fonts gives the same bytes.
pub fn pdf(document: &Document, lang: Lang, fonts: &Fonts) -> Result<Vec<u8>, Fault> {
    let pages = lay_out(document, lang, fonts);
    let refused = |why: String| Fault::Refused(why);
    let archive = ConfigurationBuilder::new().with_archival_validator(Archival::A2_U).finish().map_err(|e| refused(format!("{e:?}")))?;
    let mut out = Pdf::new_with(SerializeSettings { configuration: archive, ..SerializeSettings::default() });
    out.set_metadata(
        Metadata::new()
            .title(document.title.of(lang).to_owned())
            .description(document.meta.period.of(lang).to_owned())
            .creator("hutong".to_owned())
            .language(lang.tag().to_owned())
            .creation_date(date(document.meta.made_at_us)),
    );
    for ops in pages {
        let settings = PageSettings::from_wh(WIDTH, HEIGHT).ok_or_else(|| refused("page size".to_owned()))?;
        let mut page = out.start_page_with(settings);
        let mut surface = page.surface();
        ops.iter().for_each(|op| draw(&mut surface, op, fonts));
        surface.finish();
        page.finish();
    }
    // the error of a validation names fonts and glyphs, not the texts
    out.finish().map_err(|error| refused(format!("{error}: {error:?}").chars().take(400).collect()))
}

/// The marks of every page, header and foot included.
fn lay_out(document: &Document, lang: Lang, fonts: &Fonts) -> Vec<Vec<Op>> {
    let mut flow = Flow::new(fonts, lang);
    blocks::title(&mut flow, document);
    blocks::all(&mut flow, &document.blocks);
    let title = document.title.of(lang).to_owned();
    let period = document.meta.period.of(lang).to_owned();
    let lacking = fonts.lacking();
    let mut pages = flow.finish();
    let count = pages.len();
    for (i, ops) in pages.iter_mut().enumerate() {
        let mut edge = |x: f32, y: f32, text: &str, right: bool| {
            let text = fonts.clean(Face::Sans, text);
            let x = if right { x - fonts.width(Face::Sans, &text, 8.5) } else { x };
            ops.push(Op::Text { x, y, text, size: 8.5, face: Face::Sans, colour: flow::MUTED });
        };
        if i > 0 {
            edge(LEFT, 44.0, &title, false);
            edge(RIGHT, 44.0, &period, true);
        }
        let number = format!("— {} / {count} —", i + 1);
        let half = fonts.width(Face::Sans, &number, 8.5) / 2.0;
        edge(WIDTH / 2.0 - half, BOTTOM + 34.0, &number, false);
        if i + 1 == count && !lacking.is_empty() {
            let what = if lang == Lang::Zh { "〓：字体中没有的字符 " } else { "〓: characters that the font lacks: " };
            edge(LEFT, BOTTOM + 20.0, &format!("{what}{}", lacking.join(" ")), false);
        }
        if i > 0 {
            ops.push(Op::Line { points: vec![(LEFT, 50.0), (RIGHT, 50.0)], width: 0.5, colour: flow::RULE });
        }
    }
    pages
}

fn date(us: i64) -> DateTime {
    let text = moment(us);
    let part = |from: usize, to: usize| text.get(from..to).and_then(|t| t.parse::<u16>().ok()).unwrap_or_default();
    let small = |from: usize, to: usize| u8::try_from(part(from, to)).unwrap_or_default();
    let day = DateTime::new(part(0, 4)).month(small(5, 7)).day(small(8, 10)).hour(small(11, 13)).minute(small(14, 16)).second(0);
    day.utc_offset_hour(8).utc_offset_minute(0)
}

fn draw(surface: &mut Surface<'_>, op: &Op, fonts: &Fonts) {
    let fill = |colour: Colour| Some(Fill { paint: paint(colour).into(), opacity: NormalizedF32::ONE, ..Fill::default() });
    match op {
        Op::Text { x, y, text, size, face, colour } => {
            surface.set_stroke(None);
            surface.set_fill(fill(*colour));
            surface.draw_text(Point::from_xy(*x, *y), fonts.font(*face), *size, text, false, TextDirection::LeftToRight);
        }
        Op::Rect { x, y, width, height, colour } => {
            let Some(path) = rect(*x, *y, *width, *height) else { return };
            surface.set_stroke(None);
            surface.set_fill(fill(*colour));
            surface.draw_path(&path);
        }
        Op::Line { points, width, colour } => {
            let Some(path) = line(points) else { return };
            surface.set_fill(None);
            surface.set_stroke(Some(Stroke { paint: paint(*colour).into(), width: *width, ..Stroke::default() }));
            surface.draw_path(&path);
        }
        Op::Dot { x, y, radius, colour } => {
            let Some(path) = circle(*x, *y, *radius) else { return };
            surface.set_stroke(None);
            surface.set_fill(fill(*colour));
            surface.draw_path(&path);
        }
    }
}

fn paint(colour: Colour) -> rgb::Color {
    let [_, red, green, blue] = colour.to_be_bytes();
    rgb::Color::new(red, green, blue)
}

fn rect(x: f32, y: f32, width: f32, height: f32) -> Option<Path> {
    let mut path = PathBuilder::new();
    path.push_rect(Rect::from_xywh(x, y, width.max(0.01), height.max(0.01))?);
    path.finish()
}

fn line(points: &[(f32, f32)]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (i, (x, y)) in points.iter().enumerate() {
        if i == 0 { path.move_to(*x, *y) } else { path.line_to(*x, *y) }
    }
    path.finish()
}

/// Four Bézier curves.
fn circle(x: f32, y: f32, r: f32) -> Option<Path> {
    let k = r * 0.552_285;
    let mut path = PathBuilder::new();
    path.move_to(x + r, y);
    path.cubic_to(x + r, y + k, x + k, y + r, x, y + r);
    path.cubic_to(x - k, y + r, x - r, y + k, x - r, y);
    path.cubic_to(x - r, y - k, x - k, y - r, x, y - r);
    path.cubic_to(x + k, y - r, x + r, y - k, x + r, y);
    path.close();
    path.finish()
}

#[cfg(test)]
mod tests;
