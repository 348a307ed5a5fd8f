//! A ledger as bytes, so that a start need not count the whole journal again. What does not read back exactly is refused,
//! and the ledger is computed from the journal.
//!
//! Magic, version, content, and at the end a checksum of all before it. Numbers are little-endian; chunks of cases and lists
//! of numbers stand in it as they lie in memory. Nothing is cheaper to write while the ledger goes on: save a clone.

use super::event::At;
use super::figures::Cause;
use super::folder::{Folder, Place, Tallied, Version};
use super::judge::Known;
use super::keys::{Index, Part, Settled};
use super::ledger::{Change, Closing, Ledger, Record, Rejected};
use super::names::Names;
use super::row::{Row, Shape, ShapeOfVersion, Shapes, class_of};
use super::rows::{Body, COLUMNS, Chunk, Packed, Rows};
use super::rule::{DEFINITION_VERSION, Outcome, Rules};
use super::sighting::{Id, IdKind, Modality};
use super::tally::{Cell, Tally};
use std::collections::HashSet;
use std::io::{Error, ErrorKind, Read, Write};

const MAGIC: u64 = u64::from_le_bytes(*b"hutongLG");
/// Of the form of these bytes; the definition's version is beside it, for another rule judges otherwise.
const FORM: u32 = 4;
const BUFFER: usize = 1 << 16;
/// Room made at once for a list whose length is only said.
const TRUSTED: usize = 1 << 16;

type Result<T> = std::io::Result<T>;

impl Ledger {
    /// Writes all of it; `to` need not be buffered.
    pub fn save(&self, to: &mut dyn Write) -> Result<()> {
        let mut out = Out { to, buffer: Vec::with_capacity(BUFFER), sum: Sum::default() };
        out.u64(MAGIC)?;
        out.u32(FORM)?;
        out.text(DEFINITION_VERSION)?;
        let Rules { close_after_days, clock_ahead_s, order_number_days, window_days } = self.rules;
        out.u16(close_after_days)?;
        out.u32(clock_ahead_s)?;
        out.u16(order_number_days)?;
        out.u16(window_days)?;
        out.at(self.position)?;
        for names in [&self.institutions, &self.items, &self.communities] {
            out.list(names.iter(), |o, n| o.text(n))?;
        }
        out.list(self.shapes.all().iter(), |o, s| o.shape(s))?;
        out.list(self.rows.chunks().iter(), |o, chunk| o.chunk(chunk))?;
        for index in [&self.keys.lasting, &self.keys.orders, &self.records.numbers] {
            out.list(index.parts().iter(), |o, part| o.part(part))?;
        }
        out.u64(self.records.all.len() as u64)?;
        for record in self.records.all.iter() {
            out.u32(record.person)?;
            out.u32(record.head)?;
        }
        out.list(self.also.iter(), |o, (record, cases)| o.u32(*record).and_then(|()| o.list(cases.iter(), |o, c| o.u32(*c))))?;
        let cells: Vec<_> = self.tallies.range(0, u16::MAX).collect();
        out.list(cells.into_iter(), |o, (cell, tally)| {
            o.cell(cell)?;
            o.u32(tally.cases)?;
            o.list(tally.persons.iter(), |o, p| o.u32(*p))
        })?;
        out.u64(self.changes.len() as u64)?;
        for change in self.changes.iter() {
            out.change(change)?;
        }
        out.list(self.closings.iter(), |o, c| {
            o.u16(c.open)?;
            o.u32(c.changes)?;
            o.at(c.at)
        })?;
        out.list(self.rejected.iter(), |o, (key, r)| o.u64(*key).and_then(|()| o.rejected(r)))?;
        out.list(self.apart.iter(), |o, (a, b)| o.id(*a).and_then(|()| o.id(*b)))?;
        out.u64(self.overfull)?;
        out.list(self.facts.iter(), |o, ((institution, day), known)| {
            o.u32(*institution)?;
            o.u64(day.cast_unsigned())?;
            o.known(*known)
        })?;
        out.finish()
    }

    /// Reads what [`Ledger::save`] wrote, to the last byte.
    ///
    /// # Errors
    /// Damaged, of another form or definition, or of other rules than these: compute it from the journal.
    pub fn load(from: &mut dyn Read, rules: Rules) -> Result<Ledger> {
        let mut i = In { from, buffer: vec![0; BUFFER], at: 0, end: 0, sum: Sum::default() };
        if i.u64()? != MAGIC || i.u32()? != FORM || i.text()? != DEFINITION_VERSION {
            return Err(damaged("of another form or definition"));
        }
        let theirs = Rules { close_after_days: i.u16()?, clock_ahead_s: i.u32()?, order_number_days: i.u16()?, window_days: i.u16()? };
        if theirs != rules {
            return Err(damaged("of other rules"));
        }
        let mut l = Ledger::new(rules);
        l.position = i.at()?;
        for names in [&mut l.institutions, &mut l.items, &mut l.communities] {
            for name in i.list(In::text)? {
                Names::number(names, &name);
            }
        }
        l.shapes = Shapes::of(i.list(In::shape)?);
        l.rows = Rows::of(i.list(In::chunk)?).ok_or_else(|| damaged("damaged"))?;
        for index in [&mut l.keys.lasting, &mut l.keys.orders, &mut l.records.numbers] {
            *index = Index::of(i.list(In::part)?).ok_or_else(|| damaged("damaged"))?;
        }
        l.records.all = i.list(|i| Ok(Record { person: i.u32()?, head: i.u32()? }))?.into_iter().collect();
        l.also = i.list(|i| Ok((i.u32()?, i.list(In::u32)?)))?.into_iter().collect();
        for (cell, tally) in i.list(|i| Ok((i.cell()?, Tally { cases: i.u32()?, persons: i.list(In::u32)? })))? {
            l.tallies.put(cell, tally);
        }
        l.changes = i.list(In::change)?.into_iter().collect();
        l.closings = i.list(|i| Ok(Closing { open: i.u16()?, changes: i.u32()?, at: i.at()? }))?;
        l.rejected = i.list(|i| Ok((i.u64()?, i.rejected()?)))?.into_iter().collect();
        l.apart = i.list(|i| Ok((i.id()?, i.id()?)))?.into_iter().collect::<HashSet<_>>();
        l.overfull = i.u64()?;
        l.facts = i.list(|i| Ok(((i.u32()?, i.u64()?.cast_signed()), i.known()?)))?.into_iter().collect();
        i.finish()?;
        Ok(l)
    }
}

fn damaged(why: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("the ledger's snapshot is {why}"))
}

/// Of words of 8 bytes; what is checked is chance, not malice. No change of one word goes unnoticed.
struct Sum(u64);

impl Default for Sum {
    fn default() -> Sum {
        Sum(0xcbf2_9ce4_8422_2325)
    }
}

impl Sum {
    /// All but the last piece are whole words.
    fn add(&mut self, bytes: &[u8]) {
        let words = bytes.as_chunks::<8>().0.iter().map(|w| u64::from_le_bytes(*w));
        self.0 = words.fold(self.0, |h, w| (h ^ w).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29));
    }
}

struct Out<'w> {
    to: &'w mut dyn Write,
    buffer: Vec<u8>,
    sum: Sum,
}

impl Out<'_> {
    fn bytes(&mut self, mut bytes: &[u8]) -> Result<()> {
        while let Some((now, later)) = bytes.split_at_checked(BUFFER - self.buffer.len()) {
            self.buffer.extend_from_slice(now);
            self.sum.add(&self.buffer);
            self.to.write_all(&self.buffer)?;
            self.buffer.clear();
            bytes = later;
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }
    fn u8(&mut self, n: u8) -> Result<()> {
        self.bytes(&[n])
    }
    fn flag(&mut self, f: bool) -> Result<()> {
        self.u8(u8::from(f))
    }
    fn u16(&mut self, n: u16) -> Result<()> {
        self.bytes(&n.to_le_bytes())
    }
    fn u32(&mut self, n: u32) -> Result<()> {
        self.bytes(&n.to_le_bytes())
    }
    fn u64(&mut self, n: u64) -> Result<()> {
        self.bytes(&n.to_le_bytes())
    }
    fn text(&mut self, t: &str) -> Result<()> {
        self.u32(t.len() as u32)?;
        self.bytes(t.as_bytes())
    }
    fn at(&mut self, at: At) -> Result<()> {
        self.u64(at.seq)?;
        self.bytes(&at.us.to_le_bytes())
    }
    fn id(&mut self, id: Id) -> Result<()> {
        self.u8(id.0 as u8)?;
        self.u64(id.1)
    }

    fn list<T>(&mut self, mut items: impl ExactSizeIterator<Item = T>, mut write: impl FnMut(&mut Self, T) -> Result<()>) -> Result<()> {
        self.u64(items.len() as u64)?;
        items.try_for_each(|item| write(self, item))
    }

    fn row(&mut self, r: &Row) -> Result<()> {
        let mut bytes = [0_u8; 36];
        let words = [r.record, r.next, r.reported, r.accession, r.report, r.place_seq, r.version_seq];
        let halves = [r.shape, r.item, r.ordered, r.examined];
        let all = words.iter().flat_map(|w| w.to_le_bytes()).chain(halves.iter().flat_map(|h| h.to_le_bytes()));
        bytes.iter_mut().zip(all).for_each(|(to, from)| *to = from);
        self.bytes(&bytes)
    }

    fn chunk(&mut self, c: &Chunk) -> Result<()> {
        match &c.body {
            Body::Plain(rows) => {
                self.flag(false)?;
                self.list(rows.iter(), |o, r| o.row(r))?;
            }
            Body::Packed(packed) => {
                self.flag(true)?;
                packed.bases.iter().try_for_each(|b| self.u32(*b))?;
                self.bytes(&packed.widths)?;
                self.list(packed.words.iter(), |o, w| o.u64(*w))?;
            }
        }
        self.list(c.rich.iter(), |o, (case, f)| o.u32(*case).and_then(|()| o.folder(f)))
    }

    fn part(&mut self, p: &Part) -> Result<()> {
        self.list(p.recent.iter(), |o, (hash, number)| o.u64(*hash).and_then(|()| o.u32(*number)))?;
        let (mut entries, count, starts) = p.settled.lists();
        self.u64(count as u64)?;
        entries.try_for_each(|e| self.u64(e))?;
        self.list(starts.iter(), |o, s| o.u32(*s))
    }

    fn known(&mut self, known: Option<Known>) -> Result<()> {
        let flags = known.map_or(0, |k| 1 | u8::from(k.primary) << 1 | u8::from(k.above) << 2 | u8::from(k.city) << 3);
        self.u8(flags)?;
        self.u16(known.map_or(0, |k| k.community))
    }

    fn shape(&mut self, s: &Shape) -> Result<()> {
        let (institution, kinds, modality) = s.place.unwrap_or_default();
        for f in [s.place.is_some(), s.version.is_some(), s.test, s.checkup, s.cancelled] {
            self.flag(f)?;
        }
        self.u16(institution)?;
        self.bytes(&[kinds, modality as u8])?;
        let Some(v) = s.version else { return Ok(()) };
        self.bytes(&[v.class, v.modality as u8, u8::from(v.signed), u8::from(v.critical), v.outcome as u8])?;
        self.u16(v.source)?;
        self.u16(v.exam)?;
        self.u16(v.read)
    }

    fn cell(&mut self, c: &Cell) -> Result<()> {
        self.u16(c.month)?;
        self.u16(c.exam)?;
        self.u16(c.read)?;
        self.bytes(&[c.modality as u8, c.outcome as u8, u8::from(c.checkup)])
    }

    fn change(&mut self, c: &Change) -> Result<()> {
        self.at(At { seq: c.seq, us: c.us })?;
        self.bytes(&[c.cause as u8, u8::from(c.by > 0)])?;
        self.cell(&c.cell)?;
        self.u32(c.person)?;
        self.u32(c.case)
    }

    fn rejected(&mut self, r: &Rejected) -> Result<()> {
        self.u16(r.month)?;
        self.u16(r.by)?;
        self.u32(r.case)?;
        self.u8(r.modality as u8)?;
        self.u64(r.seq)
    }

    fn folder(&mut self, f: &Folder) -> Result<()> {
        self.list(f.places.iter(), |o, p| {
            o.u16(p.institution)?;
            o.bytes(&[p.kinds, p.modality as u8])?;
            o.u16(p.item)?;
            o.u32(p.record)?;
            o.u64(p.seq)
        })?;
        self.list(f.versions.iter(), |o, v| {
            o.u32(v.report)?;
            o.u32(v.accession)?;
            o.bytes(&[v.class as u8, v.modality as u8, u8::from(v.signed), u8::from(v.critical)])?;
            for n in [v.item, v.source, v.exam, v.read] {
                o.u16(n)?;
            }
            o.u32(v.record)?;
            o.u32(v.reported)?;
            o.u64(v.seq)
        })?;
        for flag in [f.test, f.checkup, f.cancelled] {
            self.flag(flag)?;
        }
        for n in [f.ordered, f.examined, f.since] {
            self.u32(n)?;
        }
        self.list(f.tallied.iter(), |o, t| {
            o.u32(t.report)?;
            o.cell(&t.cell)?;
            o.u32(t.record)?;
            o.u32(t.reported)
        })
    }

    fn finish(mut self) -> Result<()> {
        let rest = self.buffer.len().next_multiple_of(8) - self.buffer.len();
        self.bytes(&[0; 8][..rest.min(8)])?;
        self.sum.add(&self.buffer);
        let sum = self.sum.0;
        self.u64(sum)?;
        self.to.write_all(&self.buffer)?;
        self.to.flush()
    }
}

struct In<'r> {
    from: &'r mut dyn Read,
    buffer: Vec<u8>,
    at: usize,
    end: usize,
    /// Of all blocks before this one.
    sum: Sum,
}

impl In<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut out = [0_u8; N];
        match self.buffer.get(self.at..self.end).and_then(|b| b.first_chunk::<N>()) {
            Some(bytes) => {
                out = *bytes;
                self.at += N;
            }
            None => self.raw(&mut out)?,
        }
        Ok(out)
    }

    fn raw(&mut self, out: &mut [u8]) -> Result<()> {
        for to in out {
            if self.at == self.end {
                self.sum.add(self.buffer.get(..self.end).unwrap_or(&[]));
                self.fill()?;
                if self.end == 0 {
                    return Err(damaged("cut off"));
                }
            }
            *to = self.buffer.get(self.at).copied().unwrap_or(0);
            self.at += 1;
        }
        Ok(())
    }

    /// The next block, whole unless it is the last.
    fn fill(&mut self) -> Result<()> {
        (self.at, self.end) = (0, 0);
        while let Some(room) = self.buffer.get_mut(self.end..).filter(|room| !room.is_empty()) {
            match self.from.read(room)? {
                0 => break,
                n => self.end += n,
            }
        }
        Ok(())
    }

    fn u8(&mut self) -> Result<u8> {
        let [n] = self.array()?;
        Ok(n)
    }
    fn flag(&mut self) -> Result<bool> {
        Ok(self.u8()? != 0)
    }
    fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_le_bytes(self.array()?))
    }
    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }
    fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }
    fn text(&mut self) -> Result<String> {
        let len = self.u32()? as usize;
        if len > TRUSTED {
            return Err(damaged("damaged"));
        }
        let mut out = vec![0; len];
        self.raw(&mut out)?;
        String::from_utf8(out).map_err(|_| damaged("damaged"))
    }
    fn at(&mut self) -> Result<At> {
        Ok(At { seq: self.u64()?, us: i64::from_le_bytes(self.array()?) })
    }
    fn id(&mut self) -> Result<Id> {
        const KINDS: [IdKind; 5] = [IdKind::Accession, IdKind::Study, IdKind::Report, IdKind::Order, IdKind::Resource];
        let kind = KINDS.get(usize::from(self.u8()?)).copied().ok_or_else(|| damaged("damaged"))?;
        Ok(Id(kind, self.u64()?))
    }

    fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let len = usize::try_from(self.u64()?).map_err(|_| damaged("damaged"))?;
        let mut out = Vec::with_capacity(len.min(TRUSTED));
        for _ in 0..len {
            if out.len() == out.capacity() {
                // the length is only said: it is trusted little by little
                out.reserve_exact((len - out.len()).min(out.len() / 4 + TRUSTED));
            }
            out.push(read(self)?);
        }
        Ok(out)
    }

    fn row(&mut self) -> Result<Row> {
        let bytes: [u8; 36] = self.array()?;
        let mut all = bytes.as_chunks::<2>().0.iter().map(|h| u16::from_le_bytes(*h));
        let mut half = || all.next().unwrap_or(0);
        let mut word = || u32::from(half()) | u32::from(half()) << 16;
        let (record, next, reported, accession) = (word(), word(), word(), word());
        let (report, place_seq, version_seq) = (word(), word(), word());
        let (shape, item, ordered, examined) = (half(), half(), half(), half());
        Ok(Row { record, next, reported, accession, report, place_seq, version_seq, shape, item, ordered, examined })
    }

    fn chunk(&mut self) -> Result<Chunk> {
        let body = if self.flag()? {
            let mut packed = Packed::default();
            for base in &mut packed.bases {
                *base = self.u32()?;
            }
            packed.widths = self.array::<COLUMNS>()?;
            packed.words = self.list(In::u64)?.into_boxed_slice();
            Body::Packed(packed)
        } else {
            Body::Plain(self.list(In::row)?)
        };
        Ok(Chunk::new(body, self.list(|i| Ok((i.u32()?, i.folder()?)))?))
    }

    fn part(&mut self) -> Result<Part> {
        let recent = self.list(|i| Ok((i.u64()?, i.u32()?)))?.into_iter().collect();
        let settled = Settled::of(self.list(In::u64)?, self.list(In::u32)?).ok_or_else(|| damaged("damaged"))?;
        Ok(Part { recent, settled })
    }

    fn known(&mut self) -> Result<Option<Known>> {
        let (flags, community) = (self.u8()?, self.u16()?);
        let flag = |n: u8| flags & n != 0;
        Ok(flag(1).then_some(Known { primary: flag(2), above: flag(4), city: flag(8), community }))
    }

    fn shape(&mut self) -> Result<Shape> {
        let [place, version, test, checkup, cancelled] = self.array::<5>()?.map(|f| f != 0);
        let institution = self.u16()?;
        let [kinds, modality] = self.array()?;
        let place = place.then_some((institution, kinds, Modality::of(modality)));
        let mut shape = Shape { place, version: None, test, checkup, cancelled };
        if version {
            let [class, modality, signed, critical, outcome] = self.array()?;
            shape.version = Some(ShapeOfVersion {
                class,
                modality: Modality::of(modality),
                signed: signed != 0,
                critical: critical != 0,
                outcome: Outcome::of(outcome),
                source: self.u16()?,
                exam: self.u16()?,
                read: self.u16()?,
            });
        }
        Ok(shape)
    }

    fn cell(&mut self) -> Result<Cell> {
        let (month, exam, read) = (self.u16()?, self.u16()?, self.u16()?);
        let [modality, outcome, checkup] = self.array()?;
        Ok(Cell { month, exam, read, modality: Modality::of(modality), outcome: Outcome::of(outcome), checkup: checkup != 0 })
    }

    fn change(&mut self) -> Result<Change> {
        const CAUSES: [Cause; 4] = [Cause::Message, Cause::Identity, Cause::Institutions, Cause::Decision];
        let at = self.at()?;
        let [cause, up] = self.array()?;
        let cause = CAUSES.get(usize::from(cause)).copied().ok_or_else(|| damaged("damaged"))?;
        let by = if up != 0 { 1 } else { -1 };
        Ok(Change { seq: at.seq, us: at.us, cause, by, cell: self.cell()?, person: self.u32()?, case: self.u32()? })
    }

    fn rejected(&mut self) -> Result<Rejected> {
        let (month, by, case) = (self.u16()?, self.u16()?, self.u32()?);
        Ok(Rejected { month, by, case, modality: Modality::of(self.u8()?), seq: self.u64()? })
    }

    fn folder(&mut self) -> Result<Folder> {
        let places = self.list(|i| {
            let institution = i.u16()?;
            let [kinds, modality] = i.array()?;
            Ok(Place { institution, kinds, modality: Modality::of(modality), item: i.u16()?, record: i.u32()?, seq: i.u64()? })
        })?;
        let versions = self.list(|i| {
            let (report, accession) = (i.u32()?, i.u32()?);
            let [class, modality, signed, critical] = i.array()?;
            Ok(Version {
                report,
                accession,
                class: class_of(class),
                modality: Modality::of(modality),
                signed: signed != 0,
                critical: critical != 0,
                item: i.u16()?,
                source: i.u16()?,
                exam: i.u16()?,
                read: i.u16()?,
                record: i.u32()?,
                reported: i.u32()?,
                seq: i.u64()?,
            })
        })?;
        let [test, checkup, cancelled] = self.array::<3>()?.map(|f| f != 0);
        let (ordered, examined, since) = (self.u32()?, self.u32()?, self.u32()?);
        let tallied = self.list(|i| Ok(Tallied { report: i.u32()?, cell: i.cell()?, record: i.u32()?, reported: i.u32()? }))?;
        Ok(Folder { places, versions, test, checkup, cancelled, ordered, examined, since, tallied })
    }

    fn finish(&mut self) -> Result<()> {
        let rest = self.at.next_multiple_of(8) - self.at;
        for _ in 0..rest {
            self.u8()?;
        }
        self.sum.add(self.buffer.get(..self.at).unwrap_or(&[]));
        let sum = self.sum.0;
        // where the block ends here the next one is read, and this one is added again to a sum that is not used any more
        if self.u64()? != sum {
            return Err(damaged("damaged: its checksum is another"));
        }
        if self.at == self.end {
            self.fill()?;
        }
        if self.at == self.end { Ok(()) } else { Err(damaged("longer than it says")) }
    }
}
