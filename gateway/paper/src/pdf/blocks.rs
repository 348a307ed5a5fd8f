//! The blocks of a document, as a government bulletin is set: red title, 宋体 for text, 黑体 for tables and figures.

use super::flow::{BLUE, Flow, INK, LEFT, MUTED, Op, RED, RIGHT, RULE, Style, TINT};
use super::font::Face;
use super::structure::{Place, Role};
use super::table;
use crate::chart::Mark;
use crate::document::{Align, Block, Chart, Document, Figure};
use crate::terminal::colon;
use crate::text::{Lang, Text};

const TITLE: Style = Style { face: Face::Title, size: 23.0, colour: RED, leading: 33.0 };
const SUBTITLE: Style = Style { face: Face::Body, size: 12.0, colour: INK, leading: 19.0 };
const META: Style = Style { face: Face::Sans, size: 8.5, colour: MUTED, leading: 13.0 };
const CHAPTER: Style = Style { face: Face::Strong, size: 14.0, colour: INK, leading: 24.0 };
const SECTION: Style = Style { face: Face::Strong, size: 11.5, colour: INK, leading: 20.0 };
const BODY: Style = Style { face: Face::Body, size: 11.0, colour: INK, leading: 19.5 };
const NOTE: Style = Style { face: Face::Body, size: 10.0, colour: INK, leading: 16.5 };
const CONTENTS: Style = Style { face: Face::Body, size: 10.5, colour: INK, leading: 17.0 };
pub(super) const CAPTION: Style = Style { face: Face::Strong, size: 10.0, colour: INK, leading: 17.0 };
pub(super) const SMALL: Style = Style { face: Face::Sans, size: 8.5, colour: MUTED, leading: 13.0 };

/// Units of a drawing over the width of the text: its labels come out at about 8.5 points.
const CHART_WIDTH: f64 = 665.0;

pub(super) fn title(flow: &mut Flow<'_>, document: &Document) {
    let lang = flow.lang;
    let title = document.title.of(lang);
    flow.part(Role::Heading(1, title.to_owned()), |flow| flow.paragraph(title, TITLE, LEFT, 0.0, Align::Centre));
    if !document.subtitle.is_empty() {
        flow.y += 4.0;
        flow.part(Role::Paragraph, |flow| flow.paragraph(document.subtitle.of(lang), SUBTITLE, LEFT, 0.0, Align::Centre));
    }
    flow.y += 6.0;
    for (offset, width) in [(0.0, 2.2), (3.4, 0.7)] {
        let y = flow.y + offset;
        flow.decorate(Op::Line { points: vec![(LEFT, y), (RIGHT, y)], width, colour: RED, dash: 0.0 });
    }
    flow.y += 12.0;
    let lines = document.meta.lines(lang);
    let measured = lines.iter().map(|(label, _)| flow.fonts.width(META.face, label, META.size)).fold(0.0, f32::max);
    for (label, value) in &lines {
        flow.part(Role::Paragraph, |flow| {
            flow.need(META.leading);
            let baseline = flow.y + META.leading * 0.5 + META.size * 0.36;
            flow.text(LEFT, baseline, &format!("{label}{}", colon(lang)), META, Align::Left);
            flow.paragraph(value, META, LEFT + measured + META.size * 1.2, 0.0, Align::Left);
        });
    }
    flow.y += 8.0;
}

/// The chapters with their pages, as the layout before this one found them.
pub(super) fn contents(flow: &mut Flow<'_>, places: &[Place]) {
    let lang = flow.lang;
    let title = if lang == Lang::Zh { "目录" } else { "Contents" };
    flow.part(Role::Paragraph, |flow| flow.paragraph(title, SECTION, LEFT, 0.0, Align::Left));
    flow.part(Role::Contents, |flow| {
        for place in places.iter().filter(|p| p.level <= 1) {
            flow.part(Role::ContentsLine, |flow| {
                let baseline = flow.y + CONTENTS.leading * 0.5 + CONTENTS.size * 0.36;
                let used = flow.text(LEFT + 10.0, baseline, &place.text, CONTENTS, Align::Left);
                let number = (place.page + 1).to_string();
                let wide = flow.text(RIGHT, baseline, &number, CONTENTS, Align::Right);
                let (from, to) = (LEFT + 16.0 + used, RIGHT - wide - 6.0);
                if to > from {
                    flow.decorate(Op::Line {
                        points: vec![(from, baseline - 2.0), (to, baseline - 2.0)],
                        width: 0.8,
                        colour: RULE,
                        dash: 1.6,
                    });
                }
            });
            flow.y += CONTENTS.leading;
        }
    });
    flow.y += 8.0;
}

pub(super) fn all(flow: &mut Flow<'_>, blocks: &[Block]) {
    for (i, block) in blocks.iter().enumerate() {
        match block {
            Block::Heading(level, text) => {
                let style = if *level <= 1 { CHAPTER } else { SECTION };
                let follows = least(flow, blocks.get(i + 1..).unwrap_or_default());
                flow.y += 7.0;
                flow.need(style.leading + follows);
                let text = text.of(flow.lang);
                flow.mark_heading(*level, text);
                let role = Role::Heading(u16::from(*level) + 1, text.to_owned());
                flow.part(role, |flow| flow.paragraph(text, style, LEFT, 0.0, Align::Left));
                flow.y += 2.0;
            }
            Block::Paragraph(text) => {
                let (text, indent) = (text.of(flow.lang), if flow.lang == Lang::Zh { BODY.size * 2.0 } else { 0.0 });
                flow.part(Role::Paragraph, |flow| flow.paragraph(text, BODY, LEFT, indent, Align::Left));
                flow.y += 3.0;
            }
            Block::Notes(all) => flow.part(Role::Notes, |flow| notes(flow, all)),
            Block::Table(one) => table::table(flow, one),
            Block::Chart(one) => chart(flow, one),
            Block::Figures(all) => figures(flow, all),
            Block::PageBreak => flow.new_page(),
        }
    }
}

fn notes(flow: &mut Flow<'_>, notes: &[Text]) {
    for (i, note) in notes.iter().enumerate() {
        flow.part(Role::Note, |flow| {
            flow.need(NOTE.leading * 2.0);
            let (y, text) = (flow.y + NOTE.leading * 0.5 + NOTE.size * 0.36, note.of(flow.lang));
            flow.part(Role::Number, |flow| {
                flow.text(LEFT + 14.0, y, &format!("{}.", i + 1), NOTE, Align::Right);
            });
            flow.part(Role::Body, |flow| flow.paragraph(text, NOTE, LEFT + 20.0, 0.0, Align::Left));
        });
        flow.y += 2.0;
    }
}

/// What of the blocks below a heading must stand on its page: further headings, and the beginning of what they head.
fn least(flow: &Flow<'_>, blocks: &[Block]) -> f32 {
    let headings = blocks.iter().take_while(|b| matches!(b, Block::Heading(..))).count();
    let first = match blocks.get(headings) {
        Some(Block::Chart(chart)) => chart_height(flow, chart) + 20.0,
        Some(Block::Figures(_)) => CARD + GAP,
        Some(Block::Table(_)) => 110.0,
        Some(Block::Paragraph(_) | Block::Notes(_)) => BODY.leading * 2.0,
        _ => 0.0,
    };
    first + headings as f32 * (SECTION.leading + 9.0)
}

fn scale() -> f32 {
    (RIGHT - LEFT) / CHART_WIDTH as f32
}

fn chart_height(flow: &Flow<'_>, chart: &Chart) -> f32 {
    chart.draw(CHART_WIDTH, flow.lang).height as f32 * scale() + CAPTION.leading + SMALL.leading * 2.0 + 16.0
}

/// The chart's marks, the same as in SVG, scaled to the column.
fn chart(flow: &mut Flow<'_>, chart: &Chart) {
    let lang = flow.lang;
    flow.y += 6.0;
    flow.need(chart_height(flow, chart));
    flow.part(Role::Paragraph, |flow| flow.paragraph(chart.title.of(lang), CAPTION, LEFT, 0.0, Align::Left));
    flow.y += 3.0;
    let (drawing, scale, top) = (chart.draw(CHART_WIDTH, lang), scale(), flow.y);
    let seen = [chart.title.of(lang), chart.summary.of(lang)].join(if lang == Lang::Zh { "。" } else { ". " });
    flow.part(Role::Figure(seen), |flow| drawing.marks.iter().for_each(|mark| place(flow, mark, top, scale)));
    flow.y += drawing.height as f32 * scale + 2.0;
    if !chart.summary.is_empty() {
        flow.part(Role::Paragraph, |flow| flow.paragraph(chart.summary.of(lang), SMALL, LEFT, 0.0, Align::Left));
    }
    flow.y += 6.0;
}

fn place(flow: &mut Flow<'_>, mark: &Mark, top: f32, scale: f32) {
    let at = |x: f64, y: f64| (LEFT + x as f32 * scale, top + y as f32 * scale);
    match mark {
        Mark::Rect { x, y, width, height, ink } => {
            let ((x, y), width, height) = (at(*x, *y), *width as f32 * scale, *height as f32 * scale);
            flow.push(Op::Rect { x, y, width, height, colour: ink.look().1 });
        }
        Mark::Line { points, ink, width, dash } => {
            let points = points.iter().map(|(x, y)| at(*x, *y)).collect();
            flow.push(Op::Line { points, width: *width as f32 * scale, colour: ink.look().1, dash: *dash as f32 * scale });
        }
        Mark::Hatch { lines, ink, width } => {
            let lines = lines.iter().map(|ends| ends.map(|(x, y)| at(x, y))).collect();
            flow.push(Op::Hatch { lines, width: *width as f32 * scale, colour: ink.look().1 });
        }
        Mark::Dot { x, y, radius, ink } => {
            let (x, y) = at(*x, *y);
            flow.push(Op::Dot { x, y, radius: *radius as f32 * scale, colour: ink.look().1 });
        }
        Mark::Label { x, y, text, size, align, ink } => {
            let (x, y) = at(*x, *y);
            let style = Style { face: Face::Sans, size: *size as f32 * scale, colour: ink.look().1, leading: 0.0 };
            flow.text(x, y, text, style, *align);
        }
    }
}

const CARD: f32 = 62.0;
const GAP: f32 = 10.0;
const CARDS: usize = 3;

/// Big numbers, three a row.
fn figures(flow: &mut Flow<'_>, figures: &[Figure]) {
    let width = (RIGHT - LEFT - GAP * (CARDS as f32 - 1.0)) / CARDS as f32;
    for row in figures.chunks(CARDS) {
        flow.need(CARD + GAP);
        let top = flow.y;
        for (i, figure) in row.iter().enumerate() {
            flow.part(Role::Paragraph, |flow| card(flow, figure, LEFT + (width + GAP) * i as f32, top, width));
        }
        flow.y += CARD + GAP;
    }
}

fn card(flow: &mut Flow<'_>, figure: &Figure, x: f32, top: f32, width: f32) {
    let lang = flow.lang;
    flow.decorate(Op::Rect { x, y: top, width, height: CARD, colour: TINT });
    flow.decorate(Op::Rect { x, y: top, width: 2.5, height: CARD, colour: BLUE });
    let small = |colour| Style { face: Face::Sans, size: 8.5, colour, leading: 0.0 };
    flow.text(x + 11.0, top + 15.0, figure.label.of(lang), small(MUTED), Align::Left);
    let shown = figure.value.shown(lang);
    let mut big = Style { face: Face::Strong, size: 20.0, colour: INK, leading: 0.0 };
    // a long number is set smaller rather than over its card's edge
    let unit = figure.unit.of(lang);
    let wide = flow.fonts.width(Face::Strong, &shown, big.size) + flow.fonts.width(Face::Sans, unit, 8.5) + 26.0;
    if wide > width {
        big.size = (big.size * width / wide).max(9.0);
    }
    let used = flow.text(x + 11.0, top + 37.0, &shown, big, Align::Left);
    flow.text(x + 11.0 + used + 4.0, top + 37.0, unit, small(MUTED), Align::Left);
    flow.text(x + 11.0, top + 53.0, figure.note.of(lang), small(MUTED), Align::Left);
}

/// A thin line over the width of the text.
pub(super) fn rule(flow: &mut Flow<'_>, width: f32, heavy: bool) {
    let (y, colour) = (flow.y, if heavy { INK } else { RULE });
    flow.decorate(Op::Line { points: vec![(LEFT, y), (RIGHT, y)], width, colour, dash: 0.0 });
}
