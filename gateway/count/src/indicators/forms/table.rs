//! Tables that people fill in: the form of reported figures, and the table of configured ones. A table with a fault is
//! refused as a whole, each fault with its line.

use super::{Given, Inputs, Row, Source};
use crate::indicators::definition::{Class, Definition, Kind, Library, Origin};
use crate::indicators::when;
use crate::period::Period;
use hutong_fhir::sheet::{self, Fault, Sheet};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Rows of one form.
pub const ROWS_MAX: usize = 10_000;
/// Bytes of a finding in words.
const TEXT_MAX: usize = 4_000;

const ENGLISH: [&str; 8] = ["item", "period", "institution", "value", "unit", "evidence", "sha256", "note?"];
const CHINESE: [&str; 8] = ["指标或数据项", "统计期", "机构", "数值", "单位", "依据文件", "SHA-256", "备注?"];

type Wrong = (usize, String, String);

/// Reads a form: CSV or TSV, headed in Chinese or English. `today` is in days since 1970 in China; `is_institution` tells
/// known institutions.
///
/// # Errors
/// All faults, with line and column: an unknown item, one that the gateway counts itself, another unit, a period that is
/// not one or not over, a value that is no number, a row twice, evidence without name or hash.
pub fn rows(library: &Library, text: &str, today: i64, is_institution: &dyn Fn(&str) -> bool) -> Result<Vec<Row>, Vec<Fault>> {
    rows_with(library, text, today, is_institution, &[])
}

/// The same with the files of evidence at hand, name and SHA-256: a row may leave out the hash of one of them, and its name
/// where there is one only.
///
/// # Errors
/// As [`rows`], and a hash that is not the file's.
pub fn rows_with(
    library: &Library,
    text: &str,
    today: i64,
    is_institution: &dyn Fn(&str) -> bool,
    evidence: &[(String, String)],
) -> Result<Vec<Row>, Vec<Fault>> {
    let columns = if text.lines().find(|l| !l.starts_with('#')).is_some_and(|l| l.contains("统计期")) { CHINESE } else { ENGLISH };
    let sheet = Sheet::read(text, &columns);
    let [item, period, institution, value, unit, proof, sha256, note] = columns.map(|c| c.trim_end_matches('?'));
    let (mut out, mut faults, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for read in sheet.rows() {
        let cell = |column: &str| read.get(column).to_owned();
        let mut row = Row {
            item: cell(item),
            period: cell(period),
            institution: cell(institution),
            value: cell(value),
            unit: cell(unit),
            evidence: cell(proof),
            sha256: cell(sha256).to_ascii_lowercase(),
            note: cell(note),
        };
        let differs = !prove(&mut row, evidence);
        let mut wrong = check(library, &row, today, is_institution);
        if differs {
            wrong.push(fault(6, "与所附依据文件的 SHA-256 不符", "this is not the SHA-256 of the file that came with it"));
        }
        let first = seen.insert((row.item.clone(), Period::parse(&row.period).map(|p| (p.first, p.last)), row.institution.clone()));
        if !first {
            wrong.push(fault(0, "同一指标、统计期和机构已有一行", "there is a row for the same item, period and institution"));
        }
        for (at, zh, en) in wrong {
            faults.push((read.line(), columns.get(at).map_or("", |c| c.trim_end_matches('?')), zh, en));
        }
        out.push(row);
    }
    if out.len() > ROWS_MAX {
        faults.push((0, "", format!("一份填报不超过 {ROWS_MAX} 行"), format!("a form has at most {ROWS_MAX} rows")));
    }
    if out.is_empty() && faults.is_empty() {
        faults.push((0, "", "表中没有数据行".to_owned(), "the table has no rows".to_owned()));
    }
    end(sheet, faults).map(|()| out)
}

/// Fills in what the files at hand say of a row's evidence; `false`: they say otherwise.
fn prove(row: &mut Row, evidence: &[(String, String)]) -> bool {
    if let ([(name, _)], true) = (evidence, row.evidence.is_empty()) {
        row.evidence.clone_from(name);
    }
    let Some((_, sha256)) = evidence.iter().find(|(name, _)| *name == row.evidence) else { return true };
    if row.sha256.is_empty() {
        row.sha256 = sha256.to_ascii_lowercase();
    }
    row.sha256 == sha256.to_ascii_lowercase()
}

/// An empty form (CSV) for the definitions that `wanted` takes: a row for each figure that is to be reported, with its unit,
/// its name and who reports it.
pub fn template(library: &Library, period: &str, wanted: impl Fn(&Definition) -> bool) -> String {
    let mut items: BTreeSet<&str> = BTreeSet::new();
    for d in library.definitions().iter().filter(|d| wanted(d)) {
        match &d.expression {
            Some(e) => items.extend(e.names().filter_map(|n| library.input(n)).filter(|i| i.origin == Origin::Reported).map(|i| &*i.id)),
            None => {
                items.insert(&d.id);
            }
        }
    }
    let mut out = CHINESE.map(|c| c.trim_end_matches('?')).join(",");
    out.push_str(",名称,填报单位\n");
    for id in items {
        let of_input = || library.input(id).map(|i| (&i.unit, &i.zh, &i.who));
        let found = library.definition(id).map(|d| (&d.unit, &d.title, &d.who)).or_else(of_input);
        if let Some((unit, title, who)) = found {
            let cells = [id, period, "", "", unit, "", "", "", title, who].map(quoted);
            out.push_str(&cells.join(","));
            out.push('\n');
        }
    }
    out
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

fn end(mut sheet: Sheet<'_>, faults: Vec<(usize, &str, String, String)>) -> Result<(), Vec<Fault>> {
    for (line, column, zh, en) in faults {
        sheet.fault(line, column, &zh, &en);
    }
    let faults = sheet.into_faults();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn fault(column: usize, zh: impl Into<String>, en: impl Into<String>) -> Wrong {
    (column, zh.into(), en.into())
}

/// What a form must know of an item.
struct Item<'l> {
    unit: &'l str,
    is_text: bool,
}

fn item<'l>(library: &'l Library, id: &str) -> Result<Item<'l>, Wrong> {
    if let Some(d) = library.definition(id) {
        if d.class == Class::A {
            return Err(fault(0, format!("{id} 由网关计数，不接受填报"), format!("{id} is counted by the gateway and not reported")));
        }
        return Ok(Item { unit: &d.unit, is_text: d.kind == Kind::Text });
    }
    match library.input(id).filter(|i| i.id == id) {
        Some(i) if i.origin == Origin::Counted => {
            Err(fault(0, format!("{id} 由网关计数，不接受填报"), format!("{id} is counted by the gateway and not reported")))
        }
        Some(i) => Ok(Item { unit: &i.unit, is_text: i.is_text }),
        None => Err(fault(0, format!("没有指标或数据项 {id}"), format!("there is no indicator or input {id}"))),
    }
}

fn check(library: &Library, row: &Row, today: i64, is_institution: &dyn Fn(&str) -> bool) -> Vec<Wrong> {
    let mut out = Vec::new();
    match item(library, &row.item) {
        Err(wrong) => out.push(wrong),
        Ok(item) => {
            if row.unit != item.unit {
                let (zh, en) = (format!("单位须为“{}”", item.unit), format!("the unit is \"{}\"", item.unit));
                out.push(fault(4, zh, en));
            }
            out.extend(value(&row.value, item.is_text).err());
        }
    }
    match Period::parse(&row.period) {
        None => out.push(fault(1, "统计期须写作 2026、2026Q3 或 2026-09", "a period is written 2026, 2026Q3 or 2026-09")),
        Some(period) if period.last >= today => out.push(fault(1, "统计期尚未结束", "the period is not over")),
        Some(_) => {}
    }
    if !row.institution.is_empty() && !is_institution(&row.institution) {
        out.push(fault(2, "没有这个机构", "there is no such institution"));
    }
    if row.evidence.is_empty() {
        out.push(fault(5, "须有依据文件", "evidence is needed"));
    }
    if row.sha256.len() != 64 || !row.sha256.bytes().all(|b| b.is_ascii_hexdigit()) {
        out.push(fault(6, "须为依据文件的 SHA-256（64 位十六进制）", "the SHA-256 of the evidence has 64 hexadecimal digits"));
    }
    out
}

fn value(text: &str, is_text: bool) -> Result<(), Wrong> {
    if is_text {
        let fits = !text.is_empty() && text.len() <= TEXT_MAX;
        return if fits { Ok(()) } else { Err(fault(3, "须填写认定结果", "the finding is needed, in words")) };
    }
    // thousands separators and % are how wrong magnitudes come in: neither is taken
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
    match Decimal::from_str_exact(text) {
        Ok(_) if plain => Ok(()),
        _ => Err(fault(3, "须为数字，不带千分位和百分号", "this is not a plain number, without separators or %")),
    }
}

/// Values set by whoever runs the gateway, such as populations: item, period, institution, value, unit, source.
#[derive(Clone, Debug, Default)]
pub struct Configured {
    values: BTreeMap<(String, String), Vec<Given>>,
}

impl Inputs for Configured {
    fn given(&self, id: &str, institution: &str) -> Vec<Given> {
        self.values.get(&(id.to_owned(), institution.to_owned())).cloned().unwrap_or_default()
    }
}

/// Reads the table of configured values. `source` says where a number stands, e.g. `奉节统计年鉴2025 第12页`.
///
/// # Errors
/// All faults, with line and column.
pub fn configured(library: &Library, text: &str) -> Result<Configured, Vec<Fault>> {
    let sheet = Sheet::read(text, &["item", "period", "institution?", "value", "unit", "source"]);
    let (mut out, mut faults) = (Configured::default(), Vec::new());
    for row in sheet.rows() {
        match one(library, row) {
            Ok((place, given)) => {
                let same = out.values.entry(place).or_default();
                if same.iter().any(|g| g.period == given.period) {
                    let name = when::name(given.period);
                    faults.push((row.line(), "period", format!("{name} 已有一行"), format!("there is a row for {name} already")));
                }
                same.push(given);
            }
            Err((column, zh, en)) => faults.push((row.line(), column, zh, en)),
        }
    }
    end(sheet, faults).map(|()| out)
}

type WrongCell = (&'static str, String, String);

fn one(library: &Library, row: sheet::Row<'_, '_>) -> Result<((String, String), Given), WrongCell> {
    let wrong = |column, zh: &str, en: &str| (column, zh.to_owned(), en.to_owned());
    let id = row.get("item");
    let input = library.input(id).filter(|i| i.id == id && i.origin == Origin::Configured);
    let input = input.ok_or_else(|| wrong("item", "不是可配置的数据项", "this is not an input to configure"))?;
    let period = Period::parse(row.get("period")).ok_or_else(|| wrong("period", "统计期写法不对", "this is not a period"))?;
    value(row.get("value"), input.is_text).map_err(|(_, zh, en)| ("value", zh, en))?;
    if row.get("unit") != input.unit {
        return Err(("unit", format!("单位须为“{}”", input.unit), format!("the unit is \"{}\"", input.unit)));
    }
    if row.get("source").is_empty() {
        return Err(wrong("source", "须写明出处", "it must be said where the number stands"));
    }
    let given = Given { period, value: row.get("value").to_owned(), source: Source::Configured(row.get("source").to_owned()) };
    Ok(((id.to_owned(), row.get("institution").to_owned()), given))
}
