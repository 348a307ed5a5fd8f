//! One JSON object a row, by the columns' keys: what scripts read.

use serde_json::{Map, Value as Json};

use crate::document::{Document, Table};
use crate::text::Lang;
use crate::value::Value;

/// The rows of all tables; totals are left to the reader. Of a report of several tables `table` names which one a row is of;
/// after the rows come the notes (`"table":"notes"`) and what the report is and rests on (`"table":"report"`).
pub fn ndjson(document: &Document, lang: Lang) -> String {
    let tables: Vec<&Table> = document.tables().collect();
    let mut out = String::new();
    let mut put = |object: Map<String, Json>| {
        out.push_str(&Json::Object(object).to_string());
        out.push('\n');
    };
    let is_report = tables.len() > 1;
    for table in &tables {
        for row in &table.rows {
            let mut object = line(table, row, lang);
            if is_report {
                object.shift_insert(0, "table".to_owned(), table.key.clone().into());
            }
            put(object);
        }
    }
    if is_report {
        for (heading, notes) in document.notes() {
            for note in notes {
                let of = [("table", "notes"), ("heading", heading.of(lang)), ("text", note.of(lang))];
                put(of.into_iter().map(|(k, v)| (k.to_owned(), v.into())).collect());
            }
        }
        put(about(document, lang));
    }
    out
}

fn about(document: &Document, lang: Lang) -> Map<String, Json> {
    let meta = &document.meta;
    let definitions: Vec<Json> = meta.definitions.iter().map(|d| serde_json::json!({ "id": d.id, "version": d.version })).collect();
    let all: [(&str, Json); 7] = [
        ("table", "report".into()),
        ("title", document.name(lang).into()),
        ("period", meta.period.of(lang).into()),
        ("scope", meta.scope.of(lang).into()),
        ("definitions", definitions.into()),
        ("journalPosition", meta.journal_position.into()),
        ("madeAt", Value::Moment(meta.made_at_us).json(lang)),
    ];
    all.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
}

/// One row as an object.
pub fn line(table: &Table, row: &[Value], lang: Lang) -> Map<String, Json> {
    table.columns.iter().enumerate().map(|(i, column)| (column.key.clone(), row.get(i).map_or(Json::Null, |v| v.json(lang)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Block, Column, Kind};
    use crate::text::Text;

    #[test]
    fn a_row_is_an_object_in_the_order_of_the_columns() {
        let table = Table {
            key: "indicators".into(),
            columns: vec![
                Column::new("institution", "机构", "institution", Kind::Text),
                Column::new("cases", "人次", "cases", Kind::Integer),
            ],
            rows: vec![vec![Value::from(Text::new("石堤镇卫生院", "Shidi")), Value::Integer(12)], vec![]],
            ..Table::default()
        };
        let one = Document { blocks: vec![Block::Table(table.clone())], ..Document::default() };
        assert_eq!(ndjson(&one, Lang::Zh), "{\"institution\":\"石堤镇卫生院\",\"cases\":12}\n{\"institution\":null,\"cases\":null}\n");
        let notes = Block::Notes(vec![Text::same("仅此一条")]);
        let two = Document { blocks: vec![Block::Table(table.clone()), Block::Table(table), notes], ..Document::default() };
        let lines = ndjson(&two, Lang::En);
        assert!(lines.starts_with("{\"table\":\"indicators\",\"institution\":\"Shidi\","));
        assert!(lines.contains("{\"table\":\"notes\",\"heading\":\"\",\"text\":\"仅此一条\"}\n{\"table\":\"report\","), "{lines}");
    }
}
