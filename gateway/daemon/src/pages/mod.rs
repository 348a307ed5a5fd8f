//! What the console shows of the running gateway: figures, cases and reports, from the community's ledger and the journal.

mod cases;
mod dashboard;
mod detail;
mod seen;

use std::sync::Arc;

use hutong_commit::store::Store;
use hutong_console::view::{Basis, Case, CaseList, CasesAsk, Dashboard, DashboardAsk, Scope};
use hutong_console::{Console, Unanswered, Viewer};
use hutong_count::cases::{self as count, DEFINITION, DEFINITION_VERSION};
use hutong_count::period::{Period, day_of};
use hutong_fhir::calendar::civil;
use hutong_paper::{Definition, Document, Fault, Fonts, Text};
use hutong_receive::sources::Sources;

use crate::community::Shared;
use crate::indicators::Indicators;
use crate::ingest::now_us;
use crate::report;

pub(crate) use seen::sightings;

/// Answers the pages.
pub(crate) struct Pages {
    community: Shared,
    store: Arc<Store>,
    indicators: Arc<Indicators>,
    sources: Arc<Sources>,
    /// Dashboards that were made lately.
    made: dashboard::Made,
}

/// Quarters that a page offers.
const QUARTERS: i64 = 8;
/// Days back that the page of work items offers.
const DAYS: [i64; 4] = [30, 7, 90, 366];

impl Pages {
    pub(crate) fn new(community: Shared, store: Arc<Store>, indicators: Arc<Indicators>, sources: Arc<Sources>) -> Pages {
        Pages { community, store, indicators, sources, made: dashboard::Made::default() }
    }

    fn basis(&self, position: u64) -> Basis {
        let definition = Definition { id: DEFINITION.to_owned(), version: DEFINITION_VERSION.to_owned() };
        Basis { definition, journal_position: position, made_at_us: now_us() }
    }
}

/// The only institution whose rows a viewer may see; `None`: all.
fn only(viewer: &Viewer) -> Option<&str> {
    match viewer {
        Viewer::Local | Viewer::Institution { operator: true, .. } => None,
        Viewer::Institution { id, .. } => Some(id),
    }
}

fn scope(of: Scope) -> count::Scope {
    match of {
        Scope::Img5 => count::Scope::Img5,
        Scope::All4 => count::Scope::All4,
    }
}

fn shown(of: count::Scope) -> Scope {
    match of {
        count::Scope::Img5 => Scope::Img5,
        count::Scope::All4 => Scope::All4,
    }
}

/// This quarter and those before it.
fn quarters() -> Vec<(String, Text)> {
    let (year, month, _) = civil(day_of(now_us()));
    let now = year * 4 + (month - 1) / 3;
    let name = |q: i64| {
        let (year, quarter) = (q.div_euclid(4), q.rem_euclid(4) + 1);
        let zh = ["一", "二", "三", "四"].get(usize::try_from(quarter - 1).unwrap_or_default()).copied().unwrap_or_default();
        (format!("{year}Q{quarter}"), Text::new(format!("{year}年{zh}季度"), format!("{year} Q{quarter}")))
    };
    (0..QUARTERS).map(|back| name(now - back)).collect()
}

/// A period that was asked for, or the first that is offered.
fn asked<'a>(period: Option<&'a str>, offered: &'a [(String, Text)]) -> Result<(&'a str, Period), Unanswered> {
    let text = period.or_else(|| offered.first().map(|(value, _)| value.as_str())).unwrap_or_default();
    let wrong = || Unanswered::Wrong(Text::same("period=2026Q3, period=2026-09, period=2026"));
    Ok((text, Period::parse(text).ok_or_else(wrong)?))
}

impl Console for Pages {
    fn position(&self) -> u64 {
        self.community.read().applied()
    }

    fn scope(&self) -> Scope {
        shown(self.indicators.setting.scope())
    }

    fn dashboard(&self, viewer: &Viewer, ask: &DashboardAsk) -> Result<Dashboard, Unanswered> {
        Ok(self.made_dashboard(only(viewer), ask, false))
    }

    fn watched(&self, viewer: &Viewer, ask: &DashboardAsk) -> Result<Dashboard, Unanswered> {
        Ok(self.made_dashboard(only(viewer), ask, true))
    }

    fn cases(&self, viewer: &Viewer, ask: &CasesAsk) -> Result<CaseList, Unanswered> {
        self.list(only(viewer), ask)
    }

    fn case(&self, viewer: &Viewer, id: &str) -> Result<Case, Unanswered> {
        self.detail(only(viewer), id)
    }

    fn recognition(&self, viewer: &Viewer, period: Option<&str>) -> Result<(Document, Vec<(String, Text)>), Unanswered> {
        let offered = quarters();
        let (text, period) = asked(period, &offered)?;
        let document = report::recognition_document(&self.community.read(), text, period, only(viewer));
        Ok((document, offered))
    }

    fn quarterly(&self, viewer: &Viewer, period: Option<&str>) -> Result<(Document, Vec<(String, Text)>), Unanswered> {
        let offered = quarters();
        let (_, period) = asked(period, &offered)?;
        let community = self.community.read();
        let document = report::quarterly_document(&community, &self.indicators, Some(&self.sources), period, only(viewer));
        Ok((document, offered))
    }

    fn work(&self, viewer: &Viewer, period: Option<&str>) -> Result<(Document, Vec<(String, Text)>), Unanswered> {
        let offered: Vec<(String, Text)> =
            DAYS.iter().map(|days| (days.to_string(), Text::new(format!("最近 {days} 天"), format!("last {days} days")))).collect();
        let days = match period {
            None => DAYS[0],
            Some(text) => DAYS.into_iter().find(|d| d.to_string() == text).ok_or_else(|| Unanswered::Wrong(Text::same("period=30")))?,
        };
        let document = report::work_document(&self.community.read(), &self.store, days, only(viewer));
        Ok((document, offered))
    }

    fn fonts(&self) -> Result<Arc<Fonts>, Fault> {
        self.indicators.fonts().cloned().map_err(Clone::clone)
    }
}
