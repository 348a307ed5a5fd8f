//! The proleptic Gregorian calendar as numbers of days since 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level Date
//! Algorithms").

/// Days since 1970-01-01 of a date; months and days count from 1.
pub fn days(year: i64, month: i64, day: i64) -> i64 {
    let y = year - i64::from(month <= 2);
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// (year, month, day) of days since 1970-01-01.
pub fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

/// Microseconds of a day.
pub const DAY_US: i64 = 86_400_000_000;

/// China has one zone, eight hours before UTC, and no summer time.
pub const CHINA_US: i64 = CHINA_S * 1_000_000;
/// The same in seconds.
pub const CHINA_S: i64 = 8 * 3_600;

/// Days since 1970-01-01, in China, of a moment in microseconds since 1970.
pub fn china_day(us: i64) -> i64 {
    (us.div_euclid(1_000_000) + CHINA_S).div_euclid(86_400)
}

/// `2026-11-22` of days since 1970-01-01.
pub fn date(days: i64) -> String {
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_in_china_at_sixteen_hours_of_utc() {
        let noon = 20_779 * DAY_US;
        for (us, day, text) in [(noon + 16 * 3_600_000_000 - 1, 20_779, "2026-11-22"), (noon + 16 * 3_600_000_000, 20_780, "2026-11-23")] {
            assert_eq!((china_day(us), date(china_day(us)).as_str()), (day, text));
        }
        assert_eq!(china_day(-CHINA_US - 1), -1);
    }

    #[test]
    fn days_and_dates_are_each_others_inverse() {
        for (date, day) in
            [((1970, 1, 1), 0), ((1969, 12, 31), -1), ((2000, 2, 29), 11_016), ((2026, 11, 22), 20_779), ((0, 3, 1), -719_468)]
        {
            assert_eq!((days(date.0, date.1, date.2), civil(day)), (day, date));
        }
        assert!((-800_000..3_000_000).step_by(97).all(|d| {
            let (year, month, day) = civil(d);
            days(year, month, day) == d
        }));
    }
}
