//! Bars: side by side, or one upon the other.

use super::axis::Plot;
use super::{Drawing, Ink, SWATCH, finite, measure, names, number, value};
use crate::document::{Align, Series};
use crate::text::{Lang, Text};

/// No bar is wider, however few there are.
const BAR_MAX: f64 = 44.0;

pub(super) fn draw(drawing: &mut Drawing, categories: &[Text], series: &[Series], stacked: bool, unit: &str, lang: Lang) {
    let top = if series.len() > 1 { drawing.legend(series, lang, |d, x, y, n| d.bar(x, y, SWATCH, SWATCH, n)) } else { 0.0 };
    let count = categories.len();
    // room for a number over the highest bar
    let totals: Vec<f64> = (0..count).map(|i| series.iter().filter_map(|s| value(s, i)).map(|v| v.max(0.0)).sum()).collect();
    let highest = if stacked { totals.clone() } else { finite(series).collect() };
    let plot = Plot::frame(drawing, top + 11.0, highest.into_iter(), unit);
    let slot = plot.width / count.max(1) as f64;
    let beside = if stacked { 1 } else { series.len().max(1) };
    let bar = (slot * 0.72 / beside as f64).min(BAR_MAX);
    for i in 0..count {
        let left = plot.left + slot * (i as f64 + 0.5) - bar * beside as f64 / 2.0;
        let mut base = 0.0;
        for (n, one) in series.iter().enumerate() {
            let Some(v) = value(one, i) else { continue };
            if stacked {
                let v = v.max(0.0);
                drawing.bar(left, plot.y(base + v), bar, plot.y(base) - plot.y(base + v), n);
                base += v;
            } else {
                let (y, zero) = (plot.y(v), plot.y(0.0));
                let gap = if beside > 1 { 1.0 } else { 0.0 };
                drawing.bar(left + bar * n as f64 + gap, y.min(zero), bar - 2.0 * gap, (y - zero).abs(), n);
                over(drawing, left + bar * (n as f64 + 0.5), y.min(zero), v, if beside > 1 { bar } else { slot });
            }
        }
        if stacked {
            over(drawing, left + bar / 2.0, plot.y(base), base, slot);
        }
    }
    drawing.height = plot.bottom + names(drawing, categories, plot.left, slot, plot.bottom, lang) + 4.0;
}

/// The number over a bar, where there is room for it.
fn over(drawing: &mut Drawing, x: f64, y: f64, v: f64, room: f64) {
    let text = number(v);
    if measure(&text) <= room {
        drawing.label(x, y - 5.0, text, Align::Centre, Ink::Text);
    }
}
