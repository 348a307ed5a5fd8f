//! A value with its type, and how it reads.

use hutong_fhir::calendar::{CHINA_S, date};
use rust_decimal::Decimal;
use serde_json::Number;

use crate::text::{Lang, Text};

const DAY_S: i64 = 86_400;

#[derive(Clone, PartialEq, Debug, Default)]
pub enum Value {
    /// Nothing to say, or not computable: the footnotes say why.
    #[default]
    Empty,
    Text(String),
    /// A text of ours, in both languages.
    Said(Text),
    Integer(i64),
    /// Shown with the places it has.
    Decimal(Decimal),
    /// In hundredths: 58.3 reads `58.3%`.
    Percent(Decimal),
    /// How much more or less than before, in hundredths: `+6.4%`.
    Change(Decimal),
    /// In fen.
    Money(i64),
    /// Days since 1970.
    Date(i64),
    /// Microseconds since 1970, shown in China's time to the minute.
    Moment(i64),
    /// Seconds.
    Duration(i64),
    /// How many of each: code, name, number.
    Counts(Vec<(String, Text, i64)>),
}

impl Value {
    /// As people read it.
    pub fn shown(&self, lang: Lang) -> String {
        match self {
            Value::Empty => "—".to_owned(),
            Value::Text(text) => text.clone(),
            Value::Said(text) => text.of(lang).to_owned(),
            Value::Integer(n) => thousands(&n.to_string()),
            Value::Decimal(d) => thousands(&d.to_string()),
            Value::Percent(d) => format!("{d}%"),
            Value::Change(d) if d.is_zero() || d.is_sign_negative() => format!("{d}%"),
            Value::Change(d) => format!("+{d}%"),
            Value::Money(fen) => thousands(&yuan(*fen)),
            Value::Date(days) => date(*days),
            Value::Moment(us) => moment(*us),
            Value::Duration(s) => duration(*s, lang),
            Value::Counts(counts) => {
                let join = if lang == Lang::Zh { "；" } else { "; " };
                let parts: Vec<String> = counts.iter().map(|(_, name, n)| format!("{} {n}", name.of(lang))).collect();
                if parts.is_empty() { "—".to_owned() } else { parts.join(join) }
            }
        }
    }

    /// As a spreadsheet reads it back: no separators of thousands, ISO dates, hours:minutes:seconds.
    pub fn plain(&self, lang: Lang) -> String {
        match self {
            Value::Empty => String::new(),
            Value::Integer(n) => n.to_string(),
            Value::Decimal(d) => d.to_string(),
            // a plus sign would make a formula of it
            Value::Change(d) => format!("{d}%"),
            Value::Money(fen) => yuan(*fen),
            Value::Duration(s) => {
                let (sign, s) = (if *s < 0 { "-" } else { "" }, s.unsigned_abs());
                format!("{sign}{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
            }
            other => other.shown(lang),
        }
    }

    /// As programs read it: numbers as JSON numbers with their exact digits, money in fen, duration in seconds, counts as an
    /// object by code.
    pub fn json(&self, lang: Lang) -> serde_json::Value {
        match self {
            Value::Empty => serde_json::Value::Null,
            Value::Integer(n) | Value::Money(n) | Value::Duration(n) => (*n).into(),
            Value::Decimal(d) | Value::Percent(d) | Value::Change(d) => number(&d.to_string()),
            Value::Moment(us) => format!("{}+08:00", moment_s(*us).replace(' ', "T")).into(),
            Value::Counts(counts) => serde_json::Value::Object(counts.iter().map(|(code, _, n)| (code.clone(), (*n).into())).collect()),
            other => other.shown(lang).into(),
        }
    }

    /// Whether it is a text: only texts may be taken for formulas, only they may be broken over lines.
    pub fn is_text(&self) -> bool {
        matches!(self, Value::Text(_) | Value::Said(_) | Value::Counts(_))
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Value {
        Value::Integer(n)
    }
}

impl From<Text> for Value {
    fn from(text: Text) -> Value {
        Value::Said(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

fn number(text: &str) -> serde_json::Value {
    text.parse::<Number>().map_or_else(|_| text.into(), serde_json::Value::Number)
}

/// `-1234567.5` → `-1,234,567.5`.
pub(crate) fn thousands(text: &str) -> String {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = rest.split_once('.').map_or((rest, ""), |(w, f)| (w, f));
    let mut out = String::with_capacity(text.len() + whole.len() / 3 + 1);
    out.push_str(sign);
    for (i, c) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// `8.50` of 850 fen, exact.
pub fn yuan(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", fen.unsigned_abs() / 100, fen.unsigned_abs() % 100)
}

/// `2026-11-22 08:30:05` in China of microseconds since 1970.
fn moment_s(us: i64) -> String {
    let s = us.div_euclid(1_000_000).saturating_add(CHINA_S);
    let of_day = s.rem_euclid(DAY_S);
    format!("{} {:02}:{:02}:{:02}", date(s.div_euclid(DAY_S)), of_day / 3600, of_day / 60 % 60, of_day % 60)
}

/// `2026-11-22 08:30` in China of microseconds since 1970.
pub fn moment(us: i64) -> String {
    let mut text = moment_s(us);
    text.truncate(text.len() - 3);
    text
}

fn duration(s: i64, lang: Lang) -> String {
    let (sign, s) = (if s < 0 { "-" } else { "" }, s.unsigned_abs());
    let (days, hours, minutes) = (s / 86_400, s / 3600 % 24, s / 60 % 60);
    let text = match (lang, days, hours) {
        (Lang::Zh, 0, 0) if s < 60 => format!("{s} 秒"),
        (Lang::En, 0, 0) if s < 60 => format!("{s} s"),
        (Lang::Zh, 0, 0) => format!("{minutes} 分"),
        (Lang::En, 0, 0) => format!("{minutes} min"),
        (Lang::Zh, 0, _) => format!("{hours} 小时 {minutes:02} 分"),
        (Lang::En, 0, _) => format!("{hours} h {minutes:02} min"),
        (Lang::Zh, ..) => format!("{days} 天 {hours} 小时"),
        (Lang::En, ..) => format!("{days} d {hours} h"),
    };
    format!("{sign}{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_their_types_say() {
        let d = |s: &str| s.parse::<Decimal>().unwrap();
        let reasons = Value::Counts(vec![("dup".into(), Text::new("重复上传", "sent twice"), 3), ("test".into(), Text::same("测试"), 1)]);
        for (value, zh, plain, json) in [
            (Value::Empty, "—", "", "null"),
            (Value::Integer(-1_234_567), "-1,234,567", "-1234567", "-1234567"),
            (Value::Integer(i64::MIN), "-9,223,372,036,854,775,808", "-9223372036854775808", "-9223372036854775808"),
            (Value::Integer(999), "999", "999", "999"),
            (Value::Decimal(d("18.10")), "18.10", "18.10", "18.10"),
            (Value::Percent(d("58.3")), "58.3%", "58.3%", "58.3"),
            (Value::Change(d("6.4")), "+6.4%", "6.4%", "6.4"),
            (Value::Change(d("-6.4")), "-6.4%", "-6.4%", "-6.4"),
            (Value::Change(d("0.0")), "0.0%", "0.0%", "0.0"),
            (Value::Money(-123_456), "-1,234.56", "-1234.56", "-123456"),
            (Value::Money(5), "0.05", "0.05", "5"),
            (Value::Date(20_779), "2026-11-22", "2026-11-22", "\"2026-11-22\""),
            (Value::Moment(1_795_276_799_999_999), "2026-11-21 23:59", "2026-11-21 23:59", "\"2026-11-21T23:59:59+08:00\""),
            (Value::Duration(59), "59 秒", "0:00:59", "59"),
            (Value::Duration(5_000), "1 小时 23 分", "1:23:20", "5000"),
            (Value::Duration(-90), "-1 分", "-0:01:30", "-90"),
            (Value::Duration(100_000), "1 天 3 小时", "27:46:40", "100000"),
            (Value::from("=1+1"), "=1+1", "=1+1", "\"=1+1\""),
            (reasons, "重复上传 3；测试 1", "重复上传 3；测试 1", r#"{"dup":3,"test":1}"#),
        ] {
            assert_eq!((value.shown(Lang::Zh), value.plain(Lang::Zh)), (zh.to_owned(), plain.to_owned()), "{value:?}");
            assert_eq!(value.json(Lang::Zh).to_string(), json, "{value:?}");
        }
        assert_eq!(Value::Duration(5_000).shown(Lang::En), "1 h 23 min");
        assert_eq!(Value::from(Text::new("县", "county")).shown(Lang::En), "county");
    }

    #[test]
    fn a_moment_far_away_is_still_written() {
        for us in [i64::MIN, i64::MAX, 0] {
            assert!(!moment(us).is_empty());
        }
    }
}
