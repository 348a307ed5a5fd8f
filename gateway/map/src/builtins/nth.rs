//! `nth(OBX-3.1, OBX-4)`: the place of the segment among those of its name in the group around it that have the same
//! values, from 1: it tells a repeated code apart where nothing else does.

use super::{Builtin, Gives, example};
use crate::plan::{Op, OpId};
use crate::run::{Exec, Origin, Val};
use hutong_decode::v2::{GroupRef, Item};
use hutong_fhir::quick::QuickMap;
use std::borrow::Cow;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "nth",
    args: (1, 8),
    labels: &[],
    gives: Gives::Text,
    run: |e, args, op| {
        if let Some(n) = place(e, args, op) {
            e.vals.push(Val::Text(Cow::Owned(n.to_string()), Origin::NONE));
        }
    },
    examples: &[example("a", "nth(OBX-3.1, OBX-4)", &["1"])],
};

fn place<'m>(e: &mut Exec<'m>, args: &[OpId], op: OpId) -> Option<u32> {
    let paths: Vec<(u16, [usize; 2])> = args.iter().filter_map(|a| path(e, *a)).collect();
    let segment = e.segment_of(*args.first()?)?;
    let own = e.arrangement.group_of(segment as usize);
    let around = own.parent().unwrap_or(own);
    if let Some(places) = e.nth.get(&(op, around.index())) {
        return places.get(&segment).copied();
    }
    // all segments of the group are counted at once, so that a thousand of them cost a thousand steps
    let name = e.message.segments().get(segment as usize)?.name().to_owned();
    let mut found = Vec::new();
    collect(e, around, &name, &mut found);
    let mut counts: QuickMap<Vec<&'m str>, u32> = QuickMap::default();
    let mut places = QuickMap::default();
    for s in found {
        let Some(seg) = e.message.segment(s as usize) else { continue };
        let text = |(field, [part, sub]): &(u16, [usize; 2])| {
            let rep = seg.field(*field as usize).rep(0);
            match (*part, *sub) {
                (0, _) => rep.raw(),
                (p, 0) => rep.component(p).raw(),
                (p, s) => rep.component(p).subcomponent(s).raw(),
            }
        };
        let count = counts.entry(paths.iter().map(text).collect()).or_default();
        *count += 1;
        places.insert(s, *count);
    }
    let own = places.get(&segment).copied();
    e.nth.insert((op, around.index()), places);
    own
}

fn path(e: &Exec<'_>, op: OpId) -> Option<(u16, [usize; 2])> {
    match e.plan.op(op) {
        Op::Field { field, part, sub, .. } => Some((field, [part as usize, sub as usize])),
        _ => None,
    }
}

fn collect(e: &Exec<'_>, group: GroupRef<'_>, name: &str, found: &mut Vec<u32>) {
    for item in group.items() {
        match item {
            Item::Segment(s) => {
                if e.message.segments().get(s).is_some_and(|x| x.name() == name) {
                    found.push(s as u32);
                }
            }
            Item::Group(g) => collect(e, g, name, found),
        }
    }
}
