//! Partial dates: reading, showing, order, arithmetic, boundaries.

use super::*;
use crate::fhirpath::quantity::Calendar;
use rust_decimal::Decimal;

fn moment(text: &str) -> Moment {
    text.strip_prefix('T').map_or_else(|| Moment::date_time(text), Moment::time).unwrap_or_else(|| panic!("{text}"))
}

#[test]
fn what_is_written_is_shown() {
    for text in [
        "2014",
        "2014-02",
        "2016-02-29",
        "2014-01-01T08",
        "2014-01-01T08:05+08:00",
        "2014-01-01T08:05:07.010Z",
        "2014-01-01T00:00:00-12:30",
    ] {
        assert_eq!(show(&moment(text), false), text);
    }
    assert_eq!(show(&moment("T10:30:00.5"), true), "10:30:00.5");
    for text in [
        "",
        "14",
        "2014-13",
        "2015-02-29",
        "2014-01T10",
        "2014-01-01T24",
        "2014-01-01T10:5",
        "2014-01-01T10:00+15:00",
        "0000",
        "2014-01-01x",
    ] {
        assert!(Moment::date_time(text).is_none(), "{text}");
    }
    assert!(Moment::time("14:34:28Z").is_none());
    assert!(Moment::date("2014-01-01T08").is_none());
}

#[test]
fn order_is_open_where_precision_leaves_it_open() {
    use Ordering::{Equal, Greater, Less};
    for (a, b, expected) in [
        ("2018-03", "2018-03-01", None),
        ("2018-03", "2018-04-01", Some(Less)),
        ("2018-03-01T10:30", "2018-03-01T10:30:00", None),
        ("2018-03-01T10:30:00", "2018-03-01T10:30:00.0", Some(Equal)),
        ("2018-03-01T10:30:00Z", "2018-03-01T18:30:00+08:00", Some(Equal)),
        ("2018-03-01T00:30:00+08:00", "2018-02-28T23:00:00Z", Some(Less)),
        ("2018-03-01T10:30:00Z", "2018-03-01T10:30:00", None),
        ("2018-03-01T10:30:00Z", "2018-03-03T10:30:00", Some(Less)),
        ("2018-03-02T10:30:00Z", "2018-03-01", Some(Greater)),
        ("2018-03-01T10:30:00Z", "2018-03-01", None),
        ("T10:30", "T10:31:00", Some(Less)),
    ] {
        assert_eq!(moment(a).compare(&moment(b)), expected, "{a} {b}");
        assert_eq!(moment(b).compare(&moment(a)), expected.map(Ordering::reverse), "{b} {a}");
    }
}

#[test]
fn durations_follow_the_calendar() {
    for (from, amount, unit, expected) in [
        ("2016-02-29", 1, Calendar::Year, "2017-02-28"),
        ("2016-01-31", 1, Calendar::Month, "2016-02-29"),
        ("2016-03-31", -1, Calendar::Month, "2016-02-29"),
        ("1973-12-25", 7, Calendar::Day, "1974-01-01"),
        ("2014", 25, Calendar::Month, "2016"),
        ("2019-03", 30, Calendar::Day, "2019-04"),
        ("2019-03-01", 25, Calendar::Hour, "2019-03-02"),
        ("2019-03-01T00:00:00Z", -1, Calendar::Second, "2019-02-28T23:59:59Z"),
        ("2019-03-01T00:00:00Z", -1, Calendar::Millisecond, "2019-02-28T23:59:59.999Z"),
    ] {
        let sum = moment(from).add(Decimal::from(amount), unit, false).unwrap();
        assert_eq!(show(&sum, false), expected, "{from} {amount} {unit:?}");
    }
    let night = moment("T23:30:00").add(Decimal::from(1), Calendar::Hour, true).unwrap();
    assert_eq!(show(&night, true), "00:30:00");
    assert!(moment("9999-12-31").add(Decimal::from(1), Calendar::Day, false).is_none());
    assert!(moment("2000").add(Decimal::from(i64::MAX), Calendar::Year, false).is_none());
}

#[test]
fn boundaries_enclose_what_a_value_can_mean() {
    for (text, digits, low, high) in [
        ("2014", 6, "2014-01", "2014-12"),
        ("2016-02", 8, "2016-02-01", "2016-02-29"),
        ("2014-01-01T08", 17, "2014-01-01T08:00:00.000+14:00", "2014-01-01T08:59:59.999-12:00"),
        ("2014-01-01T08:05+08:00", 17, "2014-01-01T08:05:00.000+08:00", "2014-01-01T08:05:59.999+08:00"),
        ("2014-01-01T08", 8, "2014-01-01", "2014-01-01"),
    ] {
        let m = moment(text);
        assert_eq!(show(&m.boundary(false, digits, false).unwrap(), false), low);
        assert_eq!(show(&m.boundary(true, digits, false).unwrap(), false), high);
    }
    assert!(moment("2014").boundary(false, 5, false).is_none());
    assert_eq!(moment("2014-01-05T10:30:00.000").digits(false), 17);
    assert_eq!(moment("T10:30").digits(true), 4);
}

#[test]
fn instants_are_dates_in_utc() {
    for (ms, expected) in
        [(0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"), (1_795_335_609_123, "2026-11-22T08:20:09.123Z")]
    {
        assert_eq!(show(&Moment::from_unix_ms(ms).unwrap(), false), expected);
    }
    assert!(Moment::from_unix_ms(i64::MAX).is_none());
}
