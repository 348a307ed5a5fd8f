//! `[indicators]` of the configuration: whose figures these are, which documents apply, by what they are measured.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hutong_count::cases::Scope;
use serde::Deserialize;

/// The configuration's section.
#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Setting {
    /// The county (GB/T 2260); empty: no document is its own, and no target is judged.
    pub(crate) area: String,
    /// What the community is called on reports.
    pub(crate) name: String,
    /// Ids of the documents that apply; empty: those of the area and of the city or province above it.
    pub(crate) documents: Vec<String>,
    /// Table of configured values, such as populations.
    pub(crate) inputs: Option<PathBuf>,
    /// The scope of indicators whose document leaves it open, and of reports and pages where none is asked for.
    pub(crate) scope: Option<Scope>,
    /// Targets beside those that the documents print.
    pub(crate) targets: Vec<Goal>,
    /// Minutes from examination to report that are in time, by centre.
    pub(crate) report_minutes: BTreeMap<String, u32>,
    /// Per cent of reports that should be in time.
    pub(crate) in_time_percent: Option<u8>,
    /// A font file for PDF; absent: the usual Chinese ones.
    pub(crate) font: Option<PathBuf>,
}

/// What is to be reached in a year: of the county, of an institution or of a centre.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Goal {
    pub(crate) year: i64,
    /// Examining institution; absent with `centre`: the county.
    #[serde(default)]
    pub(crate) institution: String,
    /// imaging, tracing, laboratory, pathology
    #[serde(default)]
    pub(crate) centre: String,
    pub(crate) scope: Scope,
    /// 人次, or 人数: one of them.
    #[serde(default)]
    pub(crate) cases: Option<u32>,
    #[serde(default)]
    pub(crate) persons: Option<u32>,
    /// The document that sets it.
    #[serde(default)]
    pub(crate) from: String,
}

/// Minutes to a report where nothing is configured: ours, of no document.
const REPORT_MINUTES: [(&str, u32); 4] = [("imaging", 120), ("tracing", 30), ("laboratory", 24 * 60), ("pathology", 7 * 24 * 60)];

impl Setting {
    pub(crate) fn scope(&self) -> Scope {
        self.scope.unwrap_or(Scope::All4)
    }

    /// Minutes from examination to report that are in time at a centre.
    pub(crate) fn minutes(&self, centre: &str) -> u32 {
        let default = REPORT_MINUTES.iter().find(|(name, _)| *name == centre).map_or(24 * 60, |(_, minutes)| *minutes);
        self.report_minutes.get(centre).copied().unwrap_or(default)
    }

    /// Institutions that are to reach something in a year.
    pub(crate) fn institutions_of(&self, year: i64, scope: Scope) -> impl Iterator<Item = &str> {
        let asked = self.targets.iter().filter(move |t| (t.year, t.scope) == (year, scope) && t.cases.is_some());
        asked.map(|t| t.institution.as_str()).filter(|institution| !institution.is_empty())
    }

    /// What an institution or a centre is to reach in a year, in cases.
    pub(crate) fn cases_of(&self, year: i64, scope: Scope, institution: &str, centre: &str) -> Option<u32> {
        self.targets
            .iter()
            .find(|t| (t.year, t.scope) == (year, scope) && t.institution == institution && t.centre == centre)
            .and_then(|t| t.cases)
    }
}
