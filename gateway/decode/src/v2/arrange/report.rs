//! What the arrangement has to say: each kind once for a segment's name and group, with the first place and the number.

use hutong_fhir::{Finding, Location, Severity};

use crate::v2::message::Message;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Misplaced,
    Unexpected,
    Missing,
}

struct Report {
    kind: Kind,
    segment: String,
    group: &'static str,
    at: Location,
    count: usize,
}

/// Kinds told of one message; a message with more is not of the structure at all.
const REPORTS_MAX: usize = 50;

pub(super) struct Reports<'m> {
    message: &'m Message<'m>,
    reports: Vec<Report>,
    untold: usize,
}

impl<'m> Reports<'m> {
    pub(super) fn new(message: &'m Message<'m>) -> Reports<'m> {
        Reports { message, reports: Vec::new(), untold: 0 }
    }

    /// The structure has the segment, elsewhere; or does not have it at all. It was put into `group`.
    pub(super) fn misplaced(&mut self, index: usize, group: &'static str) {
        self.add(Kind::Misplaced, index, group);
    }

    /// No version of the standard knows the segment. Z segments are of the site and need no word.
    pub(super) fn unknown(&mut self, index: usize, structure: &'static str) {
        if self.message.segment(index).is_some_and(|segment| !segment.name().starts_with(['Z', 'z'])) {
            self.add(Kind::Unexpected, index, structure);
        }
    }

    pub(super) fn missing(&mut self, segment: &'static str, group: &'static str) {
        let at = Location::V2 { segment: segment.into(), sequence: 0, field: 0, repetition: 0, component: 0, subcomponent: 0 };
        self.count(Kind::Missing, segment, group, || at);
    }

    fn add(&mut self, kind: Kind, index: usize, group: &'static str) {
        let Some(segment) = self.message.segment(index) else { return };
        self.count(kind, segment.name(), group, || segment.location(0));
    }

    fn count(&mut self, kind: Kind, segment: &str, group: &'static str, at: impl FnOnce() -> Location) {
        let is_full = self.reports.len() >= REPORTS_MAX;
        match self.reports.iter_mut().find(|r| r.kind == kind && r.segment == segment && r.group == group) {
            Some(report) => report.count += 1,
            None if is_full => self.untold += 1,
            None => self.reports.push(Report { kind, segment: segment.to_owned(), group, at: at(), count: 1 }),
        }
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        let untold = (self.untold > 0).then(|| {
            Finding::new(Severity::Warning, "hl7.structure.more", "structure", 100)
                .with_value(format!("count={}", self.untold))
                .says(format!("另有 {} 处结构问题未列出", self.untold), format!("{} more places do not follow the structure", self.untold))
        });
        self.reports.into_iter().map(finding).chain(untold).collect()
    }
}

fn finding(report: Report) -> Finding {
    let Report { kind, segment, group, at, count } = report;
    let (rule, zh, en) = match kind {
        Kind::Misplaced => (
            "hl7.structure.misplaced",
            format!("{segment} 段不在消息结构规定的位置，已归入 {group}（共 {count} 个）"),
            format!(
                "{segment} does not stand where the message structure has it; it was read as part of {group} ({count} in this message)"
            ),
        ),
        Kind::Unexpected => (
            "hl7.segment.unknown",
            format!("HL7 没有 {segment} 段，已原样保留（共 {count} 个）；自定义段名应以 Z 开头"),
            format!("HL7 knows no segment {segment}; it was kept ({count} in this message). Names of local segments begin with Z"),
        ),
        Kind::Missing => (
            "hl7.structure.missing",
            format!("{group} 缺少必需的 {segment} 段（共 {count} 处）"),
            format!("{group} lacks the segment {segment}, which it must have ({count} in this message)"),
        ),
    };
    Finding::new(Severity::Warning, rule, "structure", 100).at(at).with_value(format!("count={count}")).says(zh, en)
}
