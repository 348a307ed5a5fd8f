//! `dataAbsentReason` in place of a value for which the message gives a placeholder.

use hutong_fhir::{Kind, NodeId};

use super::Exec;
use super::keys::KEYS;
use crate::plan::{At, Entry};

const URL: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";

impl Exec<'_> {
    /// Writes the reason for which an element has no value, where one name is certain to be the element's.
    pub(super) fn write_absent(&mut self, entry: &Entry, at: At, primitive: bool, node: NodeId, reason: u16) {
        let ([key], At::Own(_, list)) = (entry.keys.as_slice(), at) else { return };
        let Some((_, code)) = self.plan.absent.get(reason as usize) else { return };
        let kind = if primitive { Kind::Empty } else { Kind::Object };
        let element = self.tree.append(node, *key, kind, list);
        let extension = self.tree.append(element, KEYS.extension, Kind::Object, true);
        self.tree.append_value(extension, KEYS.url, Kind::String, URL, false);
        self.tree.append_value(extension, KEYS.value_code, Kind::String, code, false);
        self.wrote(element);
    }
}
