//! MeasureReports, read and searched: summaries of months, quarters and years, computed when they are asked for.

use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

use hutong_fhir::Tree;
use hutong_fhir::calendar::china_day;
use hutong_wire::limits::Limits;

use super::ask::written;
use super::when::Compared;
use super::{AREA, Listed, MeasureAsk, Measures, REPORT, ReportOf, measure_id, reporter_code};
use crate::answer::Answer;
use crate::library::Edition;
use crate::listing::Listing;
use crate::params::Fields;
use crate::refusal::Refusal;

/// Parameters of a search here, with their types.
pub(crate) const PARAMETERS: [(&str, &str); 10] = [
    ("_id", "token"),
    ("date", "date"),
    ("evaluated-resource", "reference"),
    ("identifier", "token"),
    ("measure", "reference"),
    ("patient", "reference"),
    ("period", "date"),
    ("reporter", "reference"),
    ("status", "token"),
    ("subject", "reference"),
];
/// Of the identifiers of reports, which are their ids.
const SYSTEM: &str = "http://fhir.med-community.cn/gw/NamingSystem/indicator-report";
/// Reports that are computed to learn their status.
const STATUS_MAX: usize = 500;

/// The summary of this id. `only`: the one institution whose figures may be told.
pub(crate) fn read(measures: &dyn Measures, id: &str, only: Option<&str>) -> Result<Answer, Refusal> {
    let found = report(measures, id, only)?.ok_or_else(Refusal::not_found)?;
    Ok(Answer::fhir(written(&found)))
}

fn report(measures: &dyn Measures, id: &str, only: Option<&str>) -> Result<Option<Tree>, Refusal> {
    let Some(of) = measures.report(id) else { return Ok(None) };
    // another's report does not exist
    if only.is_some() && of.reporter.as_deref() != only {
        return Ok(None);
    }
    let ask = MeasureAsk { measure: &of.measure, first: of.first, last: of.last, reporter: of.reporter.as_deref() };
    measures.evaluate(&ask, ReportOf::Summary).map(Some).map_err(Refusal::of_measures)
}

/// What is searched for.
#[derive(Default)]
struct Wanted {
    ids: Option<Vec<String>>,
    measures: Option<Vec<String>>,
    reporters: Option<Vec<String>>,
    statuses: Option<Vec<String>>,
    /// Each list must hold one that fits.
    periods: Vec<Vec<Compared>>,
    /// They are made when they are asked for: today.
    dates: Vec<Vec<Compared>>,
    /// What no summary has is asked for, by this parameter.
    in_vain: Option<String>,
}

/// What fits this parameter as well as those before it.
fn narrow(had: &mut Option<Vec<String>>, now: Vec<String>) {
    let both = match had.take() {
        Some(had) => had.into_iter().filter(|h| now.contains(h)).collect(),
        None => now,
    };
    *had = Some(both);
}

/// Whether each list holds a comparison that these days fit.
fn fit(all: &[Vec<Compared>], first: i64, last: i64) -> bool {
    all.iter().all(|any| any.iter().any(|c| c.holds(first, last)))
}

impl Wanted {
    fn add(&mut self, edition: &Edition, name: &str, value: &str) -> Result<(), Refusal> {
        let values = || value.split(',').filter(|v| !v.is_empty());
        let owned = || values().map(str::to_owned).collect();
        match name {
            "_id" => narrow(&mut self.ids, owned()),
            "identifier" => {
                let id = |v: &str| v.rsplit_once('|').map_or(Some(v), |(system, id)| (system == SYSTEM).then_some(id)).map(str::to_owned);
                narrow(&mut self.ids, values().filter_map(id).collect());
            }
            "measure" => narrow(&mut self.measures, values().filter_map(|v| measure_id(edition, v)).collect()),
            "status" => narrow(&mut self.statuses, owned()),
            "period" | "date" => {
                let all = value.split(',').map(|v| Compared::read(v).ok_or_else(|| Refusal::bad_date(name)));
                let to = if name == "period" { &mut self.periods } else { &mut self.dates };
                to.push(all.collect::<Result<_, _>>()?);
            }
            "reporter" | "reporter:identifier" => narrow(&mut self.reporters, values().map(|v| reporter_code(v).to_owned()).collect()),
            _ => self.in_vain = Some(name.to_owned()),
        }
        Ok(())
    }

    fn find(&self, measures: &dyn Measures, only: Option<&str>) -> Result<Vec<String>, Refusal> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let today = china_day(i64::try_from(since.as_micros()).unwrap_or(0));
        if self.in_vain.is_some() || !fit(&self.dates, today, today) {
            return Ok(Vec::new());
        }
        let mut found = self.listed(measures);
        let Some(statuses) = &self.statuses else { return Ok(found) };
        if found.len() > STATUS_MAX {
            return Err(Refusal::too_many_reports(found.len(), STATUS_MAX));
        }
        let mut fitting = Vec::new();
        for id in found.drain(..) {
            let tree = report(measures, &id, only)?;
            let status = tree.as_ref().and_then(|t| t.root().at("status"));
            if statuses.iter().any(|s| Some(s.as_str()) == status) {
                fitting.push(id);
            }
        }
        Ok(fitting)
    }

    fn listed(&self, measures: &dyn Measures) -> Vec<String> {
        let period = |first: i64, last: i64| fit(&self.periods, first, last);
        if let Some(ids) = &self.ids {
            let fits = |id: &&String| {
                measures.report(id).is_some_and(|of| {
                    self.measures.as_ref().is_none_or(|m| m.contains(&of.measure))
                        && self.reporters.as_ref().is_none_or(|r| r.iter().any(|r| r == of.reporter.as_deref().unwrap_or(AREA)))
                        && period(of.first, of.last)
                })
            };
            return ids.iter().filter(fits).cloned().collect();
        }
        measures.reports(&Listed { measures: self.measures.as_deref(), reporters: self.reporters.as_deref(), period: &period })
    }
}

/// Answers a search; the reports of its page are computed.
pub(crate) fn search(
    measures: &dyn Measures,
    edition: &Edition,
    fields: &Fields,
    only: Option<&str>,
    (base, limits): (&str, &Limits),
) -> Result<Answer, Refusal> {
    let known: Vec<&str> = PARAMETERS.iter().map(|(name, _)| *name).chain(["reporter:identifier"]).collect();
    let mut wanted = Wanted::default();
    let listing = Listing::read(fields, limits, &known, |name, value| wanted.add(edition, name, value))?;
    if let Some(own) = only {
        narrow(&mut wanted.reporters, vec![own.to_owned()]);
    }
    let found = wanted.find(measures, only)?;
    let hint = wanted.in_vain.as_deref().map(Refusal::no_such_reports);
    listing.page((base, REPORT), limits, &found, hint, |id| {
        Ok(report(measures, id, only)?.map(|tree| (id.as_str(), Cow::Owned(written(&tree)))))
    })
}
