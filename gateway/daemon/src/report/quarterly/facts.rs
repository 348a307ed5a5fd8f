//! What a quarterly report says, before it is words: figures of the quarter, of the one before, of a year ago and of the
//! year so far, taken at one moment.

use std::collections::BTreeMap;

use hutong_count::cases::{Adjustment, By, Figure, FigureRow, Lack, Outcome, Quality, Question, Scope, Size};
use hutong_count::indicators::{self, Definition};
use hutong_count::period::{Period, day_of};
use hutong_fhir::calendar::{civil, days};
use hutong_paper::Text;
use hutong_receive::sources::Sources;

use crate::community::{Community, Outcomes};
use crate::indicators::Indicators;
use crate::indicators::names::{self, CENTRES};
use crate::ingest::now_us;
use crate::report::int;

/// Parts without their other half, and doubtful joins, that are looked at.
const LISTED: usize = 100_000;

/// The quarter, or whatever whole months are reported on.
pub(super) struct Facts {
    pub(super) period: Period,
    pub(super) year: i64,
    /// The community; the institution where it is reported on alone.
    pub(super) name: Text,
    pub(super) institution: Option<String>,
    /// The scope of tables and charts.
    pub(super) scope: Scope,
    /// Both scopes.
    pub(super) scopes: Vec<OfScope>,
    pub(super) target: Option<Target>,
    /// Part of the year that had passed at the end of the period.
    pub(super) elapsed: (i64, i64),
    pub(super) institutions: Vec<Row>,
    pub(super) centres: Vec<Centre>,
    /// Reading institutions: cases.
    pub(super) readers: Vec<(Text, i64)>,
    /// Months of the year and of the one before, in cases.
    pub(super) months: Vec<(u32, Option<i64>, i64)>,
    pub(super) excluded: BTreeMap<Outcome, u64>,
    pub(super) closed: bool,
    pub(super) adjustments: Vec<Adjustment>,
    pub(super) indicators: Vec<indicators::Figure>,
    pub(super) senders: Vec<(Text, Outcomes)>,
    /// Age in days of each part without its other half.
    pub(super) orphans: BTreeMap<Lack, Vec<i64>>,
    pub(super) doubts: usize,
    pub(super) size: Size,
    pub(super) in_time_percent: Option<u8>,
    pub(super) position: u64,
}

/// A scope's figures.
pub(super) struct OfScope {
    pub(super) scope: Scope,
    pub(super) now: Figure,
    pub(super) published: Option<Figure>,
    pub(super) before: Figure,
    pub(super) year_ago: Figure,
    pub(super) to_date: Figure,
}

/// What the year asks for.
pub(super) struct Target {
    pub(super) value: i64,
    pub(super) of_persons: bool,
    pub(super) scope: Scope,
    pub(super) from: Text,
    /// The year to date.
    pub(super) done: i64,
}

/// An examining institution.
pub(super) struct Row {
    pub(super) name: Text,
    pub(super) cases: i64,
    pub(super) persons: i64,
    /// Of the other scope.
    pub(super) other: i64,
    pub(super) before: i64,
    pub(super) to_date: i64,
    pub(super) target: Option<i64>,
    pub(super) excluded: i64,
}

/// A centre.
pub(super) struct Centre {
    pub(super) code: &'static str,
    pub(super) cases: i64,
    pub(super) before: i64,
    pub(super) quality: Quality,
    /// Of the period before.
    pub(super) quality_before: Quality,
    /// Minutes from examination to report that are in time.
    pub(super) limit: u32,
}

/// The same number of months before a period of whole months.
pub(super) fn before(period: Period) -> Period {
    let (y, m, _) = civil(period.first);
    let (ly, lm, _) = civil(period.last);
    let count = (ly * 12 + lm) - (y * 12 + m) + 1;
    let start = y * 12 + (m - 1) - count;
    Period { first: days(start.div_euclid(12), start.rem_euclid(12) + 1, 1), last: period.first - 1 }
}

/// The same months of the year before.
pub(super) fn year_ago(period: Period) -> Period {
    let back = |day: i64| {
        let (y, m, _) = civil(day);
        days(y - 1, m, 1)
    };
    Period { first: back(period.first), last: back(period.last + 1) - 1 }
}

fn to_date(period: Period) -> Period {
    Period { first: days(civil(period.last).0, 1, 1), last: period.last }
}

/// One question after the other to one community.
struct Asker<'c> {
    community: &'c Community,
    institution: Option<&'c str>,
}

impl Asker<'_> {
    fn rows(&self, period: Period, scope: Scope, by: By) -> Vec<FigureRow> {
        let question = Question { period, scope, by, institution: self.institution.map(str::to_owned) };
        self.community.cases.figures(&question).map(|f| f.rows).unwrap_or_default()
    }

    fn county(&self, period: Period, scope: Scope) -> FigureRow {
        self.rows(period, scope, By::County).pop().unwrap_or_default()
    }

    fn scope(&self, period: Period, scope: Scope) -> OfScope {
        let row = self.county(period, scope);
        OfScope {
            scope,
            now: row.now,
            published: row.published,
            before: self.county(before(period), scope).now,
            year_ago: self.county(year_ago(period), scope).now,
            to_date: self.county(to_date(period), scope).now,
        }
    }

    fn institutions(&self, period: Period, scope: Scope, indicators: &Indicators) -> Vec<Row> {
        let year = civil(period.last).0;
        let other = if scope == Scope::Img5 { Scope::All4 } else { Scope::Img5 };
        let of = |rows: Vec<FigureRow>| -> BTreeMap<String, i64> { rows.into_iter().map(|r| (r.key, int(r.now.cases))).collect() };
        let others = of(self.rows(period, other, By::Exam));
        let past = of(self.rows(before(period), scope, By::Exam));
        let so_far = of(self.rows(to_date(period), scope, By::Exam));
        let mut all: BTreeMap<String, FigureRow> = self.rows(period, scope, By::Exam).into_iter().map(|r| (r.key.clone(), r)).collect();
        // who has a target is told of, also where nothing counts
        let with_target = indicators.setting.targets.iter().filter(|t| t.year == year && t.scope == scope && !t.institution.is_empty());
        for goal in with_target.filter(|t| self.institution.is_none_or(|i| i == t.institution)) {
            all.entry(goal.institution.clone()).or_default();
        }
        let mut rows: Vec<Row> = all
            .into_iter()
            .map(|(code, r)| Row {
                name: names::institution(&self.community.registry, &code, period),
                cases: int(r.now.cases),
                persons: int(r.now.persons),
                other: others.get(&code).copied().unwrap_or(0),
                before: past.get(&code).copied().unwrap_or(0),
                to_date: so_far.get(&code).copied().unwrap_or(0),
                target: indicators.setting.cases_of(year, scope, &code, "").map(i64::from),
                excluded: int(r.excluded.values().sum()),
            })
            .filter(|r| r.target.is_some() || r.cases + r.other + r.before + r.to_date > 0)
            .collect();
        rows.sort_by(|a, b| b.cases.cmp(&a.cases).then_with(|| a.name.zh.cmp(&b.name.zh)));
        rows
    }

    fn centres(&self, period: Period, scope: Scope, indicators: &Indicators) -> Vec<Centre> {
        let of = |rows: Vec<FigureRow>, code: &str| rows.iter().find(|r| r.key == code).map_or(0, |r| int(r.now.cases));
        let past = before(period);
        let quality = |period: Period, limit: u32, code: &str| {
            let all = self.community.cases.quality(period, By::Centre, limit).unwrap_or_default();
            all.into_iter().find(|q| q.key == code).unwrap_or_default()
        };
        let shown = CENTRES.iter().filter(|c| scope == Scope::All4 || matches!(**c, "imaging" | "tracing"));
        let one = |code: &'static str| {
            let limit = indicators.setting.minutes(code);
            Centre {
                code,
                cases: of(self.rows(period, scope, By::Centre), code),
                before: of(self.rows(past, scope, By::Centre), code),
                quality: quality(period, limit, code),
                quality_before: quality(past, limit, code),
                limit,
            }
        };
        shown.map(|code| one(code)).collect()
    }

    fn months(&self, period: Period, scope: Scope) -> Vec<(u32, Option<i64>, i64)> {
        // months to come have no figure
        let (year, last, _) = civil(period.last.min(day_of(now_us())).max(period.first));
        (1..=12_i64)
            .map(|month| {
                let of = |year: i64| {
                    let next = if month == 12 { days(year + 1, 1, 1) } else { days(year, month + 1, 1) };
                    int(self.county(Period { first: days(year, month, 1), last: next - 1 }, scope).now.cases)
                };
                (u32::try_from(month).unwrap_or(1), (month <= last).then(|| of(year)), of(year - 1))
            })
            .collect()
    }
}

/// What the year asks for: as configured, else as the documents of the area print it.
pub(crate) fn target(indicators: &Indicators, year: i64, institution: Option<&str>) -> Option<(i64, bool, Scope, Text)> {
    let setting = &indicators.setting;
    let configured = setting
        .targets
        .iter()
        .filter(|t| t.year == year && t.centre.is_empty() && t.institution == institution.unwrap_or(""))
        .max_by_key(|t| t.scope == setting.scope());
    if let Some(goal) = configured {
        let (value, of_persons) = goal.persons.map_or((goal.cases, false), |p| (Some(p), true));
        return value.map(|v| (i64::from(v), of_persons, goal.scope, Text::same(goal.from.clone())));
    }
    if institution.is_some() {
        return None;
    }
    // 万人 of the area's own document
    let own = |d: &&Definition| {
        indicators.library.document(&d.document).is_some_and(|of| of.area == setting.area)
            && d.expression.as_ref().is_some_and(|e| e.names().eq(["persons"]))
    };
    let definition = indicators.library.definitions().iter().filter(|d| indicators.applies(d)).find(own)?;
    let target = definition.targets.iter().find(|t| t.year == year)?;
    let value = i64::try_from(target.number.checked_mul(rust_decimal::Decimal::from(10_000))?.round()).ok()?;
    let document = indicators.library.document(&definition.document)?;
    let scope = setting.scope.or(definition.scope)?;
    Some((value, true, scope, Text::same(format!("{} {} {}", document.number, document.annex, definition.number))))
}

/// Takes all of it. `sources`: who sends, with the institutions that they speak for.
pub(super) fn facts(
    community: &Community,
    indicators: &Indicators,
    sources: Option<&Sources>,
    period: Period,
    institution: Option<&str>,
) -> Facts {
    let asker = Asker { community, institution };
    let year = civil(period.last).0;
    let goal = target(indicators, year, institution);
    let scope = goal.as_ref().map_or_else(|| indicators.setting.scope(), |(_, _, scope, _)| *scope);
    let target = goal.map(|(value, of_persons, scope, from)| {
        let done = asker.county(to_date(period), scope).now;
        Target { value, of_persons, scope, from, done: int(if of_persons { done.persons } else { done.cases }) }
    });
    let (from_us, until_us) = period.moments();
    let today = day_of(now_us());
    let mut orphans: BTreeMap<Lack, Vec<i64>> = BTreeMap::new();
    for o in community.cases.orphans(from_us, until_us, LISTED) {
        if institution.is_none_or(|i| i == o.exam) {
            orphans.entry(o.lack).or_default().push(today - day_of(o.since_us));
        }
    }
    let name = match institution {
        Some(code) => names::institution(&community.registry, code, period),
        None if indicators.setting.name.is_empty() => Text::new("县域医共体", "County medical community"),
        None => Text::same(indicators.setting.name.clone()),
    };
    let readers = asker.rows(period, scope, By::Read).into_iter().filter(|r| r.now.cases > 0);
    let mut readers: Vec<(Text, i64)> =
        readers.map(|r| (names::institution(&community.registry, &r.key, period), int(r.now.cases))).collect();
    readers.sort_by_key(|(_, cases)| std::cmp::Reverse(*cases));
    let last_passed = period.last.min(today);
    Facts {
        period,
        year,
        name,
        institution: institution.map(str::to_owned),
        scope,
        scopes: Scope::BOTH.map(|s| asker.scope(period, s)).into_iter().collect(),
        target,
        elapsed: (last_passed - days(year, 1, 1) + 1, days(year + 1, 1, 1) - days(year, 1, 1)),
        institutions: asker.institutions(period, scope, indicators),
        centres: if institution.is_none() { asker.centres(period, scope, indicators) } else { Vec::new() },
        readers,
        months: asker.months(period, scope),
        excluded: asker.county(period, scope).excluded,
        closed: asker.county(period, scope).published.is_some(),
        adjustments: community.cases.adjustments(period),
        indicators: indicators.figures(community, period, institution, |_| true),
        senders: senders(community, sources, period, institution),
        orphans,
        doubts: if institution.is_none() { community.cases.doubts(from_us, until_us, LISTED).len() } else { 0 },
        size: community.cases.size(),
        in_time_percent: indicators.setting.in_time_percent,
        position: community.applied(),
    }
}

/// Who sent how much; an institution sees its own only.
fn senders(community: &Community, sources: Option<&Sources>, period: Period, only: Option<&str>) -> Vec<(Text, Outcomes)> {
    let all = sources.map(Sources::all).unwrap_or_default();
    let mut out: Vec<(Text, Outcomes)> = Vec::new();
    for (id, sent) in community.arrivals.iter() {
        let source = all.iter().find(|s| s.id == id);
        let place = source.map_or(id, |s| s.institution());
        if only.is_some_and(|i| i != place) {
            continue;
        }
        let name = source.map(|s| s.name.clone()).filter(|n| !n.is_empty());
        let name = name.map_or_else(|| names::institution(&community.registry, place, period), Text::same);
        let outcomes = sent.within(period);
        if outcomes.iter().any(|n| *n > 0) {
            out.push((name, outcomes));
        }
    }
    out.sort_by_key(|(_, o)| std::cmp::Reverse(o.iter().sum::<u64>()));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_compared_with_the_ones_before() {
        for (text, past, ago) in [
            ("2026Q3", "2026Q2", "2025Q3"),
            ("2026Q1", "2025Q4", "2025Q1"),
            ("2026-03", "2026-02", "2025-03"),
            ("2026", "2025", "2025"),
            ("2029-02", "2029-01", "2028-02"),
        ] {
            let period = Period::parse(text).unwrap();
            assert_eq!(Period::parse(past), Some(before(period)), "{text}");
            assert_eq!(Period::parse(ago), Some(year_ago(period)), "{text}");
        }
    }
}
