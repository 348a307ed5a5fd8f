//! What each resource of a message did, kept with the message as a few bytes a resource.

use super::status::Reason;
use crate::search::table;

/// What a write did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// The first version.
    Created,
    /// A further version.
    Updated,
    Deleted,
    /// It says what the current version says already.
    Same,
    /// It is kept, but no version.
    Superseded(Reason),
    /// A resource type that is not stored, or the deletion of something unknown.
    Ignored,
}

impl Effect {
    fn code(self) -> u8 {
        match self {
            Effect::Created => 0,
            Effect::Updated => 1,
            Effect::Deleted => 2,
            Effect::Same => 3,
            Effect::Ignored => 4,
            Effect::Superseded(reason) => 8 + reason as u8,
        }
    }

    fn of(code: u8) -> Option<Effect> {
        Some(match code {
            0 => Effect::Created,
            1 => Effect::Updated,
            2 => Effect::Deleted,
            3 => Effect::Same,
            4 => Effect::Ignored,
            _ => Effect::Superseded(Reason::of(i64::from(code.checked_sub(8)?))?),
        })
    }

    /// `created`, `superseded` …, for machines.
    pub fn as_str(self) -> &'static str {
        match self {
            Effect::Created => "created",
            Effect::Updated => "updated",
            Effect::Deleted => "deleted",
            Effect::Same => "same",
            Effect::Superseded(_) => "superseded",
            Effect::Ignored => "ignored",
        }
    }
}

/// One resource of a message, in the order of the entry. For [`Effect::Ignored`] the numbers are 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Ref {
    pub(crate) effect: Effect,
    /// Number of the type.
    pub(crate) ty: usize,
    pub(crate) rid: i64,
    /// The version made, or the current one that stayed.
    pub(crate) ver: i64,
}

pub(crate) fn write(out: &mut Vec<u8>, r: Ref) {
    out.push(r.effect.code());
    for n in [r.ty as u64, r.rid as u64, r.ver as u64] {
        varint(out, n);
    }
}

/// Reads what [`write`] wrote; ends at what it cannot read.
pub(crate) fn read(bytes: &[u8]) -> Vec<Ref> {
    let mut rest = bytes;
    let mut out = Vec::new();
    while let Some(r) = one(&mut rest) {
        out.push(r);
    }
    out
}

fn one(rest: &mut &[u8]) -> Option<Ref> {
    let (code, tail) = rest.split_first()?;
    *rest = tail;
    let effect = Effect::of(*code)?;
    let ty = usize::try_from(unvarint(rest)?).ok().filter(|t| *t < table::types().len())?;
    Some(Ref { effect, ty, rid: unvarint(rest)? as i64, ver: unvarint(rest)? as i64 })
}

fn varint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn unvarint(rest: &mut &[u8]) -> Option<u64> {
    let mut n = 0u64;
    for shift in (0..63).step_by(7) {
        let (byte, tail) = rest.split_first()?;
        *rest = tail;
        n |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(n);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_read_back() {
        let effects = [
            Effect::Created,
            Effect::Updated,
            Effect::Deleted,
            Effect::Same,
            Effect::Ignored,
            Effect::Superseded(Reason::LowerStatus),
            Effect::Superseded(Reason::OlderEvent),
            Effect::Superseded(Reason::Ended),
        ];
        let refs: Vec<Ref> = effects.iter().enumerate().map(|(i, e)| Ref { effect: *e, ty: i, rid: 1 << (7 * i), ver: i as i64 }).collect();
        let mut bytes = Vec::new();
        refs.iter().for_each(|r| write(&mut bytes, *r));
        assert_eq!(read(&bytes), refs);
        for cut in 0..bytes.len() {
            assert!(read(&bytes[..cut]).len() < refs.len());
        }
        assert_eq!(read(&[7, 0, 0, 0]), []);
    }
}
