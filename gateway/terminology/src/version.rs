//! Business versions: which of two is newer.

use std::cmp::Ordering;

/// Compares two versions part by part, numbers as numbers: `2.9` < `2.10`, `2024-01` < `2024-02`, `1.0-rc1` < `1.0`.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (parts(a), parts(b));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            // a suffix of letters marks what came before the release
            (Some(Part::Text(_)), None) => Ordering::Less,
            (None, Some(Part::Text(_))) => Ordering::Greater,
            (Some(_), None) => Ordering::Greater,
            (None, Some(_)) => Ordering::Less,
            (Some(Part::Number(a)), Some(Part::Number(b))) => {
                let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
                a.len().cmp(&b.len()).then_with(|| a.cmp(b))
            }
            (Some(Part::Number(_)), Some(Part::Text(_))) => Ordering::Greater,
            (Some(Part::Text(_)), Some(Part::Number(_))) => Ordering::Less,
            (Some(Part::Text(a)), Some(Part::Text(b))) => a.cmp(b),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Whether `version` is `start` or goes on from it behind a dot or dash.
pub(crate) fn begins(version: &str, start: &str) -> bool {
    version.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
}

enum Part<'a> {
    Number(&'a str),
    Text(&'a str),
}

fn parts(version: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = version;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
        let first = rest.chars().next()?;
        let is_number = first.is_ascii_digit();
        let end = rest.find(|c: char| !c.is_alphanumeric() || c.is_ascii_digit() != is_number).unwrap_or(rest.len());
        let (part, tail) = rest.split_at(end);
        rest = tail;
        Some(if is_number { Part::Number(part) } else { Part::Text(part) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_as_numbers() {
        for (older, newer) in [
            ("2.9", "2.10"),
            ("1.0", "1.0.1"),
            ("2024-01", "2024-02"),
            ("1.0-rc1", "1.0"),
            ("", "1"),
            ("1.0-rc1", "1.0-rc2"),
            ("v1", "v2"),
            ("09", "10"),
        ] {
            assert_eq!(compare(older, newer), Ordering::Less, "{older} {newer}");
            assert_eq!(compare(newer, older), Ordering::Greater, "{newer} {older}");
            assert_eq!(compare(newer, newer), Ordering::Equal);
        }
        assert_eq!(compare("2.0", "02.0"), Ordering::Equal);
        assert!(begins("4.0.1", "4.0") && begins("4.0.1", "4.0.1") && !begins("4.01", "4.0"));
    }
}
