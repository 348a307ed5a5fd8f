//! Lines over time; a gap where nothing is known.

use super::axis::Plot;
use super::{Drawing, Ink, SAMPLE, finite, measure, names, number, value};
use crate::document::{Align, Series};
use crate::text::{Lang, Text};

pub(super) fn draw(drawing: &mut Drawing, categories: &[Text], series: &[Series], unit: &str, lang: Lang) {
    let top = if series.len() > 1 { drawing.legend(series, lang, sample) } else { 0.0 };
    let plot = Plot::frame(drawing, top + 6.0, finite(series).collect::<Vec<f64>>().into_iter(), unit);
    let slot = plot.width / categories.len().max(1) as f64;
    for (n, one) in series.iter().enumerate() {
        let mut run: Vec<(f64, f64)> = Vec::new();
        let mut last = None;
        for i in 0..categories.len() {
            if let Some(v) = value(one, i) {
                let at = (plot.left + slot * (i as f64 + 0.5), plot.y(v));
                run.push(at);
                last = Some((at, v));
            } else {
                stroke(drawing, &mut run, n);
            }
        }
        stroke(drawing, &mut run, n);
        if let Some(((x, y), v)) = last {
            let text = number(v);
            // beside the last point, or left of it where the plot ends
            let right = x + 6.0 + measure(&text) <= drawing.width;
            let (at, align) = if right { (x + 6.0, Align::Left) } else { (drawing.width, Align::Right) };
            drawing.label(at, y - 7.0, text, align, Ink::Series(n));
        }
    }
    drawing.height = plot.bottom + names(drawing, categories, plot.left, slot, plot.bottom, lang) + 4.0;
}

/// Lengths of the dashes of each series, so that lines are told apart without colours.
const DASHES: [f64; 4] = [0.0, 6.0, 2.5, 10.0];

fn dash(n: usize) -> f64 {
    DASHES.get(n % DASHES.len()).copied().unwrap_or(0.0)
}

fn sample(drawing: &mut Drawing, x: f64, y: f64, n: usize) {
    drawing.dashed(&[(x, y + 5.0), (x + SAMPLE, y + 5.0)], Ink::Series(n), 2.0, dash(n));
    point(drawing, x + SAMPLE / 2.0, y + 5.0, n);
}

/// Full for the first series, hollow for the next, and so on.
fn point(drawing: &mut Drawing, x: f64, y: f64, n: usize) {
    drawing.dot(x, y, 3.2, Ink::Series(n));
    if n % 2 == 1 {
        drawing.dot(x, y, 1.8, Ink::Paper);
    }
}

fn stroke(drawing: &mut Drawing, run: &mut Vec<(f64, f64)>, n: usize) {
    if run.len() > 1 {
        drawing.dashed(run, Ink::Series(n), 2.0, dash(n));
    }
    for (x, y) in run.drain(..) {
        point(drawing, x, y, n);
    }
}
