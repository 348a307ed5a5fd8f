//! One case: what happened when and where, why it counts or not, and the messages that say so.

use hutong_commit::entry::{Entry, EntryKind};
use hutong_console::view::{Case, Message, Step};
use hutong_console::{Unanswered, mask_message};
use hutong_count::cases::{self as count, DEFINITION, DEFINITION_VERSION, Kind, Outcome, Sighting, Status};
use hutong_count::period::{Period, day_of};
use hutong_fhir::calendar::{civil, days};
use hutong_paper::{Text, Value};

use super::Pages;
use crate::community::Community;
use crate::hex::hex;
use crate::indicators::names;
use crate::report::outcome;

/// Messages of one case that are shown.
const MESSAGES: usize = 100;

impl Pages {
    pub(super) fn detail(&self, only: Option<&str>, id: &str) -> Result<Case, Unanswered> {
        let case: u32 = id.parse().map_err(|_| Unanswered::NotFound)?;
        let (rows, entries, position) = {
            let community = self.community.read();
            (community.cases.case(case), community.cases.entries(case), community.applied())
        };
        let mine = |r: &count::CaseRow| only.is_none_or(|i| r.exam == i || r.read == i);
        if !rows.iter().any(mine) {
            return Err(Unanswered::NotFound);
        }
        let row = rows.iter().find(|r| r.outcome == Outcome::Counted).or_else(|| rows.first()).ok_or(Unanswered::NotFound)?;
        let day = day_of(row.reported_us);
        let period = Period { first: day, last: day };
        let entries: Vec<Entry> = entries.iter().rev().take(MESSAGES).rev().filter_map(|seq| self.store.entry(*seq).ok()).collect();
        let said: Vec<(&Entry, Vec<Sighting>)> = entries.iter().map(|e| (e, self.said(e, row.case))).collect();
        let community = self.community.read();
        let mut steps: Vec<Step> = Vec::new();
        for (entry, sightings) in &said {
            steps.extend(sightings.iter().map(|s| step(&community, entry, s, period)));
        }
        steps.sort_by_key(|s| (s.at_us, s.entry));
        let facts = facts(&community, &rows, row);
        let adjustments = adjustments(&community, row);
        let became = outcome(row, count::Scope::All4);
        drop(community);
        Ok(Case {
            row: self.row(row, period, count::Scope::All4),
            facts,
            decided_by: Text::new(
                format!("{}（{DEFINITION} {DEFINITION_VERSION}）", became.zh()),
                format!("{} ({DEFINITION} {DEFINITION_VERSION})", became.en()),
            ),
            steps,
            messages: entries.iter().map(|e| message(e, self.name_of(e.source()))).collect(),
            adjustments,
            basis: self.basis(position),
        })
    }
}

impl Pages {
    /// A source as people call it.
    fn name_of(&self, source: &str) -> Text {
        let known = self.sources.all().into_iter().find(|s| s.id == source).map(|s| s.name.clone()).filter(|name| !name.is_empty());
        Text::same(known.unwrap_or_else(|| source.to_owned()))
    }
}

fn facts(community: &Community, rows: &[count::CaseRow], row: &count::CaseRow) -> Vec<(Text, Value)> {
    let minutes = |m: u32| match m {
        0 => Text::new("不足 1 分", "less than 1 min").into(),
        _ => Value::Duration(i64::from(m) * 60),
    };
    let mut out = Vec::new();
    out.extend(row.order_to_report.map(|m| (Text::new("申请至报告", "Order to report"), minutes(m))));
    out.extend(row.exam_to_report.map(|m| (Text::new("检查至报告", "Examination to report"), minutes(m))));
    let person = row.person.and_then(|p| community.register.community_id(hutong_identify::PersonId(p)));
    out.extend(person.map(|id| (Text::new("主索引号", "Community id"), id.into())));
    if row.checkup {
        out.push((Text::new("类型", "Kind"), Text::new("体检", "check-up").into()));
    }
    if row.critical {
        out.push((Text::new("危急值", "Critical value"), Text::new("有", "yes").into()));
    }
    if rows.len() > 1 {
        let of = |say: fn(Outcome) -> &'static str, between: &str| rows.iter().map(|r| say(r.outcome)).collect::<Vec<_>>().join(between);
        let all =
            Text::new(format!("{} 份（{}）", rows.len(), of(Outcome::zh, "；")), format!("{} ({})", rows.len(), of(Outcome::en, "; ")));
        out.push((Text::new("报告", "Reports"), all.into()));
    }
    out
}

fn step(community: &Community, entry: &Entry, s: &Sighting, period: Period) -> Step {
    let (what, at) = match (s.kind, s.status) {
        _ if s.rejected => (Text::new("标本被拒收", "specimen rejected"), s.received_us),
        (Kind::Order, Status::Cancelled) => (Text::new("申请撤销", "order cancelled"), None),
        (Kind::Order, _) => (Text::new("申请", "ordered"), s.ordered_us),
        (Kind::Specimen, _) => (Text::new("采样", "specimen taken"), s.examined_us),
        (Kind::Study, _) => (Text::new("检查", "examined"), s.examined_us),
        (Kind::Status, _) => (Text::new("状态", "state"), s.received_us.or(s.examined_us)),
        (Kind::Report, status) if status.is_void() => (Text::new("报告撤销", "report withdrawn"), s.reported_us),
        (Kind::Report, Status::Corrected | Status::Amended) => (Text::new("报告更正", "report corrected"), s.reported_us),
        (Kind::Report, Status::Final) => (Text::new("终审报告", "final report"), s.reported_us),
        (Kind::Report, _) => (Text::new("初步报告", "preliminary report"), s.reported_us),
    };
    let place = if s.kind == Kind::Report && !s.read.is_empty() { &s.read } else { &s.source };
    let who = names::institution(&community.registry, place, period);
    Step { at_us: at.unwrap_or_else(|| entry.committed_us()), what, who, entry: entry.seq() }
}

fn adjustments(community: &Community, row: &count::CaseRow) -> Vec<(i64, Text)> {
    let (year, month, _) = civil(day_of(row.reported_us));
    let next = if month == 12 { days(year + 1, 1, 1) } else { days(year, month + 1, 1) };
    let all = community.cases.adjustments(Period { first: days(year, month, 1), last: next - 1 });
    let of_it = all.into_iter().filter(|a| a.case == row.case);
    of_it
        .map(|a| {
            let sign = if a.change < 0 { "−1" } else { "+1" };
            (
                day_of(a.at_us),
                Text::new(format!("{}：{sign}（#{}）", a.outcome.zh(), a.seq), format!("{}: {sign} (#{})", a.outcome.en(), a.seq)),
            )
        })
        .collect()
}

fn message(entry: &Entry, source: Text) -> Message {
    let raw = entry.raw();
    let text = match std::str::from_utf8(raw) {
        Ok(text) => text.to_owned(),
        Err(_) => hutong_decode::charset::decode(raw, None).map(|t| t.text.into_owned()).unwrap_or_default(),
    };
    // only what masking knows is shown
    let is_v2 = entry.kind() == EntryKind::Message && text.trim_start().starts_with("MSH");
    Message {
        entry: entry.seq(),
        at_us: entry.committed_us(),
        kind: entry.message_type().to_owned(),
        source,
        control_id: entry.control_id().split('|').next().unwrap_or_default().to_owned(),
        sha256: hex(entry.content_hash()),
        text: if is_v2 { mask_message(&text) } else { "—".to_owned() },
    }
}
