//! Code tables: TSV or FHIR ConceptMap, looked up by source code.

use crate::diagnostic::{Diagnostic, Span};
use hutong_fhir::json::{self, JsonLimits};
use hutong_fhir::quick::QuickMap;

/// A table as loaded; a site's rows come over the common ones.
#[derive(Default, Clone)]
pub(crate) struct Table {
    pub name: String,
    pub rows: Vec<Row>,
    index: QuickMap<String, u32>,
    /// The code system of the source codes, where the file says so.
    pub source_system: Option<String>,
}

#[derive(Clone)]
pub(crate) struct Row {
    pub source: String,
    /// Empty: known, and deliberately without a target.
    pub target: String,
    pub system: String,
    pub display: String,
    pub span: Span,
}

impl Table {
    pub(crate) fn find(&self, code: &str) -> Option<&Row> {
        self.index.get(code).and_then(|i| self.rows.get(*i as usize))
    }

    fn push(&mut self, row: Row) {
        match self.index.get(&row.source) {
            Some(i) => {
                if let Some(old) = self.rows.get_mut(*i as usize) {
                    *old = row;
                }
            }
            None => {
                self.index.insert(row.source.clone(), self.rows.len() as u32);
                self.rows.push(row);
            }
        }
    }

    /// Lays a site's rows over these.
    pub(crate) fn add(&mut self, other: &Table) {
        for row in &other.rows {
            self.push(row.clone());
        }
        if other.source_system.is_some() {
            self.source_system.clone_from(&other.source_system);
        }
    }

    /// Whether every target is `true` or `false`.
    pub(crate) fn is_boolean(&self) -> bool {
        !self.rows.is_empty() && self.rows.iter().all(|r| matches!(r.target.as_str(), "true" | "false" | ""))
    }

    /// Whether its targets are bare words: nothing says which system they are of.
    pub(crate) fn has_systems(&self) -> bool {
        self.rows.iter().any(|r| !r.system.is_empty())
    }
}

/// Reads a table; the name is the file's name without its ending.
pub(crate) fn read(path: &str, text: &str, file: u32) -> (Table, Vec<Diagnostic>) {
    let name = path.rsplit('/').next().unwrap_or(path).split('.').next().unwrap_or("").to_owned();
    let mut table = Table { name, ..Table::default() };
    let faults = if path.ends_with(".json") { concept_map(&mut table, text, file) } else { tsv(&mut table, text, file) };
    (table, faults)
}

fn tsv(table: &mut Table, text: &str, file: u32) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    let mut columns: Option<[Option<usize>; 4]> = None;
    let mut at = 0usize;
    for raw in text.split_inclusive('\n') {
        let span = Span { file, start: at as u32, end: (at + raw.trim_end().len()) as u32 };
        at += raw.len();
        let line = raw.trim_end_matches(['\n', '\r']).trim_start_matches('\u{feff}');
        if let Some(comment) = line.strip_prefix('#') {
            if let Some(system) = comment.trim().strip_prefix("source-system:") {
                table.source_system = Some(system.trim().to_owned());
            }
            continue;
        }
        if line.trim().is_empty() {
            continue;
        }
        let cells: Vec<&str> = line.split('\t').map(unquote).collect();
        let Some(places) = columns else {
            let find = |name: &str| cells.iter().position(|c| *c == name);
            columns = Some([find("source"), find("target"), find("system"), find("display")]);
            if find("source").is_none() || find("target").is_none() {
                let zh = "码表首行须有列名 source 和 target（制表符分隔）";
                faults.push(Diagnostic::error(
                    "table.header",
                    span,
                    zh,
                    "the first line names the columns: source, target, system, display, comment, with tabs between",
                ));
                return faults;
            }
            continue;
        };
        let cell = |i: Option<usize>| i.and_then(|i| cells.get(i)).map_or(String::new(), |c| c.trim().to_owned());
        let [source, target, system, display] = places.map(cell);
        if source.is_empty() {
            faults.push(Diagnostic::error(
                "table.source",
                span,
                "此行没有源代码（制表符分隔的第一列）",
                "this row has no source code; columns are separated by tabs",
            ));
            continue;
        }
        if let Some(before) = table.find(&source) {
            let other = before.span;
            let d = Diagnostic::error(
                "table.twice",
                span,
                format!("源代码 `{source}` 出现两次"),
                format!("the source code `{source}` stands twice"),
            );
            faults.push(d.other(other));
        }
        table.push(Row { source, target, system, display, span });
    }
    faults
}

fn unquote(cell: &str) -> &str {
    let cell = cell.trim();
    cell.strip_prefix('"').and_then(|c| c.strip_suffix('"')).unwrap_or(cell)
}

/// FHIR R4 ConceptMap: `group.element.target`; targets whose equivalence says that they do not match are left out.
fn concept_map(table: &mut Table, text: &str, file: u32) -> Vec<Diagnostic> {
    let span = Span { file, start: 0, end: text.lines().next().map_or(0, str::len) as u32 };
    let fault = |zh: &str, en: &str| vec![Diagnostic::error("table.conceptmap", span, zh, en)];
    let Ok((tree, _)) = json::parse(text.as_bytes(), &JsonLimits::default()) else {
        return fault("不是可读的 JSON", "this is not readable JSON");
    };
    if tree.root().resource_type() != Some("ConceptMap") {
        return fault("JSON 码表须是 ConceptMap 资源", "a table in JSON is a ConceptMap resource");
    }
    for group in tree.root().children().filter(|c| c.name() == "group") {
        let system = group.at("target").unwrap_or("");
        table.source_system = group.at("source").map(str::to_owned).or(table.source_system.take());
        for element in group.children().filter(|c| c.name() == "element") {
            let Some(source) = element.at("code") else { continue };
            let good = |t: &hutong_fhir::NodeRef<'_>| !matches!(t.at("equivalence"), Some("unmatched" | "disjoint"));
            let target = element.children().filter(|c| c.name() == "target").find(good);
            table.push(Row {
                source: source.to_owned(),
                target: target.and_then(|t| t.at("code")).unwrap_or("").to_owned(),
                system: if target.is_some() { system.to_owned() } else { String::new() },
                display: target.and_then(|t| t.at("display")).unwrap_or("").to_owned(),
                span,
            });
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_tsv_and_concept_map() {
        let tsv = "# sex\n# source-system: urn:s\nsource\ttarget\tsystem\tdisplay\tcomment\nM\tmale\tu\tMale\t\n\"U x\"\t\t\t\tnone\n";
        let (t, faults) = read("a/gender.tsv", tsv, 0);
        assert!(faults.is_empty());
        assert_eq!((t.name.as_str(), t.source_system.as_deref()), ("gender", Some("urn:s")));
        assert_eq!(t.find("M").map(|r| (r.target.as_str(), r.system.as_str())), Some(("male", "u")));
        assert_eq!(t.find("U x").map(|r| r.target.as_str()), Some(""));
        assert!(t.find("F").is_none());
        let json = r#"{"resourceType":"ConceptMap","group":[{"source":"urn:a","target":"urn:b","element":[
            {"code":"1","target":[{"code":"x","equivalence":"disjoint"},{"code":"y","display":"Y","equivalence":"equal"}]},{"code":"2"}]}]}"#;
        let (t, faults) = read("a/m.json", json, 0);
        assert!(faults.is_empty());
        assert_eq!(t.find("1").map(|r| (r.target.as_str(), r.system.as_str(), r.display.as_str())), Some(("y", "urn:b", "Y")));
        assert_eq!(t.find("2").map(|r| r.target.as_str()), Some(""));
    }

    #[test]
    fn faults_of_tables() {
        for (path, text, expect) in [
            ("t.tsv", "code\ttarget\nx\ty\n", "table.header"),
            ("t.tsv", "source\ttarget\n\ty\n", "table.source"),
            ("t.tsv", "source\ttarget\nx\ty\nx\tz\n", "table.twice"),
            ("t.json", "{", "table.conceptmap"),
            ("t.json", "{\"resourceType\":\"Patient\"}", "table.conceptmap"),
        ] {
            let got: Vec<&str> = read(path, text, 0).1.iter().map(|d| d.code).collect();
            assert_eq!(got, [expect], "{text}");
        }
    }

    #[test]
    fn a_sites_rows_come_over_the_common_ones() {
        let (mut base, _) = read("t.tsv", "source\ttarget\na\t1\nb\t2\n", 0);
        let (site, _) = read("t.tsv", "source\ttarget\nb\t3\nc\t4\n", 1);
        base.add(&site);
        let got: Vec<&str> = ["a", "b", "c"].iter().filter_map(|c| base.find(c)).map(|r| r.target.as_str()).collect();
        assert_eq!(got, ["1", "3", "4"]);
    }
}
