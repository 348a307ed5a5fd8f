//! Progress to targets: one bar a row, full where the target is reached.

use super::{Drawing, Ink, VALUE_MAX, fit, measure, number};
use crate::document::{Align, Goal};
use crate::text::Lang;

const ROW: f64 = 42.0;
const BAR: f64 = 10.0;

pub(super) fn draw(drawing: &mut Drawing, goals: &[Goal], unit: &str, lang: Lang) {
    let shares: Vec<f64> = goals.iter().map(|g| share(g, goals)).collect();
    // beyond the target as well, but not without end: the number says the rest
    let full = shares.iter().copied().fold(1.0, f64::max).min(1.5);
    for (i, (goal, share)) in goals.iter().zip(&shares).enumerate() {
        let top = ROW * i as f64;
        let said = said(goal, unit, drawing.width < 480.0);
        let room = drawing.width - measure(&said) - 12.0;
        drawing.label(0.0, top + 14.0, fit(goal.label.of(lang), room), Align::Left, Ink::Text);
        drawing.label(drawing.width, top + 14.0, said, Align::Right, Ink::Text);
        let y = top + 21.0;
        drawing.rect(0.0, y, drawing.width, BAR, Ink::Track);
        let reached = goal.target.is_some() && *share >= 1.0;
        let ink = Ink::Series(if reached { 2 } else { 0 });
        drawing.rect(0.0, y, drawing.width * (share.min(full) / full), BAR, ink);
        if goal.target.is_some() {
            let x = (drawing.width / full).min(drawing.width - 1.0);
            drawing.line(&[(x, y - 4.0), (x, y + BAR + 4.0)], Ink::Target, 2.0);
        }
    }
    drawing.height = ROW * goals.len() as f64;
}

/// The value as a part of its target; without targets as a part of the largest value.
fn share(goal: &Goal, goals: &[Goal]) -> f64 {
    let largest = goals.iter().map(|g| g.value).filter(|v| v.abs() <= VALUE_MAX).fold(0.0, f64::max);
    let whole = goal.target.unwrap_or(largest);
    let share = goal.value / whole;
    if share.is_finite() { share.max(0.0) } else { 0.0 }
}

fn said(goal: &Goal, unit: &str, short: bool) -> String {
    match goal.target {
        Some(target) if target > 0.0 => {
            let share = goal.value / target * 100.0;
            let unit = if short || unit.is_empty() { String::new() } else { format!(" {unit}") };
            format!("{} / {}{unit} · {share:.1}%", number(goal.value), number(target))
        }
        _ => format!("{} {unit}", number(goal.value)).trim_end().to_owned(),
    }
}
