//! Recalls earlier results from the store.

use std::collections::{BTreeSet, HashMap};

use hutong_commit::projection::{ReadError, Reader};
use hutong_commit::search::{Page, Query};
use hutong_fhir::json::{self, JsonLimits};
use hutong_fhir::{NodeRef, Tree};

/// Newest results looked at, of one kind of resource.
const RESULTS_MAX: usize = 200;
/// Newest results looked at for one item.
const RESULTS_AN_ITEM: usize = 40;
/// Characters of one search value that the store takes.
const VALUE_MAX: usize = 1_900;
/// Alternatives of one search value that the store takes.
const VALUES_MAX: usize = 190;

/// What to look for.
pub(crate) struct Wanted {
    /// Ids of Patients, all of one person.
    pub(crate) patients: Vec<String>,
    /// Codes under which results may stand, whatever their systems; none: all results since `since`.
    pub(crate) codes: BTreeSet<String>,
    /// Items asked about: the more, the more is looked at.
    pub(crate) items: usize,
    /// A FHIR date; empty = from the beginning.
    pub(crate) since: String,
    pub(crate) observations: bool,
    pub(crate) reports: bool,
}

/// A resource that was found.
pub(crate) struct Found {
    pub(crate) tree: Tree,
    /// The entry that wrote it last.
    pub(crate) seq: u64,
}

/// What was found, newest first.
#[derive(Default)]
pub(crate) struct Recalled {
    pub(crate) observations: Vec<Found>,
    /// Reports that are results themselves.
    pub(crate) reports: Vec<Found>,
    /// Reports that hold the observations, by reference of the observation: positions in `holding`.
    pub(crate) holders: HashMap<String, usize>,
    pub(crate) holding: Vec<Found>,
    /// There are more, and these begin before this (as FHIR writes it): the last one that was looked at.
    pub(crate) more_before: Option<String>,
}

pub(crate) fn recall(reader: &Reader, wanted: &Wanted) -> Result<Recalled, ReadError> {
    let mut out = Recalled::default();
    if wanted.patients.is_empty() {
        return Ok(out);
    }
    for codes in parts(&wanted.codes) {
        if wanted.observations {
            let page = search(reader, "Observation", wanted, codes.as_deref(), true)?;
            out.more(&page);
            out.observations.extend(page.matches.iter().filter_map(found));
            out.hold_all(page.included.iter().filter_map(found));
        }
        if wanted.reports {
            let page = search(reader, "DiagnosticReport", wanted, codes.as_deref(), false)?;
            out.more(&page);
            out.reports.extend(page.matches.iter().filter_map(found));
        }
    }
    Ok(out)
}

impl Recalled {
    fn hold(&mut self, report: Found) {
        let at = self.holding.len();
        let is_dead = |f: &Found| matches!(f.tree.root().at("status"), Some("cancelled" | "entered-in-error"));
        let dead = is_dead(&report);
        let results = report.tree.root().children().filter(|c| c.name() == "result");
        for result in results.filter_map(|r| r.at("reference").map(str::to_owned)) {
            // of several reports the last that stands
            let keeps = self.holders.get(&result).and_then(|at| self.holding.get(*at)).is_some_and(|f| dead && !is_dead(f));
            if !keeps {
                self.holders.insert(result, at);
            }
        }
        self.holding.push(report);
    }

    pub(crate) fn hold_all(&mut self, reports: impl IntoIterator<Item = Found>) {
        reports.into_iter().for_each(|report| self.hold(report));
    }

    fn more(&mut self, page: &Page) {
        if page.next.is_none() {
            return;
        }
        let last = page.matches.last().and_then(found);
        let date = last.and_then(|f| f.tree.root().at("effectiveDateTime").or(f.tree.root().at("issued")).map(str::to_owned));
        self.more_before = Some(date.unwrap_or_default());
    }

    /// The report that holds an observation.
    pub(crate) fn holder(&self, observation: &str) -> Option<NodeRef<'_>> {
        self.holders.get(observation).and_then(|at| self.holding.get(*at)).map(|f| f.tree.root())
    }
}

/// The codes in as many values as the store wants them; one without codes where all are wanted.
fn parts(codes: &BTreeSet<String>) -> Vec<Option<String>> {
    if codes.is_empty() {
        return vec![None];
    }
    let mut out: Vec<(String, usize)> = Vec::new();
    for code in codes {
        let escaped = escape(code);
        match out.last_mut() {
            Some((text, n)) if text.len() + escaped.len() < VALUE_MAX && *n < VALUES_MAX => {
                text.push(',');
                text.push_str(&escaped);
                *n += 1;
            }
            _ => out.push((escaped, 1)),
        }
    }
    out.into_iter().map(|(text, _)| Some(text)).collect()
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace(',', "\\,").replace('|', "\\|").replace('$', "\\$")
}

fn search(reader: &Reader, resource_type: &str, wanted: &Wanted, codes: Option<&str>, holders: bool) -> Result<Page, ReadError> {
    let patients: Vec<String> = wanted.patients.iter().map(|id| format!("Patient/{id}")).collect();
    let mut pairs = vec![("patient".to_owned(), patients.join(","))];
    pairs.extend(codes.map(|codes| ("code".to_owned(), codes.to_owned())));
    if !wanted.since.is_empty() {
        pairs.push(("date".to_owned(), format!("ge{}", wanted.since)));
    }
    pairs.push(("_sort".to_owned(), "-date".to_owned()));
    let count = if wanted.items == 0 { RESULTS_MAX } else { (wanted.items * RESULTS_AN_ITEM).min(RESULTS_MAX) };
    pairs.push(("_count".to_owned(), count.to_string()));
    if holders {
        pairs.push(("_revinclude".to_owned(), "DiagnosticReport:result".to_owned()));
    }
    let (query, refused) = Query::read(resource_type, &pairs, 0).map_err(|e| ReadError::Unavailable(e.en))?;
    if let Some(refused) = refused.into_iter().next() {
        return Err(ReadError::Unavailable(refused.en));
    }
    reader.search(&query)
}

fn found(found: &hutong_commit::search::Found) -> Option<Found> {
    parse(&found.version.body).map(|tree| Found { tree, seq: found.version.seq })
}

/// A stored resource; `None` where it is deleted.
pub(crate) fn parse(body: &[u8]) -> Option<Tree> {
    json::parse(body, &JsonLimits::default()).ok().map(|(tree, _)| tree)
}

/// The same as JSON, to be written again.
pub(crate) fn read_json(reader: &Reader, reference: &str) -> Result<Option<serde_json::Value>, ReadError> {
    let Some((resource_type, id)) = reference.split_once('/') else { return Ok(None) };
    let version = reader.read(resource_type, id)?.filter(|v| !v.deleted);
    Ok(version.and_then(|v| serde_json::from_slice(&v.body).ok()))
}

/// A resource by its reference.
pub(crate) fn read(reader: &Reader, reference: &str) -> Result<Option<Found>, ReadError> {
    let Some((resource_type, id)) = reference.split_once('/') else { return Ok(None) };
    let version = reader.read(resource_type, id)?.filter(|v| !v.deleted);
    Ok(version.and_then(|v| parse(&v.body).map(|tree| Found { tree, seq: v.seq })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_cut_into_values_that_the_store_takes() {
        assert_eq!(parts(&BTreeSet::new()), [None]);
        let few: BTreeSet<String> = ["A,B", "C|D"].map(str::to_owned).into();
        assert_eq!(parts(&few), [Some("A\\,B,C\\|D".to_owned())]);
        let many: BTreeSet<String> = (0..1000).map(|n| format!("LOCAL-{n:04}")).collect();
        let cut = parts(&many);
        assert!(cut.len() > 5);
        assert!(cut.iter().flatten().all(|v| v.len() <= 2_000 && v.split(',').count() <= 200));
        assert_eq!(cut.iter().flatten().map(|v| v.split(',').count()).sum::<usize>(), 1000);
    }
}
