//! A document as tagged PDF/A-2a and PDF/UA-1: outline, contents, header and page numbers, tables over pages, charts from the same marks as the page's SVG.
//!
//! First everything is laid out as marks on pages (`flow`, `blocks`, `table`), then the pages are drawn, when it is known how
//! many there are.

mod blocks;
mod flow;
mod font;
mod structure;
mod table;

use krilla::color::rgb;
use krilla::configure::{Accessibility, Archival, ConfigurationBuilder};
use krilla::geom::{Path, PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke, StrokeDash};
use krilla::surface::Surface;
use krilla::tagging::{Artifact, ArtifactType, ContentTag, SpanTag};
use krilla::text::TextDirection;
use krilla::{Document as Pdf, SerializeSettings};

use crate::document::Document;
use crate::fault::Fault;
use crate::text::Lang;
use crate::value::moment;
use flow::{BOTTOM, Colour, Flow, HEIGHT, LEFT, LaidOut, Op, RIGHT, WIDTH};
use font::Face;
pub use font::Fonts;
use structure::{DECORATION, Place};

/// A document of so many pages begins with a table of contents.
const CONTENTS_FROM: usize = 6;

/// The document's bytes; the same document with the same fonts gives the same bytes.
pub fn pdf(document: &Document, lang: Lang, fonts: &Fonts) -> Result<Vec<u8>, Fault> {
    let LaidOut { pages, mut structure, places } = lay_out(document, lang, fonts);
    let refused = |why: String| Fault::Refused(why);
    let configured = ConfigurationBuilder::new().with_archival_validator(Archival::A2_A).with_accessibility_validator(Accessibility::UA1);
    let configuration = configured.finish().map_err(|e| refused(format!("{e:?}")))?;
    let mut out = Pdf::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
    out.set_metadata(
        Metadata::new()
            .title(document.name(lang))
            .description(document.meta.period.of(lang).to_owned())
            .creator("hutong".to_owned())
            .language(lang.tag().to_owned())
            .creation_date(date(document.meta.made_at_us)),
    );
    for ops in &pages {
        let settings = PageSettings::from_wh(WIDTH, HEIGHT).ok_or_else(|| refused("page size".to_owned()))?;
        let mut page = out.start_page_with(settings);
        let mut surface = page.surface();
        for run in ops.chunk_by(|(a, _), (b, _)| a == b) {
            let part = run.first().map_or(DECORATION, |(part, _)| *part);
            let is_text = run.iter().all(|(_, op)| matches!(op, Op::Text { .. }));
            let mark = surface.start_tagged(match part {
                DECORATION => ContentTag::Artifact(Artifact::with_kind(ArtifactType::Layout)),
                _ if is_text => ContentTag::Span(SpanTag::empty()),
                _ => ContentTag::Other,
            });
            run.iter().for_each(|(_, op)| draw(&mut surface, op, fonts));
            surface.end_tagged();
            if part != DECORATION {
                structure.drawn(part, mark);
            }
        }
        surface.finish();
        page.finish();
    }
    out.set_outline(structure::outline(&places, LEFT));
    out.set_tag_tree(structure.tree(lang.tag()));
    // the error of a validation names fonts and glyphs, not the texts
    out.finish().map_err(|error| refused(format!("{error}: {error:?}").chars().take(400).collect()))
}

/// The marks of every page, header and foot included. Of a long document twice: once to learn its chapters' pages.
fn lay_out(document: &Document, lang: Lang, fonts: &Fonts) -> LaidOut {
    let once = |contents: Option<&[Place]>| {
        let mut flow = Flow::new(fonts, lang);
        blocks::title(&mut flow, document);
        if let Some(places) = contents {
            blocks::contents(&mut flow, places);
        }
        blocks::all(&mut flow, &document.blocks);
        flow.finish()
    };
    let mut out = once(None);
    let is_long = out.pages.len() >= CONTENTS_FROM && !out.places.is_empty();
    if is_long {
        // the contents move what follows them, but take the same room whatever they say
        let moved = once(Some(&out.places));
        out = once(Some(&moved.places));
    }
    edges(&mut out.pages, document, lang, fonts);
    out
}

/// Header, page number, and which characters no font had.
fn edges(pages: &mut [Vec<(usize, Op)>], document: &Document, lang: Lang, fonts: &Fonts) {
    let title = document.title.of(lang).to_owned();
    let period = document.subtitle.of(lang).to_owned();
    let lacking = fonts.lacking();
    let count = pages.len();
    for (i, ops) in pages.iter_mut().enumerate() {
        let mut edge = |x: f32, y: f32, text: &str, right: bool| {
            let text = fonts.clean(Face::Sans, text);
            let x = if right { x - fonts.width(Face::Sans, &text, 8.5) } else { x };
            if !text.is_empty() {
                ops.push((DECORATION, Op::Text { x, y, text, size: 8.5, face: Face::Sans, colour: flow::MUTED }));
            }
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
            ops.push((DECORATION, Op::Line { points: vec![(LEFT, 50.0), (RIGHT, 50.0)], width: 0.5, colour: flow::RULE, dash: 0.0 }));
        }
    }
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
        Op::Line { points, width, colour, dash } => {
            let dash = (*dash > 0.0).then(|| StrokeDash { array: vec![*dash, *dash], offset: 0.0 });
            strokes(surface, line(points), *width, *colour, dash);
        }
        Op::Hatch { lines, width, colour } => strokes(surface, apart(lines), *width, *colour, None),
        Op::Dot { x, y, radius, colour } => {
            let Some(path) = circle(*x, *y, *radius) else { return };
            surface.set_stroke(None);
            surface.set_fill(fill(*colour));
            surface.draw_path(&path);
        }
    }
}

fn strokes(surface: &mut Surface<'_>, path: Option<Path>, width: f32, colour: Colour, dash: Option<StrokeDash>) {
    let Some(path) = path else { return };
    surface.set_fill(None);
    surface.set_stroke(Some(Stroke { paint: paint(colour).into(), width, dash, ..Stroke::default() }));
    surface.draw_path(&path);
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

fn apart(lines: &[[(f32, f32); 2]]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for [(x, y), (to_x, to_y)] in lines {
        path.move_to(*x, *y);
        path.line_to(*to_x, *to_y);
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
