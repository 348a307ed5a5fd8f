//! Figures as MeasureReports: evaluated from the community's ledger and forms when they are asked for. [`collect`] tells the
//! data behind a figure, [`listed`] which summaries there are.

mod collect;
mod listed;

use std::sync::Arc;

use hutong_commit::projection::Reader;
use hutong_commit::store::Store;
use hutong_count::cases::{By, Outcome, Question, Scope};
use hutong_count::indicators::fhir::{About, Of, Reporter, SUBJECTS_MAX, measure_report};
use hutong_count::indicators::{Definition, Figure};
use hutong_count::period::{Period, date_of, day_of};
use hutong_fhir::Tree;
use hutong_fhir::id::from_identity;
use hutong_serve::{CollectAsk, Collected, Listed, MeasureAsk, Measures, NotMeasured, ReportOf, Summary};

use crate::community::{Community, Shared, key};
use crate::indicators::{Indicators, names};
use crate::ingest::now_us;
use crate::report::Filter;

pub(crate) use listed::id_of;

/// Answers for the gateway.
pub(crate) struct Measured {
    community: Shared,
    store: Arc<Store>,
    reader: Reader,
    indicators: Arc<Indicators>,
}

/// A figure, and whose it is.
struct Counted<'d> {
    definition: &'d Definition,
    figure: Figure,
    reporter: String,
}

impl Measured {
    pub(crate) fn new(community: Shared, store: Arc<Store>, reader: Reader, indicators: Arc<Indicators>) -> Measured {
        Measured { community, store, reader, indicators }
    }

    fn counted(&self, community: &Community, ask: &MeasureAsk<'_>) -> Result<Counted<'_>, NotMeasured> {
        let definition = self.indicators.library.definition(ask.measure).ok_or(NotMeasured::NotHere)?;
        let period = Period { first: ask.first, last: ask.last };
        if ask.reporter.is_some_and(|code| !community.registry.has_institution(code)) {
            return Err(NotMeasured::Reporter);
        }
        if day_of(now_us()) < period.first {
            return Err(NotMeasured::Future);
        }
        let figures = self.indicators.figures(community, period, ask.reporter, |d| d.id == definition.id);
        let figure = figures.into_iter().next().ok_or(NotMeasured::NotHere)?;
        if definition.scope.is_some() && figure.cases.is_none() {
            return Err(NotMeasured::Months);
        }
        let reporter = match ask.reporter {
            Some(code) => names::institution(&community.registry, code, period).zh.into_owned(),
            None if self.indicators.setting.name.is_empty() => "全域".to_owned(),
            None => self.indicators.setting.name.clone(),
        };
        Ok(Counted { definition, figure, reporter })
    }

    fn written(&self, counted: &Counted<'_>, ask: &MeasureAsk<'_>, id: &str, of: Of<'_>) -> Result<Tree, NotMeasured> {
        let date = date_of(day_of(now_us()));
        let reporter = Reporter { code: ask.reporter.unwrap_or_default(), name: &counted.reporter };
        let about = About { id, reporter, date: &date, of };
        measure_report(&self.indicators.library, &counted.figure, &about).ok_or(NotMeasured::NotHere)
    }
}

impl Counted<'_> {
    /// By which its cases are counted.
    fn scope(&self) -> Result<Scope, NotMeasured> {
        self.figure.scope.filter(|_| self.definition.scope.is_some()).ok_or(NotMeasured::NotCounted)
    }

    /// The cases that it counts.
    fn filter(&self, ask: &MeasureAsk<'_>) -> Result<Filter, NotMeasured> {
        let only = ask.reporter.map(str::to_owned);
        Ok(Filter { scope: self.scope()?, only, exam: None, centre: None, outcome: Some(Outcome::Counted) })
    }
}

/// The community-wide person of a Patient.
fn person(community: &Community, patient: &str) -> Result<u32, NotMeasured> {
    let number = community.register.number(&key(patient)).ok_or(NotMeasured::Patient)?;
    Ok(community.register.person_of(number).0)
}

impl Measures for Measured {
    fn evaluate(&self, ask: &MeasureAsk<'_>, of: ReportOf<'_>) -> Result<Tree, NotMeasured> {
        let community = self.community.read();
        let counted = self.counted(&community, ask)?;
        let id = listed::id_of(ask);
        let other = |what: &str| from_identity("measure", "MeasureReport", [id.as_str(), what]);
        match of {
            ReportOf::Summary => self.written(&counted, ask, &id, Of::All),
            ReportOf::Subjects => {
                let found = usize::try_from(counted.figure.persons.unwrap_or(0)).unwrap_or(usize::MAX);
                if found > SUBJECTS_MAX {
                    return Err(NotMeasured::TooMany { found, max: SUBJECTS_MAX });
                }
                let period = counted.figure.days;
                let institution = ask.reporter.map(str::to_owned);
                let persons = community.cases.persons(&Question { period, scope: counted.scope()?, by: By::County, institution });
                // a person has the number of the earliest record
                let subjects: Vec<String> =
                    persons.iter().filter_map(|person| community.register.key(*person)).map(str::to_owned).collect();
                self.written(&counted, ask, &other("subjects"), Of::Subjects(&subjects))
            }
            ReportOf::One(patient) => {
                let person = person(&community, patient)?;
                let filter = counted.filter(ask)?;
                let mut cases = 0;
                community.cases.cases(counted.figure.days, None, usize::MAX, |row| {
                    cases += i64::from(row.person == Some(person) && filter.takes(row));
                    false
                });
                let patient = key(patient);
                self.written(&counted, ask, &other(&patient), Of::One { patient: &patient, cases })
            }
        }
    }

    fn collect(&self, ask: &MeasureAsk<'_>, part: &CollectAsk<'_>) -> Result<Collected, NotMeasured> {
        self.collected(ask, part)
    }

    fn reports(&self, listed: &Listed<'_>) -> Vec<String> {
        self.list(listed)
    }

    fn report(&self, id: &str) -> Option<Summary> {
        self.summary(id)
    }
}
