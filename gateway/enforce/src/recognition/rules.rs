//! Rule sets: which items are recognised, for how long, from where, under which mark and compared by what. A set is one
//! table, `profiles/policy/recognition/*.rules.tsv`, with its version, source and the time in which it is in force.

use super::time::{Period, moment};
use super::{ItemKind, Place, Scope, Setting};
use hutong_fhir::sheet::{Fault, Row, Sheet};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// From when a result is valid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum From {
    Collection,
    Study,
    Report,
}

/// One line of a rule set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    pub item: String,
    pub kind: ItemKind,
    /// In which care it applies; `None` = in all.
    pub setting: Option<Setting>,
    pub period: Period,
    pub from: From,
    /// How near the examining institution must be to the ordering one.
    pub reach: Scope,
    /// Whether a verified mark that is valid where the order is placed is asked for.
    pub wants_mark: bool,
    pub same_method: bool,
    pub same_unit: bool,
    pub same_reference: bool,
    pub line: usize,
}

/// A rule as decisions name it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RuleRef {
    pub set: String,
    pub version: String,
    pub line: usize,
}

/// One table of rules.
#[derive(Clone, Debug)]
pub struct RuleSet {
    pub id: String,
    pub version: String,
    pub title: String,
    /// The document it follows.
    pub source: String,
    /// Made up for demonstrations; never in force unless it is asked for by name.
    pub is_demo: bool,
    /// First digits of the regions whose institutions follow it; none = all.
    pub regions: Vec<String>,
    /// First and last moment, microseconds since 1970.
    pub from_us: i64,
    pub to_us: i64,
    rules: HashMap<String, Vec<Rule>>,
}

const COLUMNS: [&str; 8] = ["item", "kind", "setting", "valid", "from", "reach", "mark", "compare"];

impl RuleSet {
    /// Reads a table. Head: `#set #version #title #source #effective_from`, and where they apply `#effective_to #regions
    /// #demo yes`. Overlapping lines (same item and setting) are a fault: which one decided must never be a question.
    pub fn read(text: &str) -> Result<RuleSet, Vec<Fault>> {
        let mut sheet = Sheet::read(text, &COLUMNS);
        let head = |sheet: &Sheet<'_>, key| sheet.head(key).unwrap_or("").to_owned();
        let to = head(&sheet, "effective_to");
        let mut out = RuleSet {
            id: head(&sheet, "set"),
            version: head(&sheet, "version"),
            title: head(&sheet, "title"),
            source: head(&sheet, "source"),
            is_demo: sheet.head("demo") == Some("yes"),
            regions: head(&sheet, "regions").split_whitespace().map(str::to_owned).collect(),
            from_us: moment(&head(&sheet, "effective_from")).unwrap_or(i64::MAX),
            // a last day counts whole
            to_us: if to.is_empty() { i64::MAX } else { moment(&to).map_or(i64::MIN, |t| t + 86_400_000_000 - 1) },
            rules: HashMap::new(),
        };
        let mut faults: Vec<(usize, &str, &str, &str)> = Vec::new();
        for row in sheet.rows() {
            let rule = match rule(row) {
                Ok(rule) => rule,
                Err((column, zh, en)) => {
                    faults.push((row.line(), column, zh, en));
                    continue;
                }
            };
            let known = out.rules.entry(rule.item.clone()).or_default();
            let overlaps =
                |r: &&Rule| r.reach == rule.reach && (r.setting.is_none() || rule.setting.is_none() || r.setting == rule.setting);
            if known.iter().find(overlaps).is_some() {
                faults.push((
                    row.line(),
                    "item",
                    "同一项目、同一范围、同一场景已有一行",
                    "there is a line for the same item, reach and setting already",
                ));
            }
            known.push(rule);
        }
        for (line, column, zh, en) in faults {
            sheet.fault(line, column, zh, en);
        }
        if out.id.is_empty() || out.version.is_empty() || out.source.is_empty() || out.from_us == i64::MAX || out.to_us < out.from_us {
            sheet.fault(
                0,
                "",
                "表头须有 #set、#version、#source、#effective_from（且不晚于 #effective_to）",
                "the head needs #set, #version, #source and #effective_from, not after #effective_to",
            );
        }
        if !out.regions.iter().all(|r| (2..=6).contains(&r.len()) && r.bytes().all(|b| b.is_ascii_digit())) {
            sheet.fault(
                0,
                "regions",
                "#regions 须为行政区划代码（GB/T 2260）的前 2 至 6 位，以空格分隔",
                "#regions are the first 2 to 6 digits of regions (GB/T 2260), separated by blanks",
            );
        }
        let faults = sheet.into_faults();
        if faults.is_empty() { Ok(out) } else { Err(faults) }
    }

    fn is_in_force(&self, place: &Place, at_us: i64) -> bool {
        let here = self.regions.is_empty() || self.regions.iter().any(|r| place.region.starts_with(r.as_str()));
        here && self.from_us <= at_us && at_us <= self.to_us
    }

    /// Codes of all items it speaks of.
    pub fn items(&self) -> impl Iterator<Item = &str> {
        self.rules.keys().map(String::as_str)
    }

    /// All rules.
    pub fn all(&self) -> impl Iterator<Item = &Rule> {
        self.rules.values().flatten()
    }

    /// The longest time for which a result of an item is valid by any rule, microseconds; 0 = no rule speaks of it.
    pub fn longest_us(&self, item: &str) -> i64 {
        self.rules.get(item).into_iter().flatten().map(|r| r.period.end(0)).max().unwrap_or(0)
    }

    /// The longest of all items.
    pub fn longest_of_all_us(&self) -> i64 {
        self.rules.values().flatten().map(|r| r.period.end(0)).max().unwrap_or(0)
    }

    pub fn len(&self) -> usize {
        self.rules.values().map(Vec::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

type Wrong = (&'static str, &'static str, &'static str);

fn rule(row: Row<'_, '_>) -> Result<Rule, Wrong> {
    let item = row.get("item").to_owned();
    if item.is_empty() {
        return Err(("item", "缺少项目代码", "the item's code is missing"));
    }
    let kind = match row.get("kind") {
        "laboratory" | "检验" => ItemKind::Laboratory,
        "imaging" | "影像" => ItemKind::Imaging,
        "tracing" | "电生理" => ItemKind::Tracing,
        _ => return Err(("kind", "kind 须为 laboratory、imaging 或 tracing", "kind must be laboratory, imaging or tracing")),
    };
    let setting = match row.get("setting") {
        "any" | "不限" => None,
        "outpatient" | "门诊" => Some(Setting::Outpatient),
        "emergency" | "急诊" => Some(Setting::Emergency),
        "inpatient" | "住院" => Some(Setting::Inpatient),
        _ => {
            return Err((
                "setting",
                "setting 须为 any、outpatient、emergency 或 inpatient",
                "setting must be any, outpatient, emergency or inpatient",
            ));
        }
    };
    let period = Period::parse(row.get("valid")).ok_or(("valid", "有效期须写作 30d 或 72h", "a period is written 30d or 72h"))?;
    let from = match row.get("from") {
        "collection" | "采集" => From::Collection,
        "study" | "检查" => From::Study,
        "report" | "报告" => From::Report,
        _ => return Err(("from", "from 须为 collection、study 或 report", "from must be collection, study or report")),
    };
    let reach = Scope::named(row.get("reach")).ok_or((
        "reach",
        "reach 须为 national、province、city、county 或 community",
        "reach must be national, province, city, county or community",
    ))?;
    let wants_mark = match row.get("mark") {
        "yes" | "是" => true,
        "no" | "否" => false,
        _ => return Err(("mark", "mark 须为 yes 或 no", "mark must be yes or no")),
    };
    let mut rule = Rule {
        item,
        kind,
        setting,
        period,
        from,
        reach,
        wants_mark,
        same_method: false,
        same_unit: false,
        same_reference: false,
        line: row.line(),
    };
    for word in row.get("compare").split([' ', '+', '、']).filter(|w| !w.is_empty()) {
        match word {
            "method" | "方法" => rule.same_method = true,
            "unit" | "单位" => rule.same_unit = true,
            "reference" | "参考区间" => rule.same_reference = true,
            _ => return Err(("compare", "compare 只能有 method、unit、reference", "compare may hold method, unit and reference only")),
        }
    }
    Ok(rule)
}

/// All rule sets, and which is in force.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    sets: Vec<RuleSet>,
}

impl Rules {
    /// # Errors
    /// Two sets of one id that are in force at the same time.
    pub fn new(sets: Vec<RuleSet>) -> Result<Rules, Vec<Fault>> {
        let mut faults = Vec::new();
        for (i, a) in sets.iter().enumerate() {
            for b in sets.iter().skip(i + 1).filter(|b| b.id == a.id && a.from_us <= b.to_us && b.from_us <= a.to_us) {
                faults.push(Fault {
                    line: 0,
                    column: String::new(),
                    zh: format!("规则集 {} 的版本 {} 与 {} 生效时间重叠", a.id, a.version, b.version),
                    en: format!("versions {} and {} of rule set {} are in force at the same time", a.version, b.version, a.id),
                });
            }
        }
        if faults.is_empty() { Ok(Rules { sets }) } else { Err(faults) }
    }

    pub fn sets(&self) -> &[RuleSet] {
        &self.sets
    }

    /// The rules for an item at a place, time and setting; the widest reach first.
    pub fn applicable(&self, item: &str, place: &Place, setting: Setting, at_us: i64) -> Vec<(RuleRef, &Rule)> {
        let mut out: Vec<(RuleRef, &Rule)> = Vec::new();
        for set in self.sets.iter().filter(|s| s.is_in_force(place, at_us)) {
            for rule in set.rules.get(item).into_iter().flatten().filter(|r| r.setting.is_none_or(|s| s == setting)) {
                out.push((RuleRef { set: set.id.clone(), version: set.version.clone(), line: rule.line }, rule));
            }
        }
        out.sort_by(|(a, x), (b, y)| y.reach.cmp(&x.reach).then(a.set.cmp(&b.set)).then(a.line.cmp(&b.line)));
        out
    }
}
