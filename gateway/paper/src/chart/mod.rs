//! A chart as a list of marks: computed once for a width, then drawn alike as SVG and in PDF.

mod axis;
mod bars;
mod line;
mod progress;

use crate::document::{Align, Chart, Series, Shape};
use crate::terminal;
use crate::text::{Lang, Text};
use crate::value::thousands;

/// Units are those of SVG at its own size: CSS pixels, in PDF scaled to the column.
#[derive(Clone, PartialEq, Debug)]
pub struct Drawing {
    pub width: f64,
    pub height: f64,
    /// Later ones lie upon earlier ones.
    pub marks: Vec<Mark>,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Mark {
    Rect {
        x: f64,
        y: f64,
        width: f64,
        height: f64,
        ink: Ink,
    },
    Line {
        points: Vec<(f64, f64)>,
        ink: Ink,
        width: f64,
        /// Length of dashes and of the gaps between them; 0: none.
        dash: f64,
    },
    /// Strokes apart from each other: what fills a bar where colours cannot be told.
    Hatch {
        lines: Vec<[(f64, f64); 2]>,
        ink: Ink,
        width: f64,
    },
    Dot {
        x: f64,
        y: f64,
        radius: f64,
        ink: Ink,
    },
    /// `y` is the baseline.
    Label {
        x: f64,
        y: f64,
        text: String,
        size: f64,
        align: Align,
        ink: Ink,
    },
}

/// What a mark means; colours belong to the page's theme.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ink {
    /// One of the colours of series, counted round.
    Series(usize),
    /// What it is drawn on.
    Paper,
    Text,
    Muted,
    Grid,
    Track,
    Target,
}

/// Colours of series: told apart by those who see no red or green, at least 3:1 on white.
const SERIES: [(&str, u32); 6] =
    [("s0", 0x1f_5fa8), ("s1", 0xc4_6a14), ("s2", 0x2a_8578), ("s3", 0x85_5cab), ("s4", 0xb3_4040), ("s5", 0x6b_7885)];

impl Ink {
    /// Its class in SVG, and its colour on white paper.
    pub(crate) fn look(self) -> (&'static str, u32) {
        match self {
            Ink::Series(i) => SERIES[i % SERIES.len()],
            Ink::Paper => ("paper", 0xff_ffff),
            Ink::Text => ("ink", 0x1d_2733),
            Ink::Muted => ("muted", 0x5a_6775),
            Ink::Grid => ("grid", 0xdd_e3e9),
            Ink::Track => ("track", 0xe8_edf2),
            Ink::Target => ("target", 0xb3_4040),
        }
    }
}

/// The size of labels.
const SIZE: f64 = 12.0;

impl Chart {
    /// The chart for a width, at least 240.
    pub fn draw(&self, width: f64, lang: Lang) -> Drawing {
        let mut drawing = Drawing { width: if width.is_finite() { width.max(240.0) } else { 240.0 }, height: 0.0, marks: Vec::new() };
        let unit = self.unit.of(lang);
        match &self.shape {
            Shape::Bars { categories, series } => bars::draw(&mut drawing, categories, series, false, unit, lang),
            Shape::Stacked { categories, series } => bars::draw(&mut drawing, categories, series, true, unit, lang),
            Shape::Line { categories, series } => line::draw(&mut drawing, categories, series, unit, lang),
            Shape::Progress(goals) => progress::draw(&mut drawing, goals, unit, lang),
        }
        drawing
    }
}

impl Drawing {
    /// Hundredths are enough for any printer, and keep the files small.
    fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, ink: Ink) {
        self.marks.push(Mark::Rect { x: round(x), y: round(y), width: round(width.max(0.0)), height: round(height.max(0.0)), ink });
    }

    /// A bar of a series: solid for the first, hatched in another way for each of the next, so that a black and white
    /// print tells them apart.
    fn bar(&mut self, x: f64, y: f64, width: f64, height: f64, series: usize) {
        self.rect(x, y, width, height, Ink::Series(series));
        let lines = hatch(x, y, width.max(0.0), height.max(0.0), series % SERIES.len());
        if !lines.is_empty() {
            self.marks.push(Mark::Hatch { lines, ink: Ink::Paper, width: 1.3 });
        }
    }

    fn line(&mut self, points: &[(f64, f64)], ink: Ink, width: f64) {
        self.dashed(points, ink, width, 0.0);
    }

    fn dashed(&mut self, points: &[(f64, f64)], ink: Ink, width: f64, dash: f64) {
        self.marks.push(Mark::Line { points: points.iter().map(|(x, y)| (round(*x), round(*y))).collect(), ink, width, dash });
    }

    fn dot(&mut self, x: f64, y: f64, radius: f64, ink: Ink) {
        self.marks.push(Mark::Dot { x: round(x), y: round(y), radius, ink });
    }

    fn label(&mut self, x: f64, y: f64, text: impl Into<String>, align: Align, ink: Ink) {
        self.marks.push(Mark::Label { x: round(x), y: round(y), text: text.into(), size: SIZE, align, ink });
    }

    /// Names of the series, each beside what `sample` draws at a corner, over as many lines as they need; gives
    /// the height.
    fn legend(&mut self, series: &[Series], lang: Lang, sample: impl Fn(&mut Drawing, f64, f64, usize)) -> f64 {
        const LINE: f64 = 20.0;
        let (mut x, mut y) = (0.0, 14.0);
        for (i, one) in series.iter().enumerate() {
            let name = fit(one.name.of(lang), self.width - SAMPLE - 8.0);
            let needs = SAMPLE + 8.0 + measure(&name) + 18.0;
            if x > 0.0 && x + needs > self.width {
                (x, y) = (0.0, y + LINE);
            }
            sample(self, x, y - 10.0, i);
            self.label(x + SAMPLE + 6.0, y, name, Align::Left, Ink::Text);
            x += needs;
        }
        y + 12.0
    }
}

/// How wide a sample in a legend is at most, and how high a bar's is.
const SAMPLE: f64 = 20.0;
const SWATCH: f64 = 11.0;

/// Between strokes.
const STROKES: f64 = 5.0;
/// Strokes of one bar.
const STROKES_MAX: usize = 400;

/// Strokes over a rectangle: slanted, across, upright, slanted the other way; none for the first series and beyond these.
fn hatch(x: f64, y: f64, width: f64, height: f64, series: usize) -> Vec<[(f64, f64); 2]> {
    let over = |length: f64| {
        let count = (length / STROKES).floor().clamp(0.0, STROKES_MAX as f64) as usize;
        (1..=count).map(|n| n as f64 * STROKES).filter(move |at| *at < length - 0.5)
    };
    // where the line `from` below the corner leaves the rectangle to the right and to the left
    let slanted = |from: f64| [((from - height).max(0.0), from.min(height)), (from.min(width), (from - width).max(0.0))];
    let lines: Vec<[(f64, f64); 2]> = match series {
        1 => over(width + height).map(slanted).collect(),
        2 => over(height).map(|at| [(0.0, at), (width, at)]).collect(),
        3 => over(width).map(|at| [(at, 0.0), (at, height)]).collect(),
        4 => over(width + height).map(|at| slanted(at).map(|(dx, dy)| (width - dx, dy))).collect(),
        _ => Vec::new(),
    };
    lines.into_iter().map(|line| line.map(|(dx, dy)| (round(x + dx), round(y + dy)))).collect()
}

fn round(v: f64) -> f64 {
    (v * 100.0).round() / 100.0
}

/// How wide a label is about: no font is at hand here, and the page's differs from the paper's.
fn measure(text: &str) -> f64 {
    text.chars().map(|c| if terminal::width(c.encode_utf8(&mut [0; 4])) == 2 { 1.0 } else { 0.56 }).sum::<f64>() * SIZE
}

/// The text, cut with `…` where it is wider.
fn fit(text: &str, width: f64) -> String {
    if measure(text) <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        out.push(c);
        if measure(&out) + 0.56 * SIZE > width {
            out.pop();
            break;
        }
    }
    out.push('…');
    out
}

/// At most two lines, broken at a blank where there is one.
fn two_lines(text: &str, width: f64) -> Vec<String> {
    if measure(text) <= width {
        return vec![text.to_owned()];
    }
    let mut at = 0;
    let mut blank = None;
    for (i, c) in text.char_indices() {
        if measure(&text[..i + c.len_utf8()]) > width {
            break;
        }
        at = i + c.len_utf8();
        if c == ' ' {
            blank = Some(at);
        }
    }
    let at = blank.unwrap_or(at);
    if at == 0 {
        return vec![fit(text, width)];
    }
    let (first, rest) = text.split_at(at);
    vec![first.trim_end().to_owned(), fit(rest.trim_start(), width)]
}

/// A value as a label: at most two places, none where it is whole.
fn number(v: f64) -> String {
    let text = format!("{v:.2}");
    thousands(text.trim_end_matches('0').trim_end_matches('.'))
}

/// Beyond it nothing is drawn: no figure here is so large, and its label would fill the page.
const VALUE_MAX: f64 = 1e15;

fn finite(series: &[Series]) -> impl Iterator<Item = f64> {
    series.iter().flat_map(|s| s.values.iter().flatten().copied()).filter(|v| v.abs() <= VALUE_MAX)
}

fn value(series: &Series, at: usize) -> Option<f64> {
    series.values.get(at).copied().flatten().filter(|v| v.abs() <= VALUE_MAX)
}

/// Names of categories below the plot; where they stand too close, every second, third … of them. Gives the height.
fn names(drawing: &mut Drawing, categories: &[Text], left: f64, slot: f64, top: f64, lang: Lang) -> f64 {
    let every = (1..=categories.len().max(1)).find(|n| slot * *n as f64 >= 34.0).unwrap_or(1);
    let mut lines_max = 1;
    for (i, category) in categories.iter().enumerate().step_by(every) {
        let lines = two_lines(category.of(lang), slot * every as f64 - 4.0);
        lines_max = lines_max.max(lines.len());
        for (n, text) in lines.into_iter().enumerate() {
            drawing.label(left + slot * (i as f64 + 0.5), top + 16.0 + 15.0 * n as f64, text, Align::Centre, Ink::Muted);
        }
    }
    6.0 + 15.0 * lines_max as f64
}

#[cfg(test)]
mod tests;
