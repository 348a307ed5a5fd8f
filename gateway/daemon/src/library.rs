//! What this installation judges by: R4, the community's own profiles and terminology, and what the configuration loads.
//! Read at start and again on SIGHUP; a new edition takes the place of the old one whole, or not at all.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use hutong_serve::{Edition, Editions, Shelf};
use hutong_validate::Knowledge;

use crate::cli::Failure;
use crate::config::Config;
use crate::packages::Loaded;
use crate::policy::Policy;

/// The edition in force, and how each source is judged under it.
pub(crate) struct InForce {
    pub(crate) edition: Arc<Edition>,
    pub(crate) loaded: Loaded,
    policies: HashMap<String, Policy>,
    default: Policy,
}

impl InForce {
    /// How messages of a source are judged.
    pub(crate) fn policy(&self, source: &str) -> &Policy {
        self.policies.get(source).unwrap_or(&self.default)
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
        Ok(Library(RwLock::new(Library::prepare(config)?)))
    }

    pub(crate) fn in_force(&self) -> Arc<InForce> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads what a configuration names, to be put in force.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub(crate) fn prepare(config: &Config) -> Result<Arc<InForce>, Failure> {
        read(config).map(Arc::new)
    }

    /// Puts an edition in force. Messages in work end under what they began with.
    pub(crate) fn put(&self, new: Arc<InForce>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = new;
    }
}

impl Editions for Library {
    fn current(&self) -> Arc<Edition> {
        Arc::clone(&self.in_force().edition)
    }
}

/// Reads all that the configuration names and judges it.
fn read(config: &Config) -> Result<InForce, Failure> {
    let (mut knowledge, refused) = Knowledge::community();
    if let Some(finding) = refused.first() {
        return Err(Failure::usage(
            format!("内置定义有误：{}", finding.zh),
            format!("a definition that is built in is wrong: {}", finding.en),
        ));
    }
    let mut shelf = Shelf::default();
    let loaded = crate::packages::load(&config.profiles.load, &mut knowledge, &mut shelf)?;
    let default = Policy::of(&config.profiles, None, &knowledge).map_err(|_| unknown_profiles(&[]))?;
    let policies = policies(config, &knowledge)?;
    let edition = Edition::new(Arc::new(knowledge), move || {
        shelf.add_community();
        // that they can be read was found at start
        let indicators = hutong_count::indicators::Library::builtin();
        indicators.iter().flat_map(hutong_count::indicators::fhir::measures).for_each(|measure| shelf.add(&measure));
        shelf
    });
    Ok(InForce { edition: Arc::new(edition), loaded, policies, default })
}

/// The policy of each source. A profile that it must meet and nobody knows would hold everything it sends: that is refused.
fn policies(config: &Config, knowledge: &Knowledge) -> Result<HashMap<String, Policy>, Failure> {
    let (mut policies, mut unknown) = (HashMap::new(), Vec::new());
    for source in &config.source {
        match Policy::of(&config.profiles, Some(source), knowledge) {
            Ok(policy) => {
                policies.insert(source.id.clone(), policy);
            }
            Err(canonicals) => unknown.extend(canonicals.iter().map(|c| format!("\n  [[source]] {}: {c}", source.id))),
        }
    }
    if unknown.is_empty() { Ok(policies) } else { Err(unknown_profiles(&unknown)) }
}

fn unknown_profiles(list: &[String]) -> Failure {
    let list = list.concat();
    Failure::judged(
        format!("来源要求的 profile 未知，请核对地址，或在 [profiles] load 中载入：{list}"),
        format!("profiles that sources must meet are not known; check their addresses, or load them under [profiles]:{list}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use hutong_receive::sources::Source;

    #[test]
    fn a_profile_that_nobody_knows_is_not_put_in_force() {
        let library = Library::community().map_err(|f| f.to_string()).unwrap();
        let before = library.in_force();
        let asking = |profile: &str| {
            let source = Source { id: "lis".into(), profiles: vec![profile.into()], ..Source::default() };
            Library::prepare(&Config { source: vec![source], ..Config::default() })
        };
        let told = asking("http://x/nobody").err().unwrap().to_string();
        assert!(told.contains("lis: http://x/nobody"), "{told}");
        assert!(Arc::ptr_eq(&before, &library.in_force()));
        let new = asking("http://fhir.med-community.cn/gw/StructureDefinition/CNPatient").map_err(|f| f.to_string()).unwrap();
        library.put(new);
        assert_eq!(
            (
                library.in_force().policy("lis").demands("Patient").profiles.len(),
                library.in_force().policy("his").demands("Patient").profiles.len()
            ),
            (1, 0)
        );
    }
}
