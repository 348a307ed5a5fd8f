//! Evaluates a definition for a period and a place from the gateway's counters and from what was configured or reported.

use super::definition::{Class, Definition, Input, Kind, Library, Origin, Over};
use super::figure::{Figure, Gap, Outcome, Provenance, Used, shown};
use super::{target::Target, when};
use crate::cases::Scope;
use crate::period::Period;
use hutong_enforce::expression::{Absence, Facts, Value, Why};
use rust_decimal::Decimal;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// Before a name: the same thing a year earlier (上一年度).
pub(super) const LAST_YEAR: &str = "last_year.";
/// The two counters whose scope is the definition's.
const PERSONS: &str = "persons";
const CASES: &str = "cases";

/// Cases of a scope, a period and a place.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// 人数: distinct persons of the period.
    pub persons: i64,
    /// 人次
    pub cases: i64,
    /// Persons and cases as they were when the period closed; `None`: it is open.
    pub published: Option<(i64, i64)>,
    /// Reason → cases that did not count.
    pub excluded: BTreeMap<String, i64>,
}

/// What the gateway counts itself. `institution` = `None` asks for the whole area.
pub trait Counters {
    /// Persons and cases examined below and diagnosed above; `None` = not counted for this period.
    fn cases(&self, scope: Scope, period: Period, institution: Option<&str>) -> Option<Tally>;
    /// A counter of `inputs.tsv` by its id; `None` = the gateway does not count it here.
    fn counter(&self, id: &str, period: Period, institution: Option<&str>) -> Option<Decimal>;
    /// What there is to say of a counter beside its number.
    fn account(&self, _id: &str, _period: Period, _institution: Option<&str>) -> Account {
        Account::default()
    }
    /// Up to which entry of the journal these counters are.
    fn position(&self) -> u64;
}

/// How a counter came about, or why there is none.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Account {
    /// Definition and version; what was published when the period closed, where it is closed.
    pub from: String,
    /// Reason → how many did not count.
    pub excluded: BTreeMap<String, i64>,
    /// In Chinese and English; empty where the gateway does not know.
    pub missing: Option<(String, String)>,
}

/// A value that somebody answers for.
#[derive(Clone, PartialEq, Debug)]
pub struct Given {
    pub period: Period,
    /// A number, or a text for a finding in words.
    pub value: String,
    pub source: Source,
}

/// Who answers for a value.
#[derive(Clone, PartialEq, Debug)]
pub enum Source {
    /// Where it stands, such as a yearbook and its page.
    Configured(String),
    Reported {
        submitter: String,
        approver: String,
        version: u32,
        evidence: String,
        sha256: String,
    },
}

/// What was configured, and what was reported and approved.
pub trait Inputs {
    /// All values of an input (or of an indicator reported as a whole) at a place, in any order; `""` = the whole area.
    fn given(&self, id: &str, institution: &str) -> Vec<Given>;
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub period: Period,
    pub institution: Option<&'a str>,
    /// The administrative division (GB/T 2260) whose figures these are: its own targets are judged, others only shown.
    pub area: &'a str,
    /// For indicators whose document leaves it open; `None` = as defined.
    pub open_scope: Option<Scope>,
}

/// The figure of a definition.
pub fn evaluate(library: &Library, definition: &Definition, asked: &Asked<'_>, counters: &dyn Counters, inputs: &dyn Inputs) -> Figure {
    let scope = asked.open_scope.filter(|_| definition.is_scope_open).or(definition.scope);
    let view = |period| View { library, definition, asked, scope, period, counters, inputs, used: RefCell::default() };
    let now = view(asked.period);
    let (outcome, provenance) = now.outcome();
    let document = library.document(&definition.document);
    let tally = scope.and_then(|s| counters.cases(s, asked.period, asked.institution));
    let mut figure = Figure {
        indicator: definition.id.clone(),
        document: document.map_or_else(String::new, |d| d.number.clone()),
        title: definition.title.clone(),
        title_en: definition.title_en.clone(),
        scope,
        period: when::name(asked.period),
        days: asked.period,
        institution: asked.institution.map(str::to_owned),
        scopes: both(scope, asked, counters),
        persons: tally.as_ref().map(|t| t.persons),
        cases: tally.as_ref().map(|t| t.cases),
        published: tally.as_ref().and_then(|t| t.published),
        excluded: tally.map(|t| t.excluded).unwrap_or_else(|| now.excluded()),
        outcome,
        kind: definition.kind,
        unit: definition.unit.clone(),
        target: target(definition, when::year(asked.period)),
        is_met: None,
        progress: None,
        year_to_date: None,
        class: definition.class,
        provenance,
        definition_version: document.map_or_else(String::new, |d| d.version.clone()),
        journal_position: counters.position(),
        inputs: now.used.into_inner(),
        evidence: evidence(library, definition, asked, counters),
    };
    if definition.over == Over::Flow
        && let (Outcome::Number(n), _) = view(when::to_date(asked.period)).outcome()
    {
        figure.year_to_date = Some(n);
    }
    judge(&mut figure, definition, document.is_some_and(|d| d.area == asked.area));
    figure
}

fn both(scope: Option<Scope>, asked: &Asked<'_>, counters: &dyn Counters) -> Vec<(Scope, i64, i64)> {
    let of = |s: Scope| counters.cases(s, asked.period, asked.institution).map(|t| (s, t.persons, t.cases));
    scope.into_iter().flat_map(|_| Scope::BOTH).filter_map(of).collect()
}

/// The target of the year, otherwise of the next year for which one is printed.
fn target(definition: &Definition, year: i64) -> Option<Target> {
    definition.targets.iter().filter(|t| t.year >= year).min_by_key(|t| t.year).cloned()
}

/// Targets are of the whole area of their document; no other place is judged by them.
fn judge(figure: &mut Figure, definition: &Definition, is_own_area: bool) {
    let value = match (&figure.outcome, definition.over) {
        (_, Over::Flow) => figure.year_to_date,
        (Outcome::Number(n), _) => Some(*n),
        _ => None,
    };
    let (Some(value), Some(target), true, None) = (value, &figure.target, is_own_area, &figure.institution) else { return };
    figure.progress = target.progress(value);
    figure.is_met = figure.period.get(..4).filter(|y| **y == target.year.to_string()).map(|_| target.is_met(value));
}

fn evidence(library: &Library, definition: &Definition, asked: &Asked<'_>, counters: &dyn Counters) -> Vec<Used> {
    let counted = |name: &String| {
        let value = match (name.strip_prefix("cases."), name.strip_prefix("persons.")) {
            (Some(scope), _) => tally(counters, scope, asked)?.cases.into(),
            (_, Some(scope)) => tally(counters, scope, asked)?.persons.into(),
            _ => counters.counter(name, asked.period, asked.institution)?,
        };
        let from = counters.account(name, asked.period, asked.institution).from;
        Some(Used { from, ..used(name, library, Origin::Counted, asked.period, shown(value).to_string(), None) })
    };
    definition.evidence.iter().filter_map(counted).collect()
}

fn tally(counters: &dyn Counters, scope: &str, asked: &Asked<'_>) -> Option<Tally> {
    let scope = Scope::BOTH.into_iter().find(|s| s.code() == scope)?;
    counters.cases(scope, asked.period, asked.institution)
}

fn used(name: &str, library: &Library, origin: Origin, period: Period, value: String, source: Option<&Source>) -> Used {
    let (from, evidence_sha256) = match source {
        None => (String::new(), String::new()),
        Some(Source::Configured(place)) => (place.clone(), String::new()),
        Some(Source::Reported { submitter, approver, version, evidence, sha256 }) => {
            (format!("{submitter} 填报，{approver} 审核，第 {version} 版，依据 {evidence}"), sha256.clone())
        }
    };
    let definition = library.definition(name);
    let title = library.title(name).or_else(|| definition.map(|d| d.title.clone())).unwrap_or_else(|| name.to_owned());
    let title_en = library.title_en(name).or_else(|| definition.map(|d| d.title_en.clone())).unwrap_or_else(|| name.to_owned());
    let unit = library.input(name).map(|i| i.unit.clone()).or_else(|| definition.map(|d| d.unit.clone())).unwrap_or_default();
    Used { name: name.to_owned(), title, title_en, value, unit, origin, period: when::name(period), from, evidence_sha256 }
}

/// One evaluation: the values of names as the expression asks for them, and which were used.
struct View<'a> {
    library: &'a Library,
    definition: &'a Definition,
    asked: &'a Asked<'a>,
    scope: Option<Scope>,
    period: Period,
    counters: &'a dyn Counters,
    inputs: &'a dyn Inputs,
    used: RefCell<Vec<Used>>,
}

impl Facts for View<'_> {
    fn value(&self, name: &str) -> Option<Value> {
        let input = self.library.input(name)?;
        let period = if name.starts_with(LAST_YEAR) { when::year_before(self.period) } else { self.period };
        if input.origin == Origin::Counted {
            let value = match (input.id.as_str(), self.scope) {
                (PERSONS, Some(scope)) => self.counters.cases(scope, period, self.asked.institution)?.persons.into(),
                (CASES, Some(scope)) => self.counters.cases(scope, period, self.asked.institution)?.cases.into(),
                _ => self.counters.counter(&input.id, period, self.asked.institution)?,
            };
            let from = self.counters.account(&input.id, period, self.asked.institution).from;
            self.use_of(Used { from, ..used(name, self.library, Origin::Counted, period, shown(value).to_string(), None) });
            return Some(Value::Number(value));
        }
        let given = self.given(&input.id, input.over, input.carry_years, period);
        if given.is_empty() {
            return None;
        }
        let mut sum = Some(Decimal::ZERO);
        for g in &given {
            let number = Decimal::from_str_exact(&g.value).ok();
            sum = sum.zip(number).and_then(|(a, b)| a.checked_add(b));
            let origin = if matches!(g.source, Source::Configured(_)) { Origin::Configured } else { Origin::Reported };
            self.use_of(used(name, self.library, origin, g.period, g.value.clone(), Some(&g.source)));
        }
        if input.is_text {
            return given.first().map(|g| Value::Text(g.value.as_str().into()));
        }
        sum.map(Value::Number)
    }
}

impl View<'_> {
    fn use_of(&self, used: Used) {
        let mut all = self.used.borrow_mut();
        if !all.contains(&used) {
            all.push(used);
        }
    }

    /// What did not count in the counters that were used: of each reason the largest number among them, for what is left
    /// out of a part is left out of the whole as well.
    fn excluded(&self) -> BTreeMap<String, i64> {
        let mut out = BTreeMap::new();
        for used in self.used.borrow().iter().filter(|u| u.origin == Origin::Counted && !u.name.starts_with(LAST_YEAR)) {
            for (reason, n) in self.counters.account(&used.name, self.period, self.asked.institution).excluded {
                let most: &mut i64 = out.entry(reason).or_default();
                *most = n.max(*most);
            }
        }
        out
    }

    fn outcome(&self) -> (Outcome, Provenance) {
        let computed = self.definition.expression.as_ref().map(|e| e.evaluate(self));
        let outcome = match computed {
            Some(Value::Number(n)) => Outcome::Number(n),
            Some(Value::Text(t)) => Outcome::Text(t.to_string()),
            Some(Value::Missing(absent)) => Outcome::Missing(absent.iter().map(|a| self.gap(a)).collect()),
            Some(_) => Outcome::Missing(vec![self.gap(&Absence { what: "".into(), why: Why::WrongType })]),
            None => Outcome::Missing(vec![self.gap(&Absence { what: self.definition.id.as_str().into(), why: Why::NotGiven })]),
        };
        // asked only then: it sets what was used
        if matches!(outcome, Outcome::Missing(_))
            && let Some(reported) = self.reported()
        {
            return (reported, Provenance::Reported);
        }
        let origins: BTreeSet<bool> = self.used.borrow().iter().map(|u| u.origin == Origin::Counted).collect();
        let provenance = match (origins.contains(&true), origins.contains(&false)) {
            (true, false) => Provenance::Counted,
            (true, true) => Provenance::Computed,
            (false, true) => Provenance::Reported,
            (false, false) if self.definition.class == Class::C => Provenance::Reported,
            (false, false) => Provenance::Computed,
        };
        (outcome, provenance)
    }

    /// The figure reported as a whole, which stands in where it cannot be computed; never for one the gateway counts.
    fn reported(&self) -> Option<Outcome> {
        let d = self.definition;
        if d.class == Class::A {
            return None;
        }
        let given = self.given(&d.id, if d.over == Over::Flow { Over::Period } else { d.over }, 0, self.period);
        let given = given.first()?;
        let outcome = if d.kind == Kind::Text {
            Outcome::Text(given.value.clone())
        } else {
            Outcome::Number(Decimal::from_str_exact(&given.value).ok()?)
        };
        let origin = if matches!(given.source, Source::Configured(_)) { Origin::Configured } else { Origin::Reported };
        let one = used(&d.id, self.library, origin, given.period, given.value.clone(), Some(&given.source));
        self.used.replace(vec![one]);
        Some(outcome)
    }

    /// The given values that make up a period; none where they do not cover it.
    fn given(&self, id: &str, over: Over, carry_years: u8, period: Period) -> Vec<Given> {
        let all = self.inputs.given(id, self.asked.institution.unwrap_or(""));
        if let Some(exact) = all.iter().find(|g| g.period == period) {
            return vec![exact.clone()];
        }
        match over {
            Over::Period => Vec::new(),
            Over::Flow => parts(all, period),
            Over::Stock => stock(all, carry_years, period).into_iter().collect(),
        }
    }

    fn gap(&self, absence: &Absence) -> Gap {
        let name = absence.what.to_string();
        let input = self.library.input(&name);
        let title = self
            .library
            .title(&name)
            .unwrap_or_else(|| if name == self.definition.id { self.definition.title.clone() } else { self.read(&name) });
        let title_en = self
            .library
            .title_en(&name)
            .unwrap_or_else(|| if name == self.definition.id { self.definition.title_en.clone() } else { name.clone() });
        let counted = input.filter(|i| i.origin == Origin::Counted && absence.why == Why::NotGiven);
        let known = counted.and_then(|i| self.counters.account(&i.id, self.period, self.asked.institution).missing);
        let (zh, en) = known.unwrap_or_else(|| reason(absence.why, input, self.definition, &when::name(self.period)));
        Gap { name, title, title_en, zh, en }
    }

    /// A part of the formula with the names of people.
    fn read(&self, part: &str) -> String {
        let names = self.definition.expression.iter().flat_map(|e| e.names());
        let mut names: Vec<&str> = names.collect();
        names.sort_by_key(|n| std::cmp::Reverse(n.len()));
        names.iter().fold(part.to_owned(), |text, n| text.replace(n, &self.library.title(n).unwrap_or_else(|| (*n).to_owned())))
    }
}

fn reason(why: Why, input: Option<&Input>, definition: &Definition, period: &str) -> (String, String) {
    match (why, input.map(|i| i.origin)) {
        (Why::DivisionByZero, _) => ("分母为零".to_owned(), "the denominator is zero".to_owned()),
        (Why::TooLarge, _) => ("结果超过 28 位数字".to_owned(), "the result has more than 28 digits".to_owned()),
        (Why::WrongType, _) => ("不是所需类型的值".to_owned(), "the value is of another type".to_owned()),
        (Why::NotGiven, Some(Origin::Counted)) => (
            format!("网关在 {period} 没有这一计数：没有相应的消息来源"),
            format!("the gateway has no such count for {period}: no source sends it"),
        ),
        (Why::NotGiven, Some(Origin::Configured)) => {
            (format!("没有配置 {period} 适用的数"), format!("no value for {period} is configured"))
        }
        (Why::NotGiven, _) => {
            let who = input.map_or(definition.who.as_str(), |i| i.who.as_str());
            (format!("{period} 没有已审核的填报（填报单位：{who}）"), format!("no approved report for {period} (reported by {who})"))
        }
    }
}

/// Parts that cover a period day by day without gap or overlap, the longest first; none otherwise.
fn parts(mut all: Vec<Given>, period: Period) -> Vec<Given> {
    all.retain(|g| period.first <= g.period.first && g.period.last <= period.last);
    let mut out: Vec<Given> = Vec::new();
    let mut from = period.first;
    while from <= period.last {
        let next = all.iter().filter(|g| g.period.first == from && g.period.last >= from).max_by_key(|g| g.period.last);
        let Some(next) = next else { return Vec::new() };
        from = next.period.last + 1;
        out.push(next.clone());
    }
    out
}

/// What was so at the end of a period: the shortest given period that holds it, else the latest one before it within
/// `carry_years`.
fn stock(all: Vec<Given>, carry_years: u8, period: Period) -> Option<Given> {
    let length = |g: &Given| g.period.last - g.period.first;
    let holding = all.iter().filter(|g| g.period.first <= period.last && period.last <= g.period.last).min_by_key(|g| length(g));
    if let Some(found) = holding {
        return Some(found.clone());
    }
    let oldest = when::year(period) - i64::from(carry_years);
    let before = all.iter().filter(|g| g.period.last < period.last && when::year(g.period) >= oldest && carry_years > 0);
    before.max_by_key(|g| (g.period.last, -length(g))).cloned()
}
