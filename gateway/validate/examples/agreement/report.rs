//! The report: counts by group, and every case that is set aside or judged differently, with its reason.

use crate::Case;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

pub(crate) struct Row {
    pub(crate) case: Case,
    pub(crate) ours: Result<Vec<String>, String>,
}

/// A line of the table of reasons: `case`, `part`, `kind`, `reason`.
pub(crate) struct Reason {
    /// The verdict rests on a package, server or version of FHIR that a gateway for R4 does not have.
    sets_aside: bool,
    text: String,
}

#[derive(Default)]
struct Count {
    all: usize,
    aside: usize,
    agreed: usize,
}

/// Lines `case<TAB>part<TAB>needs|differs<TAB>reason`, `#` for comments.
pub(crate) fn read_reasons(text: &str) -> HashMap<(String, String), Reason> {
    let rows = text.lines().filter(|l| !l.starts_with('#') && !l.starts_with("case\t"));
    rows.filter_map(|line| {
        let mut columns = line.splitn(4, '\t');
        let key = (columns.next()?.to_owned(), columns.next()?.to_owned());
        let sets_aside = columns.next()? == "needs";
        Some((key, Reason { sets_aside, text: columns.next()?.to_owned() }))
    })
    .collect()
}

/// The report and what is wrong with the reasons: disagreements without, reasons without disagreement.
pub(crate) fn write(rows: &[Row], reasons: &HashMap<(String, String), Reason>) -> (String, Vec<String>) {
    let mut open = Vec::new();
    let mut counts: BTreeMap<(bool, &str, &str), Count> = BTreeMap::new();
    let (mut aside, mut differ) = (String::new(), String::new());
    let mut unused: HashMap<&(String, String), &Reason> = reasons.iter().collect();
    for row in rows {
        let case = &row.case;
        let count = counts.entry((case.is_r5, case.part, case.module.as_str())).or_default();
        count.all += 1;
        let key = (case.name.clone(), case.part.to_owned());
        let reason = unused.remove(&key);
        let agrees = row.ours.as_ref().is_ok_and(|ours| ours.is_empty() == case.errors.is_empty());
        if let Some(reason) = reason.filter(|r| r.sets_aside) {
            count.aside += 1;
            let verdict = if agrees { "the same" } else { "another" };
            let _ = writeln!(aside, "| {} | {} | {} | {verdict} | {} |", case.name, case.part, version(case.is_r5), reason.text);
        } else if agrees {
            count.agreed += 1;
            if reason.is_some() {
                open.push(format!("{} {}: agrees, its reason can go", case.name, case.part));
            }
        } else {
            let ours = match &row.ours {
                Ok(ours) if ours.is_empty() => "valid",
                Ok(_) => "invalid",
                Err(_) => "not judged",
            };
            let text = reason.map_or("", |r| r.text.as_str());
            let _ = writeln!(differ, "| {} | {} | {} | {ours} | {text} |", case.name, case.part, version(case.is_r5));
            if reason.is_none() {
                let theirs = if case.errors.is_empty() { "valid" } else { "invalid" };
                let what = row.ours.as_ref().map_or_else(Clone::clone, |o| o.first().or(case.errors.first()).cloned().unwrap_or_default());
                open.push(format!(
                    "{} {} [{}] {}: theirs {theirs}, ours {ours}: {what}",
                    case.name,
                    case.part,
                    case.module,
                    version(case.is_r5)
                ));
            }
        }
    }
    open.extend(unused.keys().map(|(name, part)| format!("{name} {part}: there is no such case")));
    let mut out = String::from(
        "# Verdicts of HL7's Java validator and ours\n\nGenerated; the command stands in `gateway/validate/examples/agreement.rs`. A verdict is valid or invalid (an error).\nCases that rest on a package, a terminology server or another version of FHIR are set aside.\n\n",
    );
    summary(&mut out, &counts);
    let _ = write!(out, "\n## Judged otherwise\n\n| case | part | version | ours | why |\n|---|---|---|---|---|\n{differ}");
    let _ = write!(out, "\n## Set aside\n\n| case | part | version | our verdict | what it needs |\n|---|---|---|---|---|\n{aside}");
    (out, open)
}

fn version(is_r5: bool) -> &'static str {
    if is_r5 { "R5" } else { "R4" }
}

fn summary(out: &mut String, counts: &BTreeMap<(bool, &str, &str), Count>) {
    let mut total: BTreeMap<bool, Count> = BTreeMap::new();
    for ((is_r5, ..), count) in counts {
        let sum = total.entry(*is_r5).or_default();
        sum.all += count.all;
        sum.aside += count.aside;
        sum.agreed += count.agreed;
    }
    for (is_r5, count) in &total {
        let of = count.all - count.aside;
        let percent = if of == 0 { 0.0 } else { count.agreed as f64 * 100.0 / of as f64 };
        let judged = if *is_r5 { "with R5's definitions there, with R4's here" } else { "with R4's definitions" };
        let _ =
            writeln!(out, "- {} cases {judged}: **{} of {of} agree ({percent:.1} %)**, {} set aside", count.all, count.agreed, count.aside);
    }
    let _ = write!(out, "\n| version | part | module | cases | set aside | agree | differ |\n|---|---|---|---|---|---|---|\n");
    for ((is_r5, part, module), c) in counts {
        let differ = c.all - c.aside - c.agreed;
        let _ = writeln!(out, "| {} | {part} | {module} | {} | {} | {} | {differ} |", version(*is_r5), c.all, c.aside, c.agreed);
    }
}
