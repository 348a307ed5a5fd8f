//! The tables of recognition (互认规则、室间质评证书、标识、理由): what is shipped, what was imported, and what of it is in
//! force. An import is judged as a whole, by what it says and by the registries; a table with a fault changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use hutong_enforce::recognition::{Certificates, Marks, Policy, Reasons, Rule, RuleSet, Rules};
use hutong_fhir::sheet::{Fault, Sheet};
use hutong_identify::registry::{Diff, Registry};
use serde::{Deserialize, Serialize};

/// Rule sets that can be named in the configuration.
const SHIPPED: [(&str, &str); 2] = [
    ("hubei-2023", include_str!("../../../../profiles/policy/recognition/hubei-2023.rules.tsv")),
    ("demo", include_str!("../../../../profiles/policy/recognition/demo.rules.tsv")),
];
/// In force until others are imported.
const MARKS: &str = include_str!("../../../../profiles/policy/recognition/marks.tsv");
const REASONS: &str = include_str!("../../../../profiles/policy/recognition/reasons.tsv");

/// Which table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Table {
    /// One set of rules, by its `#set` and `#version`.
    Rules,
    Certificates,
    Marks,
    Reasons,
}

impl Table {
    pub(crate) const ALL: [Table; 4] = [Table::Rules, Table::Certificates, Table::Marks, Table::Reasons];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Table::Rules => "rules",
            Table::Certificates => "certificates",
            Table::Marks => "marks",
            Table::Reasons => "reasons",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Table> {
        Table::ALL.into_iter().find(|t| t.name() == name)
    }

    /// What a row is known by.
    fn key(self) -> &'static [&'static str] {
        match self {
            Table::Rules => &["item", "setting", "reach"],
            Table::Certificates => &["institution", "department?", "item", "scheme", "valid_from"],
            Table::Marks => &["text"],
            Table::Reasons => &["code"],
        }
    }

    /// All its columns.
    fn columns(self) -> &'static [&'static str] {
        match self {
            Table::Rules => &["item", "kind", "setting", "valid", "from", "reach", "mark", "compare"],
            Table::Certificates => {
                &["institution", "department?", "item", "scheme", "year", "result", "valid_from", "valid_to", "evidence?"]
            }
            Table::Marks => &["text", "scope", "regions"],
            Table::Reasons => &["code", "zh", "en", "legal?", "counts", "diagnosis?"],
        }
    }
}

/// A table that takes the place of the one before; of rules, a version of one set.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Import {
    pub(crate) table: Table,
    /// As whoever keeps the table calls it.
    pub(crate) version: String,
    /// Who imported it.
    pub(crate) by: String,
    /// TSV or CSV; the columns of each table stand in `gateway/docs/recognition.md`.
    pub(crate) text: String,
}

/// A table as it was imported, for the next import's difference.
#[derive(Clone)]
struct Imported {
    version: String,
    text: String,
}

/// The tables in force.
#[derive(Clone)]
pub(crate) struct Tables {
    pub(crate) rules: Rules,
    pub(crate) marks: Marks,
    pub(crate) certificates: Certificates,
    pub(crate) reasons: Reasons,
    /// Rule sets that the configuration names.
    shipped: Vec<RuleSet>,
    /// Imported rule sets in the order of their imports.
    sets: Vec<RuleSet>,
    imported: BTreeMap<(Table, String), Imported>,
}

/// A name in `[recognition] rules` that is none of those shipped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct UnknownSet(pub(crate) String);

impl UnknownSet {
    /// Names that there are.
    pub(crate) fn known() -> String {
        SHIPPED.map(|(name, _)| name).join(", ")
    }
}

impl Tables {
    /// With the shipped rule sets of these names.
    ///
    /// # Errors
    /// The first name that is not known.
    pub(crate) fn shipped(names: &[String]) -> Result<Tables, UnknownSet> {
        let mut shipped = Vec::new();
        for name in names {
            let found = SHIPPED.iter().find(|(known, _)| known == name).and_then(|(_, text)| RuleSet::read(text).ok());
            shipped.push(found.ok_or_else(|| UnknownSet(name.clone()))?);
        }
        let mut tables = Tables {
            rules: Rules::default(),
            marks: Marks::read(MARKS).unwrap_or_default(),
            certificates: Certificates::default(),
            reasons: Reasons::read(REASONS).unwrap_or_default(),
            shipped,
            sets: Vec::new(),
            imported: BTreeMap::new(),
        };
        tables.rules = tables.in_force(&[]).unwrap_or_default();
        Ok(tables)
    }

    pub(crate) fn policy(&self) -> Policy<'_> {
        Policy { rules: &self.rules, marks: &self.marks, certificates: &self.certificates, reasons: &self.reasons }
    }

    /// What an import would change.
    ///
    /// # Errors
    /// Each fault with its line.
    pub(crate) fn diff(&self, import: &Import, registry: &Registry) -> Result<Diff, Vec<Fault>> {
        self.clone().apply(import, registry)
    }

    /// Takes an import.
    ///
    /// # Errors
    /// Each fault with its line; nothing is changed then.
    pub(crate) fn apply(&mut self, import: &Import, registry: &Registry) -> Result<Diff, Vec<Fault>> {
        let mut id = String::new();
        match import.table {
            Table::Rules => {
                let set = RuleSet::read(&import.text)?;
                let mut faults = unknown_items(set.all().map(|r| (r.item.as_str(), r.line)), registry);
                faults.extend(set.all().filter_map(|r| other_kind(r, registry)));
                judge(faults)?;
                id.clone_from(&set.id);
                let sets = self.with(set)?;
                self.rules = self.in_force(&sets)?;
                self.sets = sets;
            }
            Table::Certificates => {
                let new = Certificates::read(&import.text)?;
                let mut faults = unknown_items(new.all().map(|c| (c.item.as_str(), c.line)), registry);
                for c in new.all().filter(|c| !registry.has_institution(&c.institution)) {
                    faults.push(unknown(c.line, "institution", &c.institution));
                }
                judge(faults)?;
                self.certificates = new;
            }
            Table::Marks => self.marks = Marks::read(&import.text)?,
            Table::Reasons => self.reasons = Reasons::read(&import.text)?,
        }
        let new = rows(import.table, &import.text);
        let old = self.imported.get(&(import.table, id.clone())).map(|i| i.text.as_str());
        let diff = difference(&rows(import.table, old.unwrap_or_default()), &new);
        self.imported.insert((import.table, id), Imported { version: import.version.clone(), text: import.text.clone() });
        Ok(diff)
    }

    /// The imported sets with a new one. The same version again takes the other's place; a version that begins later ends
    /// the one before it.
    fn with(&self, new: RuleSet) -> Result<Vec<RuleSet>, Vec<Fault>> {
        let mut sets: Vec<RuleSet> = self.sets.iter().filter(|s| s.id != new.id || s.version != new.version).cloned().collect();
        for before in sets.iter_mut().filter(|s| s.id == new.id && s.from_us < new.from_us && s.to_us == i64::MAX) {
            before.to_us = new.from_us - 1;
        }
        sets.push(new);
        Rules::new(sets.clone())?;
        Ok(sets)
    }

    /// All rules in force: those imported, and those shipped whose set nobody imported.
    fn in_force(&self, imported: &[RuleSet]) -> Result<Rules, Vec<Fault>> {
        let mut all = imported.to_vec();
        all.extend(self.shipped.iter().filter(|s| imported.iter().all(|i| i.id != s.id)).cloned());
        Rules::new(all)
    }

    /// (table, set, version) of what is in force, for people.
    pub(crate) fn versions(&self) -> Vec<(&'static str, String, String)> {
        let mut out: Vec<(&'static str, String, String)> =
            self.rules.sets().iter().map(|s| (Table::Rules.name(), s.id.clone(), s.version.clone())).collect();
        let of = |table: Table| self.imported.get(&(table, String::new())).map(|i| i.version.clone());
        let shipped = || "shipped".to_owned();
        out.push((Table::Certificates.name(), String::new(), of(Table::Certificates).unwrap_or_default()));
        out.push((Table::Marks.name(), String::new(), of(Table::Marks).unwrap_or_else(shipped)));
        out.push((Table::Reasons.name(), String::new(), of(Table::Reasons).unwrap_or_else(shipped)));
        out
    }

    /// The longest time for which a result of these items can be valid, microseconds; of all items where none is named.
    pub(crate) fn longest_us<'i>(&self, items: impl Iterator<Item = &'i str> + Clone) -> i64 {
        let of_set = |set: &RuleSet| items.clone().map(|item| set.longest_us(item)).max();
        let sets = self.rules.sets().iter();
        sets.map(|set| of_set(set).unwrap_or_else(|| set.longest_of_all_us())).max().unwrap_or(0)
    }
}

/// Shared by reference: a question goes on under the tables with which it began.
pub(crate) type InForce = Arc<Tables>;

fn judge(mut faults: Vec<Fault>) -> Result<(), Vec<Fault>> {
    faults.sort_by_key(|f| f.line);
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn unknown_items<'i>(lines: impl Iterator<Item = (&'i str, usize)>, registry: &Registry) -> Vec<Fault> {
    lines.filter(|(i, _)| !registry.has_item(i)).map(|(i, line)| unknown(line, "item", i)).collect()
}

/// A rule that takes an item for something else would ask less of it: images that can be opened, say.
fn other_kind(rule: &Rule, registry: &Registry) -> Option<Fault> {
    let kind = registry.kind_of(&rule.item)?;
    (kind != rule.kind.name()).then(|| Fault {
        line: rule.line,
        column: "kind".to_owned(),
        zh: format!("{} 在项目目录中是 {kind}，此处写作 {}", rule.item, rule.kind.name()),
        en: format!("{} is {kind} in the table of items, here it is {}", rule.item, rule.kind.name()),
    })
}

fn unknown(line: usize, column: &str, value: &str) -> Fault {
    Fault {
        line,
        column: column.to_owned(),
        zh: format!("{value} 不在相应的登记表中；请先导入那张表，或改正此处"),
        en: format!("{value} is not in its registry; import that table first, or correct this"),
    }
}

/// Rows by key.
fn rows(table: Table, text: &str) -> BTreeMap<String, Vec<String>> {
    let joined = |columns: &[&'static str]| -> Vec<String> {
        let sheet = Sheet::read(text, table.columns());
        let names: Vec<&str> = columns.iter().map(|c| c.trim_end_matches('?')).collect();
        sheet.rows().map(|row| names.iter().map(|name| row.get(name)).collect::<Vec<_>>().join("|")).collect()
    };
    let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, row) in joined(table.key()).into_iter().zip(joined(table.columns())) {
        out.entry(key).or_default().push(row);
    }
    out
}

fn difference(old: &BTreeMap<String, Vec<String>>, new: &BTreeMap<String, Vec<String>>) -> Diff {
    let mut diff = Diff::default();
    for (key, rows) in new {
        match old.get(key) {
            None => diff.added.push(key.clone()),
            Some(before) if before == rows => diff.same += 1,
            Some(_) => diff.changed.push(key.clone()),
        }
    }
    diff.removed = old.keys().filter(|k| !new.contains_key(*k)).cloned().collect();
    diff
}
