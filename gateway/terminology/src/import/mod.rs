//! Code systems from tables (TSV or CSV): ICD-10 医保版 and 国临版, LOINC, 医保药品 and what else a site brings.
//!
//! # Form
//!
//! UTF-8 text; files in GB18030 are decoded by the caller. Lines `#key<TAB>value` stand first (or in a file of their
//! own, [`Terminology::load_table_with`]), then one line with the names of the columns, then one row a code. The
//! columns are separated by tabs where that line has a tab, else by commas; with commas, cells may stand in double
//! quotes (RFC 4180). Empty lines and lines `# …` among the keys are notes.
//!
//! | key | |
//! |---|---|
//! | `#url` | canonical URL of the code system; needed, but for LOINC's own table |
//! | `#alias`, `#oid` | another name of the same system; any number |
//! | `#version` | version of the list, e.g. `2.0` |
//! | `#title`, `#name` | for people |
//! | `#valueset` | canonical URL of the value set of all its codes; where several versions name one, it holds the codes of all |
//! | `#content` | `complete` (default) or `fragment`: then a code that is not in the table may exist |
//! | `#casesensitive` | `true` (default) or `false` |
//! | `#supplements` | the system to which this table only adds designations and properties |
//! | `#column` | `name = role`: what a column is that has another name, see below |
//! | `#language` | of the displays, e.g. `zh` |
//! | `#title-en`, `#standard`, `#publisher`, `#note` | for readers of the file |
//!
//! | column | |
//! |---|---|
//! | `code`, `display` | needed, and the name |
//! | `parent` | code of the broader concept, which may come later; several are separated by `;` |
//! | `definition` | |
//! | `designation`, `designation:zh`, … | another name, in that language |
//! | `inactive`, `abstract` | `true`, `1`, `是`: no longer in use; groups others |
//! | `status` | `active`, `inactive`, `retired`, `deprecated`, `停用`, `作废`, …; kept as property too |
//! | `level:1`, `level:1:display`, `level:2`, … | codes and names of broader concepts, broadest first: chapters and sections of ICD in one row |
//! | `property:grade`, `property:grade:integer` | a property, `string` unless a type of R4 is named |
//! | `-` | left out |
//!
//! Any other column is a property of its own name. LOINC's table, and the usual Chinese names (`诊断代码`, `诊断名称`,
//! `类目代码` …), are recognised, see [`columns`]. A table with a bad row is refused as a whole; the findings name
//! file and line.

mod columns;

use crate::builder::Builder;
use crate::grammar::Grammar;
use crate::system::{Content, Property, System};
use crate::table::{ABSTRACT, Fault, INACTIVE, ValueKind};
use crate::{Terminology, text};
use columns::{Column, Role};
use hutong_fhir::cells::{Cells, Separator};
use hutong_fhir::{Finding, Location};

/// Bad rows that are listed; the rest is counted.
const SHOWN_MAX: usize = 20;

/// Rows of the header.
const HEADER_LINES_MAX: usize = 200;

/// What was taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Loaded {
    pub url: String,
    pub version: String,
    pub codes: usize,
}

impl Terminology {
    /// Takes a code system from a table, see `import`'s head. `name` is that of the file, for findings.
    ///
    /// Nothing is taken where findings are given.
    pub fn load_table(&mut self, name: &str, bytes: &[u8]) -> Result<Loaded, Vec<Finding>> {
        self.load_table_with(name, b"", bytes)
    }

    /// The same with the `#key` lines in a file of their own, for tables that must not be touched.
    pub fn load_table_with(&mut self, name: &str, header: &[u8], bytes: &[u8]) -> Result<Loaded, Vec<Finding>> {
        let mut import = Import { name, header: Header::default(), line: 0, bad: Vec::new(), bad_count: 0 };
        let system = match import.read(header, bytes) {
            Ok(system) => system,
            Err(finding) => return Err(vec![finding]),
        };
        let Some(system) = system else {
            let more = import.bad_count.saturating_sub(import.bad.len());
            if more > 0 {
                import.bad.push(text::more_rows(name, more));
            }
            return Err(import.bad);
        };
        let loaded = Loaded { url: system.url.clone(), version: system.version.clone(), codes: system.len() };
        self.add_system(system);
        self.forget();
        Ok(loaded)
    }
}

#[derive(Default)]
struct Header {
    url: String,
    version: String,
    name: String,
    title: String,
    language: String,
    value_set: String,
    supplements: String,
    aliases: Vec<String>,
    fragment: bool,
    folds_case: bool,
    /// (name of a column, role)
    columns: Vec<(String, String)>,
}

struct Import<'n> {
    name: &'n str,
    header: Header,
    /// Of the body, from 1.
    line: usize,
    bad: Vec<Finding>,
    bad_count: usize,
}

/// What a row is read into.
struct Target {
    builder: Builder,
    definition: u16,
    /// Kind of value by column.
    kinds: Vec<Option<u16>>,
    code: usize,
    display: usize,
    /// Columns with the code and the name of a broader concept, broadest first.
    levels: Vec<(usize, Option<usize>)>,
}

impl Import<'_> {
    fn at(&self, line: usize) -> Location {
        Location::Path { expression: self.name.to_owned(), line: u32::try_from(line).unwrap_or(u32::MAX), column: 0 }
    }

    fn refuse(&self, line: usize, zh: impl Into<String>, en: impl Into<String>) -> Finding {
        text::table(self.name, line, &zh.into(), &en.into()).at(self.at(line))
    }

    fn bad_row(&mut self, line: usize, zh: &str, en: &str) {
        self.bad_count += 1;
        if self.bad.len() < SHOWN_MAX {
            self.bad.push(self.refuse(line, zh, en));
        }
    }

    fn utf8<'b>(&self, bytes: &'b [u8]) -> Result<&'b str, Finding> {
        let text = std::str::from_utf8(bytes).map_err(|e| {
            let line = 1 + bytes.get(..e.valid_up_to()).unwrap_or(bytes).iter().filter(|b| **b == b'\n').count();
            self.refuse(line, "不是 UTF-8 文本；GB18030 文件请先转换编码", "this is not UTF-8 text; decode a GB18030 file first")
        })?;
        Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
    }

    /// `None` where rows are bad.
    fn read(&mut self, header: &[u8], bytes: &[u8]) -> Result<Option<System>, Finding> {
        let header = self.utf8(header)?;
        for (i, line) in header.lines().enumerate() {
            self.key(i + 1, line)?;
        }
        let body = self.utf8(bytes)?;
        let body = self.keys(body)?;
        let separator = Separator::of(body.lines().next().unwrap_or(""));
        let mut cells = Cells::new(body, separator, self.line);
        let mut names = Vec::new();
        cells.row(&mut names).map_err(|line| self.quote(line))?;
        let columns = columns::of(&names, &self.header.columns).map_err(|(zh, en)| self.refuse(self.line + 1, zh, en))?;
        if self.header.url.is_empty() {
            let known = columns::system_of(&names);
            self.header.url = known
                .ok_or_else(|| {
                    self.refuse(1, "缺少“#url”行：代码系统的规范 URL", "there is no line '#url': the canonical URL of the code system")
                })?
                .to_owned();
        }
        let mut target = self.target(&columns, body)?;
        self.rows(&mut cells, &columns, &mut target)?;
        if self.bad_count > 0 {
            return Ok(None);
        }
        self.system(target, &columns, body, separator)
    }

    fn quote(&self, line: usize) -> Finding {
        self.refuse(line, "双引号没有结束", "a double quote is not closed")
    }

    /// The key lines at the top; gives what is below them.
    fn keys<'b>(&mut self, body: &'b str) -> Result<&'b str, Finding> {
        let mut rest = body;
        while let Some((line, below)) = rest.split_once('\n').filter(|(l, _)| l.starts_with('#') || l.trim().is_empty()) {
            self.line += 1;
            if self.line > HEADER_LINES_MAX {
                return Err(self.refuse(self.line, "“#”开头的行过多", "there are too many lines that start with '#'"));
            }
            self.key(self.line, line)?;
            rest = below;
        }
        Ok(rest)
    }

    /// `#key<TAB>value`; also `#key: value` and `#key = value`. Anything else behind `#` with a space is a note.
    fn key(&mut self, number: usize, line: &str) -> Result<(), Finding> {
        let line = line.trim_end_matches('\r');
        let Some(text) = line.strip_prefix('#') else { return Ok(()) };
        let Some((key, value)) = text.split_once('\t').or_else(|| text.split_once(['=', ':']).filter(|(k, _)| is_key(k.trim()))) else {
            return Ok(());
        };
        let (key, value) = (key.trim().to_lowercase(), value.trim().to_owned());
        let h = &mut self.header;
        match key.as_str() {
            "url" => h.url = value,
            "version" => h.version = value,
            "name" => h.name = value,
            "title" => h.title = value,
            "valueset" => h.value_set = value,
            "supplements" => h.supplements = value,
            "alias" => h.aliases.push(value),
            "oid" => h.aliases.push(format!("urn:oid:{}", value.trim_start_matches("urn:oid:"))),
            "content" if value == "complete" || value == "fragment" => h.fragment = value == "fragment",
            "casesensitive" if value == "true" || value == "false" => h.folds_case = value == "false",
            "column" => match value.split_once('=') {
                Some((name, role)) => h.columns.push((name.trim().to_owned(), role.trim().to_owned())),
                None => return Err(self.refuse(number, "#column 应为“列名 = 角色”", "#column is 'name = role'")),
            },
            "language" => h.language = value,
            "title-en" | "standard" | "publisher" | "note" => {}
            _ => {
                return Err(self.refuse(
                    number,
                    format!("不认识“#{key}”或其值；可用：{KEYS}"),
                    format!("'#{key}' or its value is not known; there are: {KEYS}"),
                ));
            }
        }
        Ok(())
    }

    fn target(&self, columns: &[Column], body: &str) -> Result<Target, Finding> {
        let mut builder = Builder::new(!self.header.folds_case);
        builder.reserve(memchr_lines(body), body.len());
        let too_much = |_| self.refuse(1, "列过多", "there are too many columns");
        let definition = builder.kind(ValueKind::Definition).map_err(too_much)?;
        let kinds = columns.iter().map(|column| column.value_kind().map(|kind| builder.kind(kind)).transpose());
        let kinds = kinds.collect::<Result<_, _>>().map_err(too_much)?;
        let place = |role: &Role| columns.iter().position(|c| c.role == *role);
        let levels = (1..=columns::LEVELS_MAX).filter_map(|n| Some((place(&Role::Level(n))?, place(&Role::LevelDisplay(n)))));
        let (code, display) = (place(&Role::Code).unwrap_or(0), place(&Role::Display).unwrap_or(0));
        Ok(Target { builder, definition, kinds, code, display, levels: levels.collect() })
    }

    fn rows(&mut self, cells: &mut Cells<'_>, columns: &[Column], target: &mut Target) -> Result<(), Finding> {
        let mut row = Vec::new();
        let mut levels: Vec<String> = Vec::new();
        loop {
            let line = cells.line() + 1;
            match cells.row(&mut row) {
                Err(line) => return Err(self.quote(line)),
                Ok(false) => return Ok(()),
                Ok(true) => {}
            }
            if row.iter().all(|c| c.is_empty()) {
                continue;
            }
            if row.len() > columns.len() {
                self.bad_row(
                    line,
                    &format!("有 {} 列，标题行只有 {} 列", row.len(), columns.len()),
                    &format!("{} columns, the heading has {}", row.len(), columns.len()),
                );
                continue;
            }
            if let Err(fault) = one_row(&row, columns, target, &mut levels) {
                let (zh, en) = text::fault_text(&fault);
                self.bad_row(line, &zh, &en);
            }
        }
    }

    fn system(&mut self, target: Target, columns: &[Column], body: &str, separator: Separator) -> Result<Option<System>, Finding> {
        let lenient = self.header.fragment || !self.header.supplements.is_empty();
        let table = match target.builder.finish(lenient) {
            Ok(table) => table,
            Err(fault) => {
                let line = self.line_of(&fault, columns, body, separator);
                let (zh, en) = text::fault_text(&fault);
                self.bad_row(line, &zh, &en);
                return Ok(None);
            }
        };
        let h = std::mem::take(&mut self.header);
        let properties = table.kinds().iter().filter_map(|kind| match kind {
            ValueKind::Property { code, type_name } => {
                Some(Property { code: code.clone(), type_name: (*type_name).to_owned(), uri: String::new() })
            }
            _ => None,
        });
        let content = match (h.supplements.is_empty(), h.fragment) {
            (false, _) => Content::Supplement,
            (true, true) => Content::Fragment,
            (true, false) => Content::Complete,
        };
        Ok(Some(System {
            name: if h.name.is_empty() { self.name.to_owned() } else { h.name },
            version: h.version,
            title: h.title,
            language: h.language,
            content,
            value_set: h.value_set,
            supplements: h.supplements,
            hierarchy: String::new(),
            properties: properties.collect(),
            aliases: h.aliases.into_iter().filter(|a| *a != h.url).collect(),
            case_sensitive: !h.folds_case,
            grammar: Grammar::of(&h.url),
            url: h.url,
            table,
        }))
    }

    /// The line at which a fault of the hierarchy shows.
    fn line_of(&self, fault: &Fault, columns: &[Column], body: &str, separator: Separator) -> usize {
        let (role, wanted) = match fault {
            Fault::UnknownParent(code) => (Role::Parent, code.as_str()),
            Fault::Cycle(code) => (Role::Code, code.as_str()),
            _ => return self.line + 1,
        };
        let Some(at) = columns.iter().position(|c| c.role == role) else { return self.line + 1 };
        let mut cells = Cells::new(body, separator, self.line);
        let mut row = Vec::new();
        loop {
            let line = cells.line() + 1;
            match cells.row(&mut row) {
                Ok(true) if row.get(at).is_some_and(|c| c.split(';').any(|p| p.trim() == wanted)) => return line,
                Ok(true) => {}
                _ => return self.line + 1,
            }
        }
    }
}

const KEYS: &str = "url, alias, oid, version, title, name, valueset, content, casesensitive, supplements, column, title-en, standard, publisher, language, note";

fn is_key(text: &str) -> bool {
    KEYS.split(", ").any(|k| k.eq_ignore_ascii_case(text))
}

fn memchr_lines(text: &str) -> usize {
    text.bytes().filter(|b| *b == b'\n').count() + 1
}

fn is_yes(text: &str) -> bool {
    matches!(text, "true" | "TRUE" | "1" | "Y" | "y" | "是")
}

fn one_row(row: &[std::borrow::Cow<'_, str>], columns: &[Column], target: &mut Target, levels: &mut Vec<String>) -> Result<(), Fault> {
    let cell = |at: usize| row.get(at).map_or("", |v| v.trim());
    let code = cell(target.code);
    let above = above(row, target, levels)?;
    if above.as_deref() == Some(code) {
        return Ok(()); // the row of a category that was made from its level
    }
    let builder = &mut target.builder;
    let at = builder.add(code, cell(target.display), 0, None)?;
    if let Some(parent) = above {
        builder.below(at, &parent)?;
    }
    for ((column, value), kind) in columns.iter().zip(row).zip(&target.kinds) {
        let value = value.trim();
        if value.is_empty() {
            continue;
        }
        match &column.role {
            Role::Parent => value.split(';').map(str::trim).filter(|p| !p.is_empty()).try_for_each(|p| builder.below(at, p))?,
            Role::Definition => builder.value(at, target.definition, value)?,
            Role::Inactive if is_yes(value) => builder.set_flags(at, INACTIVE),
            Role::Abstract if is_yes(value) => builder.set_flags(at, ABSTRACT),
            Role::Property { code, .. } if code == "status" && columns::is_out_of_use(value) => builder.set_flags(at, INACTIVE),
            _ => {}
        }
        if let Some(kind) = kind {
            builder.value(at, *kind, value)?;
        }
    }
    Ok(())
}

/// The broader concepts that a row names itself are made when first seen; gives the code of the last one.
fn above(row: &[std::borrow::Cow<'_, str>], target: &mut Target, levels: &mut Vec<String>) -> Result<Option<String>, Fault> {
    let cell = |at: usize| row.get(at).map_or("", |v| v.trim());
    levels.resize(target.levels.len(), String::new());
    let mut last: Option<&str> = None;
    for ((code, display), seen) in target.levels.iter().zip(levels) {
        let code = cell(*code);
        if code.is_empty() {
            continue;
        }
        // rows of one chapter stand together: most often nothing has changed since the row before
        if seen != code {
            code.clone_into(seen);
            match target.builder.add(code, display.map_or("", cell), 0, None) {
                Ok(at) => {
                    if let Some(parent) = last.filter(|p| *p != code) {
                        target.builder.below(at, parent)?;
                    }
                }
                Err(Fault::Duplicate) => {}
                Err(other) => return Err(other),
            }
        }
        last = Some(code);
    }
    Ok(last.map(str::to_owned))
}

#[cfg(test)]
mod tests;
