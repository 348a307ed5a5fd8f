//! The plot's frame: a scale with round numbers, its lines and its labels.

use super::{Drawing, Ink, measure, number};
use crate::document::Align;

/// Where values lie.
pub(super) struct Plot {
    pub(super) left: f64,
    pub(super) width: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
    low: f64,
    high: f64,
}

impl Plot {
    /// Draws lines and labels of a scale that holds `0` and all values.
    pub(super) fn frame(drawing: &mut Drawing, top: f64, values: impl Iterator<Item = f64>, unit: &str) -> Plot {
        let (mut low, mut high) = (0.0_f64, 0.0_f64);
        for v in values {
            (low, high) = (low.min(v), high.max(v));
        }
        let step = step((high - low).max(f64::MIN_POSITIVE));
        if high <= low {
            high = step;
        }
        let (first, last) = ((low / step).floor() as i64, (high / step).ceil() as i64);
        let ticks: Vec<f64> = (first..=last).map(|n| n as f64 * step).collect();
        let wide = ticks.iter().map(|t| measure(&number(*t))).fold(0.0, f64::max);
        let narrow = drawing.width < 480.0;
        let top = if unit.is_empty() { top + 8.0 } else { top + 26.0 };
        let plot = Plot {
            left: wide + 8.0,
            width: drawing.width - wide - 8.0,
            top,
            bottom: top + if narrow { 170.0 } else { 210.0 },
            low: first as f64 * step,
            high: last as f64 * step,
        };
        if !unit.is_empty() {
            drawing.label(0.0, top - 15.0, unit, Align::Left, Ink::Muted);
        }
        for tick in ticks {
            let y = plot.y(tick);
            let ink = if tick == 0.0 { Ink::Muted } else { Ink::Grid };
            drawing.line(&[(plot.left, y), (plot.left + plot.width, y)], ink, 1.0);
            drawing.label(plot.left - 8.0, y + 4.0, number(tick), Align::Right, Ink::Muted);
        }
        plot
    }

    pub(super) fn y(&self, v: f64) -> f64 {
        self.bottom - (v - self.low) / (self.high - self.low) * (self.bottom - self.top)
    }
}

/// The smallest of 1, 2, 5 times a power of ten that cuts `span` into at most five.
fn step(span: f64) -> f64 {
    let power = 10_f64.powf((span / 5.0).log10().floor());
    [1.0, 2.0, 5.0, 10.0].iter().map(|n| n * power).find(|s| span / s <= 5.0).filter(|s| s.is_finite() && *s > 1e-9).unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        for (span, expected) in [(5.0, 1.0), (6.0, 2.0), (10.0, 2.0), (23.0, 5.0), (100.0, 20.0), (0.4, 0.1), (f64::MIN_POSITIVE, 1.0)] {
            assert!((step(span) - expected).abs() < 1e-9, "{span}: {}", step(span));
        }
        assert!(step(25_000.0) == 5_000.0);
    }
}
