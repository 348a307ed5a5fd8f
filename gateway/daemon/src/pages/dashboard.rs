//! The first page: a year of the community, or of one institution.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hutong_console::Unanswered;
use hutong_console::view::{Dashboard, DashboardAsk, Excluded, Freshness, Month, Progress, Scope, ScopeFigures, Source, Target};
use hutong_count::cases::{self as count, By, FigureRow, Outcome, Question};
use hutong_count::period::{Period, day_of};
use hutong_fhir::calendar::{civil, days};
use hutong_paper::Text;

use super::{Pages, scope, shown};
use crate::community::{Community, Sent};
use crate::indicators::names::{self, CENTRES};
use crate::ingest::now_us;
use crate::report;

/// A dashboard is made anew at most so often for one question: many browsers look at one.
const KEPT: Duration = Duration::from_millis(400);
/// Dashboards that are kept.
const KEPT_MAX: usize = 64;
/// Years that are offered.
const YEARS: i64 = 5;

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;

type Key = (Option<String>, Option<i64>, bool);

/// What was made lately: who sees what, when it was made.
#[derive(Default)]
pub(super) struct Made(Mutex<HashMap<Key, (Instant, Dashboard)>>);

impl Pages {
    pub(super) fn made_dashboard(&self, only: Option<&str>, ask: &DashboardAsk) -> Result<Dashboard, Unanswered> {
        let key: Key = (only.map(str::to_owned), ask.year, ask.scope == Scope::All4);
        let position = self.community.read().applied();
        let mut made = self.made.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, known)) = made.get(&key)
            && (known.basis.journal_position == position || at.elapsed() < KEPT)
            && known.basis.made_at_us > now_us() - 60_000_000
        {
            return Ok(known.clone());
        }
        let fresh = self.make(&self.community.read(), only, ask);
        if made.len() >= KEPT_MAX {
            made.clear();
        }
        made.insert(key, (Instant::now(), fresh.clone()));
        Ok(fresh)
    }

    fn make(&self, community: &Community, only: Option<&str>, ask: &DashboardAsk) -> Dashboard {
        let now = now_us();
        let today = day_of(now);
        let this_year = civil(today).0;
        let year = ask.year.unwrap_or(this_year);
        let period = Period { first: days(year, 1, 1), last: days(year + 1, 1, 1) - 1 };
        let view = View { pages: self, community, only, period, year, of: scope(ask.scope) };
        let passed = (today.min(period.last) - period.first + 1).max(0);
        let target = report::target(&self.indicators, year, only);
        let target = target.map(|(value, of_persons, of, from)| Target { scope: shown(of), value, of_persons, from });
        Dashboard {
            community: match only {
                Some(code) => names::institution(&community.registry, code, period),
                None if self.indicators.setting.name.is_empty() => Text::new("县域医共体", "County medical community"),
                None => Text::same(self.indicators.setting.name.clone()),
            },
            year,
            years: view.years(this_year),
            scope: ask.scope,
            figures: [Scope::Img5, Scope::All4].map(|s| view.figures(s, today)).into_iter().collect(),
            target,
            elapsed_percent: (passed as f64 / (period.last - period.first + 1) as f64 * 1000.0).round() / 10.0,
            centres: view.centres(),
            institutions: view.institutions(),
            months: view.months(today),
            excluded: view.excluded(),
            sources: view.sources(now),
            basis: self.basis(community.applied()),
        }
    }
}

/// A year as one viewer sees it.
struct View<'a> {
    pages: &'a Pages,
    community: &'a Community,
    only: Option<&'a str>,
    period: Period,
    year: i64,
    of: count::Scope,
}

impl View<'_> {
    fn rows(&self, period: Period, scope: count::Scope, by: By) -> Vec<FigureRow> {
        let question = Question { period, scope, by, institution: self.only.map(str::to_owned) };
        self.community.cases.figures(&question).map(|f| f.rows).unwrap_or_default()
    }

    /// Years with anything in them, and this one.
    fn years(&self, this_year: i64) -> Vec<i64> {
        let has = |year: &i64| {
            let period = Period { first: days(*year, 1, 1), last: days(*year + 1, 1, 1) - 1 };
            *year == this_year || *year == self.year || !self.community.cases.cases(period, None, 1, |_| true).is_empty()
        };
        (this_year - YEARS + 1..=this_year).filter(has).collect()
    }

    fn figures(&self, of: Scope, today: i64) -> ScopeFigures {
        let counted = scope(of);
        let now = self.rows(self.period, counted, By::County).pop().unwrap_or_default().now;
        let mine = |exam: &str, read: &str| self.only.is_none_or(|i| i == exam || i == read);
        let today = self
            .community
            .cases
            .of_day(today, |row| row.outcome == Outcome::Counted && counted.holds(row.modality) && mine(&row.exam, &row.read));
        ScopeFigures { scope: of, cases: int(now.cases), persons: int(now.persons), cases_today: int(today) }
    }

    fn centres(&self) -> Vec<Progress> {
        let rows = self.rows(self.period, self.of, By::Centre);
        let shown = CENTRES.iter().filter(|c| self.of == count::Scope::All4 || matches!(**c, "imaging" | "tracing"));
        let of = |code: &&str| rows.iter().find(|r| r.key == **code).map(|r| r.now).unwrap_or_default();
        shown
            .map(|code| Progress {
                id: (*code).to_owned(),
                name: names::centre(code),
                cases: int(of(code).cases),
                persons: int(of(code).persons),
                // a centre's target is the county's: one institution's part of it is not measured by it
                target: if self.only.is_some() { None } else { self.target("", code) },
            })
            .collect()
    }

    /// Those with cases, and those that should have some.
    fn institutions(&self) -> Vec<Progress> {
        let mut counted = self.rows(self.period, self.of, By::Exam);
        let asked = self.pages.indicators.setting.institutions_of(self.year, self.of);
        for code in asked.filter(|code| self.only.is_none_or(|only| only == *code)) {
            if !counted.iter().any(|r| r.key == code) {
                counted.push(FigureRow { key: code.to_owned(), ..FigureRow::default() });
            }
        }
        counted.retain(|r| r.now.cases > 0 || self.target(&r.key, "").is_some());
        let mut out: Vec<Progress> = counted
            .into_iter()
            .map(|r| Progress {
                name: names::institution(&self.community.registry, &r.key, self.period),
                cases: int(r.now.cases),
                persons: int(r.now.persons),
                target: self.target(&r.key, ""),
                id: r.key,
            })
            .collect();
        out.sort_by(|a, b| b.cases.cmp(&a.cases).then_with(|| a.id.cmp(&b.id)));
        out
    }

    fn target(&self, institution: &str, centre: &str) -> Option<i64> {
        self.pages.indicators.setting.cases_of(self.year, self.of, institution, centre).map(i64::from)
    }

    fn months(&self, today: i64) -> Vec<Month> {
        let last = if civil(today).0 == self.year { civil(today).1 } else { 12 };
        let before = Period { first: days(self.year - 1, 1, 1), last: days(self.year, 1, 1) - 1 };
        let of = |period: Period, scope: count::Scope| -> HashMap<String, i64> {
            self.rows(period, scope, By::Month).into_iter().map(|r| (r.key, int(r.now.cases))).collect()
        };
        let (img5, all4) = (of(self.period, count::Scope::Img5), of(self.period, count::Scope::All4));
        let past = of(before, self.of);
        let pick = |all: &HashMap<String, i64>, year: i64, month: i64| all.get(&format!("{year:04}-{month:02}")).copied();
        (1..=last)
            .map(|month| Month {
                month: u8::try_from(month).unwrap_or(1),
                img5: pick(&img5, self.year, month).unwrap_or(0),
                all4: pick(&all4, self.year, month).unwrap_or(0),
                last_year: pick(&past, self.year - 1, month),
            })
            .collect()
    }

    fn excluded(&self) -> Vec<Excluded> {
        let row = self.rows(self.period, self.of, By::County).pop().unwrap_or_default();
        let mut out: Vec<Excluded> = row
            .excluded
            .iter()
            .filter(|(_, n)| **n > 0)
            .map(|(o, n)| Excluded { code: o.code().to_owned(), name: Text::new(o.zh(), o.en()), cases: int(*n) })
            .collect();
        out.sort_by_key(|e| std::cmp::Reverse(e.cases));
        out
    }

    /// Every source that is registered or was heard of.
    fn sources(&self, now: i64) -> Vec<Source> {
        let registered = self.pages.sources.all();
        let mut ids: Vec<&str> = registered.iter().map(|s| s.id.as_str()).collect();
        ids.extend(self.community.arrivals.iter().map(|(id, _)| id).filter(|id| !registered.iter().any(|s| s.id == *id)));
        let mut out = Vec::new();
        for id in ids {
            let source = registered.iter().find(|s| s.id == id);
            let place = source.map_or(id, |s| s.institution());
            if self.only.is_some_and(|i| i != place) {
                continue;
            }
            let name = source.map(|s| s.name.clone()).filter(|n| !n.is_empty());
            out.push(heard(
                name.map_or_else(|| names::institution(&self.community.registry, place, self.period), Text::same),
                self.community.arrivals.of(id),
                now,
            ));
        }
        out
    }
}

/// How fresh a source is: silence is measured by how often it spoke in the last week.
fn heard(institution: Text, sent: Option<&Sent>, now: i64) -> Source {
    let today = day_of(now);
    let of_day = sent.map(|s| s.within(Period { first: today, last: today })).unwrap_or_default();
    let week: u64 = sent.map(|s| s.within(Period { first: today - 6, last: today }).iter().sum()).unwrap_or(0);
    let last = sent.map(|s| s.last_us).filter(|us| *us > 0);
    let usual = 7 * DAY_US / i64::try_from(week.max(1)).unwrap_or(i64::MAX);
    let state = match last.map(|us| now - us) {
        Some(silence) if silence <= HOUR_US.max(usual.saturating_mul(10)) && week > 0 => Freshness::Fresh,
        Some(silence) if silence <= DAY_US.max(usual.saturating_mul(30)) && week > 0 => Freshness::Late,
        Some(_) => Freshness::Silent,
        None => Freshness::Never,
    };
    let [stored, rejected, held, again] = of_day.map(int);
    Source { institution, last_message_us: last, messages_today: stored + rejected + held + again, rejected_today: rejected + held, state }
}

fn int(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
