//! Periods of reports: `2026`, `2026Q3`, `2026-11`, `2026-11-22`, `2026-11-01..2026-11-22`, in China's days.

use hutong_fhir::calendar::{CHINA_US, DAY_US, civil, days};
pub use hutong_fhir::calendar::{china_day as day_of, date as date_of};

/// Days since 1970, first and last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Period {
    pub first: i64,
    pub last: i64,
}

/// The month of a day: `2026-11`.
pub fn month_of(day: i64) -> String {
    let (year, month, _) = civil(day);
    format!("{year:04}-{month:02}")
}

/// The quarter of a day: `2026Q4`.
pub fn quarter_of(day: i64) -> String {
    let (year, month, _) = civil(day);
    format!("{year:04}Q{}", (month + 2) / 3)
}

impl Period {
    pub fn parse(text: &str) -> Option<Period> {
        match text.split_once("..") {
            None => Period::one(text),
            Some((first, last)) => {
                let (first, last) = (Period::one(first)?, Period::one(last)?);
                (first.first <= last.last).then_some(Period { first: first.first, last: last.last })
            }
        }
    }

    fn one(text: &str) -> Option<Period> {
        let number = |s: &str| s.parse::<i64>().ok();
        let year = text.get(..4).and_then(number).filter(|y| (1900..=9999).contains(y))?;
        let rest = text.get(4..)?;
        if rest.is_empty() {
            return Some(Period { first: days(year, 1, 1), last: days(year + 1, 1, 1) - 1 });
        }
        if let Some(quarter) = rest.strip_prefix(['Q', 'q']).or_else(|| rest.strip_prefix("-Q")) {
            let quarter = number(quarter).filter(|q| (1..=4).contains(q))?;
            return Some(months(year, quarter * 3 - 2, 3));
        }
        let mut parts = rest.strip_prefix('-')?.split('-');
        let month = parts.next().and_then(number).filter(|m| (1..=12).contains(m))?;
        let whole = months(year, month, 1);
        match (parts.next(), parts.next()) {
            (None, _) => Some(whole),
            (Some(day), None) => {
                let day = whole.first + number(day).filter(|d| *d >= 1)? - 1;
                (day <= whole.last).then_some(Period { first: day, last: day })
            }
            _ => None,
        }
    }

    pub fn holds(self, day: i64) -> bool {
        self.first <= day && day <= self.last
    }

    /// Its first moment, and the first after it, microseconds since 1970.
    pub fn moments(self) -> (i64, i64) {
        let midnight = |day: i64| day.saturating_mul(DAY_US).saturating_sub(CHINA_US);
        (midnight(self.first), midnight(self.last.saturating_add(1)))
    }
}

fn months(year: i64, month: i64, count: i64) -> Period {
    let next = month + count;
    let (next_year, next_month) = if next > 12 { (year + 1, next - 12) } else { (year, next) };
    Period { first: days(year, month, 1), last: days(next_year, next_month, 1) - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods() {
        for (text, expect) in [
            ("1970", Some((0, 364))),
            ("2026Q4", Some((20_727, 20_818))),
            ("2026-Q4", Some((20_727, 20_818))),
            ("2026-12", Some((20_788, 20_818))),
            ("2028-02", Some((21_215, 21_243))),
            ("2026-11-22", Some((20_779, 20_779))),
            ("2026-11-01..2026-11-22", Some((20_758, 20_779))),
            ("2026-11..2026", Some((20_758, 20_818))),
            ("2026-11-22..2026-11-01", None),
            ("2026..", None),
            ("2026-02-30", None),
            ("2026Q5", None),
            ("2026-1-1-1", None),
            ("二〇二六", None),
        ] {
            assert_eq!(Period::parse(text).map(|p| (p.first, p.last)), expect, "{text}");
        }
        assert_eq!((date_of(20_779), month_of(20_779), quarter_of(20_779)), ("2026-11-22".into(), "2026-11".into(), "2026Q4".into()));
        assert_eq!((quarter_of(0), quarter_of(90), month_of(-1)), ("1970Q1".into(), "1970Q2".into(), "1969-12".into()));
        assert_eq!(day_of(1_795_276_799_999_999), 20_778, "one microsecond before midnight in China");
        assert_eq!(day_of(1_795_276_800_000_000), 20_779);
    }
}
