//! Indicators in the gateway: which documents apply here, what was configured, and figures from the community's ledger and
//! forms. Definitions and evaluation are `hutong_count::indicators`; the ledger is in `community`.

mod desk;
pub(crate) mod names;
mod setting;

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use hutong_count::activity::{Answer, DEFINITION_VERSION, Figures};
use hutong_count::cases::{By, Question, Scope};
use hutong_count::indicators::forms::{Both, Configured, configured};
use hutong_count::indicators::{Account, Asked, Counters, Definition, Figure, Library, Tally, evaluate_all};
use hutong_count::period::Period;
use hutong_paper::{Fault, Fonts};
use rust_decimal::Decimal;

use crate::cli::Failure;
use crate::community::Community;

pub(crate) use desk::{Refused, Rule, Submit};
pub(crate) use setting::{Goal, Setting};

/// What figures are made by, beside the journal.
pub(crate) struct Indicators {
    pub(crate) setting: Setting,
    pub(crate) library: Library,
    configured: Configured,
    fonts: OnceLock<Result<Arc<Fonts>, Fault>>,
}

impl Indicators {
    /// # Errors
    /// What is wrong with the configured table or the names of documents.
    pub(crate) fn load(setting: Setting) -> Result<Arc<Indicators>, Failure> {
        let library = Library::builtin().map_err(|faults| {
            let list: String = faults.iter().map(|f| format!("\n  {}:{} {}", f.file, f.line, f.text)).collect();
            Failure::usage(format!("指标定义无法读取：{list}"), format!("the definitions of indicators cannot be read:{list}"))
        })?;
        for id in &setting.documents {
            if library.document(id).is_none() {
                let known: Vec<&str> = library.documents().iter().map(|d| d.id.as_str()).collect();
                let known = known.join(", ");
                return Err(Failure::judged(
                    format!("[indicators] documents：没有文件 {id}；可用：{known}"),
                    format!("[indicators] documents: there is no {id}; there are: {known}"),
                ));
            }
        }
        let configured = match &setting.inputs {
            Some(path) => read(&library, path)?,
            None => Configured::default(),
        };
        Ok(Arc::new(Indicators { setting, library, configured, fonts: OnceLock::new() }))
    }

    /// Fonts for PDF, loaded when they are first needed.
    pub(crate) fn fonts(&self) -> Result<&Arc<Fonts>, &Fault> {
        self.fonts.get_or_init(|| Fonts::load(self.setting.font.as_deref()).map(Arc::new)).as_ref()
    }

    /// Whether a document's indicators are told here.
    pub(crate) fn applies(&self, definition: &Definition) -> bool {
        let Setting { area, documents, .. } = &self.setting;
        if !documents.is_empty() {
            return documents.contains(&definition.document);
        }
        let of = self.library.document(&definition.document).map_or("", |d| d.area.as_str());
        // 500000 is above 500236
        area.is_empty() || of == area || (of.get(2..) == Some("0000") && of.get(..2) == area.get(..2))
    }

    /// The figures of a period: of the whole area, or of an institution alone.
    pub(crate) fn figures(
        &self,
        community: &Community,
        period: Period,
        institution: Option<&str>,
        wanted: impl Fn(&Definition) -> bool,
    ) -> Vec<Figure> {
        let asked = Asked { period, institution, area: &self.setting.area, open_scope: self.setting.scope };
        let inputs = Both { forms: &community.forms, configured: &self.configured };
        evaluate_all(&self.library, &asked, &Counted::of(community), &inputs, |d| self.applies(d) && wanted(d))
    }
}

fn read(library: &Library, path: &Path) -> Result<Configured, Failure> {
    let text = std::fs::read_to_string(path).map_err(|e| Failure::file(path, &e))?;
    configured(library, &text).map_err(|faults| {
        let list = |pick: fn(&hutong_fhir::sheet::Fault) -> &String| -> String {
            faults.iter().map(|f| format!("\n  {}:{} {} {}", path.display(), f.line, f.column, pick(f))).collect()
        };
        Failure::judged(
            format!("[indicators] inputs 有误：{}", list(|f| &f.zh)),
            format!("[indicators] inputs are not right:{}", list(|f| &f.en)),
        )
    })
}

/// First and last day, and the institution.
type Asking = (i64, i64, Option<String>);

/// What the gateway counts here: the ledger, activity, and what follows from them.
struct Counted<'c> {
    community: &'c Community,
    /// Each period and place is summed once for a whole report.
    activity: RefCell<HashMap<Asking, Figures>>,
}

impl Counted<'_> {
    fn of(community: &Community) -> Counted<'_> {
        Counted { community, activity: RefCell::default() }
    }

    fn activity(&self, id: &str, period: Period, institution: Option<&str>) -> Option<Answer> {
        let mut known = self.activity.borrow_mut();
        let key = (period.first, period.last, institution.map(str::to_owned));
        known.entry(key).or_insert_with(|| self.community.activity(period, institution)).counters.get(id).cloned()
    }
}

/// Counters that nothing in the traffic tells of, and why.
const NOT_COUNTED: [(&str, &str, &str); 3] = [
    (
        "smart_platforms_live",
        "消息不说明来自哪个智慧（智能）平台，文件也没有规定怎样算已建成：由填报说明",
        "no message says which smart platform it is of, and no document says when one is built: it is reported",
    ),
    (
        "digital_centres_live",
        "消息不说明来自哪个数智中心，文件也没有规定怎样算已建成：由填报说明",
        "no message says which digital centre it is of, and no document says when one is built: it is reported",
    ),
    (
        "prescriptions_in_catalogue",
        "没有导入统一用药目录，不能判断处方是否全在目录内",
        "no unified drug catalogue was imported: whether a prescription is within it cannot be told",
    ),
];

impl Counters for Counted<'_> {
    fn cases(&self, scope: Scope, period: Period, institution: Option<&str>) -> Option<Tally> {
        Counters::cases(&self.community.cases, scope, period, institution)
    }

    fn counter(&self, id: &str, period: Period, institution: Option<&str>) -> Option<Decimal> {
        match id {
            // a centre is at work when it issued a report that counts
            "shared_centres_live" => {
                let question = Question { period, scope: Scope::All4, by: By::Centre, institution: institution.map(str::to_owned) };
                let rows = self.community.cases.figures(&question)?.rows;
                Some(Decimal::from(rows.iter().filter(|r| r.key != "none" && r.now.cases > 0).count()))
            }
            _ => match self.activity(id, period, institution)? {
                Answer::Counted(counted) => Some(Decimal::from(counted.value)),
                Answer::Missing { .. } => None,
            },
        }
    }

    fn account(&self, id: &str, period: Period, institution: Option<&str>) -> Account {
        if let Some((_, zh, en)) = NOT_COUNTED.iter().find(|(name, ..)| *name == id) {
            return Account { missing: Some(((*zh).to_owned(), (*en).to_owned())), ..Account::default() };
        }
        match self.activity(id, period, institution) {
            None => Account::default(),
            Some(Answer::Missing { zh, en }) => Account { missing: Some((zh.to_owned(), en.to_owned())), ..Account::default() },
            Some(Answer::Counted(counted)) => {
                let closed = counted.published.map(|n| format!("，结账时 {n}")).unwrap_or_default();
                Account {
                    from: format!("计数定义 activity/{id} {DEFINITION_VERSION}{closed}"),
                    excluded: counted.excluded.iter().map(|(reason, n)| (reason.code().to_owned(), *n)).collect(),
                    missing: None,
                }
            }
        }
    }

    fn position(&self) -> u64 {
        // figures know all entries up to here, also those that changed nothing
        self.community.applied()
    }
}
