//! Judges MSH: what a receiver must know before it reads on. The codes are those of table 0357 (reliability: M09, M10,
//! M11, M24).

use hutong_fhir::{Finding, Location, Severity};

use super::datetime;
use super::grammar::Grammar;
use super::message::{Message, SegmentRef};

const DAY_US: i64 = 86_400 * 1_000_000;
/// A sender's clock may be wrong by hours; a backlog may be old by months.
const FUTURE_MAX_US: i64 = DAY_US;
const PAST_MAX_US: i64 = 366 * DAY_US;
/// MSH-7 without an offset is China's time.
const OFFSET_MINUTES: i16 = 480;

/// What is wrong with MSH. `now_us` (microseconds since 1970) allows MSH-7 to be compared with the clock.
/// A message without MSH has been refused by parsing; nothing is added here.
pub fn check_header(message: &Message<'_>, grammar: &Grammar, now_us: Option<i64>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(header) = message.header() else { return findings };
    findings.extend(check_time(header, now_us));
    check_type(message, header, grammar, &mut findings);
    if value(header, 10, 1).is_empty() {
        findings.push(error("hl7.control_id.missing", 101, header, 10, 0).says(
            "MSH-10 消息控制 ID 为空，无法应答和去重",
            "MSH-10, the control id, is empty: the message cannot be answered or told from others",
        ));
    }
    findings.extend(check_processing(header));
    findings.extend(check_version(header, grammar));
    findings
}

/// Message code and event. 2.1 and 2.2 tell the event in EVN-1 alone.
pub(super) fn code_and_event<'m>(message: &'m Message<'m>) -> (&'m str, &'m str) {
    let Some(header) = message.header() else { return ("", "") };
    let mut event = value(header, 9, 2);
    if event.is_empty() {
        event = message.first("EVN").map_or("", |evn| value(evn, 1, 1));
    }
    (value(header, 9, 1), event)
}

fn value<'m>(segment: SegmentRef<'m>, field: usize, component: usize) -> &'m str {
    let value = segment.field(field).component(component).value();
    if value.is_null() { "" } else { value.raw().trim() }
}

fn check_time(header: SegmentRef<'_>, now_us: Option<i64>) -> Option<Finding> {
    let text = value(header, 7, 1);
    if text.is_empty() {
        return Some(warning("hl7.time.missing", 101, header, 7, 0).says("MSH-7 消息时间为空", "MSH-7, the time of the message, is empty"));
    }
    let Some(time) = datetime::parse(text) else {
        if is_date_of_another_order(text) {
            return Some(warning("hl7.time.format", 102, header, 7, 0).with_value(text).says(
                "MSH-7 的日期不是 HL7 的写法（YYYYMMDDHHMMSS），未使用",
                "the date in MSH-7 is not written as HL7 does (YYYYMMDDHHMMSS) and was not used",
            ));
        }
        return Some(
            error("hl7.time.invalid", 102, header, 7, 0)
                .with_value(text)
                .says("MSH-7 不是合法的日期时间（YYYYMMDDHHMMSS）", "MSH-7 is no valid date and time (YYYYMMDDHHMMSS)"),
        );
    };
    let sent_us = time.unix_us(OFFSET_MINUTES);
    let early = now_us.is_some_and(|now| sent_us.saturating_sub(now) > FUTURE_MAX_US);
    let late = now_us.is_some_and(|now| now.saturating_sub(sent_us) > PAST_MAX_US);
    (early || late).then(|| {
        warning("msg.time.skew", 0, header, 7, 0)
            .with_value(text)
            .says("MSH-7 与当前时间相差过大，请检查发送方时钟", "MSH-7 is far from the present time; check the sender's clock")
    })
}

/// Such as 01/31/2026 or 31.1.2026 8:30: a date, but nobody can say which.
fn is_date_of_another_order(text: &str) -> bool {
    let mut date = text.split([' ', 'T']).next().unwrap_or_default().split(['/', '-', '.']);
    let mut number = |digits: std::ops::RangeInclusive<usize>, max: u16| {
        date.next().is_some_and(|part| digits.contains(&part.len()) && part.parse::<u16>().is_ok_and(|n| (1..=max).contains(&n)))
    };
    number(1..=2, 31) && number(1..=2, 31) && number(4..=4, 9999) && date.next().is_none()
}

fn check_type(message: &Message<'_>, header: SegmentRef<'_>, grammar: &Grammar, findings: &mut Vec<Finding>) {
    let (code, event) = code_and_event(message);
    if code.is_empty() {
        findings.push(error("hl7.message_type.missing", 101, header, 9, 0).says("MSH-9 消息类型为空", "MSH-9, the message type, is empty"));
        return;
    }
    if !grammar.is_message_code(code) {
        findings.push(
            error("hl7.message_type", 200, header, 9, 1).with_value(code).says(
                "MSH-9.1 消息类型不在 HL7 表 0076 中，不支持",
                "MSH-9.1, the message code, is not in HL7 table 0076 and not supported",
            ),
        );
        return;
    }
    let known_pair = grammar.structure_of_event(code, event).is_some() || grammar.structure_of_event(code, "*") == Some("ACK");
    if event.is_empty() {
        if code != "ACK" {
            findings.push(warning("hl7.event.missing", 101, header, 9, 2).says(
                "MSH-9.2 触发事件为空，已按消息类型的常用结构读取",
                "MSH-9.2, the trigger event, is empty; the message was read by the structure usual for its code",
            ));
        }
    } else if event.starts_with('Z') && !known_pair {
        findings.push(warning("hl7.event.local", 201, header, 9, 2).with_value(event).says(
            "MSH-9.2 是本地定义的触发事件，已按消息类型的常用结构读取",
            "MSH-9.2 is a locally defined event; the message was read by the structure usual for its code",
        ));
    } else if !grammar.is_event(event) {
        findings.push(
            error("hl7.event", 201, header, 9, 2).with_value(event).says(
                "MSH-9.2 触发事件不在 HL7 表 0003 中，不支持",
                "MSH-9.2, the trigger event, is not in HL7 table 0003 and not supported",
            ),
        );
    } else if !known_pair {
        findings.push(warning("hl7.event.unusual", 201, header, 9, 2).with_value(event).says(
            "MSH-9 的消息类型与触发事件不相配，已按消息类型的常用结构读取",
            "the code and the event of MSH-9 do not belong together; the message was read by the structure usual for its code",
        ));
    }
}

fn check_processing(header: SegmentRef<'_>) -> Option<Finding> {
    match value(header, 11, 1) {
        "P" | "T" | "D" => None,
        "" => Some(
            warning("hl7.processing_id.missing", 101, header, 11, 0)
                .says("MSH-11 处理 ID 为空，按 P 处理", "MSH-11, the processing id, is empty; P is assumed"),
        ),
        other => Some(
            error("hl7.processing_id", 202, header, 11, 0)
                .with_value(other)
                .says("MSH-11 处理 ID 只能是 P、T 或 D", "MSH-11, the processing id, must be P, T or D"),
        ),
    }
}

fn check_version(header: SegmentRef<'_>, grammar: &Grammar) -> Option<Finding> {
    let version = value(header, 12, 1);
    if version.is_empty() {
        return Some(warning("hl7.version.missing", 101, header, 12, 0).says("MSH-12 版本为空", "MSH-12, the version, is empty"));
    }
    if grammar.is_version(version) {
        return None;
    }
    // 2.5.9, 2.3.z: of a version that is known
    let family = version.get(..3).filter(|family| grammar.is_version(family) && version.as_bytes().get(3) == Some(&b'.'));
    Some(match family {
        Some(family) => warning("hl7.version.unknown", 203, header, 12, 0).with_value(version).says(
            format!("MSH-12 不是已知的版本，已按 {family} 读取"),
            format!("MSH-12 is no known version; the message was read as {family}"),
        ),
        None => error("hl7.version", 203, header, 12, 0)
            .with_value(version)
            .says("MSH-12 版本不支持，支持 2.1 至 2.9", "MSH-12: the version is not supported; 2.1 to 2.9 are"),
    })
}

fn error(rule: &'static str, code: u16, header: SegmentRef<'_>, field: usize, component: u32) -> Finding {
    finding(Severity::Error, rule, code, header, field, component)
}

fn warning(rule: &'static str, code: u16, header: SegmentRef<'_>, field: usize, component: u32) -> Finding {
    finding(Severity::Warning, rule, code, header, field, component)
}

fn finding(severity: Severity, rule: &'static str, code: u16, header: SegmentRef<'_>, field: usize, component: u32) -> Finding {
    let issue = match code {
        101 => "required",
        200..=203 => "not-supported",
        _ => "value",
    };
    let mut location = header.location(field);
    if let Location::V2 { component: c, .. } = &mut location {
        *c = component;
    }
    Finding::new(severity, rule, issue, code).at(location)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v2::{Limits, parse};

    #[track_caller]
    fn check(header: &str, now_us: Option<i64>, expected: &[(&str, u16, &str, Severity)]) {
        let parsed = parse(header, &Limits::default());
        let findings = check_header(&parsed.message, Grammar::get(), now_us);
        let told: Vec<_> = findings.iter().map(|f| (f.rule.to_string(), f.hl7_code, f.location.to_string(), f.severity)).collect();
        let expected: Vec<_> = expected.iter().map(|(r, c, l, s)| (r.to_string(), *c, l.to_string(), *s)).collect();
        assert_eq!(told, expected, "{header}");
        assert!(findings.iter().all(|f| !f.zh.is_empty() && !f.en.is_empty()));
    }

    fn msh(time: &str, kind: &str, id: &str, processing: &str, version: &str) -> String {
        format!("MSH|^~\\&|A|B|C|D|{time}||{kind}|{id}|{processing}|{version}")
    }

    #[test]
    fn each_field_is_judged() {
        use Severity::{Error, Warning};
        let (t, k) = ("20260101120000", "ADT^A01^ADT_A01");
        check(&msh(t, k, "1", "P", "2.4"), None, &[]);
        check(&msh(t, k, "1", "P^T", "2.5.1^CHN"), None, &[]);
        check(&msh(t, k, "", "P", "2.4"), None, &[("hl7.control_id.missing", 101, "MSH[1]-10", Error)]);
        check(&msh(t, k, "\"\"", "P", "2.4"), None, &[("hl7.control_id.missing", 101, "MSH[1]-10", Error)]);
        check(&msh(t, "ZZZ^Z99", "1", "P", "2.4"), None, &[("hl7.message_type", 200, "MSH[1]-9.1", Error)]);
        check(&msh(t, "", "1", "P", "2.4"), None, &[("hl7.message_type.missing", 101, "MSH[1]-9", Error)]);
        check(&msh(t, "ADT^A99", "1", "P", "2.4"), None, &[("hl7.event", 201, "MSH[1]-9.2", Error)]);
        check(&msh(t, "ORU^Z01", "1", "P", "2.4"), None, &[("hl7.event.local", 201, "MSH[1]-9.2", Warning)]);
        check(&msh(t, "ADT^O01", "1", "P", "2.4"), None, &[("hl7.event.unusual", 201, "MSH[1]-9.2", Warning)]);
        check(&msh(t, "ORU", "1", "P", "2.4"), None, &[("hl7.event.missing", 101, "MSH[1]-9.2", Warning)]);
        check(&msh(t, "ACK", "1", "P", "2.4"), None, &[]);
        check(&msh(t, "ACK^A01", "1", "P", "2.4"), None, &[]);
        check(&(msh(t, "ADT", "1", "P", "2.1") + "\rEVN|A04"), None, &[]);
        check(&msh(t, k, "1", "X", "2.4"), None, &[("hl7.processing_id", 202, "MSH[1]-11", Error)]);
        check(&msh(t, k, "1", "", "2.4"), None, &[("hl7.processing_id.missing", 101, "MSH[1]-11", Warning)]);
        check(&msh(t, k, "1", "P", "9.9"), None, &[("hl7.version", 203, "MSH[1]-12", Error)]);
        check(&msh(t, k, "1", "P", "2.10"), None, &[("hl7.version", 203, "MSH[1]-12", Error)]);
        check(&msh(t, k, "1", "P", "2.3.z"), None, &[("hl7.version.unknown", 203, "MSH[1]-12", Warning)]);
        check(&msh(t, k, "1", "P", ""), None, &[("hl7.version.missing", 101, "MSH[1]-12", Warning)]);
        check("PID|1", None, &[]);
    }

    #[test]
    fn times_are_compared_with_the_clock() {
        use Severity::{Error, Warning};
        let now = Some(1_769_819_400_000_000); // 2026-01-31 08:30 in China
        let at = |time: &str| msh(time, "ADT^A01", "1", "P", "2.4");
        check(&at("20260131083000"), now, &[]);
        check(&at("20260201070000"), now, &[]);
        check(&at("2026-01-31 08:30:00"), now, &[]);
        check(&at("20990101"), now, &[("msg.time.skew", 0, "MSH[1]-7", Warning)]);
        check(&at("19700101"), now, &[("msg.time.skew", 0, "MSH[1]-7", Warning)]);
        check(&at("19700101"), None, &[]);
        check(&at("20260230"), now, &[("hl7.time.invalid", 102, "MSH[1]-7", Error)]);
        check(&at("01/31/2026 08:30:00"), now, &[("hl7.time.format", 102, "MSH[1]-7", Warning)]);
        check(&at("01/31/20"), None, &[("hl7.time.invalid", 102, "MSH[1]-7", Error)]);
        check(&at("today"), None, &[("hl7.time.invalid", 102, "MSH[1]-7", Error)]);
        check(&at(""), None, &[("hl7.time.missing", 101, "MSH[1]-7", Warning)]);
    }
}
