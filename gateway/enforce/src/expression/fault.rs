//! What is wrong with an expression: where, why, and what was probably meant.

use std::fmt::Write as _;

/// One complaint. `start..end` are bytes of the expression.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    pub start: usize,
    pub end: usize,
    pub zh: String,
    pub en: String,
    /// What could be written instead.
    pub instead: Option<String>,
}

impl Fault {
    pub(super) fn new(start: usize, end: usize, zh: impl Into<String>, en: impl Into<String>) -> Fault {
        Fault { start, end, zh: zh.into(), en: en.into(), instead: None }
    }

    /// Line and column, from 1, within a file whose bytes from `base` on are the expression.
    pub fn place(&self, file_text: &str, base: usize) -> (usize, usize) {
        let at = base.saturating_add(self.start).min(file_text.len());
        let before = file_text.get(..at).unwrap_or(file_text);
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        (before.matches('\n').count() + 1, before.get(line_start..).unwrap_or("").chars().count() + 1)
    }

    /// For people: `file:line:column`, the message in Chinese and English, the line with a caret, the suggestion.
    pub fn show(&self, file: &str, file_text: &str, base: usize) -> String {
        let (line, column) = self.place(file_text, base);
        let text = file_text.lines().nth(line - 1).unwrap_or("");
        let lead: usize = text.chars().take(column - 1).map(width).sum();
        let marked = self.end.saturating_sub(self.start);
        let from = base.saturating_add(self.start);
        let carets = file_text.get(from..from.saturating_add(marked)).map_or(1, |m| m.chars().map(width).sum::<usize>().max(1));
        let mut out = format!("{file}:{line}:{column}: {} · {}\n", self.zh, self.en);
        let gutter = line.to_string().len();
        let _ = writeln!(out, "{line} | {text}");
        let _ = writeln!(out, "{:gutter$} | {:lead$}{}", "", "", "^".repeat(carets));
        if let Some(instead) = &self.instead {
            let _ = writeln!(out, "{:gutter$} = 是否想写 {instead}？ · did you mean {instead}?", "");
        }
        out
    }
}

/// Columns of a terminal: East Asian wide characters take two.
fn width(c: char) -> usize {
    if matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}')
    {
        2
    } else {
        1
    }
}

/// The known name that is nearest to `word`, if one is near.
pub(super) fn nearest<'n>(word: &str, known: impl Iterator<Item = &'n str>) -> Option<String> {
    let length = word.chars().count();
    known.map(|k| (distance(word, k), k)).filter(|(d, _)| *d <= 1.max(length * 2 / 5)).min().map(|(_, k)| k.to_owned())
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(&b) {
            let best = (diagonal + usize::from(x != *y)).min(left + 1).min(*cell + 1);
            diagonal = std::mem::replace(cell, best);
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}
