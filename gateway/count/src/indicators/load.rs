//! Reads definitions: one TOML file a document, and `inputs.tsv`. All or nothing; each fault with file, line and column.

use super::definition::{Class, Definition, Document, Input, Kind, Library, Origin, Over};
use super::evaluate::LAST_YEAR;
use super::target::Target;
use crate::cases::Scope;
use hutong_enforce::expression::{Expression, Names, Type};
use hutong_fhir::sheet::{Row, Sheet};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use toml::Spanned;

/// Bytes of one file of definitions.
const FILE_MAX: usize = 4 * 1024 * 1024;

/// What is wrong with a file of definitions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    pub file: String,
    /// From 1; 0 = the file as a whole.
    pub line: usize,
    pub column: usize,
    /// Chinese and English; for an expression with its line and a caret.
    pub text: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.text)
    }
}

/// A file: its name for people, and its text.
#[derive(Clone, Copy, Debug)]
pub struct File<'t> {
    pub name: &'t str,
    pub text: &'t str,
}

macro_rules! policy {
    ($name:literal) => {
        File { name: $name, text: include_str!(concat!("../../../../profiles/policy/indicators/", $name)) }
    };
}

const INPUTS: File<'static> = policy!("inputs.tsv");
const DOCUMENTS: [File<'static>; 5] = [
    policy!("chongqing-core.toml"),
    policy!("fengjie-core.toml"),
    policy!("xiushan-core.toml"),
    policy!("monitoring-2024.toml"),
    policy!("fengjie-monitoring.toml"),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    document: Head,
    indicator: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    id: String,
    number: String,
    issuer: String,
    title: String,
    annex: String,
    issued: String,
    area: String,
    version: String,
    #[serde(default)]
    note: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    number: String,
    title: String,
    title_en: String,
    unit: String,
    kind: Kind,
    over: Over,
    class: Class,
    #[serde(default)]
    formula: String,
    #[serde(default)]
    also: BTreeMap<String, String>,
    #[serde(default)]
    source: String,
    #[serde(default)]
    who: String,
    scope: Option<Scope>,
    #[serde(default)]
    scope_open: bool,
    #[serde(default)]
    targets: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    reached: BTreeMap<String, String>,
    expression: Option<Spanned<String>>,
    #[serde(default)]
    evidence: Vec<String>,
    #[serde(default)]
    note: String,
}

impl Library {
    /// The definitions that come with the gateway.
    ///
    /// # Errors
    /// Never in a build whose tests passed.
    pub fn builtin() -> Result<Library, Vec<Fault>> {
        Library::load(INPUTS, &DOCUMENTS)
    }

    /// # Errors
    /// All faults found; then nothing was loaded.
    pub fn load(inputs: File<'_>, documents: &[File<'_>]) -> Result<Library, Vec<Fault>> {
        let (read, mut faults) = read_inputs(inputs);
        let mut library = Library { inputs: read, ..Library::default() };
        let mut names = Names::new();
        for input in library.inputs.values() {
            let of = if input.is_text { Type::Text } else { Type::Number };
            names.insert(input.id.clone(), of);
            names.insert(format!("{LAST_YEAR}{}", input.id), of);
        }
        for file in documents {
            Reader { file: *file, names: &names, faults: &mut faults }.document(&mut library);
        }
        if faults.is_empty() { Ok(library) } else { Err(faults) }
    }
}

fn read_inputs(file: File<'_>) -> (BTreeMap<String, Input>, Vec<Fault>) {
    let mut sheet = Sheet::read(file.text, &["id", "by", "kind", "over", "carry", "unit", "zh", "en", "who", "note"]);
    let mut out = BTreeMap::new();
    let mut faults = Vec::new();
    for row in sheet.rows() {
        match input(row) {
            Ok(input) if out.contains_key(&input.id) => faults.push((row.line(), "id", "这个名称已有一行", "this name has a line already")),
            Ok(input) => {
                out.insert(input.id.clone(), input);
            }
            Err((column, zh, en)) => faults.push((row.line(), column, zh, en)),
        }
    }
    for (line, column, zh, en) in faults {
        sheet.fault(line, column, zh, en);
    }
    let shown = |f: hutong_fhir::sheet::Fault| Fault {
        file: file.name.to_owned(),
        line: f.line,
        column: 1,
        text: format!("{} {} · {}", f.column, f.zh, f.en).trim_start().to_owned(),
    };
    (out, sheet.into_faults().into_iter().map(shown).collect())
}

fn input(row: Row<'_, '_>) -> Result<Input, (&'static str, &'static str, &'static str)> {
    let id = row.get("id");
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    if id.is_empty() || !id.chars().all(is_word) || id.starts_with(|c: char| c.is_numeric()) {
        return Err(("id", "名称只能有文字、数字和下划线，且不以数字开头", "a name has letters, digits and _, and starts with a letter"));
    }
    let origin = match row.get("by") {
        "counted" => Origin::Counted,
        "reported" => Origin::Reported,
        "configured" => Origin::Configured,
        _ => return Err(("by", "by 须为 counted、reported 或 configured", "by is counted, reported or configured")),
    };
    let is_text = match row.get("kind") {
        "number" => false,
        "text" => true,
        _ => return Err(("kind", "kind 须为 number 或 text", "kind is number or text")),
    };
    let over = match row.get("over") {
        "flow" => Over::Flow,
        "stock" => Over::Stock,
        "period" => Over::Period,
        _ => return Err(("over", "over 须为 flow、stock 或 period", "over is flow, stock or period")),
    };
    let carry_years = match row.get("carry") {
        "" => 0,
        text => match text.parse::<u8>() {
            Ok(years) if years <= 3 && over == Over::Stock => years,
            _ => return Err(("carry", "carry 须为 0 到 3 年，且只用于 stock", "carry is 0 to 3 years, of a stock")),
        },
    };
    if row.get("zh").is_empty() || row.get("en").is_empty() {
        return Err(("zh", "须有中文和英文名称", "the Chinese and the English name are needed"));
    }
    if origin != Origin::Counted && row.get("who").is_empty() {
        return Err(("who", "须写明由谁填报", "it must be said who reports it"));
    }
    let text = |column| row.get(column).to_owned();
    Ok(Input {
        id: id.to_owned(),
        origin,
        is_text,
        over,
        carry_years,
        unit: text("unit"),
        zh: text("zh"),
        en: text("en"),
        who: text("who"),
        note: text("note"),
    })
}

/// Reads one document's file.
struct Reader<'a> {
    file: File<'a>,
    names: &'a Names,
    faults: &'a mut Vec<Fault>,
}

impl Reader<'_> {
    fn fault(&mut self, at: usize, zh: &str, en: &str) {
        let before = self.file.text.get(..at).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        let column = before.get(line_start..).unwrap_or("").chars().count() + 1;
        let line = before.matches('\n').count() + 1;
        self.faults.push(Fault { file: self.file.name.to_owned(), line, column, text: format!("{zh} · {en}") });
    }

    fn document(mut self, library: &mut Library) {
        if self.file.text.len() > FILE_MAX {
            return self.fault(0, "文件过大", "the file is too large");
        }
        let written: Written = match toml::from_str(self.file.text) {
            Ok(written) => written,
            Err(e) => return self.fault(e.span().map_or(0, |s| s.start), "文件格式不对", e.message()),
        };
        let h = written.document;
        let needed = [&h.id, &h.number, &h.issuer, &h.title, &h.annex, &h.issued, &h.version];
        if needed.iter().any(|f| f.trim().is_empty()) || h.area.len() != 6 || !h.area.bytes().all(|b| b.is_ascii_digit()) {
            self.fault(
                0,
                "文件的标识、文号、标题、附件、日期、版本和六位行政区划代码缺一不可",
                "id, number, issuer, title, annex, date, version and the area of six digits are needed",
            );
        }
        if library.documents.iter().any(|d| d.id == h.id) {
            self.fault(0, "这份文件已经载入", "this document was loaded already");
        }
        for entry in written.indicator {
            let at = entry.span().start;
            let definition = self.definition(entry.into_inner(), at, &h.id, library);
            if library.definitions.iter().any(|d| d.id == definition.id) {
                self.fault(at, "这个指标已经定义", "this indicator is defined already");
            }
            library.definitions.push(definition);
        }
        let Head { id, number, issuer, title, annex, issued, area, version, note } = h;
        library.documents.push(Document { id, number, issuer, title, annex, issued, area, version, note });
    }

    fn definition(&mut self, e: Entry, at: usize, document: &str, library: &Library) -> Definition {
        let expression = e.expression.as_ref().and_then(|text| self.expression(text, e.kind));
        let mut targets = Vec::new();
        for (year, printed) in &e.targets {
            let target = year.parse::<i64>().ok().filter(|y| (2000..2100).contains(y));
            match target.and_then(|y| Target::parse(y, printed.get_ref())) {
                Some(target) => targets.push(target),
                None => self.fault(printed.span().start, "目标值须写作“2025” = “≥90”", "a target is written \"2025\" = \"≥90\""),
            }
        }
        let definition = Definition {
            id: e.id,
            document: document.to_owned(),
            number: e.number,
            title: e.title,
            title_en: e.title_en,
            unit: e.unit,
            kind: e.kind,
            over: e.over,
            class: e.class,
            formula: e.formula,
            also: e.also.into_iter().collect(),
            source: e.source,
            who: e.who,
            scope: e.scope,
            is_scope_open: e.scope_open,
            targets,
            reached: e.reached.into_iter().filter_map(|(y, v)| Some((y.parse().ok()?, v))).collect(),
            expression,
            evidence: e.evidence,
            note: e.note,
        };
        self.check(&definition, e.expression.is_some(), at, library);
        definition
    }

    fn expression(&mut self, text: &Spanned<String>, kind: Kind) -> Option<Expression> {
        // within quotes of one character the expression stands in the file as it is
        let start = text.span().start + 1;
        let is_plain = self.file.text.get(start..).is_some_and(|t| t.starts_with(text.get_ref().as_str()));
        let wanted = if kind == Kind::Text { Type::Text } else { Type::Number };
        match Expression::compile(text.get_ref(), self.names) {
            Ok(e) if e.result() == wanted => Some(e),
            Ok(_) => {
                self.fault(start, "表达式的结果与指标的类型不符", "the expression gives another kind than the indicator's");
                None
            }
            Err(fault) => {
                if !is_plain {
                    // written with escapes or over lines: told at its beginning
                    self.fault(text.span().start, &fault.zh, &fault.en);
                    return None;
                }
                let (line, column) = fault.place(self.file.text, start);
                let shown = fault.show(self.file.name, self.file.text, start);
                let said = shown.split_once(": ").map_or(shown.as_str(), |(_, rest)| rest).trim_end().to_owned();
                self.faults.push(Fault { file: self.file.name.to_owned(), line, column, text: said });
                None
            }
        }
    }

    fn check(&mut self, d: &Definition, has_expression: bool, at: usize, library: &Library) {
        if !d.id.strip_prefix(d.document.as_str()).is_some_and(|rest| rest.starts_with('-')) {
            self.fault(at, "指标标识须以文件标识开头", "the id must begin with the document's");
        }
        let used: Vec<&str> = d.expression.iter().flat_map(|e| e.names()).collect();
        let is_counted = |name: &&str| library.input(name).is_some_and(|i| i.origin == Origin::Counted);
        let counts = used.iter().any(is_counted);
        match d.class {
            Class::A if has_expression && !counts => self.fault(at, "A 类指标须由网关计数得出", "a figure of class A is made of counters"),
            Class::A if !has_expression => self.fault(at, "A 类指标须有表达式", "a figure of class A needs an expression"),
            Class::B if !counts && d.evidence.is_empty() => {
                self.fault(at, "B 类指标须有一部分由网关计数", "a part of a figure of class B is counted");
            }
            Class::C if counts => self.fault(at, "C 类指标是填报的，不得含网关计数", "a figure of class C is reported and has no counters"),
            _ => {}
        }
        if d.class != Class::A && d.who.is_empty() {
            self.fault(at, "须写明由谁填报", "it must be said who reports it");
        }
        if used.iter().any(|n| matches!(*n, "persons" | "cases")) && d.scope.is_none() {
            self.fault(at, "用到人数、人次的指标须写明统计口径", "an indicator of persons or cases says its scope");
        }
        for name in &d.evidence {
            let scoped = name.strip_prefix("cases.").or_else(|| name.strip_prefix("persons."));
            let is_known = scoped.map_or_else(|| is_counted(&name.as_str()), |s| Scope::BOTH.iter().any(|x| x.code() == s));
            if !is_known {
                self.fault(at, &format!("{name} 不是网关的计数"), &format!("{name} is not a counter"));
            }
        }
    }
}
