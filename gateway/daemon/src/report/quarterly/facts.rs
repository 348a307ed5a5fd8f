//! What a quarterly report says, before it is words: figures of the quarter, of the one before, of a year ago and of the
//! year so far, taken at one moment.

use std::collections::BTreeMap;

use hutong_count::cases::{Adjustment, By, Figure, FigureRow, Lack, Modality, Outcome, Quality, Question, Scope, Size};
use hutong_count::indicators::{self, Definition};
use hutong_count::period::{Period, day_of};
use hutong_fhir::calendar::{civil, days};
use hutong_identify::registry::{Institution, Tier};
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
    pub(super) community: Text,
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
    /// The day up to which the period has come, where it is not over.
    pub(super) running: Option<i64>,
    pub(super) institutions: Vec<Row>,
    /// Village institutions of the area without any case in two years: they are told of in one number.
    pub(super) silent_villages: usize,
    pub(super) centres: Vec<Centre>,
    pub(super) readers: Vec<Reader>,
    /// Months of the year and of the one before, in cases.
    pub(super) months: Vec<(u32, Option<i64>, i64)>,
    pub(super) excluded: BTreeMap<Outcome, u64>,
    pub(super) closed: bool,
    pub(super) adjustments: Vec<Adjustment>,
    pub(super) indicators: Vec<indicators::Figure>,
    /// Indicators that have no figure of one institution: they are told of in the area's report.
    pub(super) of_area_only: usize,
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
#[derive(Default)]
pub(super) struct Row {
    pub(super) code: String,
    pub(super) name: Text,
    pub(super) cases: i64,
    pub(super) persons: i64,
    /// Of the other scope.
    pub(super) other: i64,
    pub(super) before: i64,
    pub(super) year_ago: i64,
    pub(super) to_date: i64,
    pub(super) goal: Option<Reached>,
    pub(super) excluded: i64,
    /// Of all that it sent up, whatever the scope.
    pub(super) quality: Quality,
}

/// A reading institution.
pub(super) struct Reader {
    pub(super) code: String,
    pub(super) name: Text,
    pub(super) cases: i64,
    pub(super) before: i64,
}

/// A target of a year, and what was reached to date in the same unit: cases, or persons where the target counts these.
#[derive(Clone, Copy)]
pub(super) struct Reached {
    pub(super) target: i64,
    pub(super) done: i64,
}

/// A centre.
pub(super) struct Centre {
    pub(super) code: &'static str,
    pub(super) cases: i64,
    pub(super) before: i64,
    pub(super) to_date: i64,
    pub(super) goal: Option<Reached>,
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

    /// Every institution with a case or a target, and those of the area that could have one.
    fn institutions(&self, period: Period, scope: Scope, indicators: &Indicators) -> (Vec<Row>, usize) {
        let year = civil(period.last).0;
        let other = if scope == Scope::Img5 { Scope::All4 } else { Scope::Img5 };
        let of = |rows: Vec<FigureRow>| -> BTreeMap<String, Figure> { rows.into_iter().map(|r| (r.key, r.now)).collect() };
        let others = of(self.rows(period, other, By::Exam));
        let past = of(self.rows(before(period), scope, By::Exam));
        let ago = of(self.rows(year_ago(period), scope, By::Exam));
        let so_far = of(self.rows(to_date(period), scope, By::Exam));
        let mut quality: BTreeMap<String, Quality> =
            self.quality(period, By::Exam, indicators).into_iter().map(|q| (q.key.clone(), q)).collect();
        let mut all: BTreeMap<String, FigureRow> = self.rows(period, scope, By::Exam).into_iter().map(|r| (r.key.clone(), r)).collect();
        // who has a target or could send a case up is told of, also where nothing counts
        let with_target = indicators.setting.targets.iter().filter(|t| t.year == year && !t.institution.is_empty());
        let with_target = with_target.filter(|t| self.institution.is_none_or(|i| i == t.institution));
        let (mut named, villages) = self.members(period, indicators);
        named.extend(with_target.map(|t| t.institution.clone()));
        let has_cases = |v: &String| [&past, &ago, &so_far, &others].iter().any(|of| of.contains_key(v)) || all.contains_key(v);
        let silent = villages.iter().filter(|v| !has_cases(v)).count();
        let also: Vec<String> = [&past, &ago, &so_far, &others].iter().flat_map(|of| of.keys()).chain(&named).cloned().collect();
        for code in also {
            all.entry(code).or_default();
        }
        let cases = |of: &BTreeMap<String, Figure>, code: &str| of.get(code).map_or(0, |f| int(f.cases));
        let mut rows: Vec<Row> = all
            .into_iter()
            .map(|(code, r)| Row {
                name: names::institution(&self.community.registry, &code, period),
                cases: int(r.now.cases),
                persons: int(r.now.persons),
                other: cases(&others, &code),
                before: cases(&past, &code),
                year_ago: cases(&ago, &code),
                to_date: cases(&so_far, &code),
                goal: goal(indicators, (year, scope), (&code, ""), so_far.get(&code).copied().unwrap_or_default()),
                excluded: int(r.excluded.values().sum()),
                quality: quality.remove(&code).unwrap_or_default(),
                code,
            })
            .filter(|r| r.cases + r.other + r.before + r.year_ago + r.to_date > 0 || named.contains(&r.code))
            .collect();
        rows.sort_by(|a, b| (b.cases, b.to_date).cmp(&(a.cases, a.to_date)).then_with(|| a.code.cmp(&b.code)));
        (rows, silent)
    }

    fn readers(&self, period: Period, scope: Scope) -> Vec<Reader> {
        let past = self.rows(before(period), scope, By::Read);
        let reader = |r: FigureRow| Reader {
            name: names::institution(&self.community.registry, &r.key, period),
            cases: int(r.now.cases),
            before: past.iter().find(|p| p.key == r.key).map_or(0, |p| int(p.now.cases)),
            code: r.key,
        };
        let mut out: Vec<Reader> = self.rows(period, scope, By::Read).into_iter().filter(|r| r.now.cases > 0).map(reader).collect();
        out.sort_by(|a, b| b.cases.cmp(&a.cases).then_with(|| a.code.cmp(&b.code)));
        out
    }

    /// Primary institutions of the area at the end of the period: township ones, and those of villages.
    fn members(&self, period: Period, indicators: &Indicators) -> (Vec<String>, Vec<String>) {
        let at = period.moments().1.saturating_sub(1).min(now_us());
        let area = &indicators.setting.area;
        let here = |i: &&Institution| match self.institution {
            Some(only) => only == i.code,
            None => area.is_empty() || i.region == *area,
        };
        let all: Vec<&Institution> = self.community.registry.institutions(at).filter(here).collect();
        let of = |tier: Tier| -> Vec<String> { all.iter().filter(|i| i.tier == tier).map(|i| i.code.clone()).collect() };
        // a village has a report of its own, and is one of many in the county's
        if self.institution.is_some() {
            ([of(Tier::Township), of(Tier::Village)].concat(), Vec::new())
        } else {
            (of(Tier::Township), of(Tier::Village))
        }
    }

    fn quality(&self, period: Period, by: By, indicators: &Indicators) -> Vec<Quality> {
        let limit = |modality: Modality| indicators.setting.minutes(names::centre_code(modality));
        self.community.cases.quality(period, by, self.institution, limit).unwrap_or_default()
    }

    fn centres(&self, period: Period, scope: Scope, indicators: &Indicators) -> Vec<Centre> {
        let of = |rows: &[FigureRow], code: &str| rows.iter().find(|r| r.key == code).map(|r| r.now).unwrap_or_default();
        let past = before(period);
        let (now, then, so_far) =
            (self.rows(period, scope, By::Centre), self.rows(past, scope, By::Centre), self.rows(to_date(period), scope, By::Centre));
        let (quality, quality_before) = (self.quality(period, By::Centre, indicators), self.quality(past, By::Centre, indicators));
        let good = |all: &[Quality], code: &str| all.iter().find(|q| q.key == code).cloned().unwrap_or_default();
        let shown = CENTRES.iter().filter(|c| scope == Scope::All4 || matches!(**c, "imaging" | "tracing"));
        let one = |code: &'static str| Centre {
            code,
            cases: int(of(&now, code).cases),
            before: int(of(&then, code).cases),
            to_date: int(of(&so_far, code).cases),
            // targets of centres are the county's
            goal: if self.institution.is_none() {
                goal(indicators, (civil(period.last).0, scope), ("", code), of(&so_far, code))
            } else {
                None
            },
            quality: good(&quality, code),
            quality_before: good(&quality_before, code),
            limit: indicators.setting.minutes(code),
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

/// A configured target of an institution or a centre, beside the year to date.
fn goal(indicators: &Indicators, of: (i64, Scope), (institution, centre): (&str, &str), to_date: Figure) -> Option<Reached> {
    let all = indicators.setting.targets.iter().filter(|t| (t.year, t.scope) == of);
    let goal = all.filter(|t| t.institution == institution && t.centre == centre).find(|t| t.cases.is_some() || t.persons.is_some())?;
    let reached = |target: u32, done: u64| Reached { target: i64::from(target), done: int(done) };
    goal.cases.map(|t| reached(t, to_date.cases)).or_else(|| goal.persons.map(|t| reached(t, to_date.persons)))
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
    let whole = match indicators.setting.name.as_str() {
        "" => Text::new("县域医共体", "County medical community"),
        name => Text::same(name.to_owned()),
    };
    let name = institution.map_or_else(|| whole.clone(), |code| names::institution(&community.registry, code, period));
    let readers = asker.readers(period, scope);
    let last_passed = period.last.min(today);
    let (institutions, silent_villages) = asker.institutions(period, scope, indicators);
    let all = indicators.figures(community, period, institution, |_| true);
    // what nobody counts or reports of one institution is the area's
    let is_known =
        |i: &indicators::Figure| institution.is_none() || i.scope.is_some() || !matches!(i.outcome, indicators::Outcome::Missing(_));
    let (own, others): (Vec<_>, Vec<_>) = all.into_iter().partition(is_known);
    let of_area_only = others.len();
    let is_own = |a: &Adjustment| institution.is_none_or(|i| i == a.exam || i == a.read);
    Facts {
        period,
        year,
        community: whole,
        name,
        institution: institution.map(str::to_owned),
        scope,
        scopes: Scope::BOTH.map(|s| asker.scope(period, s)).into_iter().collect(),
        target,
        elapsed: (last_passed - days(year, 1, 1) + 1, days(year + 1, 1, 1) - days(year, 1, 1)),
        running: (period.last >= today).then_some(today),
        institutions,
        silent_villages,
        centres: asker.centres(period, scope, indicators),
        readers,
        months: asker.months(period, scope),
        excluded: asker.county(period, scope).excluded,
        closed: asker.county(period, scope).published.is_some(),
        adjustments: community.cases.adjustments(period).into_iter().filter(|a| scope.holds(a.modality) && is_own(a)).collect(),
        indicators: own,
        of_area_only,
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
