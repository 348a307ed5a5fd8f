//! Random histories: however they are cut into batches, interrupted or computed again, the result is one.

use super::support::*;
use crate::entry::{ResourceDraft, Update};
use crate::projection::hash;
use crate::store::Projection;

pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.0 += 1;
        hash::bytes(17, &self.0.to_le_bytes()) % n
    }

    pub(super) fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len() as u64) as usize]
    }
}

/// A resource of one of a few ids, so that writes meet.
pub(super) fn resource(random: &mut Random) -> ResourceDraft {
    let n = random.below(40);
    let event = if random.below(3) == 0 { 0 } else { START_US + random.below(50) as i64 };
    let update = match random.below(15) {
        0 => Update::Delete,
        1..8 => Update::Replace,
        _ => Update::Merge,
    };
    let patient = random.below(5);
    let date = format!("2026-0{}-1{}T0{}:00:00+08:00", 1 + random.below(3), random.below(9), random.below(9));
    let mut draft = match random.below(4) {
        0 => {
            let id = if n.is_multiple_of(2) {
                format!("p{n}")
            } else {
                hutong_fhir::id::from_identity("t", "Patient", [n.to_string().as_str()])
            };
            let name = random.one(&["张三", "李四", "Zhāng San", "张三丰", "王 五"]);
            let mut rest = format!(r#""name":[{{"text":"{name}","family":"{}"}}]"#, random.one(&["张", "李", "王"]));
            if random.below(2) == 0 {
                rest += &format!(r#","identifier":[{{"system":"urn:s{}","value":"v{}"}}]"#, random.below(2), random.below(4));
            }
            if random.below(2) == 0 {
                rest += &format!(
                    r#","gender":"{}","birthDate":"19{}0-01-0{}""#,
                    random.one(&["male", "female"]),
                    random.below(10),
                    1 + random.below(9)
                );
            }
            draft(update, "Patient", &id, event, &rest)
        }
        1 => {
            let status =
                random.one(&["planned", "arrived", "in-progress", "in-progress", "in-progress", "finished", "cancelled", "unknown"]);
            let rest = format!(
                r#""status":"{status}","class":{{"system":"urn:class","code":"{}"}},"subject":{{"reference":"Patient/p{patient}"}},"period":{{"start":"{date}"}},"participant":[{{"individual":{{"reference":"Practitioner/d{}"}}}}]"#,
                random.one(&["IMP", "AMB"]),
                random.below(3)
            );
            draft(update, "Encounter", &format!("e{n}"), event, &rest)
        }
        2 => {
            let report = format!(
                r#""status":"{}","code":{{"coding":[{{"system":"urn:panel","code":"P{}"}}]}},"subject":{{"reference":"Patient/p{patient}"}},"issued":"{date}","result":[{{"reference":"Observation/o{}"}},{{"reference":"Observation/o{}"}}]"#,
                random.one(&["registered", "preliminary", "final", "amended"]),
                random.below(3),
                random.below(40),
                random.below(40)
            );
            draft(update, "DiagnosticReport", &format!("r{n}"), event, &report)
        }
        _ => {
            let mut codings = format!(r#"{{"system":"urn:loc","code":"c{}"}}"#, random.below(4));
            if random.below(3) == 0 {
                codings += &format!(r#",{{"system":"http://loinc.org","code":"c{}"}}"#, random.below(4));
            }
            let mut rest = format!(
                r#""status":"{}","category":[{{"coding":[{{"system":"urn:cat","code":"{}"}}]}},{{"coding":[{{"system":"urn:cat","code":"{}"}}]}}],"code":{{"coding":[{codings}]}},"subject":{{"reference":"Patient/p{patient}"}},"encounter":{{"reference":"Encounter/e{}"}}"#,
                random.one(&["registered", "preliminary", "preliminary", "final", "final", "final", "final", "corrected", "cancelled"]),
                random.one(&["laboratory", "vital-signs"]),
                random.one(&["laboratory", "imaging"]),
                random.below(12)
            );
            match random.below(4) {
                0 => rest += &format!(r#","effectiveDateTime":"{date}""#),
                1 => rest += &format!(r#","effectiveDateTime":"{}""#, &date[..7]),
                2 => rest += &format!(r#","effectivePeriod":{{"start":"{date}"}}"#),
                _ => {}
            }
            if random.below(2) == 0 {
                rest += &format!(r#","valueQuantity":{{"value":{}.{},"unit":"g/L"}}"#, random.below(5), random.below(10));
            }
            if random.below(4) == 0 {
                rest += &format!(
                    r#","basedOn":[{{"reference":"ServiceRequest/s{}"}},{{"reference":"ServiceRequest/s{}"}}]"#,
                    random.below(3),
                    random.below(3)
                );
            }
            draft(update, "Observation", &format!("o{n}"), event, &rest)
        }
    };
    if draft.update == Update::Merge && random.below(6) == 0 {
        draft.clear = vec![random.one(&["gender", "identifier", "effective", "category"]).to_owned()];
    }
    draft
}

pub(super) fn write(world: &World, random: &mut Random, messages: usize) {
    for _ in 0..messages {
        let resources = (0..random.below(5)).map(|_| resource(random)).collect();
        let source = random.one(&["his", "lis", "pacs"]);
        let message_type = random.one(&["ADT^A01", "ADT^A08", "ADT^A13", "ORU^R01"]);
        world.journal.add(source, message_type, resources);
    }
}

#[test]
fn batches_interruptions_and_rebuilds_all_end_the_same() {
    for seed in 0..6u64 {
        let mut random = Random(seed << 32);
        let mut step_by_step = World::new();
        for part in 0..4 {
            write(&step_by_step, &mut random, 60);
            step_by_step.catch_up(1 + random.below(20) as usize);
            match part {
                1 => step_by_step.reopen(true),
                2 => step_by_step.reopen(false),
                _ => {}
            }
            assert_eq!(step_by_step.writer().applied(), (part + 1) * 60, "an opening lost what was applied");
        }
        let mut at_once = World::of(step_by_step.journal.clone());
        at_once.catch_up(1_000);
        let want = dump(&at_once);
        assert!(want.len() > 500, "too little happened");
        assert_eq!(dump(&step_by_step), want, "seed {seed}");
        step_by_step.writer().reset().unwrap();
        assert_eq!(step_by_step.writer().applied(), 0);
        assert_eq!(step_by_step.ask("Patient", ""), Vec::<String>::new());
        step_by_step.catch_up(7);
        assert_eq!(dump(&step_by_step), want, "seed {seed}, after a reset");
    }
}
