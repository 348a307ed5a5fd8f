//! What a validator knows beyond the tables of R4: profiles and extensions, code systems and value sets, those of R4
//! and those loaded.

use crate::keys::KEYS;
use crate::questionnaire::Questionnaires;
use hutong_fhir::structure::{StructureDefinition, Structures};
use hutong_fhir::{Definitions, Finding, NodeRef, Tree};
use hutong_terminology::Terminology;
use std::collections::HashMap;
use std::sync::Arc;

/// Entries of a Bundle of conformance resources that are looked at.
const ENTRIES_MAX: usize = 100_000;

/// Definitions, structures and terminology. Filled at start, then shared read-only behind an `Arc`.
pub struct Knowledge {
    pub definitions: &'static Definitions,
    pub terminology: Terminology,
    pub structures: Structures,
    pub(crate) questionnaires: Questionnaires,
    /// Profiles that guides make a rule for everyone (`ImplementationGuide.global`), by type.
    global: HashMap<String, Vec<String>>,
    /// Canonicals of others and the structure that stands for each.
    pub(crate) aliases: HashMap<String, String>,
}

impl Knowledge {
    /// FHIR R4 alone.
    pub fn r4() -> Knowledge {
        Knowledge::of(Definitions::r4())
    }

    /// R4 and all of the community's own package. Second: what of it was refused, which is nothing unless it was changed.
    pub fn community() -> (Knowledge, Vec<Finding>) {
        let mut knowledge = Knowledge::r4();
        let refused = crate::community::load(&mut knowledge);
        (knowledge, refused)
    }

    pub(crate) fn of(definitions: &'static Definitions) -> Knowledge {
        Knowledge {
            definitions,
            terminology: Terminology::r4(),
            structures: Structures::r4(),
            questionnaires: Questionnaires::default(),
            global: HashMap::new(),
            aliases: HashMap::new(),
        }
    }

    /// The structure of a canonical, with or without `|version`, with its snapshot.
    pub(crate) fn structure(&self, canonical: &str) -> Option<Arc<StructureDefinition>> {
        self.structures.get(canonical).or_else(|| self.structures.get(self.aliases.get(canonical.split('|').next()?)?))
    }

    /// The profiles that guides make a rule for all resources of a type.
    pub(crate) fn global_profiles(&self, of: &str) -> &[String] {
        if self.global.is_empty() {
            return &[];
        }
        self.global.get(of).map_or(&[], Vec::as_slice)
    }

    /// The type that a profile constrains: R4's own, the community's, or one that was loaded; `None` where it is not known.
    pub fn profile_type(&self, canonical: &str) -> Option<String> {
        self.structure(canonical).map(|profile| profile.type_name.clone())
    }

    /// From now on `canonical` (without version) means what `ours` means.
    pub fn alias(&mut self, canonical: &str, ours: &str) {
        self.aliases.insert(canonical.to_owned(), ours.to_owned());
    }

    /// Takes a conformance resource in: StructureDefinition, CodeSystem, ValueSet, ConceptMap, NamingSystem,
    /// Questionnaire, or a Bundle of them. Other resources are passed over.
    ///
    /// # Errors
    /// A finding that says what is wrong with the resource; nothing of it is kept then.
    pub fn load(&mut self, resource: Tree) -> Result<(), Finding> {
        let root = resource.root();
        match root.resource_type() {
            Some("Questionnaire") => self.questionnaires.load(resource),
            Some("Bundle") => {
                for entry in root.all(KEYS.entry).take(ENTRIES_MAX) {
                    if let Some(inner) = entry.child(KEYS.resource) {
                        self.load_one(inner)?;
                    }
                }
            }
            _ => self.load_one(root)?,
        }
        Ok(())
    }

    fn load_one(&mut self, resource: NodeRef<'_>) -> Result<(), Finding> {
        match resource.resource_type() {
            Some("StructureDefinition") => self.structures.add(StructureDefinition::from_node(resource)?),
            Some("CodeSystem" | "ValueSet" | "ConceptMap" | "NamingSystem") => self.terminology.load(resource),
            Some("ImplementationGuide") => {
                for global in resource.children().filter(|c| c.name() == "global") {
                    if let (Some(of), Some(profile)) = (global.at("type"), global.at("profile")) {
                        self.global.entry(of.to_owned()).or_default().push(profile.to_owned());
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Default for Knowledge {
    fn default() -> Self {
        Knowledge::r4()
    }
}
