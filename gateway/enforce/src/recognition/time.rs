//! Times of results and periods of validity.

use hutong_fhir::calendar::{CHINA_S, days};
use serde::{Deserialize, Serialize};

const SECOND_US: i64 = 1_000_000;
const DAY_S: i64 = 86_400;

/// A period of validity.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Period {
    pub seconds: i64,
}

impl Period {
    /// `30d` or `72h`.
    pub fn parse(text: &str) -> Option<Period> {
        let at = text.len().checked_sub(1)?;
        let n: i64 = text.get(..at)?.parse().ok().filter(|n| (1..=36_500).contains(n))?;
        let unit = match text.get(at..)? {
            "d" => DAY_S,
            "h" => 3_600,
            _ => return None,
        };
        Some(Period { seconds: n * unit })
    }

    /// The last moment at which something that began at `from_us` is valid; to the second, as the platforms count
    /// (now ≤ report time + period).
    pub fn end(self, from_us: i64) -> i64 {
        from_us.saturating_add(self.seconds.saturating_mul(SECOND_US))
    }
}

/// The earliest moment that a FHIR date or dateTime can mean, microseconds since 1970: a result is never held valid for
/// longer than its rule says because its time is vague.
pub fn moment(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T').map_or((text, ""), |(d, t)| (d, t));
    let mut parts = date.split('-');
    let year: i64 = parts.next().filter(|y| y.len() == 4)?.parse().ok()?;
    let month: i64 = parts.next().map_or(Some(1), |m| m.parse().ok()).filter(|m| (1..=12).contains(m))?;
    let day: i64 = parts.next().map_or(Some(1), |d| d.parse().ok()).filter(|d| (1..=31).contains(d))?;
    let (clock, zone) = match time.find(['Z', '+', '-']) {
        Some(at) => time.split_at(at),
        None => (time, ""),
    };
    let zone_s = match zone {
        // times without zone are those of China
        "" => CHINA_S,
        "Z" => 0,
        _ => {
            let (h, m) = zone.get(1..)?.split_once(':')?;
            let seconds = h.parse::<i64>().ok()? * 3_600 + m.parse::<i64>().ok()? * 60;
            if zone.starts_with('-') { -seconds } else { seconds }
        }
    };
    let mut fields = clock.split(':');
    let mut next = || fields.next().filter(|f| !f.is_empty());
    let hour: i64 = next().map_or(Some(0), |h| h.parse().ok()).filter(|h| (0..24).contains(h))?;
    let minute: i64 = next().map_or(Some(0), |m| m.parse().ok()).filter(|m| (0..60).contains(m))?;
    let seconds: f64 = next().map_or(Some(0.0), |s| s.parse().ok()).filter(|s| (0.0..61.0).contains(s))?;
    let whole = days(year, month, day) * DAY_S + hour * 3_600 + minute * 60 - zone_s;
    Some(whole * SECOND_US + (seconds * 1e6) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        for (text, expect) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01T08:00:00+08:00", Some(0)),
            ("1970-01-01T08:00:00", Some(0)),
            ("2026-11-22T10:00:00.5+08:00", Some(1_795_312_800_500_000)),
            ("2026-11-22", Some(1_795_276_800_000_000)),
            ("2026-11", Some(1_793_462_400_000_000)),
            ("2026-13", None),
            ("", None),
        ] {
            assert_eq!(moment(text), expect, "{text}");
        }
    }

    #[test]
    fn periods_end_on_the_second() {
        let week = Period::parse("7d").unwrap();
        assert_eq!(week.end(0), 604_800_000_000);
        for bad in ["7", "d", "0d", "-1d", "7w", "1e9d", "七d"] {
            assert_eq!(Period::parse(bad), None, "{bad}");
        }
    }
}
