//! Which fields a line can have a value from: where none of them is there, the line is passed over without being run.
//! Most lines of a mapping have nothing to do in most messages, so this is most of a plan's speed.

use crate::plan::{At, Cond, CondId, Entry, MSH, Makes, NONE, Needs, Op, OpId, Pick, Plan, Simple, Whole};

/// Works the needs of all entries and identities out. Nothing is recursive that the plan's shape does not bound.
pub(super) fn fill(plan: &mut Plan) {
    // blocks are numbered from the inside out, so the needs of inner ones are known first
    for i in 0..plan.blocks.len() {
        let count = plan.blocks.get(i).map_or(0, |b| b.entries.len());
        for j in 0..count {
            let Some(entry) = plan.blocks.get(i).and_then(|b| b.entries.get(j)) else { continue };
            let needs = of_entry(plan, entry);
            let simple = simple(plan, entry);
            if let Some(e) = plan.blocks.get_mut(i).and_then(|b| b.entries.get_mut(j)) {
                e.needs = needs;
                e.simple = simple;
            }
        }
    }
    for i in 0..plan.maps.len() {
        let count = plan.maps.get(i).map_or(0, |m| m.identity.len());
        for j in 0..count {
            let first = plan.maps.get(i).and_then(|m| m.identity.get(j)).and_then(|a| a.parts.first()).copied();
            let needs = first.map_or_else(Needs::default, |op| of_op(plan, op));
            if let Some(a) = plan.maps.get_mut(i).and_then(|m| m.identity.get_mut(j)) {
                a.needs = needs;
            }
        }
    }
}

/// The short form of an entry, where it has one.
fn simple(plan: &Plan, entry: &Entry) -> Option<Simple> {
    let [whole] = entry.whole.as_slice() else { return None };
    if entry.below != NONE || !whole.guards.is_empty() || whole.required || entry.keep {
        return None;
    }
    match plan.op(whole.op) {
        Op::Fixed { at: At::Own(key, list), kind, text } if whole.constant => {
            Some(Simple::Literal { line: whole.line, key, list, kind, text })
        }
        Op::Prim { at: At::Own(key, list), conv, arg } if conv.codes.is_none() => {
            let arg = plan.op(arg);
            let single = match arg {
                Op::Field { of, pick, .. } => of == Pick::First && pick == Pick::First,
                Op::Part { pick, .. } => pick == Pick::First,
                _ => false,
            };
            single.then_some(Simple::Value { line: whole.line, key, list, to: conv.to, arg })
        }
        _ => None,
    }
}

fn of_entry(plan: &Plan, entry: &Entry) -> Needs {
    if entry.keep {
        return Needs::always();
    }
    let mut needs = Needs::default();
    for whole in &entry.whole {
        if whole.required {
            return Needs::always();
        }
        needs.unite(of_whole(plan, whole));
    }
    if let Some(below) = plan.blocks.get(entry.below as usize) {
        if below.constant {
            // literals decorate what a line wrote; alone they are always written
            if entry.whole.is_empty() {
                return Needs::always();
            }
        } else {
            for e in below.entries.iter().filter(|e| !e.constant || e.keep) {
                needs.unite(e.needs.clone());
            }
        }
    }
    needs
}

fn of_whole(plan: &Plan, whole: &Whole) -> Needs {
    let needs = of_op(plan, whole.op);
    if !needs.always {
        return needs;
    }
    // a literal under a condition: the condition's fields
    let guards = whole.guards.iter().filter(|g| g.holds).map(|g| of_cond(plan, g.cond));
    guards.into_iter().find(|n| !n.always).unwrap_or(needs)
}

fn of_op(plan: &Plan, op: OpId) -> Needs {
    let all = |list: &[u32]| {
        list.iter().fold(Needs::default(), |mut n, o| {
            n.unite(of_op(plan, *o));
            n
        })
    };
    match plan.op(op) {
        Op::Nothing => Needs::default(),
        Op::Field { slot, field, .. } => Needs::one(slot, bit(field)),
        Op::Part { slot, part, .. } => Needs::one(slot, if part == 0 { u64::MAX } else { bit(u16::from(part)) }),
        Op::Slot { slot } | Op::Segments { slot, .. } => Needs::one(slot, u64::MAX),
        Op::Dot { .. } | Op::Text(_) | Op::Table(_) | Op::Fixed { .. } | Op::Say(_) => Needs::always(),
        Op::Builtin { args, .. } => {
            let args: Vec<u32> = plan.list(args).iter().copied().filter(|a| !matches!(plan.op(*a), Op::Text(_) | Op::Nothing)).collect();
            if args.is_empty() { Needs::always() } else { all(&args) }
        }
        Op::Look { arg, .. } | Op::Coded { arg, .. } | Op::Prim { arg, .. } => of_op(plan, arg),
        Op::First { list, .. } => all(plan.list(list)),
        Op::When { cond, op } => {
            let needs = of_op(plan, op);
            if needs.always { of_cond(plan, cond) } else { needs }
        }
        Op::By(id) => match plan.bys.get(id as usize) {
            Some(by) if matches!(plan.op(by.otherwise), Op::Nothing) => of_op(plan, by.subject),
            Some(by) => {
                let ops: Vec<u32> = by.cases.iter().map(|(_, o)| *o).chain([by.otherwise]).collect();
                all(&ops)
            }
            None => Needs::default(),
        },
        Op::Make { map, args, .. } | Op::Call { map, args } => of_call(plan, map, plan.list(args)),
        Op::Ref { target, .. } => of_op(plan, target),
        Op::Block { block, .. } => match plan.blocks.get(block as usize) {
            Some(b) if b.constant => Needs::always(),
            Some(b) => b.entries.iter().filter(|e| !e.constant || e.keep).fold(Needs::default(), |mut n, e| {
                n.unite(e.needs.clone());
                n
            }),
            None => Needs::default(),
        },
        Op::Each { source, .. } => of_op(plan, source),
        Op::Over { op, .. } => of_op(plan, op),
    }
}

/// A call is made for the values of its first argument.
fn of_call(plan: &Plan, map: u32, args: &[u32]) -> Needs {
    let Some(m) = plan.maps.get(map as usize) else { return Needs::always() };
    let optional = m.params.first().is_none_or(|p| p.optional || p.many);
    match args.first() {
        Some(first) if !optional => {
            let needs = of_op(plan, *first);
            // a literal argument is a value
            if m.makes == Makes::Resource && matches!(plan.op(*first), Op::Slot { slot: MSH }) { Needs::always() } else { needs }
        }
        _ => Needs::always(),
    }
}

/// Fields without which a condition cannot be met.
fn of_cond(plan: &Plan, cond: CondId) -> Needs {
    let literal = |op: OpId| matches!(plan.op(op), Op::Text(_));
    match plan.conds.get(cond as usize) {
        Some(Cond::Has(op)) => of_op(plan, *op),
        Some(Cond::Equals { left, right }) if literal(*right) => of_op(plan, *left),
        Some(Cond::In { left, list }) if plan.list(*list).iter().all(|o| literal(*o)) => of_op(plan, *left),
        Some(Cond::Matches { left, .. }) => of_op(plan, *left),
        Some(Cond::And(list)) => list.iter().map(|c| of_cond(plan, *c)).find(|n| !n.always).unwrap_or_else(Needs::always),
        Some(Cond::Or(list)) => list.iter().fold(Needs::default(), |mut n, c| {
            n.unite(of_cond(plan, *c));
            n
        }),
        _ => Needs::always(),
    }
}

/// The bit of a field or component; those from 63 on share one.
fn bit(n: u16) -> u64 {
    1 << n.min(63)
}
