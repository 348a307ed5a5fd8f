//! The list of cases behind a figure, the youngest first.

use hutong_commit::entry::Entry;
use hutong_console::Unanswered;
use hutong_console::view::{CaseList, CaseRow, CasesAsk, Counted};
use hutong_count::cases::{self as count, By, Outcome, Question, Sighting};
use hutong_count::period::{Period, day_of};
use hutong_fhir::calendar::{civil, days};
use hutong_paper::Text;

use super::seen::{Seen, sightings};
use super::{Pages, scope};
use crate::community::Community;
use crate::indicators::names::{self, CENTRES};
use crate::ingest::now_us;
use crate::report::{Filter, outcome};

/// Cases of one page.
const PAGE: usize = 50;
/// Months that are offered, and looked through where none is asked for.
const MONTHS: i64 = 24;

impl Pages {
    pub(super) fn list(&self, only: Option<&str>, ask: &CasesAsk) -> Result<CaseList, Unanswered> {
        let period = match &ask.period {
            None => latest(),
            Some(text) => whole_months(text).ok_or_else(|| Unanswered::Wrong(Text::same("period=2026, period=2026Q3, period=2026-09")))?,
        };
        let reason = match ask.excluded.as_deref() {
            None => Outcome::Counted,
            Some(code) => Outcome::ALL
                .into_iter()
                .find(|o| o.code() == code)
                .ok_or_else(|| Unanswered::Wrong(Text::same(format!("excluded={}", Outcome::TestData.code()))))?,
        };
        let filter = Filter {
            scope: scope(ask.scope),
            only: only.map(str::to_owned),
            exam: ask.institution.clone(),
            centre: ask.centre.clone(),
            outcome: Some(reason),
        };
        let after = match ask.after.as_deref() {
            None => None,
            Some(text) => Some(cursor(text).ok_or_else(|| Unanswered::Wrong(Text::same("after=…")))?),
        };
        let (found, total, position) = {
            let community = self.community.read();
            (page(&community, &filter, period, after), total(&community, &filter, period), community.applied())
        };
        let next = (found.len() > PAGE).then(|| found.get(PAGE - 1)).flatten().map(|r| format!("{}-{}", r.reported_us, r.case));
        let rows = found.iter().take(PAGE).map(|row| self.row(row, period, filter.scope)).collect();
        let community = self.community.read();
        Ok(CaseList {
            rows,
            total,
            next,
            periods: periods(),
            institutions: institutions(&community, only, period),
            centres: CENTRES.iter().map(|c| ((*c).to_owned(), names::centre(c))).collect(),
            reasons: Outcome::ALL
                .into_iter()
                .filter(|o| *o != Outcome::Counted)
                .map(|o| (o.code().to_owned(), Text::new(o.zh(), o.en())))
                .collect(),
            basis: self.basis(position),
        })
    }

    /// What a message's events say of a case.
    pub(super) fn said(&self, entry: &Entry, case: u32) -> Vec<Sighting> {
        sightings(entry, &self.community.read().cases, case)
    }

    /// A case as lists and its own page show it.
    pub(super) fn row(&self, row: &count::CaseRow, period: Period, of: count::Scope) -> CaseRow {
        let seen = Seen::of(&self.store, |entry| self.said(entry, row.case), row);
        let community = self.community.read();
        let name = |code: &str| names::institution(&community.registry, code, period);
        let became = outcome(row, of);
        CaseRow {
            id: row.case.to_string(),
            number: seen.number,
            patient: seen.patient,
            sex: seen.sex,
            age: seen.age,
            centre: names::modality(row.modality),
            item: seen.item,
            examined_at: name(&row.exam),
            read_at: name(&row.read),
            reported_us: Some(row.reported_us),
            counted: match became {
                Outcome::Counted => Counted::In { img5: count::Scope::Img5.holds(row.modality) },
                reason => Counted::Out { reason: Text::new(reason.zh(), reason.en()) },
            },
        }
    }
}

/// The newest [`MONTHS`] months.
fn latest() -> Period {
    let (year, month, _) = civil(day_of(now_us()));
    let from = year * 12 + month - MONTHS;
    Period { first: days(from.div_euclid(12), from.rem_euclid(12) + 1, 1), last: month_end(year, month) }
}

fn month_end(year: i64, month: i64) -> i64 {
    if month == 12 { days(year + 1, 1, 1) - 1 } else { days(year, month + 1, 1) - 1 }
}

/// The whole months that hold a period.
fn whole_months(text: &str) -> Option<Period> {
    let period = Period::parse(text)?;
    let ((y, m, _), (ly, lm, _)) = (civil(period.first), civil(period.last));
    Some(Period { first: days(y, m, 1), last: month_end(ly, lm) })
}

/// Moment and case behind which a page begins.
fn cursor(text: &str) -> Option<(i64, u32)> {
    let (us, case) = text.rsplit_once('-')?;
    Some((us.parse().ok()?, case.parse().ok()?))
}

/// One more than a page, the youngest first: month by month, so that a page costs as much as its month.
fn page(community: &Community, filter: &Filter, period: Period, after: Option<(i64, u32)>) -> Vec<count::CaseRow> {
    let behind = |row: &count::CaseRow| after.is_none_or(|a| (row.reported_us, row.case) < a);
    let mut out = Vec::new();
    let (mut year, mut month, _) = civil(period.last);
    loop {
        let one = Period { first: days(year, month, 1), last: month_end(year, month) };
        if one.first < period.first || out.len() > PAGE {
            break;
        }
        let mut rows = community.cases.cases(one, None, usize::MAX, |row| filter.takes(row) && behind(row));
        rows.sort_by_key(|r| std::cmp::Reverse((r.reported_us, r.case)));
        rows.truncate(PAGE + 1);
        out.append(&mut rows);
        (year, month) = if month == 1 { (year - 1, 12) } else { (year, month - 1) };
    }
    out.truncate(PAGE + 1);
    out
}

/// From the tallies where they can say it, else one by one.
fn total(community: &Community, filter: &Filter, period: Period) -> u64 {
    let (by, key) = match (&filter.exam, &filter.centre) {
        (None, None) => (By::County, ""),
        (Some(exam), None) => (By::Exam, exam.as_str()),
        (None, Some(centre)) => (By::Centre, centre.as_str()),
        (Some(_), Some(_)) => {
            let mut count = 0;
            community.cases.cases(period, None, usize::MAX, |row| {
                count += u64::from(filter.takes(row));
                false
            });
            return count;
        }
    };
    let question = Question { period, scope: filter.scope, by, institution: filter.only.clone() };
    let rows = community.cases.figures(&question).map(|f| f.rows).unwrap_or_default();
    let row = rows.into_iter().find(|r| r.key == key).unwrap_or_default();
    match filter.outcome {
        Some(Outcome::Counted) | None => row.now.cases,
        Some(reason) => row.excluded.get(&reason).copied().unwrap_or(0),
    }
}

/// The newest months, this year and those before, the last quarters and months.
fn periods() -> Vec<(String, Text)> {
    let (year, month, _) = civil(day_of(now_us()));
    let mut out = vec![(String::new(), Text::new(format!("近 {MONTHS} 个月"), format!("last {MONTHS} months")))];
    out.extend((0..3).map(|back| (format!("{}", year - back), Text::new(format!("{}年", year - back), (year - back).to_string()))));
    out.extend(super::quarters().into_iter().take(4));
    for back in 0..12 {
        let at = year * 12 + month - 1 - back;
        let (y, m) = (at.div_euclid(12), at.rem_euclid(12) + 1);
        out.push((format!("{y}-{m:02}"), Text::new(format!("{y}年{m}月"), format!("{y}-{m:02}"))));
    }
    out
}

/// Examining institutions of a period with anything in it.
fn institutions(community: &Community, only: Option<&str>, period: Period) -> Vec<(String, Text)> {
    let question = Question { period, scope: count::Scope::All4, by: By::Exam, institution: only.map(str::to_owned) };
    let rows = community.cases.figures(&question).map(|f| f.rows).unwrap_or_default();
    let named = rows.into_iter().filter(|r| !r.key.is_empty());
    named.map(|r| (r.key.clone(), names::institution(&community.registry, &r.key, period))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_widened_to_months() {
        for (text, whole) in [("2026-11-22", "2026-11"), ("2026Q3", "2026Q3"), ("2026-12", "2026-12"), ("2026", "2026")] {
            assert_eq!(whole_months(text), Period::parse(whole), "{text}");
        }
        assert_eq!(whole_months("bald"), None);
        assert_eq!(cursor("-5-7"), Some((-5, 7)));
        assert_eq!(cursor("5"), None);
    }
}
