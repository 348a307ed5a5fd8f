//! The tables: counts, known rows, and that all of them hang together.

use super::*;

#[test]
fn positions() {
    let grammar = Grammar::get();
    let pid3 = grammar.segment("PID").and_then(|s| s.field(3)).unwrap();
    assert_eq!((pid3.datatype, pid3.required, pid3.repeats, pid3.name), ("CX", true, true, "Patient identifier list"));
    for (segment, field, datatype, earlier, table) in [
        ("PID", 5, "XPN", "PN", "0200"),
        ("PID", 7, "DTM", "TS", ""),
        ("PID", 19, "ST", "", ""),
        ("PID", 28, "CWE", "", "0212"),
        ("OBX", 5, "varies", "", ""),
        ("OBX", 32, "CWE", "", ""),
        ("OBR", 4, "CWE", "CE", ""),
        ("MSH", 12, "VID", "ID", "0104"),
        ("PRT", 5, "XCN", "", ""),
        ("ORC", 38, "EI", "", ""),
    ] {
        let def = grammar.segment(segment).and_then(|s| s.field(field)).unwrap();
        assert_eq!((def.datatype, def.table.is_empty() || def.table == table), (datatype, true), "{segment}-{field}");
        assert!(earlier.is_empty() || def.earlier_datatypes().any(|t| t == earlier), "{segment}-{field}");
    }
    assert!(grammar.segment("PID").unwrap().field(41).is_none());
    assert!(grammar.segment("ZPI").is_none());
    let cx = grammar.datatype("CX").unwrap();
    assert_eq!(cx.component(4).map(|c| c.datatype), Some("HD"));
    assert_eq!(cx.components.len(), 12);
    assert!(grammar.datatype("ST").is_none() && grammar.is_datatype("ST") && grammar.is_datatype("CX") && !grammar.is_datatype("QQ"));
}

#[test]
fn every_type_that_a_table_names_exists() {
    let grammar = Grammar::get();
    for segment in grammar.segments() {
        for field in &segment.fields {
            // what 2.1 and 2.2 called CM had no components of its own
            let known = grammar.is_datatype(field.datatype) || field.datatype == "CM" || field.datatype == "CK";
            assert!(known, "{}-{} {}", segment.name, field.number, field.datatype);
        }
    }
    for datatype in grammar.datatypes() {
        for component in &datatype.components {
            assert!(grammar.is_datatype(component.datatype), "{}.{} {}", datatype.name, component.number, component.datatype);
        }
    }
}

#[test]
fn every_structure_is_whole() {
    let grammar = Grammar::get();
    let mut count = 0;
    for id in grammar.structure_ids() {
        let structure = grammar.structure(id).unwrap();
        // a leaf is a segment that is known
        for node in &structure.nodes {
            assert!(node.segment.is_some() || !node.children.is_empty(), "{id}: {}", node.name);
            assert!(node.children.len() <= 64, "{id}: {}", node.name);
        }
        assert_eq!(structure.root().and_then(|root| root.segments().next()), Some("MSH"), "{id}");
        count += 1;
    }
    assert!(count > 250, "{count}");
    let oru = grammar.structure("ORU_R01").and_then(Structure::root).unwrap();
    let result = oru.groups().find(|g| g.name() == "PATIENT_RESULT").unwrap();
    let order = result.groups().find(|g| g.name() == "ORDER_OBSERVATION").unwrap();
    assert!(order.repeats() && order.segments().any(|s| s == "OBR"));
    assert!(order.groups().any(|g| g.name() == "SPECIMEN"));
}

#[test]
fn events_and_codes() {
    let grammar = Grammar::get();
    for (code, event, declared, structure) in [
        ("ADT", "A04", "", Some("ADT_A01")),
        ("ADT", "A08", "ADT_A08", Some("ADT_A01")),
        ("ADT", "A31", "", Some("ADT_A05")),
        ("ADT", "A40", "ADT_A39", Some("ADT_A39")),
        ("ORU", "R01", "", Some("ORU_R01")),
        ("ORU", "", "ORU_R01", Some("ORU_R01")),
        ("ORU", "Z01", "", Some("ORU_R01")),
        ("ORM", "O01", "", Some("ORM_O01")),
        ("OML", "O21", "", Some("OML_O21")),
        ("RDE", "O11", "", Some("RDE_O11")),
        ("OMP", "O09", "", Some("OMP_O09")),
        ("ADT", "A99", "", Some("ADT_A01")),
        ("ZZZ", "Z99", "", None),
        ("ZDT", "Z01", "ADT_A01", Some("ADT_A01")),
        ("ACK", "A01", "", Some("ACK")),
        ("ACK", "", "", Some("ACK")),
        ("SIU", "S13", "", Some("SIU_S12")),
        ("VXU", "V04", "", Some("VXU_V04")),
        ("", "", "", None),
    ] {
        assert_eq!(grammar.structure_of(code, event, declared), structure, "{code}^{event}^{declared}");
    }
    assert!(grammar.is_message_code("ORU") && !grammar.is_message_code("ZZZ") && !grammar.is_message_code("*"));
    assert!(grammar.is_event("A01") && !grammar.is_event("A99") && !grammar.is_event("*"));
    for version in ["2.1", "2.3.1", "2.5.1", "2.8.2", "2.9"] {
        assert!(grammar.is_version(version), "{version}");
    }
    assert!(!grammar.is_version("9.9") && !grammar.is_version("2") && !grammar.is_version(""));
}
