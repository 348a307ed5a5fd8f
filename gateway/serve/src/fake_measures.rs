//! Figures in memory for tests of this crate: one measure, four summaries, two cases.

use std::sync::Mutex;

use hutong_fhir::Tree;
use hutong_fhir::json::{self, JsonLimits};

use crate::{CollectAsk, Collected, CountedMessage, Listed, MeasureAsk, Measures, NotMeasured, ReportOf, Summary};

pub(crate) const MEASURE: &str = r#"{"resourceType":"Measure","id":"m1","url":"http://example.org/Measure/m1","version":"2026","name":"M1","title":"上级诊断","status":"active","date":"2024-11-05"}"#;

/// Days of 2026Q3 and of September 2026.
const QUARTER: (i64, i64) = (20_635, 20_726);
const SEPTEMBER: (i64, i64) = (20_697, 20_726);

#[derive(Default)]
pub(crate) struct FakeMeasures {
    /// What was asked for, in words.
    pub(crate) asked: Mutex<Vec<String>>,
}

fn tree(text: &str) -> Tree {
    json::parse(text.as_bytes(), &JsonLimits::default()).ok().unwrap().0
}

fn summaries() -> Vec<(String, Summary)> {
    let mut out = Vec::new();
    for (name, (first, last)) in [("2026Q3", QUARTER), ("2026-09", SEPTEMBER)] {
        for reporter in [None, Some("T1")] {
            let id = format!("m1.{name}{}", reporter.map(|r| format!(".{r}")).unwrap_or_default());
            out.push((id, Summary { measure: "m1".into(), first, last, reporter: reporter.map(str::to_owned) }));
        }
    }
    out
}

impl Measures for FakeMeasures {
    /// September is pending. Of an institution `none` there is none; days are refused.
    fn evaluate(&self, ask: &MeasureAsk<'_>, of: ReportOf<'_>) -> Result<Tree, NotMeasured> {
        let (kind, subject) = match of {
            ReportOf::Summary => ("summary", ""),
            ReportOf::Subjects => ("subject-list", ""),
            ReportOf::One(patient) => ("individual", patient),
        };
        let reporter = ask.reporter.unwrap_or("area");
        self.asked.lock().unwrap().push(format!("{kind} {} {} {} {reporter} {subject}", ask.measure, ask.first, ask.last));
        match (reporter, subject) {
            ("none", _) => return Err(NotMeasured::Reporter),
            (_, "nobody") => return Err(NotMeasured::Patient),
            ("many", _) => return Err(NotMeasured::TooMany { found: 20_000, max: 10_000 }),
            _ if ask.first == ask.last => return Err(NotMeasured::Months),
            _ => {}
        }
        let status = if (ask.first, ask.last) == SEPTEMBER { "pending" } else { "complete" };
        Ok(tree(&format!(
            r#"{{"resourceType":"MeasureReport","status":"{status}","type":"{kind}","reporter":{{"display":"{reporter}"}}}}"#
        )))
    }

    fn collect(&self, ask: &MeasureAsk<'_>, part: &CollectAsk<'_>) -> Result<Collected, NotMeasured> {
        self.asked.lock().unwrap().push(format!("{ask:?} {part:?}"));
        Ok(Collected {
            report: tree(r#"{"resourceType":"MeasureReport","status":"complete","type":"data-collection"}"#),
            resources: vec![br#"{"resourceType":"DiagnosticReport","id":"r1"}"#.to_vec()],
            messages: vec![CountedMessage { case: 7, receipt: "R-1".into(), resources: vec!["DiagnosticReport/r1".into()] }],
            next: (part.after.is_none()).then_some(7),
        })
    }

    fn reports(&self, listed: &Listed<'_>) -> Vec<String> {
        let fits = |of: &Summary| {
            let reporter = of.reporter.as_deref().unwrap_or("area");
            listed.measures.is_none_or(|m| m.contains(&of.measure))
                && listed.reporters.is_none_or(|r| r.iter().any(|r| r == reporter))
                && (listed.period)(of.first, of.last)
        };
        summaries().into_iter().filter(|(_, of)| fits(of)).map(|(id, _)| id).collect()
    }

    fn report(&self, id: &str) -> Option<Summary> {
        summaries().into_iter().find(|(own, _)| own == id).map(|(_, of)| of)
    }
}
