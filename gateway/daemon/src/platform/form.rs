//! The form of what is sent to the upper platform (医检互认): a table of fields, `profiles/policy/recognition/platform.tsv`
//! or one of the site's. What a platform calls things is data; what the gateway knows has names of its own.

use std::collections::BTreeMap;

use hutong_fhir::sheet::{Fault, Sheet};
use serde_json::{Map, Value};

/// In force where the configuration names no other.
pub(super) const SHIPPED: &str = include_str!("../../../../profiles/policy/recognition/platform.tsv");

/// Names of what the gateway knows.
pub(super) const KNOWN: [&str; 25] = [
    "answer",
    "card-type",
    "cross-city",
    "diagnosis",
    "doctor",
    "guid",
    "institution",
    "item",
    "item-type",
    "order",
    "patient",
    "reason",
    "reason-name",
    "reminder",
    "report",
    "report-institution",
    "report-institution-name",
    "report-name",
    "report-number",
    "report-time",
    "saved-fen",
    "status",
    "time",
    "trigger",
    "visit",
];

/// What is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Reminder,
    View,
    Decision,
}

impl Kind {
    pub(super) const ALL: [Kind; 3] = [Kind::Reminder, Kind::View, Kind::Decision];

    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Reminder => "reminder",
            Kind::View => "view",
            Kind::Decision => "decision",
        }
    }
}

/// One field.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Field {
    kind: &'static str,
    name: String,
    /// One of [`KNOWN`], or `=` and a fixed text.
    from: String,
    need: bool,
}

/// The table in force.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Form {
    pub(super) success: String,
    /// Members of an answer that hold its code and its text.
    pub(super) code: String,
    pub(super) message: String,
    paths: BTreeMap<&'static str, String>,
    /// Names of the headers: client, institution, time, signature.
    pub(super) headers: [String; 4],
    fields: Vec<Field>,
}

impl Form {
    /// Head `#success #code #message #path.<record> #header.<what>`, columns `record field from need`.
    pub(super) fn read(text: &str) -> Result<Form, Vec<Fault>> {
        let mut sheet = Sheet::read(text, &["record", "field", "from", "need"]);
        let mut faults: Vec<(usize, &str, &str, &str)> = Vec::new();
        let mut fields: Vec<Field> = Vec::new();
        for row in sheet.rows() {
            let Some(kind) = Kind::ALL.into_iter().map(Kind::name).find(|k| *k == row.get("record")) else {
                faults.push((row.line(), "record", "record 应为 reminder、view 或 decision", "record is reminder, view or decision"));
                continue;
            };
            let field = Field { kind, name: row.get("field").to_owned(), from: row.get("from").to_owned(), need: row.get("need") == "yes" };
            if !field.from.starts_with('=') && !KNOWN.contains(&field.from.as_str()) {
                faults.push((
                    row.line(),
                    "from",
                    "from 不是网关已知的值，定值写作 =x",
                    "from is nothing the gateway knows; a fixed text is written =x",
                ));
            }
            if field.name.is_empty() || fields.iter().any(|f| f.kind == kind && f.name == field.name) {
                faults.push((row.line(), "field", "字段名为空或重复", "the field's name is empty or repeated"));
            }
            fields.push(field);
        }
        for (line, column, zh, en) in faults {
            sheet.fault(line, column, zh, en);
        }
        let mut head = |name: &str| {
            let value = sheet.head(name).unwrap_or("").trim().to_owned();
            if value.is_empty() {
                sheet.fault(0, name, "表头缺少此项", "the head lacks this");
            }
            value
        };
        let (success, code, message) = (head("success"), head("code"), head("message"));
        let paths = Kind::ALL.into_iter().map(|k| (k.name(), head(&format!("path.{}", k.name())))).collect();
        let headers = ["client", "institution", "time", "signature"].map(|h| head(&format!("header.{h}")));
        let faults = sheet.into_faults();
        if faults.is_empty() { Ok(Form { success, code, message, paths, headers, fields }) } else { Err(faults) }
    }

    pub(super) fn path(&self, kind: Kind) -> &str {
        self.paths.get(kind.name()).map_or("", String::as_str)
    }

    /// The body of a record; the error names the fields that must have a value and have none.
    pub(super) fn body(&self, kind: Kind, values: &BTreeMap<&'static str, String>) -> Result<Value, Vec<String>> {
        let (mut out, mut missing) = (Map::new(), Vec::new());
        for field in self.fields.iter().filter(|f| f.kind == kind.name()) {
            let value = match field.from.strip_prefix('=') {
                Some(fixed) => fixed,
                None => values.get(field.from.as_str()).map_or("", String::as_str),
            };
            if !value.is_empty() {
                out.insert(field.name.clone(), value.into());
            } else if field.need {
                missing.push(field.name.clone());
            }
        }
        if missing.is_empty() { Ok(Value::Object(out)) } else { Err(missing) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_form_is_one_and_faults_are_told_by_line() {
        let form = Form::read(SHIPPED).unwrap();
        assert_eq!((&*form.success, form.path(Kind::View)), ("00000", "/recognition/view"));
        let values = BTreeMap::from([("reminder", "g1".to_owned()), ("trigger", "2".to_owned())]);
        let missing = form.body(Kind::Reminder, &values).unwrap_err();
        assert_eq!(missing, ["patientId", "itemType", "reportOrgCode", "reportId", "operateTime", "orgCode", "itemCode"]);
        let all = KNOWN.iter().map(|k| (*k, format!("<{k}>"))).collect();
        for kind in Kind::ALL {
            let body = form.body(kind, &all).unwrap();
            assert_eq!(body["remindId"], "<reminder>");
        }
        assert_eq!(form.body(Kind::Reminder, &all).unwrap()["operateType"], "1");
        let bad = SHIPPED.replace("reminder\titemCode\titem", "reminder\titemCode\twishes").replace("#success 00000\n", "");
        let faults = Form::read(&bad).unwrap_err();
        assert_eq!(faults.iter().map(|f| (f.line, f.column.as_str())).collect::<Vec<_>>(), [(0, "success"), (30, "from")]);
    }
}
