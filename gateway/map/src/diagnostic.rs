//! What is wrong with a mapping file: where (file, line, column), why, and what was probably meant. Chinese and English.

use std::fmt::Write as _;

/// Bytes `start..end` of one file; `file` numbers the files in the order in which they were given.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Span {
    pub file: u32,
    pub start: u32,
    pub end: u32,
}

impl Span {
    /// From the start of `self` to the end of `other`.
    #[must_use]
    pub fn to(self, other: Span) -> Span {
        Span { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// An error keeps the mappings from being used; a warning does not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    Warning,
    Error,
}

/// The language of a text for people.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lang {
    Zh,
    En,
}

/// One complaint about a mapping file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    pub level: Level,
    /// Stable name of the check, e.g. `element.unknown`.
    pub code: &'static str,
    pub span: Span,
    pub zh: String,
    pub en: String,
    /// What could be written instead, as source text.
    pub instead: Option<String>,
    /// A second place that belongs to it, e.g. where the element is written first.
    pub other: Option<Span>,
}

impl Diagnostic {
    pub(crate) fn error(code: &'static str, span: Span, zh: impl Into<String>, en: impl Into<String>) -> Diagnostic {
        Diagnostic { level: Level::Error, code, span, zh: zh.into(), en: en.into(), instead: None, other: None }
    }

    #[must_use]
    pub(crate) fn instead(mut self, text: Option<impl Into<String>>) -> Diagnostic {
        self.instead = text.map(Into::into);
        self
    }

    #[must_use]
    pub(crate) fn other(mut self, span: Span) -> Diagnostic {
        self.other = Some(span);
        self
    }
}

/// A file as given: its path (for people) and its text.
#[derive(Clone, Debug)]
pub struct SourceFile {
    pub path: String,
    pub text: String,
}

/// Line and column (in characters), both from 1, of a byte offset.
pub fn line_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    (before.matches('\n').count() + 1, before.get(line_start..).unwrap_or("").chars().count() + 1)
}

/// Lays a diagnostic out for a terminal: message, place, the line with a caret, suggestion.
pub fn render(d: &Diagnostic, files: &[SourceFile], lang: Lang) -> String {
    let mut out = String::new();
    let (word, text) = match (lang, d.level) {
        (Lang::En, Level::Error) => ("error", &d.en),
        (Lang::En, Level::Warning) => ("warning", &d.en),
        (Lang::Zh, Level::Error) => ("错误", &d.zh),
        (Lang::Zh, Level::Warning) => ("警告", &d.zh),
    };
    let _ = writeln!(out, "{word}[{}]: {text}", d.code);
    place(&mut out, d.span, files);
    if let Some(other) = d.other {
        let _ = writeln!(out, "  = {}", if lang == Lang::En { "see also:" } else { "另见:" });
        place(&mut out, other, files);
    }
    if let Some(instead) = &d.instead {
        let _ = match lang {
            Lang::En => writeln!(out, "  = did you mean `{instead}`?"),
            Lang::Zh => writeln!(out, "  = 是否想写 `{instead}`？"),
        };
    }
    out
}

fn place(out: &mut String, span: Span, files: &[SourceFile]) {
    let Some(file) = files.get(span.file as usize) else { return };
    let (line, column) = line_column(&file.text, span.start as usize);
    let text = file.text.lines().nth(line - 1).unwrap_or("").trim_end();
    let gutter = line.to_string().len();
    let _ = writeln!(out, "{:gutter$}--> {}:{line}:{column}", "", file.path);
    let _ = writeln!(out, "{line} | {text}");
    let lead: usize = text.chars().take(column - 1).map(width).sum();
    let marked = file.text.get(span.start as usize..span.end as usize).unwrap_or("");
    let room = text.chars().skip(column - 1).map(width).sum::<usize>();
    let carets = marked.lines().next().unwrap_or("").chars().map(width).sum::<usize>().min(room).max(1);
    let _ = writeln!(out, "{:gutter$} | {:lead$}{}", "", "", "^".repeat(carets));
}

/// Columns of a terminal that a character takes: East Asian wide ones take two.
pub(crate) fn width(c: char) -> usize {
    match c as u32 {
        0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe4f | 0xff00..=0xff60 | 0xffe0..=0xffe6 => 2,
        0x1f300..=0x1f64f | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// The candidate most like `word`, if any is near enough to have been meant.
pub(crate) fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|c| (distance(&word.to_lowercase(), &c.to_lowercase()), c))
        .filter(|(d, _)| *d <= limit)
        .min_by_key(|(d, _)| *d)
        .map(|(_, c)| c)
}

/// Edits (insert, delete, replace, swap of neighbours) from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > 3 || a.len() > 64 {
        return usize::MAX;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, &x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &y) in b.iter().enumerate() {
            let at = |r: &[usize], k: usize| r.get(k).copied().unwrap_or(usize::MAX / 2);
            let mut cost = (at(&last, j) + usize::from(x != y)).min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(&y) && b.get(j - 1) == Some(&x);
            if swapped {
                cost = cost.min(at(&before, j - 1) + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_and_no_far_one() {
        for (word, expect) in [
            ("staus", Some("status")),
            ("stauts", Some("status")),
            ("Status", Some("status")),
            ("vlaue", Some("value")),
            ("xyz", None),
            ("id", None),
        ] {
            assert_eq!(closest(word, ["status", "subject", "value", "code"]), expect, "{word}");
        }
    }

    #[test]
    fn carets_stand_under_wide_characters() {
        let files = [SourceFile { path: "a.hmap".into(), text: "absent \"无\" az unknown\n".into() }];
        let d = Diagnostic::error("syntax", Span { file: 0, start: 13, end: 15 }, "需要 `as`", "`as` is needed").instead(Some("as"));
        let expect =
            "error[syntax]: `as` is needed\n --> a.hmap:1:12\n1 | absent \"无\" az unknown\n  |             ^^\n  = did you mean `as`?\n";
        assert_eq!(render(&d, &files, Lang::En), expect);
        assert!(render(&d, &files, Lang::Zh).starts_with("错误[syntax]: 需要 `as`\n"));
    }
}
