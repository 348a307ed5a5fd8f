//! FHIR dates and times as ranges of microseconds since 1970 (<https://hl7.org/fhir/R4/search.html#date>): `2026-07`
//! is all of that July. What carries no zone is a Chinese calendar date and means +08:00, in stored resources and in
//! questions alike.

use hutong_fhir::calendar::{civil, days};

/// UTC offset of a date without zone: the one time zone of the People's Republic of China.
const LOCAL_OFFSET_MIN: i64 = 8 * 60;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// A range in µs since 1970-01-01T00:00Z; `hi` is not in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Range {
    pub lo: i64,
    pub hi: i64,
}

impl Range {
    pub const ALWAYS: Range = Range { lo: i64::MIN, hi: i64::MAX };
}

fn month_days(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

struct Scan<'a>(&'a [u8]);

impl Scan<'_> {
    /// Exactly `n` digits.
    fn digits(&mut self, n: usize) -> Option<i64> {
        let (head, tail) = self.0.split_at_checked(n)?;
        let value = head.iter().try_fold(0i64, |v, b| b.is_ascii_digit().then(|| v * 10 + i64::from(b - b'0')))?;
        self.0 = tail;
        Some(value)
    }

    fn skip(&mut self, b: u8) -> bool {
        match self.0.split_first() {
            Some((first, tail)) if *first == b => {
                self.0 = tail;
                true
            }
            _ => false,
        }
    }

    fn done(&self) -> bool {
        self.0.is_empty()
    }
}

/// Reads a FHIR `date`, `dateTime` or `instant`. A time of day may leave out its seconds (allowed in searches) and, in
/// a search, its zone. `None` where it is not one of these.
pub fn range(text: &str) -> Option<Range> {
    let mut s = Scan(text.as_bytes());
    let year = s.digits(4)?;
    if s.done() {
        return Some(local(days(year, 1, 1), days(year + 1, 1, 1)));
    }
    s.skip(b'-').then_some(())?;
    let month = s.digits(2).filter(|m| (1..=12).contains(m))?;
    if s.done() {
        let end = if month == 12 { days(year + 1, 1, 1) } else { days(year, month + 1, 1) };
        return Some(local(days(year, month, 1), end));
    }
    s.skip(b'-').then_some(())?;
    let day = s.digits(2).filter(|d| (1..=month_days(year, month)).contains(d))?;
    let date = days(year, month, day);
    if s.done() {
        return Some(local(date, date + 1));
    }
    s.skip(b'T').then_some(())?;
    time(&mut s, date)
}

fn local(from: i64, to: i64) -> Range {
    let shift = LOCAL_OFFSET_MIN * 60 * SECOND;
    Range { lo: from * DAY - shift, hi: to * DAY - shift }
}

fn time(s: &mut Scan<'_>, date: i64) -> Option<Range> {
    let hour = s.digits(2).filter(|h| *h <= 24)?;
    s.skip(b':').then_some(())?;
    let minute = s.digits(2).filter(|m| *m < 60)?;
    let mut at = date * DAY + (hour * 60 + minute) * 60 * SECOND;
    let mut width = 60 * SECOND;
    if s.skip(b':') {
        // 60: a leap second, which FHIR allows
        at += s.digits(2).filter(|sec| *sec <= 60)? * SECOND;
        width = SECOND;
        if s.skip(b'.') {
            let mut any = false;
            while let Some(d) = s.digits(1) {
                any = true;
                // digits below the microsecond are cut
                if width > 1 {
                    width /= 10;
                    at += d * width;
                }
            }
            any.then_some(())?;
        }
    }
    at -= offset_min(s)? * 60 * SECOND;
    s.done().then_some(Range { lo: at, hi: at + width })
}

/// `Z`, `+08:00`, or nothing.
fn offset_min(s: &mut Scan<'_>) -> Option<i64> {
    if s.done() {
        return Some(LOCAL_OFFSET_MIN);
    }
    if s.skip(b'Z') {
        return Some(0);
    }
    // an unescaped '+' of a URL arrives as a space
    let sign = if s.skip(b'-') { -1 } else { (s.skip(b'+') || s.skip(b' ')).then_some(1)? };
    let hours = s.digits(2).filter(|h| *h <= 14)?;
    s.skip(b':').then_some(())?;
    let minutes = s.digits(2).filter(|m| *m < 60)?;
    Some(sign * (hours * 60 + minutes))
}

/// An instant as FHIR writes it, in UTC with milliseconds: `2026-07-23T02:00:00.000Z`.
pub fn instant(us: i64) -> String {
    let (day, rest) = (us.div_euclid(DAY), us.rem_euclid(DAY));
    let (y, m, d) = civil(day);
    let (ms, s) = (rest / 1000 % 1000, rest / SECOND);
    format!("{y:04}-{m:02}-{d:02}T{:02}:{:02}:{:02}.{ms:03}Z", s / 3600, s / 60 % 60, s % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_is_a_range() {
        let day = 86_400_000_000;
        let cases = [
            ("1970-01-01T00:00:00Z", 0, SECOND),
            ("1970-01-01T08:00:00+08:00", 0, SECOND),
            ("1970-01-01T08:00:00", 0, SECOND),
            ("1970-01-01T08:00 08:00", 0, 60 * SECOND),
            ("1969-12-31T23:59:59.5Z", -500_000, -400_000),
            ("1970-01-01T00:00:00.0000019Z", 1, 2),
            ("1970-01-02", day - 8 * 3_600_000_000, 2 * day - 8 * 3_600_000_000),
            ("1970", -8 * 3_600_000_000, 365 * day - 8 * 3_600_000_000),
            ("1970-12", 334 * day - 8 * 3_600_000_000, 365 * day - 8 * 3_600_000_000),
            ("2000-02-29T00:00:00Z", 951_782_400_000_000, 951_782_401_000_000),
        ];
        for (text, lo, hi) in cases {
            assert_eq!(range(text), Some(Range { lo, hi }), "{text}");
        }
        for bad in
            ["", "19", "1970-13", "1970-02-30", "1970-1-1", "1970-01-01T", "1970-01-01T00:00:00.Z", "1970-01-01x", "1970-01-01T00:00Zx"]
        {
            assert_eq!(range(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_instant_reads_back() {
        for us in [0, 951_782_400_000_000, -62_135_596_800_000_000, 1_784_736_000_123_000, 253_402_300_799_999_000] {
            assert_eq!(range(&instant(us)).map(|r| r.lo), Some(us), "{}", instant(us));
        }
    }
}
