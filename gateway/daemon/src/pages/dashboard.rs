//! The first page: a year of the community, or of one institution.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hutong_console::view::{Dashboard, DashboardAsk, Excluded, Freshness, Month, Progress, Scope, ScopeFigures, Source, Target};
use hutong_count::cases::{self as count, By, FigureRow, Ledger, Question};
use hutong_count::period::{Period, day_of};
use hutong_fhir::calendar::{civil, days};
use hutong_identify::registry::Registry;
use hutong_paper::Text;

use super::{Pages, scope, shown};
use crate::community::{Arrivals, Sent};
use crate::indicators::names::{self, CENTRES};
use crate::ingest::now_us;
use crate::report;

/// For so long a page that was made is given to whoever keeps it open, though the journal went on: many browsers look at one.
const KEPT: Duration = Duration::from_millis(300);
/// For so long to whoever asks for the page: those who have it open make it anew behind them. A figure is to be current a
/// second after its message.
const KEPT_FOR_OTHERS: Duration = Duration::from_millis(700);
/// Nothing is older: it says how long ago sources were heard.
const AGE_MAX: Duration = Duration::from_secs(60);
/// Dashboards that are kept.
const KEPT_MAX: usize = 64;
/// Years that are offered.
const YEARS: i64 = 5;

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;

/// Whose rows, which year, which scope.
type Key = (Option<String>, i64, bool);

/// What was made lately.
#[derive(Default)]
pub(super) struct Made(Mutex<HashMap<Key, Arc<Slot>>>);

#[derive(Default)]
struct Slot {
    page: Mutex<Option<(Instant, Dashboard)>>,
    /// Who makes it; all others who need it wait for that one.
    making: Mutex<()>,
}

impl Made {
    fn slot(&self, key: Key) -> Arc<Slot> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEPT_MAX && !all.contains_key(&key) {
            all.clear();
        }
        Arc::clone(all.entry(key).or_default())
    }
}

impl Slot {
    /// What was made, if nothing happened since, or not for long.
    fn page(&self, position: u64, kept: Duration) -> Option<Dashboard> {
        let page = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        let (begun, page) = page.as_ref()?;
        let limit = if page.basis.journal_position == position { AGE_MAX } else { kept };
        (begun.elapsed() < limit).then(|| page.clone())
    }
}

impl Pages {
    /// `watched`: by somebody who has it open, and is told when it changes.
    pub(super) fn made_dashboard(&self, only: Option<&str>, ask: &DashboardAsk, watched: bool) -> Dashboard {
        let year = ask.year.unwrap_or_else(|| civil(day_of(now_us())).0);
        let slot = self.made.slot((only.map(str::to_owned), year, ask.scope == Scope::All4));
        let kept = if watched { KEPT } else { KEPT_FOR_OTHERS };
        let position = self.community.read().applied();
        if let Some(page) = slot.page(position, kept) {
            return page;
        }
        let _making = slot.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(page) = slot.page(position, kept) {
            return page;
        }
        let begun = Instant::now();
        let fresh = self.make(only, year, ask.scope);
        *slot.page.lock().unwrap_or_else(PoisonError::into_inner) = Some((begun, fresh.clone()));
        fresh
    }

    fn make(&self, only: Option<&str>, year: i64, chosen: Scope) -> Dashboard {
        let now = now_us();
        let today = day_of(now);
        let this_year = civil(today).0;
        let period = Period { first: days(year, 1, 1), last: days(year + 1, 1, 1) - 1 };
        let of = scope(chosen);
        let passed = (today.min(period.last) - period.first + 1).max(0);
        let target = report::target(&self.indicators, year, only);
        let target = target.map(|(value, of_persons, of, from)| Target { scope: shown(of), value, of_persons, from });
        // a clone: whoever counts or asks meanwhile does not wait for a page
        let (cases, position) = {
            let community = self.community.read();
            (community.cases.clone(), community.applied())
        };
        let view = View { pages: self, cases: &cases, only, period, year, of };
        let whole = [count::Scope::Img5, count::Scope::All4].map(|of| (of, view.rows(period, of, By::County).pop().unwrap_or_default()));
        let (years, figures, centres) = (view.years(this_year), view.figures(&whole, today), view.centres());
        let (by_exam, months) = (view.rows(period, of, By::Exam), view.months(today));
        let community = self.community.read();
        let registry = &community.registry;
        Dashboard {
            community: match only {
                Some(code) => names::institution(registry, code, period),
                None if self.indicators.setting.name.is_empty() => Text::new("县域医共体", "County medical community"),
                None => Text::same(self.indicators.setting.name.clone()),
            },
            year,
            years,
            scope: chosen,
            figures,
            target,
            elapsed_percent: (passed as f64 / (period.last - period.first + 1) as f64 * 1000.0).round() / 10.0,
            centres,
            institutions: view.institutions(by_exam, registry),
            months,
            excluded: whole.iter().find(|(scope, _)| *scope == of).map(|(_, row)| excluded(row)).unwrap_or_default(),
            sources: view.sources(registry, &community.arrivals, now),
            basis: self.basis(position),
        }
    }
}

/// A year as one viewer sees it.
struct View<'a> {
    pages: &'a Pages,
    cases: &'a Ledger,
    only: Option<&'a str>,
    period: Period,
    year: i64,
    of: count::Scope,
}

impl View<'_> {
    fn rows(&self, period: Period, scope: count::Scope, by: By) -> Vec<FigureRow> {
        let question = Question { period, scope, by, institution: self.only.map(str::to_owned) };
        self.cases.figures(&question).map(|f| f.rows).unwrap_or_default()
    }

    /// Years with anything in them, and this one.
    fn years(&self, this_year: i64) -> Vec<i64> {
        let has = |year: &i64| {
            let period = Period { first: days(*year, 1, 1), last: days(*year + 1, 1, 1) - 1 };
            *year == this_year || *year == self.year || !self.cases.cases(period, None, 1, |_| true).is_empty()
        };
        (this_year - YEARS + 1..=this_year).filter(has).collect()
    }

    /// The year by scope; today's cases of both are found in one pass.
    fn figures(&self, whole: &[(count::Scope, FigureRow); 2], today: i64) -> Vec<ScopeFigures> {
        let of_today = self.cases.counted_of_day(today, self.only).map(int);
        let one = |((scope, row), cases_today): (&(count::Scope, FigureRow), i64)| ScopeFigures {
            scope: shown(*scope),
            cases: int(row.now.cases),
            persons: int(row.now.persons),
            cases_today,
        };
        whole.iter().zip(of_today).map(one).collect()
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
    fn institutions(&self, mut counted: Vec<FigureRow>, registry: &Registry) -> Vec<Progress> {
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
                name: names::institution(registry, &r.key, self.period),
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
        let (own, past) = (self.cases.cases_by_month(self.period, self.only), self.cases.cases_by_month(before, self.only));
        let name = |year: i64, month: i64| format!("{year:04}-{month:02}");
        let of_scope = |[img5, all4]: [u64; 2]| if self.of == count::Scope::All4 { all4 } else { img5 };
        (1..=last)
            .map(|month| {
                let [img5, all4] = own.get(&name(self.year, month)).copied().unwrap_or_default().map(int);
                let last_year = past.get(&name(self.year - 1, month)).map(|sums| int(of_scope(*sums)));
                Month { month: u8::try_from(month).unwrap_or(1), img5, all4, last_year }
            })
            .collect()
    }

    /// Every source that is registered or was heard of.
    fn sources(&self, registry: &Registry, arrivals: &Arrivals, now: i64) -> Vec<Source> {
        let registered = self.pages.sources.all();
        let mut ids: Vec<&str> = registered.iter().map(|s| s.id.as_str()).collect();
        ids.extend(arrivals.iter().map(|(id, _)| id).filter(|id| !registered.iter().any(|s| s.id == *id)));
        let mut out = Vec::new();
        for id in ids {
            let source = registered.iter().find(|s| s.id == id);
            let place = source.map_or(id, |s| s.institution());
            if self.only.is_some_and(|i| i != place) {
                continue;
            }
            let name = source.map(|s| s.name.clone()).filter(|n| !n.is_empty());
            out.push(heard(name.map_or_else(|| names::institution(registry, place, self.period), Text::same), arrivals.of(id), now));
        }
        out
    }
}

fn excluded(row: &FigureRow) -> Vec<Excluded> {
    let mut out: Vec<Excluded> = row
        .excluded
        .iter()
        .filter(|(_, n)| **n > 0)
        .map(|(o, n)| Excluded { code: o.code().to_owned(), name: Text::new(o.zh(), o.en()), cases: int(*n) })
        .collect();
    out.sort_by_key(|e| std::cmp::Reverse(e.cases));
    out
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

#[cfg(test)]
mod tests {
    use super::*;
    use hutong_console::view::Basis;
    use hutong_paper::Definition;

    #[test]
    fn a_page_is_kept_while_nothing_happens_and_for_a_moment_after() {
        let basis = Basis { definition: Definition { id: String::new(), version: String::new() }, journal_position: 5, made_at_us: 0 };
        let page = Dashboard {
            community: Text::default(),
            year: 2026,
            years: Vec::new(),
            scope: Scope::Img5,
            figures: Vec::new(),
            target: None,
            elapsed_percent: 0.0,
            centres: Vec::new(),
            institutions: Vec::new(),
            months: Vec::new(),
            excluded: Vec::new(),
            sources: Vec::new(),
            basis,
        };
        let slot = Slot::default();
        assert!(slot.page(0, KEPT).is_none(), "nothing was made");
        for (age_ms, position, for_others, expected) in [
            (0, 6, false, true),
            (200, 6, false, true),
            (400, 6, false, false),
            (400, 6, true, true),
            (800, 6, true, false),
            (800, 5, false, true),
            (61_000, 5, true, false),
        ] {
            let begun = Instant::now().checked_sub(Duration::from_millis(age_ms)).unwrap();
            *slot.page.lock().unwrap() = Some((begun, page.clone()));
            let kept = if for_others { KEPT_FOR_OTHERS } else { KEPT };
            assert_eq!(slot.page(position, kept).is_some(), expected, "{age_ms} ms at {position}");
        }
    }
}
