//! Names of the files in a journal's directory; a listing alone tells which entries stand where.

/// What a file is, by its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FileName {
    /// A segment that is written to, waits for its first batch, or waits to be sealed.
    Open {
        number: u64,
    },
    /// A compressed segment that never changes any more.
    Sealed {
        number: u64,
        first_seq: u64,
    },
    /// A zeroed or recycled file that will become a segment.
    Spare {
        number: u64,
    },
    /// Sorted control ids of the sealed entries `first..=last`.
    Run {
        first: u64,
        last: u64,
    },
    /// Something unfinished.
    Temporary,
    Other,
}

impl FileName {
    pub(crate) fn parse(name: &str) -> FileName {
        let known = match name.rsplit_once('.') {
            Some((stem, "open")) => stem.parse().ok().map(|number| FileName::Open { number }),
            Some((stem, "spare")) => stem.parse().ok().map(|number| FileName::Spare { number }),
            Some((stem, "sealed")) => pair(stem).map(|(number, first_seq)| FileName::Sealed { number, first_seq }),
            Some((stem, "ids")) => pair(stem).map(|(first, last)| FileName::Run { first, last }),
            Some((_, "tmp")) => Some(FileName::Temporary),
            _ => None,
        };
        // Only names that we would write: no second spelling of a number.
        known.filter(|known| *known == FileName::Temporary || known.to_string() == name).unwrap_or(FileName::Other)
    }
}

fn pair(stem: &str) -> Option<(u64, u64)> {
    let (a, b) = stem.split_once('-')?;
    Some((a.parse().ok()?, b.parse().ok()?))
}

impl std::fmt::Display for FileName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FileName::Open { number } => write!(f, "{number:010}.open"),
            FileName::Sealed { number, first_seq } => write!(f, "{number:010}-{first_seq:016}.sealed"),
            FileName::Spare { number } => write!(f, "{number:010}.spare"),
            FileName::Run { first, last } => write!(f, "{first:016}-{last:016}.ids"),
            FileName::Temporary | FileName::Other => f.write_str("?"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_written() {
        for name in [
            FileName::Open { number: 1 },
            FileName::Sealed { number: 12, first_seq: 345 },
            FileName::Spare { number: u64::MAX },
            FileName::Run { first: 1, last: 99_999 },
        ] {
            assert_eq!(FileName::parse(&name.to_string()), name);
        }
        for other in ["", "lock", "1.open", "x.open", "0000000001", "0000000001-1.sealed", "+000000001.open"] {
            assert_eq!(FileName::parse(other), FileName::Other, "{other}");
        }
        assert_eq!(FileName::parse("0000000001.tmp"), FileName::Temporary);
    }
}
