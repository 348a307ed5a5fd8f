//! One JSON object a row, by the columns' keys: what scripts read.

use serde_json::{Map, Value as Json};

use crate::document::{Document, Table};
use crate::text::Lang;
use crate::value::Value;

/// The rows of all tables; where there are several, `table` names which one a row is of. Totals are left to the reader.
pub fn ndjson(document: &Document, lang: Lang) -> String {
    let tables: Vec<&Table> = document.tables().collect();
    let mut out = String::new();
    for table in &tables {
        for row in &table.rows {
            let mut object = line(table, row, lang);
            if tables.len() > 1 {
                object.shift_insert(0, "table".to_owned(), table.key.clone().into());
            }
            out.push_str(&Json::Object(object).to_string());
            out.push('\n');
        }
    }
    out
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
        let two = Document { blocks: vec![Block::Table(table.clone()), Block::Table(table)], ..Document::default() };
        assert!(ndjson(&two, Lang::En).starts_with("{\"table\":\"indicators\",\"institution\":\"Shidi\","));
    }
}
