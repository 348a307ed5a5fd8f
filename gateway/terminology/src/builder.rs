//! Makes a [`Table`] of concepts that come in any order.

use crate::hash::{Fast, FastMap};
use crate::table::{Fault, NONE, Row, Table, Value, ValueKind};
use std::borrow::Cow;
use std::hash::Hasher;

/// Longest text that is looked up among earlier ones.
const SHARED_BYTES_MAX: usize = 64;

/// Takes concepts in any order and gives their [`Table`].
pub(crate) struct Builder {
    table: Table,
    /// Texts that may be shared: hash to place.
    shared: FastMap<u64, (u32, u32)>,
    /// (child, place of the parent's code in the text)
    named_parents: Vec<(u32, u32, u32)>,
    values: Vec<(u32, Value)>,
    text: String,
}

impl Builder {
    pub(crate) fn new(case_sensitive: bool) -> Builder {
        Builder {
            table: Table::empty(case_sensitive),
            shared: FastMap::default(),
            named_parents: Vec::new(),
            values: Vec::new(),
            text: String::new(),
        }
    }

    /// Room for what is to come, where it is known.
    pub(crate) fn reserve(&mut self, codes: usize, text: usize) {
        self.table.rows.reserve_exact(codes);
        self.text.reserve_exact(text);
        self.table.slots = vec![0; (codes * 4 / 3 + 1).next_power_of_two().max(16)];
    }

    /// Adds a concept below `parent` (an earlier row).
    pub(crate) fn add(&mut self, code: &str, display: &str, flags: u8, parent: Option<u32>) -> Result<u32, Fault> {
        let (Ok(code_len), Ok(display_len)) = (u16::try_from(code.len()), u16::try_from(display.len())) else {
            return Err(Fault::Length);
        };
        if code.is_empty() {
            return Err(Fault::Length);
        }
        let (Ok(at), Ok(row)) = (u32::try_from(self.text.len()), u32::try_from(self.table.rows.len())) else {
            return Err(Fault::TooMuch);
        };
        self.text.push_str(code);
        self.text.push('\t');
        self.text.push_str(display);
        // the index reads codes from the table's text
        self.table.text = Cow::Owned(std::mem::take(&mut self.text));
        self.table.rows.push(Row { at, code: code_len, display: display_len, parent: parent.unwrap_or(NONE), end: 0, values: 0, flags });
        let taken = self.table.index(row);
        self.text = std::mem::take(&mut self.table.text).into_owned();
        match taken {
            Some(_) => {
                self.table.rows.pop();
                self.text.truncate(at as usize);
                Err(Fault::Duplicate)
            }
            None => Ok(row),
        }
    }

    pub(crate) fn set_flags(&mut self, row: u32, flags: u8) {
        if let Some(row) = self.table.rows.get_mut(row as usize) {
            row.flags |= flags;
        }
    }

    /// The number of a kind of value.
    pub(crate) fn kind(&mut self, kind: ValueKind) -> Result<u16, Fault> {
        let at = self.table.kinds.iter().position(|k| *k == kind).unwrap_or_else(|| {
            self.table.kinds.push(kind);
            self.table.kinds.len() - 1
        });
        u16::try_from(at).ok().filter(|_| at < Value::KINDS_MAX).ok_or(Fault::TooMuch)
    }

    /// Gives a row a value.
    pub(crate) fn value(&mut self, row: u32, kind: u16, value: &str) -> Result<(), Fault> {
        if value.len() > Value::LEN_MAX {
            return Err(Fault::Length);
        }
        let (at, len) = self.keep(value)?;
        self.values.push((row, Value::new(at, len, kind)));
        Ok(())
    }

    /// Puts a row below the concept of that code, which may come later.
    pub(crate) fn below(&mut self, row: u32, parent: &str) -> Result<(), Fault> {
        let (at, len) = self.keep(parent)?;
        self.named_parents.push((row, at, len));
        Ok(())
    }

    fn keep(&mut self, text: &str) -> Result<(u32, u32), Fault> {
        let mut hasher = Fast::default();
        hasher.write(text.as_bytes());
        let hash = hasher.finish();
        let share = text.len() <= SHARED_BYTES_MAX;
        if let Some((at, len)) = self.shared.get(&hash).filter(|_| share)
            && self.text.get(*at as usize..(*at + *len) as usize) == Some(text)
        {
            return Ok((*at, *len));
        }
        let (Ok(at), Ok(len)) = (u32::try_from(self.text.len()), u32::try_from(text.len())) else { return Err(Fault::TooMuch) };
        at.checked_add(len).ok_or(Fault::TooMuch)?;
        self.text.push_str(text);
        if share {
            self.shared.insert(hash, (at, len));
        }
        Ok((at, len))
    }

    /// The table. `lenient` leaves out parents that are not among the codes (fragments name such).
    pub(crate) fn finish(mut self, lenient: bool) -> Result<Table, Fault> {
        self.text.shrink_to_fit();
        self.table.text = Cow::Owned(std::mem::take(&mut self.text));
        let mut table = self.table;
        for (row, at, len) in self.named_parents {
            let code = table.slice(at as usize, len as usize);
            let Some(parent) = table.find(code) else {
                if lenient {
                    continue;
                }
                return Err(Fault::UnknownParent(code.to_owned()));
            };
            match table.rows.get_mut(row as usize) {
                Some(r) if r.parent == NONE => r.parent = parent,
                Some(r) if r.parent != parent => table.edges.push((row, parent)),
                _ => {}
            }
        }
        let order = table.preorder()?;
        table.reorder(&order, &mut self.values);
        table.set_ends();
        table.edges.sort_unstable();
        table.edges.dedup();
        table.take_values(self.values);
        table.check_edges()?;
        table.rows.shrink_to_fit();
        Ok(table)
    }
}

impl Table {
    /// The rows in preorder: new place to old row.
    fn preorder(&self) -> Result<Vec<u32>, Fault> {
        let count = self.rows.len();
        let (mut first, mut next) = (vec![NONE; count + 1], vec![NONE; count]);
        for row in (0..count).rev() {
            let parent = (self.rows[row].parent as usize).min(count);
            next[row] = first[parent];
            first[parent] = row as u32;
        }
        let mut order = Vec::with_capacity(count);
        let mut open: Vec<u32> = vec![first[count]];
        while let Some(row) = open.pop() {
            if row != NONE {
                order.push(row);
                open.push(next[row as usize]);
                open.push(first[row as usize]);
            }
        }
        if order.len() < count {
            let mut reached = vec![false; count];
            order.iter().for_each(|r| reached[*r as usize] = true);
            let lost = reached.iter().position(|r| !r).unwrap_or(0);
            return Err(Fault::Cycle(self.code(lost as u32).to_owned()));
        }
        Ok(order)
    }

    fn reorder(&mut self, order: &[u32], values: &mut [(u32, Value)]) {
        if order.iter().enumerate().all(|(to, from)| to as u32 == *from) {
            return;
        }
        let mut place = vec![0; order.len()];
        order.iter().enumerate().for_each(|(to, from)| place[*from as usize] = to as u32);
        let moved = |row: u32| place.get(row as usize).copied().unwrap_or(NONE);
        self.rows = order.iter().map(|from| Row { parent: moved(self.rows[*from as usize].parent), ..self.rows[*from as usize] }).collect();
        self.slots.iter_mut().filter(|s| **s != 0).for_each(|s| *s = moved(*s - 1) + 1);
        values.iter_mut().for_each(|v| v.0 = moved(v.0));
        self.edges.iter_mut().for_each(|e| *e = (moved(e.0), moved(e.1)));
    }

    /// The values in the order of the rows; those of one row stay as they were given.
    fn take_values(&mut self, mut values: Vec<(u32, Value)>) {
        if !values.is_sorted_by_key(|v| v.0) {
            values.sort_by_key(|v| v.0);
        }
        let mut next = 0;
        for (at, row) in self.rows.iter_mut().enumerate() {
            row.values = next as u32;
            next += values.get(next..).unwrap_or(&[]).iter().take_while(|v| v.0 as usize == at).count();
        }
        self.values = values.into_iter().map(|v| v.1).collect();
        self.values.shrink_to_fit();
    }

    /// A further parent must not be below its child.
    fn check_edges(&self) -> Result<(), Fault> {
        // each concept is settled once all above it are: what is left over is in a circle
        let count = self.rows.len();
        if self.edges.is_empty() {
            return Ok(());
        }
        let mut waits: Vec<u32> = (0..count as u32).map(|r| self.parents(r).count() as u32).collect();
        let mut children: Vec<(u32, u32)> = self.edges.iter().map(|(child, parent)| (*parent, *child)).collect();
        children.sort_unstable();
        let mut open: Vec<u32> = (0..count as u32).filter(|r| waits[*r as usize] == 0).collect();
        let mut settled = 0;
        while let Some(row) = open.pop() {
            settled += 1;
            let mut at = row + 1;
            let end = self.rows[row as usize].end;
            let mut below = Vec::new();
            while at < end {
                below.push(at);
                at = self.rows[at as usize].end;
            }
            let from = children.partition_point(|c| c.0 < row);
            below.extend(children[from..].iter().take_while(|c| c.0 == row).map(|c| c.1));
            for child in below {
                waits[child as usize] -= 1;
                if waits[child as usize] == 0 {
                    open.push(child);
                }
            }
        }
        if settled == count {
            return Ok(());
        }
        let lost = waits.iter().position(|w| *w > 0).unwrap_or(0);
        Err(Fault::Cycle(self.code(lost as u32).to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Rows;

    /// `code<parent<parent …`
    fn table(rows: &str) -> Result<Table, Fault> {
        let mut b = Builder::new(true);
        for concept in rows.split(' ') {
            let mut names = concept.split('<');
            let code = names.next().unwrap();
            let row = b.add(code, &format!("display of {code}"), 0, None)?;
            for parent in names {
                b.below(row, parent)?;
            }
        }
        b.finish(false)
    }

    fn codes(t: &Table, rows: &Rows) -> String {
        rows.iter().map(|r| t.code(r)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn concepts_stand_in_preorder_whatever_their_order() {
        let t = table("b<a c<b a z d<a<z").unwrap();
        let all: Vec<&str> = (0..t.len()).map(|r| t.code(r)).collect();
        assert_eq!(all, ["a", "b", "c", "d", "z"]);
        let row = |code| t.find(code).unwrap();
        assert_eq!(t.display(row("d")), Some("display of d"));
        assert_eq!(codes(&t, &t.below(row("a"))), "a b c d");
        assert_eq!(codes(&t, &t.below(row("z"))), "d z");
        assert_eq!(codes(&t, &t.above(row("c"))), "a b c");
        assert_eq!(codes(&t, &t.below(row("a")).not()), "z");
        assert!(t.is_a(row("c"), row("a")) && t.is_a(row("d"), row("z")) && !t.is_a(row("c"), row("z")));
        assert_eq!(t.children(row("a")).map(|r| t.code(r)).collect::<Vec<_>>(), ["b", "d"]);
        assert_eq!(t.children(row("z")).map(|r| t.code(r)).collect::<Vec<_>>(), ["d"]);
        assert_eq!(t.parents(row("d")).map(|r| t.code(r)).collect::<Vec<_>>(), ["a", "z"]);
        assert!(t.find("e").is_none());
    }

    #[test]
    fn what_cannot_be_a_hierarchy_is_refused() {
        for (rows, expected) in [
            ("a<b b<a", Fault::Cycle("a".into())),
            ("a<a", Fault::Cycle("a".into())),
            ("r a<r<b b<a", Fault::Cycle("a".into())),
            ("a<x", Fault::UnknownParent("x".into())),
            ("a a", Fault::Duplicate),
            ("", Fault::Length),
        ] {
            assert_eq!(table(rows).err(), Some(expected), "{rows}");
        }
    }

    #[test]
    fn equal_values_are_kept_once() {
        let mut b = Builder::new(true);
        let kind = b.kind(ValueKind::Property { code: "class".into(), type_name: "code" }).unwrap();
        for i in 0..1000 {
            let row = b.add(&format!("{i:04}"), "", 0, None).unwrap();
            b.value(row, kind, "the same class of all").unwrap();
        }
        let t = b.finish(false).unwrap();
        assert!(t.bytes().0 < 1000 * 5 + 100, "{}", t.bytes().0);
        assert_eq!(t.values(7).map(|v| v.1).collect::<Vec<_>>(), ["the same class of all"]);
    }

    #[test]
    fn case_matters_only_where_the_system_says_so() {
        let mut b = Builder::new(false);
        b.add("Ab", "", 0, None).unwrap();
        assert_eq!(b.add("AB", "", 0, None), Err(Fault::Duplicate));
        let t = b.finish(false).unwrap();
        assert_eq!(t.find("aB").map(|r| t.code(r)), Some("Ab"));
    }
}
