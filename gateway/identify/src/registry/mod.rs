//! Registries: institutions, departments, practitioners, the community's items and the codes that institutions use for
//! them, prices. Each is one table, replaced as a whole by an import; a row holds on the days it names, so a question about
//! last month is answered as of last month.
//!
//! A table with a fault (an unknown institution or item, a code twice, periods that overlap) is refused as a whole.

mod dated;
mod rows;

#[cfg(test)]
mod tests;

pub use rows::{Department, Institution, Item, ItemCode, Practitioner, Price, Tier};

use dated::Dated;
use hutong_fhir::sheet::{Fault, Sheet};
use rows::Record;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Which table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    Institutions,
    Departments,
    Practitioners,
    Items,
    ItemCodes,
    Prices,
}

impl Table {
    pub const ALL: [Table; 6] =
        [Table::Institutions, Table::Departments, Table::Practitioners, Table::Items, Table::ItemCodes, Table::Prices];

    pub fn name(self) -> &'static str {
        match self {
            Table::Institutions => "institutions",
            Table::Departments => "departments",
            Table::Practitioners => "practitioners",
            Table::Items => "items",
            Table::ItemCodes => "item_codes",
            Table::Prices => "prices",
        }
    }

    pub fn named(name: &str) -> Option<Table> {
        Table::ALL.into_iter().find(|t| t.name() == name.replace('-', "_"))
    }
}

/// A table that is to take the place of the one before.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Import {
    pub table: Table,
    /// As whoever keeps the table calls it.
    pub version: String,
    /// Who imported it.
    pub by: String,
    /// TSV or CSV; the columns of each table stand in `gateway/docs/registries.md`.
    pub text: String,
}

/// What an import would change: keys of rows.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Diff {
    pub added: Vec<String>,
    pub changed: Vec<String>,
    pub removed: Vec<String>,
    pub same: usize,
}

/// All tables.
#[derive(Clone, Default)]
pub struct Registry {
    institutions: Dated<Institution>,
    departments: Dated<Department>,
    practitioners: Dated<Practitioner>,
    items: Dated<Item>,
    item_codes: Dated<ItemCode>,
    prices: Dated<Price>,
    /// Item → (system, code) by which it is found.
    codes_of: HashMap<String, Vec<(String, String)>>,
    /// (system, code) of items themselves → items.
    by_code: HashMap<(String, String), Vec<String>>,
    versions: HashMap<Table, String>,
}

impl Registry {
    /// What an import would do; the registry stays as it is.
    pub fn diff(&self, import: &Import) -> Result<Diff, Vec<Fault>> {
        self.clone_for(import.table).apply(import)
    }

    /// Takes a table in place of the one before.
    ///
    /// # Errors
    /// Each fault with its line; nothing is changed then.
    pub fn apply(&mut self, import: &Import) -> Result<Diff, Vec<Fault>> {
        let diff = match import.table {
            Table::Institutions => {
                let new = read(&import.text, |_: &Institution, _, _| {})?;
                let known = |i: &Institution| i.parent.is_empty() || (i.parent != i.code && new.has(&i.parent));
                let mut faults: Vec<Fault> =
                    new.rows().filter(|(i, _)| !known(i)).map(|(i, line)| unknown(line, "parent", &i.parent)).collect();
                if !faults.is_empty() {
                    faults.sort_by_key(|f| f.line);
                    return Err(faults);
                }
                self.institutions.replace(new)
            }
            Table::Departments => {
                let new = read(&import.text, |r: &Department, faults, line| {
                    if !self.institutions.has(&r.institution) {
                        faults.push(unknown(line, "institution", &r.institution));
                    }
                })?;
                self.departments.replace(new)
            }
            Table::Practitioners => {
                let new = read(&import.text, |r: &Practitioner, faults, line| {
                    if !self.institutions.has(&r.institution) {
                        faults.push(unknown(line, "institution", &r.institution));
                    }
                })?;
                self.practitioners.replace(new)
            }
            Table::Items => self.apply_items(&import.text)?,
            Table::ItemCodes => {
                let new = read(&import.text, |r: &ItemCode, faults, line| {
                    if r.institution != "*" && !self.institutions.has(&r.institution) {
                        faults.push(unknown(line, "institution", &r.institution));
                    }
                    if !self.items.has(&r.item) {
                        faults.push(unknown(line, "item", &r.item));
                    }
                })?;
                self.item_codes.replace(new)
            }
            Table::Prices => {
                let new = read(&import.text, |r: &Price, faults, line| {
                    if r.institution != "*" && !self.institutions.has(&r.institution) {
                        faults.push(unknown(line, "institution", &r.institution));
                    }
                    if !self.items.has(&r.item) {
                        faults.push(unknown(line, "item", &r.item));
                    }
                })?;
                self.prices.replace(new)
            }
        };
        self.versions.insert(import.table, import.version.clone());
        self.gather_codes();
        Ok(diff)
    }

    fn apply_items(&mut self, text: &str) -> Result<Diff, Vec<Fault>> {
        let new = read(text, |_: &Item, _, _| {})?;
        let mut faults = Vec::new();
        for (item, line) in new.rows() {
            for part in &item.parts {
                match new.any(part) {
                    None => faults.push(unknown(line, "parts", part)),
                    Some(p) if !p.parts.is_empty() => faults.push(Fault {
                        line,
                        column: "parts".to_owned(),
                        zh: format!("{part} 自身是组合，不能再作为组合的一部分"),
                        en: format!("{part} is a panel itself and cannot be a part of one"),
                    }),
                    Some(_) => {}
                }
            }
        }
        if faults.is_empty() { Ok(self.items.replace(new)) } else { Err(faults) }
    }

    /// The tables that faults are judged by; the large ones only where they are the ones to be replaced.
    fn clone_for(&self, table: Table) -> Registry {
        let mut out = Registry { institutions: self.institutions.clone(), items: self.items.clone(), ..Registry::default() };
        match table {
            Table::Departments => out.departments = self.departments.clone(),
            Table::Practitioners => out.practitioners = self.practitioners.clone(),
            Table::ItemCodes => out.item_codes = self.item_codes.clone(),
            Table::Prices => out.prices = self.prices.clone(),
            Table::Institutions | Table::Items => {}
        }
        out
    }

    fn gather_codes(&mut self) {
        self.codes_of.clear();
        self.by_code.clear();
        for (item, _) in self.items.rows() {
            for (system, code) in item.codes() {
                self.by_code.entry((system.to_owned(), code.to_owned())).or_default().push(item.code.clone());
            }
            let codes = self.codes_of.entry(item.code.clone()).or_default();
            for (system, code) in item.codes() {
                codes.push((system.to_owned(), code.to_owned()));
            }
        }
        for (own, _) in self.item_codes.rows() {
            self.codes_of.entry(own.item.clone()).or_default().push((own.system.clone(), own.code.clone()));
        }
        for codes in self.codes_of.values_mut() {
            codes.sort();
            codes.dedup();
        }
    }

    /// Version of a table; `None` where none was imported.
    pub fn version(&self, table: Table) -> Option<&str> {
        self.versions.get(&table).map(String::as_str)
    }

    /// Whether there is or was such an institution.
    pub fn has_institution(&self, code: &str) -> bool {
        self.institutions.has(code)
    }

    /// Whether there is or was such an item.
    pub fn has_item(&self, code: &str) -> bool {
        self.items.has(code)
    }

    /// `laboratory imaging tracing pathology`, whatever the day.
    pub fn kind_of(&self, item: &str) -> Option<&str> {
        self.items.any(item).map(|i| i.kind.as_str())
    }

    /// As of a moment, microseconds since 1970.
    pub fn institution(&self, code: &str, at_us: i64) -> Option<&Institution> {
        self.institutions.get(code, at_us)
    }

    /// All institutions of a day.
    pub fn institutions(&self, at_us: i64) -> impl Iterator<Item = &Institution> {
        self.institutions.on(at_us)
    }

    pub fn department(&self, institution: &str, code: &str, at_us: i64) -> Option<&Department> {
        self.departments.get(&format!("{institution}|{code}"), at_us)
    }

    /// By its code, otherwise by its name.
    pub fn department_called(&self, institution: &str, called: &str, at_us: i64) -> Option<&Department> {
        let by_name = || self.departments.beginning(format!("{institution}|"), at_us).find(|d| d.name == called);
        self.department(institution, called, at_us).or_else(by_name)
    }

    pub fn practitioner(&self, institution: &str, code: &str, at_us: i64) -> Option<&Practitioner> {
        self.practitioners.get(&format!("{institution}|{code}"), at_us)
    }

    /// A community item by its code.
    pub fn item(&self, code: &str, at_us: i64) -> Option<&Item> {
        self.items.get(code, at_us)
    }

    pub fn items(&self, at_us: i64) -> impl Iterator<Item = &Item> {
        self.items.on(at_us)
    }

    /// The community item that an institution means by a code: its own table first, then what holds for all, then
    /// national codes and LOINC.
    pub fn item_of(&self, institution: &str, system: &str, code: &str, at_us: i64) -> Option<&Item> {
        let own = |who: &str| self.item_codes.get(&format!("{who}|{system}|{code}"), at_us);
        if let Some(found) = own(institution).or_else(|| own("*")) {
            return self.item(&found.item, at_us);
        }
        let known = self.by_code.get(&(system.to_owned(), code.to_owned()))?;
        let of_day = known.iter().filter_map(|item| self.item(item, at_us));
        of_day.filter(|i| i.codes().any(|(s, c)| s == system && c == code)).min_by(|a, b| a.code.cmp(&b.code))
    }

    /// All codes under which results of an item may have been sent.
    pub fn codes_of(&self, item: &str) -> &[(String, String)] {
        self.codes_of.get(item).map_or(&[], Vec::as_slice)
    }

    /// The price of an item at an institution, with the version of the table that it stands in.
    pub fn price(&self, institution: &str, item: &str, at_us: i64) -> Option<(&Price, &str)> {
        let of = |who: &str| self.prices.get(&format!("{who}|{item}"), at_us);
        let price = of(institution).or_else(|| of("*"))?;
        Some((price, self.version(Table::Prices).unwrap_or("")))
    }
}

/// Reads a table; `check` judges each row by what else is known.
fn read<R: Record>(text: &str, check: impl Fn(&R, &mut Vec<Fault>, usize)) -> Result<Dated<R>, Vec<Fault>> {
    let mut sheet = Sheet::read(text, R::COLUMNS);
    let (mut out, mut faults) = (Dated::default(), Vec::new());
    for row in sheet.rows() {
        match R::of(row) {
            Ok(record) => {
                check(&record, &mut faults, row.line());
                out.add(record, row, &mut faults);
            }
            Err((column, zh, en)) => {
                faults.push(Fault { line: row.line(), column: column.to_owned(), zh: zh.to_owned(), en: en.to_owned() });
            }
        }
    }
    for f in faults {
        sheet.fault(f.line, &f.column, &f.zh, &f.en);
    }
    let faults = sheet.into_faults();
    if faults.is_empty() { Ok(out) } else { Err(faults) }
}

fn unknown(line: usize, column: &str, value: &str) -> Fault {
    Fault {
        line,
        column: column.to_owned(),
        zh: format!("{value} 不在相应的表中；请先导入那张表，或改正此处"),
        en: format!("{value} is not in the table it refers to; import that table first, or correct this"),
    }
}
