//! When the demo happens: its day is yesterday in China, whatever today is, so that nothing of it lies ahead of the clock and
//! rules that look some days back find it; questions and answers are asked now. Texts are written for one fixed day and moved.

use std::time::{SystemTime, UNIX_EPOCH};

use hutong_count::period::{date_of, day_of, month_of, quarter_of};
use hutong_fhir::calendar::CHINA_S;

/// The day for which messages are written (the bench sends them as they are).
pub(crate) const WRITTEN: &str = "20260918";
/// What stands for the moment at which the demo began.
pub(super) const NOW: &str = "20260919000000";

/// Taken once: a demo that runs over midnight stays on its day.
pub(super) struct Day {
    /// 20261122
    yesterday: String,
    /// 20261123081358
    now: String,
    /// From the demo's day to tomorrow: `2026-11-22..2026-11-24`.
    pub(super) period: String,
    /// The month of the demo's day, by which cases are counted: `2026-11`.
    pub(super) month: String,
    /// 2026Q4
    pub(super) quarter: String,
    year: i64,
}

impl Day {
    pub(super) fn begin() -> Day {
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(0));
        Day::at(now_s)
    }

    fn at(now_s: i64) -> Day {
        let today = day_of(now_s.saturating_mul(1_000_000));
        let of_day = (now_s + CHINA_S).rem_euclid(86_400);
        let digits = |day: i64| date_of(day).replace('-', "");
        let time = format!("{:02}{:02}{:02}", of_day / 3_600, of_day / 60 % 60, of_day % 60);
        Day {
            yesterday: digits(today - 1),
            now: format!("{}{time}", digits(today)),
            period: format!("{}..{}", date_of(today - 1), date_of(today + 1)),
            month: month_of(today - 1),
            quarter: quarter_of(today - 1),
            year: date_of(today).get(..4).and_then(|y| y.parse().ok()).unwrap_or(2026),
        }
    }

    /// The year of the demo's day.
    pub(super) fn year(&self) -> i64 {
        self.month.get(..4).and_then(|y| y.parse().ok()).unwrap_or(self.year)
    }

    /// A text of the script, on this day: message, table, address.
    pub(super) fn tell(&self, text: &str) -> String {
        let year = |years: i64| (self.year + years).to_string();
        text.replace(NOW, &self.now)
            .replace(WRITTEN, &self.yesterday)
            .replace("‹period›", &self.period)
            .replace("‹month›", &self.month)
            .replace("‹year›", &year(0))
            .replace("‹last year›", &year(-1))
            .replace("‹long ago›", &year(-3))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_is_yesterday_in_china() {
        // 2026-12-31T16:00:05Z is New Year in China
        let day = Day::at(1_798_732_805);
        assert_eq!(day.tell("20260918083000 20260919000000 ‹year› ‹last year›"), "20261231083000 20270101000005 2027 2026");
        assert_eq!(day.period, "2026-12-31..2027-01-02");
    }
}
