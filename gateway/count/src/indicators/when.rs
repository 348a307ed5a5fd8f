//! Periods of figures: their names, the same period a year earlier, the year up to its end.

use crate::period::Period;
use hutong_fhir::calendar::{civil, days};

/// `2026`, `2026Q3`, `2026-11`, `2026-11-22`; otherwise first and last day.
pub fn name(period: Period) -> String {
    let ((year, month, day), (_, last_month, last_day)) = (civil(period.first), civil(period.last));
    let is = |text: String| (Period::parse(&text) == Some(period)).then_some(text);
    None.or_else(|| is(format!("{year}")))
        .or_else(|| is(format!("{year}Q{}", (month + 2) / 3)))
        .or_else(|| is(format!("{year}-{month:02}")))
        .or_else(|| is(format!("{year}-{month:02}-{day:02}")))
        .unwrap_or_else(|| format!("{year}-{month:02}-{day:02}/{:04}-{last_month:02}-{last_day:02}", civil(period.last).0))
}

/// The year in which a period ends.
pub(super) fn year(period: Period) -> i64 {
    civil(period.last).0
}

/// From the first of January to the end of the period.
pub(super) fn to_date(period: Period) -> Period {
    Period { first: days(year(period), 1, 1), last: period.last }
}

/// The same days of a year earlier; 29 February becomes the 28th.
pub(super) fn year_before(period: Period) -> Period {
    let back = |day: i64| {
        let (y, m, d) = civil(day);
        if (m, d) == (2, 29) { days(y - 1, 2, 28) } else { days(y - 1, m, d) }
    };
    // the last day of a month stays one: February 2027 is compared with all of February 2028
    let last = back(period.last + 1) - 1;
    Period { first: back(period.first), last }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_named_and_moved() {
        for (text, before, from) in [
            ("2026", "2025", "2026"),
            ("2026Q3", "2025Q3", "2026-01-01/2026-09-30"),
            ("2026Q1", "2025Q1", "2026Q1"),
            ("2028-02", "2027-02", "2028-01-01/2028-02-29"),
            ("2029-02", "2028-02", "2029-01-01/2029-02-28"),
            ("2026-11-22", "2025-11-22", "2026-01-01/2026-11-22"),
        ] {
            let period = Period::parse(text).unwrap();
            assert_eq!(name(period), text);
            assert_eq!(name(year_before(period)), before, "{text}");
            assert_eq!(name(to_date(period)), from, "{text}");
        }
    }
}
