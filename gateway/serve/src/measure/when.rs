//! FHIR dates as China's days, and the comparisons of a search by date (<https://hl7.org/fhir/R4/search.html#date>).

use hutong_fhir::calendar::{civil, days};

/// First and last day of `2026`, `2026-11` or `2026-11-22`.
pub(crate) fn days_of(text: &str) -> Option<(i64, i64)> {
    let mut parts = text.split('-');
    let mut number = |width: usize| match parts.next() {
        None => Some(None),
        Some(p) if p.len() == width && p.bytes().all(|b| b.is_ascii_digit()) => p.parse::<i64>().ok().map(Some),
        Some(_) => None,
    };
    let (year, month, day) = (number(4)??, number(2)?, number(2)?);
    if parts.next().is_some() || !(1900..=9998).contains(&year) {
        return None;
    }
    let (first, last) = match (month, day) {
        (None, _) => (days(year, 1, 1), days(year + 1, 1, 1) - 1),
        (Some(month @ 1..=12), None) => {
            let next = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            (days(year, month, 1), days(next.0, next.1, 1) - 1)
        }
        (Some(month), Some(day)) => {
            let it = days(year, month, day);
            // 30 February is no day
            if civil(it) != (year, month, day) {
                return None;
            }
            (it, it)
        }
        _ => return None,
    };
    Some((first, last))
}

/// One value of a search by date against a period.
pub(crate) struct Compared {
    prefix: Prefix,
    first: i64,
    last: i64,
}

#[derive(Clone, Copy)]
enum Prefix {
    Eq,
    Ne,
    Gt,
    Lt,
    Ge,
    Le,
    Sa,
    Eb,
}

impl Compared {
    pub(crate) fn read(value: &str) -> Option<Compared> {
        use Prefix::*;
        const ALL: [(&str, Prefix); 8] = [("eq", Eq), ("ne", Ne), ("gt", Gt), ("lt", Lt), ("ge", Ge), ("le", Le), ("sa", Sa), ("eb", Eb)];
        let found = ALL.into_iter().find_map(|(name, prefix)| value.strip_prefix(name).map(|rest| (prefix, rest)));
        let (prefix, date) = found.unwrap_or((Eq, value));
        let (first, last) = days_of(date)?;
        Some(Compared { prefix, first, last })
    }

    /// Whether a period of these days fits.
    pub(crate) fn holds(&self, first: i64, last: i64) -> bool {
        let within = self.first <= first && last <= self.last;
        match self.prefix {
            Prefix::Eq => within,
            Prefix::Ne => !within,
            Prefix::Gt => last > self.last,
            Prefix::Lt => first < self.first,
            Prefix::Ge => last > self.last || within,
            Prefix::Le => first < self.first || within,
            Prefix::Sa => first > self.last,
            Prefix::Eb => last < self.first,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (text, expected) in [
            ("1970", Some((0, 364))),
            ("1970-02", Some((31, 58))),
            ("1970-12", Some((334, 364))),
            ("1970-01-02", Some((1, 1))),
            ("1970-02-29", None),
            ("1970-00-01", None),
            ("1970-13", None),
            ("70", None),
            ("1970-1", None),
            ("1970-01-01T00:00:00Z", None),
            ("1970-01-01-01", None),
            ("", None),
            ("2026Q3", None),
        ] {
            assert_eq!(days_of(text), expected, "{text}");
        }
    }

    #[test]
    fn periods_are_compared() {
        let september = days_of("2026-09").unwrap();
        for (value, expected) in [
            ("2026-09", true),
            ("2026", true),
            ("eq2026-09-01", false),
            ("ne2026-08", true),
            ("gt2026-08", true),
            ("gt2026-09", false),
            ("lt2026-09", false),
            ("ge2026-09", true),
            ("ge2026-10", false),
            ("le2026-09", true),
            ("sa2026-08", true),
            ("eb2026-09-15", false),
            ("eb2026-10", true),
        ] {
            assert_eq!(Compared::read(value).unwrap().holds(september.0, september.1), expected, "{value}");
        }
        assert!(Compared::read("ap2026").is_none() && Compared::read("ge").is_none());
    }
}
