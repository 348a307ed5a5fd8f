//! Profiles that a resource declares (`meta.profile`) and those that its source imposes.

use crate::keys::KEYS;
use crate::place::Frame;
use crate::text;
use crate::walk::Walk;
use hutong_fhir::definitions::TypeId;
use hutong_fhir::{NodeRef, Severity};

/// Declared profiles of one resource that are looked at.
const DECLARED_MAX: usize = 64;

impl<'t> Walk<'t> {
    /// Checks a resource against the profiles that it declares and that are imposed.
    pub(crate) fn profiles(&mut self, at: &Frame<'_, 't>, type_id: TypeId) {
        if self.demands.best_practice {
            self.narrative_is_there(at, type_id);
        }
        if let Some(meta) = at.node.child(KEYS.meta) {
            for declared in meta.all(KEYS.profile).take(DECLARED_MAX) {
                self.declared(at, meta, type_id, declared);
            }
        }
        for canonical in self.knowledge.global_profiles(self.definitions.get(type_id).name) {
            if let Some(profile) = self.store.get(canonical) {
                self.conform(at, &profile);
            }
        }
        for canonical in self.demands.profiles {
            self.imposed(at, type_id, canonical);
        }
    }

    /// dom-6: every resource that is not contained should tell people what it says.
    fn narrative_is_there(&mut self, at: &Frame<'_, 't>, type_id: TypeId) {
        let may_have = self.definitions.property(type_id, KEYS.text).is_some_and(|p| self.definitions.get(p.type_id).name == "Narrative");
        if !may_have || at.node.key() == KEYS.contained || at.node.child(KEYS.text).is_some() {
            return;
        }
        let finding = text::NARRATIVE.finding(Severity::Warning).says(
            "资源没有叙述文本(text)；建议提供，供没有专门程序的人阅读",
            "the resource has no narrative (text); give one for people without a program for it",
        );
        self.report(at, finding);
    }

    /// A profile that the source imposes: on the resource, or on the entries of that type where it is a Bundle.
    fn imposed(&mut self, at: &Frame<'_, 't>, type_id: TypeId, canonical: &str) {
        let is_bundle = |node: NodeRef<'_>| node.resource_type() == Some("Bundle");
        let bundle = at.up.filter(|entry| entry.node.key() == KEYS.entry).and_then(|entry| entry.up).filter(|b| b.up.is_none());
        match self.store.get(canonical) {
            None if at.up.is_none() => self.unknown_profile(at, canonical, self.demands.unknown_profiles),
            None => {}
            Some(profile) => {
                let fits = |of: TypeId| self.definitions.is_a(of, profile.type_id);
                let is_meant = match bundle {
                    Some(bundle) => fits(type_id) && !self.type_at(bundle).is_some_and(fits),
                    // a lone resource of another type is told so
                    None => at.up.is_none() && (fits(type_id) || !is_bundle(at.node)),
                };
                if is_meant {
                    self.conform(at, &profile);
                }
            }
        }
    }

    fn declared(&mut self, at: &Frame<'_, 't>, meta: NodeRef<'t>, type_id: TypeId, declared: NodeRef<'t>) {
        let Some(canonical) = declared.value().filter(|c| !c.is_empty()) else { return };
        // that it is what it is was judged by its type
        let plain = canonical.strip_prefix("http://hl7.org/fhir/StructureDefinition/");
        if plain.is_some_and(|p| p.split('|').next() == Some(self.definitions.get(type_id).name)) {
            return;
        }
        match self.store.get(canonical) {
            Some(profile) => self.conform(at, &profile),
            None => {
                let of_meta = self.definitions.property(type_id, KEYS.meta);
                let frame = at.below(meta, of_meta, 0);
                let of_profile = of_meta.and_then(|p| self.definitions.property(p.type_id, KEYS.profile));
                let index = meta.all(KEYS.profile).position(|p| p.id() == declared.id()).unwrap_or(0);
                self.unknown_profile(&frame.below(declared, of_profile, index as u32), canonical, self.demands.unknown_profiles);
            }
        }
    }
}
