//! Which summaries there are: the months, quarters and years of this year and the last that have begun, for each measure
//! that applies here, of the whole area; where it counts cases, of each institution too; and what was reported and approved
//! for any other period. Each has one id, which follows from what it is of.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use hutong_count::indicators::forms::{Entry, State};
use hutong_count::indicators::{Definition, period_name};
use hutong_count::period::{Period, day_of};
use hutong_fhir::calendar::civil;
use hutong_fhir::id::from_identity;
use hutong_serve::{Listed, MeasureAsk, Summary};

use super::Measured;
use crate::community::Community;
use crate::ingest::now_us;

/// The reporter of the area in a search.
const AREA: &str = "area";

impl Measured {
    pub(super) fn list(&self, listed: &Listed<'_>) -> Vec<String> {
        let now = now_us();
        let wanted = |d: &&Definition| self.indicators.applies(d) && listed.measures.is_none_or(|m| m.contains(&d.id));
        let measures: Vec<&Definition> = self.indicators.library.definitions().iter().filter(wanted).collect();
        let is_asked = |code: &str| listed.reporters.is_none_or(|all| all.iter().any(|r| r == code));
        let community = self.community.read();
        let mut institutions: Vec<&str> =
            community.registry.institutions(now).map(|i| i.code.as_str()).filter(|code| is_asked(code)).collect();
        institutions.sort_unstable();
        let approved = self.approved(&community);
        let mut periods = periods(day_of(now));
        periods.extend(approved.iter().map(|e| e.period));
        periods.sort_by_key(|p| (Reverse(p.last), p.first));
        periods.dedup();
        let (mut out, mut seen) = (Vec::new(), BTreeSet::new());
        for period in periods.into_iter().filter(|p| (listed.period)(p.first, p.last)) {
            let is_usual = is_usual(period, day_of(now));
            for d in &measures {
                // of an institution alone only what is counted is told, and what it reported
                let counted = is_usual.then_some(institutions.as_slice()).filter(|_| d.scope.is_some()).unwrap_or_default();
                let given = approved.iter().filter(|e| e.period == period && e.row.item == d.id).map(|e| e.row.institution.as_str());
                let given: Vec<&str> = given.collect();
                let area = [""].into_iter().filter(|_| is_usual);
                for place in area.chain(counted.iter().copied()).chain(given) {
                    let ask = MeasureAsk { measure: &d.id, first: period.first, last: period.last, reporter: reporter(place) };
                    let id = id_of(&ask);
                    if is_asked(reporter(place).unwrap_or(AREA)) && seen.insert(id.clone()) {
                        out.push(id);
                    }
                }
            }
        }
        out
    }

    /// What the summary of an id is of: also of earlier years than are listed.
    pub(super) fn summary(&self, id: &str) -> Option<Summary> {
        let mut parts = id.splitn(3, '.');
        let (measure, period, place) = (parts.next()?, Period::parse(parts.next()?)?, parts.next());
        let definition = self.indicators.library.definition(measure).filter(|d| self.indicators.applies(d))?;
        let community = self.community.read();
        let reporter = match place {
            None => None,
            Some(code) if community.registry.has_institution(code) => Some(code.to_owned()),
            Some(hash) => Some(community.registry.institutions(now_us()).find(|i| part(&i.code) == hash)?.code.clone()),
        };
        let place = reporter.as_deref().unwrap_or("");
        let is_given = |e: &&Entry| e.period == period && e.row.item == definition.id && e.row.institution == place;
        let is_counted = is_usual(period, day_of(now_us())) && (reporter.is_none() || definition.scope.is_some());
        if !is_counted && !self.approved(&community).iter().any(is_given) {
            return None;
        }
        // one report has one id
        let ask = MeasureAsk { measure, first: period.first, last: period.last, reporter: reporter.as_deref() };
        (id_of(&ask) == id).then(|| Summary { measure: measure.to_owned(), first: period.first, last: period.last, reporter })
    }

    /// Whole indicators that were reported and approved.
    fn approved<'c>(&self, community: &'c Community) -> Vec<&'c Entry> {
        let is_one = |e: &&Entry| e.state == State::Approved && self.indicators.library.definition(&e.row.item).is_some();
        community.forms.entries().iter().filter(is_one).collect()
    }
}

fn reporter(place: &str) -> Option<&str> {
    (!place.is_empty()).then_some(place)
}

/// `[measure].[period]` of the area, `[measure].[period].[institution]` of an institution. Periods that have no name of
/// their own (days from, days to) give an id under which nothing is read.
pub(crate) fn id_of(ask: &MeasureAsk<'_>) -> String {
    let name = period_name(Period { first: ask.first, last: ask.last });
    let place = ask.reporter.map(|code| format!(".{}", part(code))).unwrap_or_default();
    let id = format!("{}.{name}{place}", ask.measure);
    if name.contains('/') || id.len() > 64 { from_identity("measure", "MeasureReport", [id.as_str()]) } else { id }
}

/// The code of an institution as part of an id.
fn part(code: &str) -> String {
    let plain = (1..=32).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if plain { code.to_owned() } else { from_identity("measure", "Organization", [code]) }
}

/// A month, quarter or year that has begun.
fn is_usual(period: Period, today: i64) -> bool {
    (0..=today).contains(&period.first) && period.first != period.last && !period_name(period).contains('/')
}

/// Years, quarters and months of this year and the last that have begun.
fn periods(today: i64) -> Vec<Period> {
    let (year, ..) = civil(today);
    let of_year = |y: i64| {
        let quarters = (1..=4).map(move |q| format!("{y}Q{q}"));
        let months = (1..=12).map(move |m| format!("{y}-{m:02}"));
        [y.to_string()].into_iter().chain(quarters).chain(months)
    };
    let all = [year, year - 1].into_iter().flat_map(of_year);
    all.filter_map(|name| Period::parse(&name)).filter(|p| p.first <= today).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_tell_measure_period_and_institution() {
        let ask = |period: &str, reporter| {
            let p = Period::parse(period).unwrap();
            id_of(&MeasureAsk { measure: "cq-core-06", first: p.first, last: p.last, reporter })
        };
        assert_eq!(ask("2026Q3", None), "cq-core-06.2026Q3");
        assert_eq!(ask("2026-09", Some("T1")), "cq-core-06.2026-09.T1");
        for id in [ask("2026-09", Some("石桥")), ask("2026-09-01..2026-10-02", None)] {
            assert!(id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.'), "{id}");
        }
    }

    #[test]
    fn periods_are_those_of_this_year_and_the_last_that_have_begun() {
        let today = Period::parse("2026-05-23").unwrap().first;
        let names: Vec<String> = periods(today).into_iter().map(period_name).collect();
        assert_eq!(names[..8], ["2026", "2026Q1", "2026Q2", "2026-01", "2026-02", "2026-03", "2026-04", "2026-05"]);
        assert_eq!((names[8].as_str(), names.len()), ("2025", 8 + 17));
        for (name, expected) in [("2026", true), ("2026-05", true), ("2026-06", false), ("2019Q1", true), ("2026-05-22", false)] {
            assert_eq!(is_usual(Period::parse(name).unwrap(), today), expected, "{name}");
        }
        assert!(!is_usual(Period::parse("2026-01..2026-04").unwrap(), today) && !is_usual(Period::parse("1950").unwrap(), today));
    }
}
