//! What a plan's speed is measured by: one laboratory report of ten results, its mapping, and the same mapping written
//! by hand in Rust for the same output.

mod by_hand;

use hutong_decode::v2::Grammar;
use hutong_fhir::definitions::Definitions;

use crate::{Mappings, Refused, SourceFile};

pub use by_hand::{by_hand, by_hand_untraced};

/// An ORU^R01 with ten OBX, as a hospital in China sends it; the patient is invented.
pub const MESSAGE: &str = "MSH|^~\\&|LIS|XRY|GW|XYX|20260305093000||ORU^R01^ORU_R01|R-1|P|2.4|||||||UNICODE UTF-8\r\
PID|1||P1001^^^XRY^MR||张^三||19680214|M|||民主路12号^^奉节^重庆^404600^CHN^H||13800000001\r\
ORC|RE|O500^HIS|L500^LIS||CM||||20260305083000\r\
OBR|1|O500^HIS|L500^LIS|CBC^血常规^99LAB|||20260305083000|||||||20260305084000||D100^李^四||||||20260305092000||HM|F\r\
OBX|1|NM|6690-2^白细胞^LN^WBC^白细胞计数^99LAB||11.2|10*9/L|3.5-9.5|H|||F|||20260305090000\r\
OBX|2|NM|789-8^红细胞^LN^RBC^红细胞计数^99LAB||4.5|10*12/L|4.3-5.8|N|||F|||20260305090000\r\
OBX|3|NM|718-7^血红蛋白^LN^HGB^血红蛋白^99LAB||135|g/L|130-175|N|||F|||20260305090000\r\
OBX|4|NM|4544-3^红细胞压积^LN^HCT^压积^99LAB||0.41|L/L|0.40-0.50|N|||F|||20260305090000\r\
OBX|5|NM|787-2^平均体积^LN^MCV^平均体积^99LAB||91.0|fL|82-100|N|||F|||20260305090000\r\
OBX|6|NM|785-6^平均含量^LN^MCH^平均含量^99LAB||30.0|pg|27-34|N|||F|||20260305090000\r\
OBX|7|NM|786-4^平均浓度^LN^MCHC^平均浓度^99LAB||329|g/L|316-354|N|||F|||20260305090000\r\
OBX|8|NM|777-3^血小板^LN^PLT^血小板计数^99LAB||98|10*9/L|125-350|L|||F|||20260305090000\r\
OBX|9|NM|770-8^中性粒细胞^LN^NEUT^中性比率^99LAB||75.5|%|40-75|H|||F|||20260305090000\r\
OBX|10|ST|5905-5^备注^LN^MEMO^备注^99LAB||未见异常细胞||||||F|||20260305090000";

/// The mapping and its tables.
pub fn files() -> Vec<SourceFile> {
    const FILES: [(&str, &str); 6] = [
        ("yardstick/oru.hmap", include_str!("oru.hmap")),
        ("yardstick/tables/systems.tsv", "source\ttarget\nLN\thttp://loinc.org\n"),
        ("yardstick/tables/sex.tsv", "source\ttarget\nM\tmale\nF\tfemale\n"),
        ("yardstick/tables/order_status.tsv", "source\ttarget\nCM\tcompleted\nIP\tactive\n"),
        ("yardstick/tables/result_status.tsv", "source\ttarget\nF\tfinal\nP\tpreliminary\nC\tcorrected\n"),
        (
            "yardstick/tables/flags.tsv",
            "source\ttarget\tsystem\tdisplay\nH\tH\thttp://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation\tHigh\n\
             L\tL\thttp://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation\tLow\n\
             N\tN\thttp://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation\tNormal\n",
        ),
    ];
    FILES.iter().map(|(p, t)| SourceFile { path: (*p).to_owned(), text: (*t).to_owned() }).collect()
}

/// The mapping, loaded.
pub fn mappings() -> Result<Mappings, Refused> {
    Mappings::load(files(), Definitions::r4(), Grammar::get())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CHINA_ZONE_MINUTES, Context, Lineage};
    use hutong_decode::v2::{Limits, arrange, parse};
    use hutong_fhir::{Kind, NodeRef, Tree, json};

    #[test]
    fn plan_and_hand_make_the_same() {
        let m = mappings().unwrap_or_else(|r| panic!("{:?}", r.diagnostics));
        let parsed = parse(MESSAGE, &Limits::default());
        let arrangement = arrange(&parsed.message, Grammar::get());
        let cx = Context { namespace: "yard", zone_minutes: CHINA_ZONE_MINUTES, sites: &[] };
        let mapped = m.apply(&parsed.message, &arrangement, &cx);
        assert!(mapped.findings.is_empty(), "{:?}", mapped.findings);
        let text = |t: &Tree| {
            let mut out = Vec::new();
            json::write_pretty(t.root(), &mut out);
            String::from_utf8(out).unwrap()
        };
        let made: Vec<String> = mapped.resources.iter().map(|r| text(&r.tree)).collect();
        let plan = m.for_sites(&[]).unwrap();
        let (trees, lineage, unread) = by_hand(&parsed.message, &cx, &plan);
        assert_eq!(mapped.unread, unread);
        let hand: Vec<String> = trees.iter().map(text).collect();
        assert_eq!(hand, by_hand_untraced(&parsed.message, &cx).iter().map(text).collect::<Vec<_>>());
        assert_eq!(made.len(), 14);
        for (a, b) in made.iter().zip(&hand) {
            assert_eq!(a, b);
        }
        assert_eq!(made.len(), hand.len());
        // and from the same bytes
        let bytes = |t: &Tree, all: &[Lineage]| -> Vec<(u32, u32)> {
            let mut open: Vec<NodeRef<'_>> = vec![t.root()];
            let mut out = Vec::new();
            while let Some(node) = open.pop() {
                open.extend(node.children());
                let told = node.kind() != Kind::Object && node.name() != "reference";
                let Some(l) = all.get(node.origin() as usize).filter(|l| told && l.segment != u32::MAX) else { continue };
                out.push((l.start, l.end));
            }
            out
        };
        for (r, hand) in mapped.resources.iter().zip(&trees) {
            assert_eq!(bytes(&r.tree, &mapped.lineage), bytes(hand, &lineage), "{}", r.resource_type);
        }
    }
}
