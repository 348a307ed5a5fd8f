//! Invariants of data types.

use super::{Rule, has, has_choice, value};
use crate::keys::KEYS;
use hutong_fhir::NodeRef;
use hutong_fhir::calendar;
use hutong_fhir::decimal;
use hutong_fhir::primitive::{base64_len, is_absolute};
use std::cmp::Ordering;

const UCUM: &str = "http://unitsofmeasure.org";

pub(crate) static SQTY_1: Rule = Rule {
    id: "fhir.sqty-1",
    zh: "此处的数量不能有比较符 comparator；请删去，或改用文本",
    en: "a quantity here must not have a comparator; remove it or use text",
    issue: "invariant",
    holds: None,
};

pub(super) static CODING_SYSTEM: Rule = Rule {
    id: "fhir.coding.system",
    zh: "代码的 system 须为绝对 URI，如 http://… 或 urn:oid:…",
    en: "the system of a code must be an absolute URI such as http://… or urn:oid:…",
    issue: "value",
    holds: Some(system_is_absolute),
};

pub(super) static IDENTIFIER_SYSTEM: Rule = Rule {
    id: "fhir.identifier.system",
    zh: "Identifier.system 须为绝对 URI，如 http://… 或 urn:oid:…",
    en: "Identifier.system must be an absolute URI such as http://… or urn:oid:…",
    issue: "value",
    holds: Some(system_is_absolute),
};

pub(super) static ATTACHMENT_SIZE: Rule = Rule {
    id: "fhir.attachment.size",
    zh: "附件的 size 与 data 的实际字节数不符；请改正 size",
    en: "size of the attachment differs from the number of bytes in data; correct size",
    issue: "value",
    holds: Some(|n| match (value(n, KEYS.size), value(n, KEYS.data)) {
        (Some(size), Some(data)) => base64_len(data.as_bytes()).is_none_or(|len| size.parse() == Ok(len)),
        _ => true,
    }),
};

pub(super) static IDENTIFIER_URI: Rule = Rule {
    id: "fhir.identifier.uri",
    zh: "system 为 urn:ietf:rfc:3986 时，Identifier.value 须为完整的 URI",
    en: "with the system urn:ietf:rfc:3986, Identifier.value must be a complete URI",
    issue: "value",
    holds: Some(|n| value(n, KEYS.system) != Some("urn:ietf:rfc:3986") || value(n, KEYS.value).is_none_or(is_absolute)),
};

macro_rules! rules {
    ($($id:literal, $zh:literal, $en:literal, $holds:expr;)*) => {
        pub(super) static RULES: &[Rule] = &[$(Rule { id: $id, zh: $zh, en: $en, issue: "invariant", holds: Some($holds) }),*];
    };
}

rules! {
    "fhir.ext-1", "扩展必须有 value[x] 或下级扩展，且只能有其一", "an extension must have a value[x] or extensions, and not both",
        |n| has_choice(n, "value") != has(n, KEYS.extension);
    "fhir.qty-3", "有单位代码 code 就必须有 system；请补上，UCUM 为 http://unitsofmeasure.org",
        "with a unit code there must be a system; add it, UCUM is http://unitsofmeasure.org",
        |n| !has(n, KEYS.code) || has(n, KEYS.system);
    "fhir.age-1", "年龄必须为正数，有 UCUM 时间单位的代码", "an age must be positive and have the code of a UCUM unit of time",
        |n| (has(n, KEYS.code) || !has(n, KEYS.value)) && ucum_or_none(n)
            && value(n, KEYS.value).is_none_or(|v| decimal::compare(v, "0") == Some(Ordering::Greater));
    "fhir.dis-1", "距离必须有 UCUM 长度单位的代码", "a distance must have the code of a UCUM unit of length",
        |n| (has(n, KEYS.code) || !has(n, KEYS.value)) && ucum_or_none(n);
    "fhir.drt-1", "时长有代码时必须有值，且 system 为 UCUM", "a duration with a code must have a value and the system UCUM",
        |n| !has(n, KEYS.code) || (value(n, KEYS.system) == Some(UCUM) && has(n, KEYS.value));
    "fhir.cnt-3", "计数必须为整数，代码为 1，system 为 UCUM", "a count must be whole, with code 1 and system UCUM",
        |n| (has(n, KEYS.code) || !has(n, KEYS.value)) && ucum_or_none(n)
            && value(n, KEYS.code).is_none_or(|c| c == "1") && value(n, KEYS.value).is_none_or(|v| !v.contains('.'));
    "fhir.rat-1", "比值的分子和分母必须同时给出", "numerator and denominator of a ratio belong together",
        |n| has(n, KEYS.numerator) == has(n, KEYS.denominator) && (has(n, KEYS.numerator) || has(n, KEYS.extension));
    "fhir.rng-2", "范围的 low 不能大于 high；请核对两值及其单位", "low of a range must not be greater than high; check the values and their units",
        range_is_ordered;
    "fhir.per-1", "开始时间不能晚于结束时间，且两者须可比较（精度相同）；请核对两值",
        "start must not be after end, and the two must be comparable (the same precision); check both",
        |n| match (value(n, KEYS.start), value(n, KEYS.end)) {
            (Some(start), Some(end)) => matches!(crate::rules::datatypes::compare_dates(start, end), Some(Ordering::Less | Ordering::Equal)),
            _ => true,
        };
    "fhir.att-1", "附件有 data 就必须有 contentType；请补上媒体类型", "an attachment with data must have a contentType; add the media type",
        |n| !has(n, KEYS.data) || has(n, KEYS.content_type);
    "fhir.cpt-2", "联系方式有 value 就必须有 system(phone、email、fax …)", "a contact point with a value must have a system (phone, email, fax …)",
        |n| !has(n, KEYS.value) || has(n, KEYS.system);
    "fhir.exp-1", "表达式必须有 expression 或 reference", "an expression must have expression or reference",
        |n| has(n, KEYS.expression) || has(n, KEYS.reference);
    "fhir.tim-1", "有 duration 就必须有 durationUnit", "with a duration there must be a durationUnit", |n| !has(n, KEYS.duration) || has(n, KEYS.duration_unit);
    "fhir.tim-2", "有 period 就必须有 periodUnit", "with a period there must be a periodUnit", |n| !has(n, KEYS.period) || has(n, KEYS.period_unit);
    "fhir.tim-4", "duration 不能为负", "duration must not be negative", |n| not_negative(n, KEYS.duration);
    "fhir.tim-5", "period 不能为负", "period must not be negative", |n| not_negative(n, KEYS.period);
    "fhir.tim-6", "有 periodMax 就必须有 period", "with a periodMax there must be a period", |n| !has(n, KEYS.period_max) || has(n, KEYS.period);
    "fhir.tim-7", "有 durationMax 就必须有 duration", "with a durationMax there must be a duration", |n| !has(n, KEYS.duration_max) || has(n, KEYS.duration);
    "fhir.tim-8", "有 countMax 就必须有 count", "with a countMax there must be a count", |n| !has(n, KEYS.count_max) || has(n, KEYS.count);
    "fhir.tim-9", "有 offset 就必须有 when，且不能是 C、CM、CD、CV", "with an offset there must be a when other than C, CM, CD, CV",
        |n| !has(n, KEYS.offset) || (has(n, KEYS.when) && n.all(KEYS.when).all(|w| !matches!(w.value(), Some("C" | "CM" | "CD" | "CV"))));
    "fhir.tim-10", "timeOfDay 与 when 不能同时出现", "timeOfDay and when exclude each other", |n| !has(n, KEYS.time_of_day) || !has(n, KEYS.when);
}

fn ucum_or_none(n: NodeRef<'_>) -> bool {
    value(n, KEYS.system).is_none_or(|s| s == UCUM)
}

fn not_negative(n: NodeRef<'_>, key: hutong_fhir::Key) -> bool {
    value(n, key).is_none_or(|v| decimal::compare(v, "0") != Some(Ordering::Less))
}

/// Values of different units are not compared: that takes a table of units.
fn range_is_ordered(n: NodeRef<'_>) -> bool {
    let (Some(low), Some(high)) = (n.child(KEYS.low), n.child(KEYS.high)) else { return true };
    if value(low, KEYS.code) != value(high, KEYS.code) || value(low, KEYS.unit) != value(high, KEYS.unit) {
        return true;
    }
    match (value(low, KEYS.value), value(high, KEYS.value)) {
        (Some(low), Some(high)) => decimal::compare(low, high) != Some(Ordering::Greater),
        // a bound without value compares with nothing
        _ => false,
    }
}

/// Compares dateTimes as FHIRPath does: field by field, zones taken into account where both have a time; `None` where
/// one is less precise and they agree as far as both go.
pub(crate) fn compare_dates(a: &str, b: &str) -> Option<Ordering> {
    if let (Some(a), Some(b)) = (seconds(a), seconds(b)) {
        return Some(a.0.cmp(&b.0).then_with(|| a.1.trim_end_matches('0').cmp(b.1.trim_end_matches('0'))));
    }
    let date = |text: &str| text.split('T').next().unwrap_or("").split('-').map(|p| p.parse::<u32>().unwrap_or(0)).collect::<Vec<_>>();
    let (da, db) = (date(a), date(b));
    for (x, y) in da.iter().zip(&db) {
        if x != y {
            return Some(x.cmp(y));
        }
    }
    if da.len() == db.len() && a.contains('T') == b.contains('T') { Some(Ordering::Equal) } else { None }
}

/// Seconds since 1970 and the digits of the fraction, of a dateTime with time and zone.
fn seconds(text: &str) -> Option<(i64, &str)> {
    let (date, time) = text.split_once('T')?;
    let mut parts = date.split('-').map(|p| p.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let clock = time.get(..8)?;
    let mut parts = clock.split(':').map(|p| p.parse::<i64>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    let rest = &time[8..];
    let zone_at = rest.find(['Z', '+', '-'])?;
    let fraction = rest[..zone_at].trim_start_matches('.');
    let zone = &rest[zone_at..];
    let offset = match zone.as_bytes().first()? {
        b'Z' => 0,
        sign => {
            let minutes = zone.get(1..3)?.parse::<i64>().ok()? * 60 + zone.get(4..6)?.parse::<i64>().ok()?;
            if *sign == b'-' { -minutes } else { minutes }
        }
    };
    let days = calendar::days(year, month, day);
    Some((days * 86_400 + hour * 3_600 + minute * 60 + second - offset * 60, fraction))
}

/// Whether a `system` is a URI with a scheme.
fn system_is_absolute(n: NodeRef<'_>) -> bool {
    value(n, KEYS.system).is_none_or(|s| s.is_empty() || is_absolute(s))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_compare_as_fhirpath_compares_them() {
        use Ordering::*;
        for (a, b, expected) in [
            ("2024", "2025", Some(Less)),
            ("2024-02", "2024-01-31", Some(Greater)),
            ("2024", "2024-01", None),
            ("2024-01-01", "2024-01-01T10:00:00Z", None),
            ("2024-01-01", "2024-01-02T10:00:00Z", Some(Less)),
            ("2024-01-01T08:00:00+08:00", "2024-01-01T00:00:00Z", Some(Equal)),
            ("2024-01-01T07:59:59+08:00", "2024-01-01T00:00:00Z", Some(Less)),
            ("2024-01-01T00:00:00.5Z", "2024-01-01T00:00:00.50Z", Some(Equal)),
            ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00.1Z", Some(Less)),
            ("1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", Some(Less)),
            ("2024-02-29T23:00:00-02:00", "2024-03-01T01:00:00Z", Some(Equal)),
            ("2024-01-01", "2024-01-01", Some(Equal)),
        ] {
            assert_eq!(compare_dates(a, b), expected, "{a} {b}");
        }
    }
}
