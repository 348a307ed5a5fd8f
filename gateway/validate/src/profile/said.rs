//! What has been said: a profile is asked once of a node, a rule speaks once of a node whichever profiles hold it, and
//! the same complaint about many repeats is one finding that counts them.

use crate::Located;
use hutong_fhir::NodeId;
use hutong_fhir::quick::Quick;
use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};

/// Missing children that are remembered.
const MISSING_MAX: usize = 256;

/// The memory of one validation.
#[derive(Default)]
pub(crate) struct Said {
    visited: HashSet<(NodeId, u32), Quick>,
    about: HashSet<(NodeId, u64), Quick>,
    /// By resource and complaint: which finding, and how many more places.
    folded: HashMap<(NodeId, u64), (usize, u32), Quick>,
    /// Names of children that were told to be missing.
    missing: Vec<(NodeId, String)>,
}

impl Said {
    /// Whether a profile is asked of a node for the first time.
    pub(crate) fn visit(&mut self, node: NodeId, profile: u32) -> bool {
        self.visited.insert((node, profile))
    }

    /// Whether a complaint needs a finding of its own: not where it was made about this node already, nor where the same
    /// was said of another repeat in this resource (then it is counted there). `found` is the number of findings so far.
    pub(crate) fn is_new(&mut self, resource: NodeId, node: NodeId, what: impl Hash, whole: impl Hash, found: usize) -> bool {
        if !self.about.insert((node, hash(&what))) {
            return false;
        }
        match self.folded.entry((resource, hash(&whole))) {
            Entry::Occupied(mut known) => {
                known.get_mut().1 += 1;
                false
            }
            Entry::Vacant(free) => {
                free.insert((found, 0));
                true
            }
        }
    }

    /// Remembers that a child of a node is missing.
    pub(crate) fn misses(&mut self, node: NodeId, name: &str) {
        if self.missing.len() < MISSING_MAX {
            self.missing.push((node, name.trim_end_matches("[x]").to_owned()));
        }
    }

    /// Whether an expression speaks of a child that was told to be missing at that node.
    pub(crate) fn names_what_is_missing(&self, node: NodeId, expression: &str) -> bool {
        let has_word = |name: &str| expression.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == name);
        self.missing.iter().any(|(at, name)| *at == node && has_word(name))
    }

    /// Adds to the findings how often each was met again.
    pub(crate) fn count(&self, found: &mut [Located]) {
        for (at, more) in self.folded.values().filter(|(_, more)| *more > 0) {
            if let Some(located) = found.get_mut(*at) {
                located.finding.zh.push_str(&format!("；另有 {more} 处相同"));
                located.finding.en.push_str(&format!("; the same in {more} more places"));
            }
        }
    }
}

fn hash(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}
