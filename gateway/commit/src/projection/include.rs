//! `_include` and `_revinclude`: what the matches of a page point at, and what points at them.

use std::collections::BTreeSet;

use super::extract::{self, Item, Slot};
use super::read::{ReadError, Session};
use super::search::Match;
use crate::search::table::{self, Plan};
use crate::search::{Found, Include, Page, Query, Value};

/// Resources included in one page; past it the page says that it was cut.
const INCLUDED_MAX: usize = 1_000;

impl Session<'_> {
    /// Adds to the page what its matches call for, each resource once and none that is a match.
    pub(super) fn include(&self, query: &Query, found: &[Match], page: &mut Page) -> Result<(), ReadError> {
        let ours = query.table.resource_type;
        let mut seen: BTreeSet<String> = page.matches.iter().map(|f| format!("{ours}/{}", f.id)).collect();
        for include in &query.include {
            for m in found {
                for literal in references(include, &m.body) {
                    if !seen.insert(literal.clone()) {
                        continue;
                    }
                    if page.included.len() >= INCLUDED_MAX {
                        page.included_cut = true;
                        return Ok(());
                    }
                    page.included.extend(self.literal(&literal)?);
                }
            }
        }
        for include in &query.revinclude {
            self.revinclude(include, ours, found, &mut seen, page)?;
        }
        Ok(())
    }

    /// The resource that a relative reference names, unless it is deleted or not ours.
    fn literal(&self, literal: &str) -> Result<Option<Found>, ReadError> {
        let Some((resource_type, id)) = literal.split_once('/') else { return Ok(None) };
        let Some(ty) = table::of(resource_type) else { return Ok(None) };
        let Some(place) = self.current(ty, id)?.filter(|p| p.len > 0) else { return Ok(None) };
        Ok(Some(self.found(ty, &place)?))
    }

    fn revinclude(
        &self,
        include: &Include,
        ours: &str,
        found: &[Match],
        seen: &mut BTreeSet<String>,
        page: &mut Page,
    ) -> Result<(), ReadError> {
        let literals: Vec<String> = found.iter().map(|m| format!("{ours}/{}", m.place.id.text())).collect();
        if literals.is_empty() {
            return Ok(());
        }
        let mut query = Query::all(include.source.resource_type).map_err(|_| ReadError::TooCostly)?;
        query.params.push(include.pointing_at(Value::Reference(literals)));
        let room = INCLUDED_MAX.saturating_sub(page.included.len());
        let pointing = self.matching(&query, room + 1)?;
        page.included_cut |= pointing.len() > room;
        for m in pointing.iter().take(room) {
            let id = m.place.id.text();
            if seen.insert(format!("{}/{id}", include.source.resource_type)) {
                let version = self.version_of(&m.place, &m.body)?;
                page.included.push(Found { resource_type: include.source.resource_type, id, version });
            }
        }
        Ok(())
    }
}

/// The relative references of one parameter in a body, in their order.
fn references(include: &Include, body: &[u8]) -> Vec<String> {
    let ty = include.source;
    let slot = match include.param.plan {
        Plan::Column { column } => Slot::Column(column),
        _ => Slot::Narrow(ty.params.iter().position(|p| p.number == include.param.number).unwrap_or(usize::MAX)),
    };
    let mut items = Vec::new();
    extract::items(ty, body, &mut items);
    let mut out = Vec::new();
    for (_, item) in items.iter().filter(|(s, _)| *s == slot) {
        let Item::Reference(literal) = item else { continue };
        let Some((resource_type, _)) = literal.split_once('/') else { continue };
        let allowed = include.param.targets.is_empty() || include.param.targets.contains(&resource_type);
        if allowed && include.target.as_deref().is_none_or(|t| t == resource_type) {
            out.push(literal.to_string());
        }
    }
    out
}
