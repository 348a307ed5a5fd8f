//! `add(time, n, "min")`: the time some while later; units `min`, `h`, `d`. Without the precision for it: nothing.

use super::{Builtin, Gives, typed};
use crate::run::{Moment, Val};
use std::borrow::Cow;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "add",
    args: (3, 3),
    labels: &[],
    gives: Gives::Moment,
    run: |e, args, _| {
        let [time, count, unit] = args else { return };
        let (Some((time, origin)), Some((count, _)), Some((unit, _))) = (e.text(*time), e.text(*count), e.text(*unit)) else { return };
        let (Some(moment), Ok(count)) = (Moment::read(&time), count.trim().trim_start_matches('+').parse::<u32>()) else { return };
        let later = match &*unit {
            "min" => moment.plus_minutes(i64::from(count)),
            "h" => moment.plus_minutes(i64::from(count) * 60),
            "d" => moment.plus_days(i64::from(count)),
            _ => None,
        };
        let zone = e.zone.unwrap_or(e.cx.zone_minutes);
        if let Some(later) = later {
            e.vals.push(Val::Text(Cow::Owned(later.date_time(zone)), origin));
        }
    },
    examples: &[
        typed("CWE", "202002292350^15", "add(x.1, x.2, \"min\")", &["2020-03-01T00:05:00+08:00"]),
        typed("CWE", "20200229^2", "add(dateTime(x.1), x.2, \"d\")", &["2020-03-02"]),
        typed("CWE", "20200229^15", "add(x.1, x.2, \"min\")", &[]),
    ],
};
