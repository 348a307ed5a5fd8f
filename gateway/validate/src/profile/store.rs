//! Compiled profiles by canonical: each is compiled when it is first asked for and then shared by all threads.

use super::{Profile, compile};
use crate::Knowledge;
use hutong_fhir::quick::Quick;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock, RwLock, Weak};

/// Spellings of canonicals (with and without version) that are remembered; past it they are looked up each time.
const SPELLINGS_MAX: usize = 20_000;

/// All compiled profiles of one [`Knowledge`].
pub(crate) struct Store {
    pub(crate) knowledge: Arc<Knowledge>,
    compiled: RwLock<Compiled>,
}

#[derive(Default)]
struct Compiled {
    by_canonical: HashMap<String, Arc<Profile>, Quick>,
    /// By what the structure itself says of its identity, so that spellings of one profile share it.
    by_identity: HashMap<(String, String), Arc<Profile>>,
}

impl Store {
    pub(crate) fn new(knowledge: Arc<Knowledge>) -> Store {
        Store { knowledge, compiled: RwLock::default() }
    }

    /// The profile of a canonical, with or without `|version`; `None` where it is not known. What was asked for is only
    /// remembered where it was found: the names come from senders.
    pub(crate) fn get(&self, canonical: &str) -> Option<Arc<Profile>> {
        if let Ok(compiled) = self.compiled.read()
            && let Some(profile) = compiled.by_canonical.get(canonical)
        {
            return Some(Arc::clone(profile));
        }
        self.compile(canonical)
    }

    fn compile(&self, canonical: &str) -> Option<Arc<Profile>> {
        let structure = self.knowledge.structure(canonical)?;
        // one element of a structure is a profile of its own
        let part = canonical.split_once('#').map_or("", |(_, part)| part);
        let identity = (format!("{}#{part}", structure.url), structure.version.clone());
        let known = self.compiled.read().ok().and_then(|c| c.by_identity.get(&identity).cloned());
        let profile = match known {
            Some(profile) => profile,
            // outside of the lock: compiling looks at other structures
            None => Arc::new(compile::compile(&self.knowledge, structure, part)?),
        };
        let mut compiled = self.compiled.write().ok()?;
        let number = compiled.by_identity.len() as u32 + 1;
        let profile = Arc::clone(compiled.by_identity.entry(identity).or_insert_with(|| numbered(profile, number)));
        if compiled.by_canonical.len() < SPELLINGS_MAX {
            compiled.by_canonical.insert(canonical.to_owned(), Arc::clone(&profile));
        }
        Some(profile)
    }
}

/// Gives a profile that nobody else has yet its number.
fn numbered(mut profile: Arc<Profile>, number: u32) -> Arc<Profile> {
    if let Some(profile) = Arc::get_mut(&mut profile) {
        profile.number = number;
    }
    profile
}

/// A profile named by another, found when first used. Weak, since profiles may name each other in circles.
pub(crate) struct Link {
    pub(crate) canonical: String,
    found: OnceLock<Weak<Profile>>,
}

impl Link {
    pub(crate) fn new(canonical: impl Into<String>) -> Link {
        Link { canonical: canonical.into(), found: OnceLock::new() }
    }

    pub(crate) fn get(&self, store: &Store) -> Option<Arc<Profile>> {
        if let Some(profile) = self.found.get().and_then(Weak::upgrade) {
            return Some(profile);
        }
        let profile = store.get(&self.canonical)?;
        let _ = self.found.set(Arc::downgrade(&profile));
        Some(profile)
    }
}
