//! All StructureDefinitions that are known: R4's own, and those that were loaded, by canonical and version.

use super::merge::Source;
use super::snapshot::{Generated, generate};
use super::{FHIR_STRUCTURE, FHIR_VERSION, StructureDefinition, StructureLimits};
use crate::definitions::{Definitions, Profile, TypeKind};
use crate::finding::{Finding, Severity};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// A definition with its snapshot.
struct Ready {
    definition: Arc<StructureDefinition>,
    findings: Vec<Finding>,
}

type Outcome = Result<Arc<Ready>, Finding>;

/// The registry. Filled first, then read from any number of threads: snapshots are made when first asked for.
pub struct Structures {
    limits: StructureLimits,
    /// By URL; versions in the order of loading.
    loaded: HashMap<String, Vec<Arc<StructureDefinition>>>,
    count: usize,
    /// By canonical with version.
    ready: RwLock<HashMap<String, Outcome>>,
}

/// Where a definition is.
enum Place<'a> {
    Loaded(&'a Arc<StructureDefinition>),
    Profile(&'static Profile),
    Type(&'static str),
}

impl Structures {
    /// R4's own types, profiles and extensions; each is converted when it is first asked for.
    pub fn r4() -> Structures {
        Structures::with_limits(StructureLimits::default())
    }

    /// The same with other limits.
    pub fn with_limits(limits: StructureLimits) -> Structures {
        Structures { limits, loaded: HashMap::new(), count: 0, ready: RwLock::new(HashMap::new()) }
    }

    /// Adds a definition. R4's own are known already: another copy of them changes nothing.
    ///
    /// # Errors
    /// `structure.duplicate` (a warning): the same canonical and version was loaded before, that one stays;
    /// `structure.limit`: too many definitions.
    pub fn add(&mut self, definition: StructureDefinition) -> Result<(), Finding> {
        if of_r4(&definition.url).is_some() && is_version(FHIR_VERSION, &definition.version) {
            return Ok(());
        }
        let canonical = definition.canonical();
        if self.count >= self.limits.structures_max {
            return Err(Finding::new(Severity::Error, "structure.limit", "too-costly", 207).says(
                format!("StructureDefinition 总数超过 {} 个，{canonical} 未加载", self.limits.structures_max),
                format!("there are more than {} StructureDefinitions; {canonical} was not loaded", self.limits.structures_max),
            ));
        }
        let versions = self.loaded.entry(definition.url.clone()).or_default();
        if versions.iter().any(|v| v.version == definition.version) {
            return Err(Finding::new(Severity::Warning, "structure.duplicate", "duplicate", 207).says(
                format!("{canonical} 已经加载，忽略后一份；请去掉重复的定义"),
                format!("{canonical} is loaded already, this copy is ignored; remove one of them"),
            ));
        }
        versions.push(Arc::new(definition));
        self.count += 1;
        // what was made before may rest on another version of a base
        self.ready.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }

    /// The definition of a canonical (`url` or `url|version`; without a version the newest) with its snapshot; `None`
    /// where it is not known or no snapshot can be made ([`Structures::snapshot`] says why).
    pub fn get(&self, canonical: &str) -> Option<Arc<StructureDefinition>> {
        self.snapshot(canonical).ok()
    }

    /// The same, with the reason.
    ///
    /// # Errors
    /// `structure.unknown`, `structure.base.unknown`, `structure.cyclic`, `structure.limit`.
    pub fn snapshot(&self, canonical: &str) -> Result<Arc<StructureDefinition>, Finding> {
        self.ready(canonical, &mut Trail::default()).map(|r| Arc::clone(&r.definition))
    }

    /// Whether there is such a definition, with or without a snapshot.
    pub fn knows(&self, canonical: &str) -> bool {
        self.find(canonical).is_some()
    }

    /// What is wrong with a definition: the reason why it has no snapshot, or what its differential must not say.
    pub fn findings(&self, canonical: &str) -> Vec<Finding> {
        match self.ready(canonical, &mut Trail::default()) {
            Ok(ready) => ready.findings.clone(),
            Err(finding) => vec![finding],
        }
    }

    /// The canonicals of what was loaded, in no order.
    pub fn loaded(&self) -> impl Iterator<Item = String> + '_ {
        self.loaded.values().flatten().map(|d| d.canonical())
    }

    fn find(&self, canonical: &str) -> Option<Place<'_>> {
        let (url, version) = canonical.split_once('|').map_or((canonical, None), |(url, version)| (url, Some(version)));
        let url = url.split('#').next().unwrap_or(url);
        let own = of_r4(url).filter(|_| version.is_none_or(|v| is_version(FHIR_VERSION, v)));
        let candidates = self.loaded.get(url).map_or(&[][..], Vec::as_slice).iter();
        own.or_else(|| {
            let asked = candidates.filter(|d| version.is_none_or(|v| is_version(&d.version, v)));
            asked.max_by(|a, b| compare_versions(&a.version, &b.version)).map(Place::Loaded)
        })
    }

    fn ready(&self, canonical: &str, trail: &mut Trail) -> Outcome {
        let place = self.find(canonical).ok_or_else(|| {
            Finding::new(Severity::Error, "structure.unknown", "not-found", 207).says(
                format!("没有加载 StructureDefinition {canonical}，请加载包含它的包"),
                format!("StructureDefinition {canonical} is not loaded; load the package that holds it"),
            )
        })?;
        let key = match &place {
            Place::Loaded(definition) => definition.canonical(),
            Place::Profile(profile) => profile.url.clone(),
            Place::Type(name) => format!("{FHIR_STRUCTURE}{name}"),
        };
        if let Some(outcome) = self.ready.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return outcome.clone();
        }
        if let Some(outcome) = trail.cut.get(&key) {
            return outcome.clone();
        }
        if trail.chain.contains(&key) || trail.chain.len() >= self.limits.chain_max {
            let way = trail.chain.iter().chain([&key]).map(String::as_str).collect::<Vec<_>>().join(" → ");
            return Err(Finding::new(Severity::Error, "structure.cyclic", "invalid", 207).says(
                format!("StructureDefinition 相互派生成环或层数过多：{way}"),
                format!("StructureDefinitions derive from one another in a circle, or too many of them: {way}"),
            ));
        }
        trail.chain.push(key.clone());
        let mut walk = Walk { structures: self, trail, is_cut: false };
        let outcome = walk.make(place).map(Arc::new);
        let is_cut = walk.is_cut || outcome.as_ref().is_err_and(|f| f.rule == "structure.cyclic");
        trail.chain.pop();
        if is_cut && !trail.chain.is_empty() {
            trail.cut.insert(key, outcome.clone());
        } else {
            self.ready.write().unwrap_or_else(PoisonError::into_inner).insert(key, outcome.clone());
        }
        outcome
    }
}

/// One question to the registry: the definitions that wait for one another, innermost last.
#[derive(Default)]
struct Trail {
    chain: Vec<String>,
    /// What was cut short because of where we came from: good for this question, not for others.
    cut: HashMap<String, Outcome>,
}

/// The making of one snapshot, with those that wait for it.
struct Walk<'a> {
    structures: &'a Structures,
    trail: &'a mut Trail,
    is_cut: bool,
}

impl Source for Walk<'_> {
    fn structure(&mut self, canonical: &str) -> Option<Arc<StructureDefinition>> {
        match self.structures.ready(canonical, self.trail) {
            Ok(ready) => Some(Arc::clone(&ready.definition)),
            Err(finding) => {
                self.is_cut |= finding.rule == "structure.cyclic";
                None
            }
        }
    }
}

impl Walk<'_> {
    fn make(&mut self, place: Place<'_>) -> Result<Ready, Finding> {
        let definition = match place {
            Place::Type(name) => {
                let definition = StructureDefinition::from_type(name).map(Arc::new);
                let unknown = Finding::new(Severity::Error, "structure.unknown", "not-found", 207);
                return Ok(Ready { definition: definition.ok_or(unknown)?, findings: Vec::new() });
            }
            Place::Loaded(definition) if !definition.snapshot.is_empty() => {
                self.base_is_known(definition)?;
                return Ok(Ready { definition: Arc::clone(definition), findings: Vec::new() });
            }
            Place::Loaded(definition) => definition,
            Place::Profile(profile) => {
                let mut definition = StructureDefinition::from_pack(profile);
                let of_type = self.structures.ready(&format!("{FHIR_STRUCTURE}{}", profile.type_name), self.trail)?;
                let Generated { snapshot, findings } = self.generate(&definition, Some(&of_type.definition), true)?;
                definition.snapshot = snapshot;
                return Ok(Ready { definition: Arc::new(definition), findings });
            }
        };
        let base = self.base(definition)?;
        let Generated { snapshot, findings } = self.generate(definition, base.as_deref(), false)?;
        let definition = StructureDefinition { snapshot, ..StructureDefinition::clone(definition) };
        Ok(Ready { definition: Arc::new(definition), findings })
    }

    fn generate(&mut self, of: &StructureDefinition, base: Option<&StructureDefinition>, is_pack: bool) -> Result<Generated, Finding> {
        let limits = self.structures.limits;
        generate(of, base, self, is_pack, &limits)
    }

    fn base(&mut self, of: &StructureDefinition) -> Result<Option<Arc<StructureDefinition>>, Finding> {
        if of.base.is_empty() {
            return Ok(None);
        }
        match self.structures.ready(&of.base, self.trail) {
            Ok(ready) => Ok(Some(Arc::clone(&ready.definition))),
            Err(finding) if finding.rule == "structure.unknown" => {
                Err(Finding::new(Severity::Error, "structure.base.unknown", "not-found", 207).says(
                    format!("{} 的基础定义 {} 没有加载，请加载包含它的包", of.url, of.base),
                    format!("the base {} of {} is not loaded; load the package that holds it", of.base, of.url),
                ))
            }
            Err(finding) => Err(finding),
        }
    }

    /// A delivered snapshot stands for itself, but a circle of bases is wrong all the same.
    fn base_is_known(&mut self, of: &StructureDefinition) -> Result<(), Finding> {
        match self.base(of) {
            Err(finding) if finding.rule == "structure.cyclic" => Err(finding),
            _ => Ok(()),
        }
    }
}

fn of_r4(url: &str) -> Option<Place<'static>> {
    let definitions = Definitions::r4();
    if let Some(profile) = definitions.profiles().get(url) {
        return Some(Place::Profile(profile));
    }
    let id = definitions.type_named(url.strip_prefix(FHIR_STRUCTURE)?)?;
    let of = definitions.get(id);
    (of.kind != TypeKind::Backbone).then_some(Place::Type(of.name))
}

/// Whether a version is what was asked for: the same, or a later one of the same line (`4.0` asks for `4.0.1`).
fn is_version(has: &str, asked: &str) -> bool {
    asked.is_empty() || has == asked || has.strip_prefix(asked).is_some_and(|rest| rest.starts_with('.'))
}

/// Versions by their numbers; `1.0.0-draft` comes before `1.0.0`.
fn compare_versions(a: &str, b: &str) -> Ordering {
    let (a, a_label) = a.split_once('-').unwrap_or((a, ""));
    let (b, b_label) = b.split_once('-').unwrap_or((b, ""));
    let number = |part: &str| part.parse::<u64>().ok();
    let mut parts = (a.split('.'), b.split('.'));
    loop {
        let ordering = match (parts.0.next(), parts.1.next()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Greater,
            (None, Some(_)) => Ordering::Less,
            (Some(a), Some(b)) => match (number(a), number(b)) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => a.cmp(b),
            },
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
    a_label.is_empty().cmp(&b_label.is_empty()).then_with(|| a_label.cmp(b_label))
}
