//! The mappings of an installation: files read and judged once, plans made for each set of sites.

use hutong_decode::v2::{Arrangement, Grammar, Message};
use hutong_fhir::definitions::Definitions;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::compile::{Extensions, Parsed, ParsedTable, V2, World, collect, compile};
use crate::diagnostic::{Diagnostic, Level, SourceFile};
use crate::plan::Plan;
use crate::{Context, Mapped, run, syntax, table};

/// Mappings and tables, read. Paths tell what a file is: `….hmap`, `…/tables/NAME.tsv|json`, and `sites/NAME/…` for a
/// site's own.
pub struct Mappings {
    files: Vec<SourceFile>,
    parsed: Vec<Parsed>,
    tables: Vec<ParsedTable>,
    warnings: Vec<Diagnostic>,
    definitions: &'static Definitions,
    extensions: Extensions,
    v2: V2,
    plans: Mutex<HashMap<Vec<String>, Arc<Plan>>>,
}

/// Files that could not be used, with what is wrong. `files` is what the spans of the diagnostics refer to.
pub struct Refused {
    pub files: Vec<SourceFile>,
    pub diagnostics: Vec<Diagnostic>,
}

impl Mappings {
    /// Reads files and judges them: the common ones, and those of each site over them.
    pub fn load(files: Vec<SourceFile>, definitions: &'static Definitions, grammar: &'static Grammar) -> Result<Mappings, Refused> {
        let (mut m, faults) = Mappings::judged(files, definitions, grammar);
        if faults.iter().any(|d| d.level == Level::Error) {
            return Err(Refused { files: m.files, diagnostics: faults });
        }
        m.warnings = faults;
        Ok(m)
    }

    /// The mappings whatever is wrong with them, and what is.
    pub(crate) fn judged(
        files: Vec<SourceFile>,
        definitions: &'static Definitions,
        grammar: &'static Grammar,
    ) -> (Mappings, Vec<Diagnostic>) {
        let mut m = Mappings {
            files,
            parsed: Vec::new(),
            tables: Vec::new(),
            warnings: Vec::new(),
            definitions,
            extensions: Extensions::r4(),
            v2: V2::new(grammar),
            plans: Mutex::new(HashMap::new()),
        };
        let mut faults = m.read();
        let mut sets: Vec<Vec<String>> = vec![Vec::new()];
        sets.extend(m.sites().iter().map(|s| with_those_below(s)));
        for sites in sets {
            let (plan, found) = m.compile(&sites);
            faults.extend(found);
            let plans = m.plans.get_mut().unwrap_or_else(PoisonError::into_inner);
            plans.insert(sites, Arc::new(plan));
        }
        let mut seen = std::collections::HashSet::new();
        faults.retain(|d| seen.insert((d.span, d.code, d.en.clone())));
        faults.sort_by_key(|d| (d.span.file, d.span.start));
        (m, faults)
    }

    fn read(&mut self) -> Vec<Diagnostic> {
        let mut faults = Vec::new();
        for (i, file) in self.files.iter().enumerate() {
            let site = site_of(&file.path);
            if file.path.ends_with(".hmap") {
                let (decls, found) = syntax::parse(&file.text, i as u32);
                faults.extend(found);
                self.parsed.push(Parsed { site, decls });
            } else if file.path.ends_with(".tsv") || file.path.ends_with(".json") {
                let (table, found) = table::read(&file.path, &file.text, i as u32);
                faults.extend(found);
                self.tables.push(ParsedTable { site, table });
            }
        }
        faults
    }

    fn compile(&self, sites: &[String]) -> (Plan, Vec<Diagnostic>) {
        let sources = collect(&self.parsed, &self.tables, sites);
        compile(&sources, &World { defs: self.definitions, extensions: &self.extensions, v2: &self.v2 })
    }

    /// The sites that have files.
    pub fn sites(&self) -> Vec<String> {
        let tables = self.tables.iter().filter_map(|t| t.site.clone());
        let mut all: Vec<String> = self.parsed.iter().filter_map(|p| p.site.clone()).chain(tables).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The plan for a set of sites, made on first use. The diagnostics say where the sites contradict one another.
    pub fn for_sites(&self, sites: &[String]) -> Result<Arc<Plan>, Vec<Diagnostic>> {
        let lock = || self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = lock().get(sites) {
            return Ok(plan.clone());
        }
        let (plan, faults) = self.compile(sites);
        if faults.iter().any(|d| d.level == Level::Error) {
            return Err(faults);
        }
        let plan = Arc::new(plan);
        lock().insert(sites.to_vec(), plan.clone());
        Ok(plan)
    }

    /// Maps a message by the plan of the context's sites. Where those sites contradict one another (their sources
    /// should have been refused at start), the common mappings count.
    pub fn apply(&self, message: &Message<'_>, arrangement: &Arrangement, context: &Context<'_>) -> Mapped {
        match self.for_sites(context.sites).or_else(|_| self.for_sites(&[])) {
            Ok(plan) => plan.apply(self.definitions, message, arrangement, context),
            Err(_) => Mapped::default(),
        }
    }

    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// What is doubtful and does not keep the mappings from being used.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    pub fn definitions(&self) -> &'static Definitions {
        self.definitions
    }
}

impl Plan {
    /// Runs the plan over a message.
    pub fn apply(&self, definitions: &Definitions, message: &Message<'_>, arrangement: &Arrangement, context: &Context<'_>) -> Mapped {
        run::apply(self, definitions, message, arrangement, context)
    }
}

/// A site and those that it builds on: `cn.linjiang` is written for sources that list `cn` before it.
fn with_those_below(site: &str) -> Vec<String> {
    let ends = site.match_indices('.').map(|(at, _)| at).chain([site.len()]);
    ends.filter_map(|end| site.get(..end)).map(str::to_owned).collect()
}

/// `…/sites/NAME/…`
pub(crate) fn site_of(path: &str) -> Option<String> {
    let mut parts = path.split(['/', '\\']);
    parts.find(|p| *p == "sites")?;
    let name = parts.next()?;
    parts.next().map(|_| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_in_a_site_says_what_it_builds_on() {
        assert_eq!(with_those_below("cn"), ["cn"]);
        assert_eq!(with_those_below("cn.linjiang.old"), ["cn", "cn.linjiang", "cn.linjiang.old"]);
    }

    #[test]
    fn the_folder_says_whose_a_file_is() {
        for (path, expect) in [
            ("mappings/sites/cn/a.hmap", Some("cn")),
            ("sites/cn/tables/a.tsv", Some("cn")),
            ("v2/segments/a.hmap", None),
            ("sites/a.hmap", None),
        ] {
            assert_eq!(site_of(path).as_deref(), expect, "{path}");
        }
    }
}
