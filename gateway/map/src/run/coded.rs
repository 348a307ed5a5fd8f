//! Translation by a table: the target's coding, and in a CodeableConcept what the message said beside it.

use hutong_fhir::{Kind, NodeId};

use super::keys::KEYS;
use super::quick::Quick;
use super::value::{Slot, Val};
use super::{Exec, Got};
use crate::builtins::convert;
use crate::plan::{At, OpId};
use crate::table::{Row, Table};

impl<'m> Exec<'m> {
    pub(super) fn put_coded(&mut self, at: At, concept: bool, arg: OpId, table: OpId, node: NodeId, all: bool) -> Got {
        let Some((id, table)) = self.table(table) else { return Got::No };
        let from = self.vals.len();
        let n = match self.quick(self.plan.op(arg)) {
            Quick::View(v) => {
                self.vals.push(Val::View(v));
                1
            }
            Quick::Nothing => 0,
            Quick::No => self.values(arg),
        };
        let mut got = Got::No;
        for i in from..from + n {
            let Some(v) = &self.vals.get(i).cloned() else { continue };
            let Some((code, origin)) = self.text_of(v) else { continue };
            let mut row = table.find(&code);
            let mut standard = false;
            if row.is_none() && self.is_coded(v) {
                (row, standard) = self.other_row(v, table);
            }
            if row.is_none() && !standard {
                self.unmapped(id, &code, origin);
            }
            self.origin = origin;
            let row = row.filter(|r| !r.target.is_empty());
            if row.is_none() && !concept {
                continue;
            }
            let (key, list) = self.at(at);
            let one = self.object(node, key, list, false, |e, n| {
                Ok(if concept {
                    e.concept(n, row, &code, v, table)
                } else {
                    row.map_or(Got::No, |r| e.coding(n, &r.system, &r.target, &r.display))
                })
            });
            got = got.max(one);
            if got != Got::No && !all {
                break;
            }
        }
        self.vals.truncate(from);
        got
    }

    fn is_coded(&self, v: &Val<'m>) -> bool {
        matches!(v, Val::View(view) if matches!(self.datatype(view.dt), "CWE" | "CE" | "CNE" | "CF"))
    }

    /// The row of the alternate code, where the first is of a system of its own; and whether that system is one that
    /// everybody knows, so that a code of it is nobody's work to map.
    fn other_row<'t>(&mut self, v: &Val<'m>, table: &'t Table) -> (Option<&'t Row>, bool) {
        let Val::View(view) = v else { return (None, false) };
        let Some((name, _)) = self.part_text(view, 3) else { return (None, false) };
        let standard = self.plan.systems.as_ref().is_some_and(|t| t.find(&name).is_some());
        let row = self.part_text(view, 4).and_then(|(code, _)| table.find(&code));
        (row, standard)
    }

    fn coding(&mut self, node: NodeId, system: &str, code: &str, display: &str) -> Got {
        let keys = &*KEYS;
        for (key, value) in [(keys.system, system), (keys.code, code), (keys.display, display)] {
            if !value.is_empty() {
                let child = self.tree.append_value(node, key, Kind::String, value, false);
                self.wrote(child);
            }
        }
        self.wrote(node);
        Got::Yes
    }

    /// The target's coding first, then what the source is where no table translates it.
    fn concept(&mut self, node: NodeId, row: Option<&Row>, code: &str, source: &Val<'m>, table: &Table) -> Got {
        let own = self.own_system(source, table);
        if let Some(row) = row {
            let n = self.tree.append(node, KEYS.coding, Kind::Object, true);
            self.coding(n, &row.system, &row.target, &row.display);
        }
        if self.is_coded(source) && self.plan.coded.is_some() {
            self.as_sent(node, row, source, own.as_deref());
            return Got::Yes;
        }
        let Some(code) = convert::code(code) else { return Got::Yes };
        if row.is_none_or(|r| r.target != code) {
            let system = own.map(|s| crate::builtins::system_of_code(self, s, &code)).unwrap_or_default();
            let n = self.tree.append(node, KEYS.coding, Kind::Object, true);
            self.coding(n, &system, &code, "");
        }
        Got::Yes
    }

    /// The system of source codes that name none: the table's, else that of the HL7 table of their field.
    fn own_system(&self, source: &Val<'m>, table: &Table) -> Option<String> {
        if table.source_system.is_some() {
            return table.source_system.clone();
        }
        let Val::View(view) = source else { return None };
        // the field's table says nothing about its components
        if view.component != 0 && !self.is_coded(source) {
            return None;
        }
        let segment = *self.names.get(view.segment as usize)?;
        self.plan.field_tables.get(&(segment, view.field)).cloned()
    }

    /// All that a coded value says, as the map of its data type says it; less what the target's coding says already.
    fn as_sent(&mut self, node: NodeId, row: Option<&Row>, source: &Val<'m>, own: Option<&str>) {
        let plan = self.plan;
        let Some(map) = plan.coded.and_then(|m| plan.maps.get(m as usize)) else { return };
        let Some(block) = self.block(map.block) else { return };
        let line = self.line;
        let first = self.tree.node(node).children().count();
        let _ = self.framed(map.slots, Slot::One(source.clone()), &[], |e| e.run_block(block, node, false));
        self.line = line;
        let (coding, text) = (KEYS.coding, KEYS.text);
        let sent: Vec<NodeId> = self.tree.node(node).children().skip(first).filter(|c| c.key() == coding).map(|c| c.id()).collect();
        let mut said = None;
        for n in sent {
            let of = |key| self.tree.node(n).child(key).and_then(|c| c.value()).unwrap_or("").to_owned();
            let (system, code, display) = (of(KEYS.system), of(KEYS.code), of(KEYS.display));
            if row.is_some_and(|r| r.target == code && (system.is_empty() || system == r.system)) {
                // the target says it; the sender's words stay as text
                said = row.filter(|r| !display.is_empty() && r.display != display).map(|_| display).or(said);
                self.tree.remove(node, n);
            } else if let (true, false, Some(own)) = (system.is_empty(), code.is_empty(), own) {
                let system = crate::builtins::system_of_code(self, own.to_owned(), &code);
                let child = self.tree.append_value(n, KEYS.system, Kind::String, &system, false);
                self.wrote(child);
                self.tree.sort_children(n, |key| {
                    [KEYS.system, KEYS.version, KEYS.code, KEYS.display].iter().position(|k| *k == key).map_or(9, |p| p as u32)
                });
            }
        }
        if let (Some(said), false) = (said, self.tree.node(node).children().any(|c| c.key() == text)) {
            let child = self.tree.append_value(node, text, Kind::String, &said, false);
            self.wrote(child);
        }
    }
}
