//! Marks of mutual recognition (互认标识): 全国HR, 渝HR, ★ with a footnote … as they stand in a column, before an item's name
//! or in a report's heading. Which text means what is a table: `profiles/policy/recognition/marks.tsv`.

use super::{Place, Scope};
use hutong_fhir::sheet::{Fault, Sheet};

/// What a mark says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mark {
    /// As it is written, without blanks.
    pub text: String,
    pub scope: Scope,
    /// First digits of the regions (GB/T 2260) in which it is valid; none for national ones.
    pub regions: Vec<String>,
}

impl Mark {
    /// Whether the mark is valid at a place.
    pub fn covers(&self, place: &Place) -> bool {
        self.scope == Scope::National || self.regions.iter().any(|r| !r.is_empty() && place.region.starts_with(r.as_str()))
    }
}

/// The marks that are known, longest text first.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    marks: Vec<Mark>,
    /// Characters that stand for another mark of the same report.
    signs: Vec<char>,
}

impl Marks {
    /// Columns `text scope regions`; regions separated by blanks. A text of one character (★) stands for whatever mark the
    /// report's footnote names; its other cells are empty.
    pub fn read(text: &str) -> Result<Marks, Vec<Fault>> {
        let mut sheet = Sheet::read(text, &["text", "scope", "regions"]);
        let (mut out, mut faults, mut again) = (Marks::default(), Vec::new(), Vec::new());
        let mut seen = std::collections::HashSet::new();
        for row in sheet.rows() {
            let plain = plain(row.get("text"));
            if !seen.insert(plain.clone()) {
                again.push(row.line());
            }
            if row.get("scope").is_empty() && plain.chars().count() == 1 {
                out.signs.extend(plain.chars());
                continue;
            }
            let regions: Vec<String> = row.get("regions").split_whitespace().map(str::to_owned).collect();
            let digits = regions.iter().all(|r| (2..=6).contains(&r.len()) && r.bytes().all(|b| b.is_ascii_digit()));
            match Scope::named(row.get("scope")) {
                Some(scope) if !plain.is_empty() && digits && (scope == Scope::National) == regions.is_empty() => {
                    out.marks.push(Mark { text: plain, scope, regions });
                }
                _ => faults.push(row.line()),
            }
        }
        for line in faults {
            sheet.fault(
                line,
                "scope",
                "标识须有文字、范围（全国不写地区，其余写地区代码 2 至 6 位）",
                "a mark needs a text, a scope and, unless it is national, regions of 2 to 6 digits",
            );
        }
        for line in again {
            sheet.fault(line, "text", "该标识已有一行", "there is a line for this mark already");
        }
        let faults = sheet.into_faults();
        if !faults.is_empty() {
            return Err(faults);
        }
        out.marks.sort_by_key(|m| std::cmp::Reverse(m.text.len()));
        Ok(out)
    }

    /// The marks that texts at an item or its report bear. A sign such as ★ at the item counts for the marks that the
    /// report's texts explain.
    pub fn find<'m>(&'m self, texts: &[String]) -> Vec<&'m Mark> {
        let mut out: Vec<&Mark> = Vec::new();
        for text in texts {
            let mut rest = plain(text);
            for mark in &self.marks {
                // the longer text first: 北京市西城区HR is not 京HR
                if let Some(at) = rest.find(&mark.text) {
                    rest.replace_range(at..at + mark.text.len(), "");
                    if !out.contains(&mark) {
                        out.push(mark);
                    }
                }
            }
        }
        out
    }

    /// Whether a text bears a sign that stands for a mark explained elsewhere.
    pub fn has_sign(&self, text: &str) -> bool {
        text.chars().any(|c| self.signs.contains(&c))
    }
}

/// Without blanks, full-width letters as plain ones, capital.
fn plain(text: &str) -> String {
    let narrow = |c: char| match c {
        'Ａ'..='Ｚ' | 'ａ'..='ｚ' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        c => c,
    };
    text.chars().filter(|c| !c.is_whitespace()).map(|c| narrow(c).to_ascii_uppercase()).collect()
}
