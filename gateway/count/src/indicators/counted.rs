//! The ledger of cases as counters of indicators, and each count asked only once for a whole report.

use super::definition::Library;
use super::evaluate::{Account, Asked, Counters, Inputs, Tally, evaluate};
use super::figure::Figure;
use crate::cases::{By, Ledger, Question, Scope};
use crate::period::Period;
use rust_decimal::Decimal;
use std::cell::RefCell;
use std::collections::HashMap;

impl Counters for Ledger {
    /// As known now; what was published when the period closed stands beside it. `None` where the period is not made of
    /// whole months. Of an institution: what it examined or read.
    fn cases(&self, scope: Scope, period: Period, institution: Option<&str>) -> Option<Tally> {
        let question = Question { period, scope, by: By::County, institution: institution.map(str::to_owned) };
        let figures = self.figures(&question)?;
        let row = figures.rows.first()?;
        let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        Some(Tally {
            persons: number(row.now.persons),
            cases: number(row.now.cases),
            published: row.published.map(|p| (number(p.persons), number(p.cases))),
            excluded: row.excluded.iter().map(|(reason, n)| (reason.code().to_owned(), number(*n))).collect(),
        })
    }

    fn counter(&self, _id: &str, _period: Period, _institution: Option<&str>) -> Option<Decimal> {
        None
    }

    fn position(&self) -> u64 {
        Ledger::position(self).seq
    }
}

type Key = (Scope, i64, i64, Option<String>);

/// Counters whose cases are remembered while one report is made.
struct Once<'a> {
    counters: &'a dyn Counters,
    cases: RefCell<HashMap<Key, Option<Tally>>>,
}

impl Counters for Once<'_> {
    fn cases(&self, scope: Scope, period: Period, institution: Option<&str>) -> Option<Tally> {
        let key = (scope, period.first, period.last, institution.map(str::to_owned));
        let mut known = self.cases.borrow_mut();
        known.entry(key).or_insert_with(|| self.counters.cases(scope, period, institution)).clone()
    }

    fn counter(&self, id: &str, period: Period, institution: Option<&str>) -> Option<Decimal> {
        self.counters.counter(id, period, institution)
    }

    fn account(&self, id: &str, period: Period, institution: Option<&str>) -> Account {
        self.counters.account(id, period, institution)
    }

    fn position(&self) -> u64 {
        self.counters.position()
    }
}

/// The figures of the definitions that `wanted` takes, in their order. Each count is made once.
pub fn evaluate_all(
    library: &Library,
    asked: &Asked<'_>,
    counters: &dyn Counters,
    inputs: &dyn Inputs,
    wanted: impl Fn(&super::Definition) -> bool,
) -> Vec<Figure> {
    let once = Once { counters, cases: RefCell::default() };
    library.definitions().iter().filter(|d| wanted(d)).map(|d| evaluate(library, d, asked, &once, inputs)).collect()
}
