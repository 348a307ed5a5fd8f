//! Questionnaires: their own rules, and responses against the form that they answer.

use hutong_fhir::{NodeRef, Tree};
use std::collections::HashMap;

/// Forms that were loaded, by canonical URL.
#[derive(Default)]
pub(crate) struct Questionnaires {
    by_url: HashMap<String, Vec<Tree>>,
}

impl Questionnaires {
    /// Keeps a Questionnaire; one without url can not be asked for.
    pub(crate) fn load(&mut self, resource: Tree) {
        if let Some(url) = resource.root().at("url") {
            self.by_url.entry(url.to_owned()).or_default().push(resource);
        }
    }

    /// By `url` or `url|version`; without version the last one loaded.
    pub(crate) fn get(&self, canonical: &str) -> Option<NodeRef<'_>> {
        let (url, version) = canonical.split_once('|').map_or((canonical, None), |(u, v)| (u, Some(v)));
        let known = self.by_url.get(url)?.iter().rev().map(Tree::root);
        known.into_iter().find(|form| version.is_none() || form.at("version") == version)
    }
}
