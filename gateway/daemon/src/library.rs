//! What this installation judges by: R4, the community's own profiles and terminology, and what the configuration loads.
//! Read at start and again on SIGHUP; a new edition takes the place of the old one whole, or not at all.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use hutong_serve::{Edition, Editions, Shelf};
use hutong_validate::{Demands, Knowledge};

use crate::cli::Failure;
use crate::config::{Config, Profiles};
use crate::policy::Policy;

/// The edition in force, and how each source is judged under it.
pub(crate) struct InForce {
    pub(crate) edition: Arc<Edition>,
    policies: HashMap<String, Policy>,
    default: Policy,
}

impl InForce {
    /// How messages of a source are judged.
    pub(crate) fn demands(&self, source: &str) -> Demands<'_> {
        self.policies.get(source).unwrap_or(&self.default).demands()
    }
}

/// Where the edition in force is found.
pub(crate) struct Library(RwLock<Arc<InForce>>);

impl Library {
    /// R4 and the community's profiles.
    pub(crate) fn community() -> Result<Library, Failure> {
        Library::load(&Config::default())
    }

    pub(crate) fn load(config: &Config) -> Result<Library, Failure> {
        Ok(Library(RwLock::new(Arc::new(read(config)?))))
    }

    pub(crate) fn in_force(&self) -> Arc<InForce> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts what a configuration names in force. Messages in work end under what they began with.
    ///
    /// # Errors
    /// What is wrong with it; what was in force then stays.
    pub(crate) fn replace(&self, config: &Config) -> Result<Arc<InForce>, Failure> {
        let new = Arc::new(read(config)?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&new);
        Ok(new)
    }
}

impl Editions for Library {
    fn current(&self) -> Arc<Edition> {
        Arc::clone(&self.in_force().edition)
    }
}

fn read(config: &Config) -> Result<InForce, Failure> {
    let edition = edition(&config.profiles)?;
    let default = Policy::of(&config.profiles, None);
    let policies = config.source.iter().map(|s| (s.id.clone(), Policy::of(&config.profiles, Some(s)))).collect();
    Ok(InForce { edition: Arc::new(edition), policies, default })
}

/// The community's knowledge and what the paths hold.
fn edition(profiles: &Profiles) -> Result<Edition, Failure> {
    let (mut knowledge, refused) = Knowledge::community();
    if let Some(finding) = refused.first() {
        return Err(Failure::usage(
            format!("内置定义有误：{}", finding.zh),
            format!("a definition that is built in is wrong: {}", finding.en),
        ));
    }
    let mut shelf = Shelf::default();
    crate::packages::load(&profiles.load, &mut knowledge, &mut shelf)?;
    Ok(Edition::new(Arc::new(knowledge), move || {
        shelf.add_community();
        shelf
    }))
}
