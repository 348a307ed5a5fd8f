//! A national code system as FHIR `CodeSystem`: from the table (its form is told in `profiles/terminology/README.md`).

use serde_json::{Map, Value, json};

/// Columns beside `code` and `display`.
const PARENT: &str = "parent";
const DESIGNATION: &str = "designation";

pub(super) fn code_system(name: &str, text: &str) -> Value {
    let (head, rows): (Vec<&str>, Vec<&str>) = text.lines().filter(|l| !l.is_empty()).partition(|l| l.starts_with('#'));
    let said = |key: &str| head.iter().find_map(|l| l.strip_prefix('#')?.strip_prefix(key)?.strip_prefix('\t'));
    let mut rows = rows.into_iter();
    let columns: Vec<&str> = rows.next().unwrap_or_default().split('\t').collect();
    let concepts: Vec<Value> = rows.map(|row| concept(&columns, row)).collect();
    let mut out = Map::new();
    for (key, value) in [
        ("resourceType", Some("CodeSystem")),
        ("id", Some(name)),
        ("url", said("url")),
        ("version", said("version")),
        ("name", Some(class_name(name).as_str())),
        ("title", said("title")),
        ("status", Some("active")),
        ("description", said("standard")),
        ("content", Some("complete")),
    ] {
        if let Some(value) = value {
            out.insert(key.to_owned(), value.into());
        }
    }
    out.insert("caseSensitive".to_owned(), true.into());
    out.insert("count".to_owned(), concepts.len().into());
    if columns.contains(&PARENT) {
        let property = json!([{ "code": PARENT, "uri": "http://hl7.org/fhir/concept-properties#parent", "type": "code" }]);
        out.insert("property".to_owned(), property);
    }
    out.insert("concept".to_owned(), concepts.into());
    Value::Object(out)
}

fn concept(columns: &[&str], row: &str) -> Value {
    let mut out = Map::new();
    for (column, cell) in columns.iter().zip(row.split('\t')).filter(|(_, cell)| !cell.is_empty()) {
        match *column {
            PARENT => drop(out.insert("property".to_owned(), json!([{ "code": PARENT, "valueCode": cell }]))),
            DESIGNATION => add(&mut out, json!({ "value": cell })),
            "code" | "display" => drop(out.insert((*column).to_owned(), cell.into())),
            other => {
                if let Some(language) = other.strip_prefix("designation:") {
                    add(&mut out, json!({ "language": language, "value": cell }));
                }
            }
        }
    }
    Value::Object(out)
}

fn add(concept: &mut Map<String, Value>, designation: Value) {
    if let Value::Array(list) = concept.entry(DESIGNATION).or_insert_with(|| json!([])) {
        list.push(designation);
    }
}

/// `gb2261-1` as a name for machines: `Gb2261_1`.
fn class_name(name: &str) -> String {
    let text = name.replace('-', "_");
    let mut chars = text.chars();
    chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_becomes_a_code_system() {
        let text = "#url\turn:oid:1.2.3.4\n#version\t2011\n#title\t表\ncode\tdisplay\tparent\tdesignation:en\n1\t甲\t\tA\n2\t乙\t1\t\n";
        let made = code_system("gb-1", text);
        assert_eq!(made["url"], "urn:oid:1.2.3.4");
        assert_eq!(made["name"], "Gb_1");
        assert_eq!(made["concept"][0], json!({ "code": "1", "display": "甲", "designation": [{ "language": "en", "value": "A" }] }));
        assert_eq!(made["concept"][1]["property"][0]["valueCode"], "1");
        assert_eq!(made["count"], 2);
    }
}
