//! `--schema FILE`: a vendor's JSON interface judged by its contract, a JSON Schema, before anything is mapped from it.

use std::path::Path;

use hutong_fhir::{Finding, Location, Severity, json::line_column};

use super::Verdict;
use crate::cli::Failure;
use crate::schema::{Schema, in_json};

pub(super) struct Contract(Schema);

impl Contract {
    pub(super) fn read(path: &Path) -> Result<Contract, Failure> {
        let text = std::fs::read(path).map_err(|e| Failure::file(path, &e))?;
        Schema::compile(&text).map(Contract).map_err(|why| {
            let path = path.display();
            Failure::usage(
                format!("{path} 不是可用的 JSON Schema：{why}。不会从网络获取其他文件，请把引用的部分放入 $defs。"),
                format!("{path} is no JSON Schema that can be used: {why}. Nothing is fetched; put what it refers to into $defs."),
            )
        })
    }

    pub(super) fn verdict(&self, text: &[u8]) -> Verdict {
        let findings = match serde_json::from_slice(text) {
            Ok(value) => self
                .0
                .faults(&value)
                .into_iter()
                .map(|fault| {
                    let place = line_column(text, in_json(text, &fault.pointer));
                    finding(&format!("schema.{}", fault.keyword), fault.pointer, place, fault.zh, fault.en)
                })
                .collect(),
            Err(error) => {
                let place = (u32::try_from(error.line()).unwrap_or(0), u32::try_from(error.column()).unwrap_or(0).max(1));
                vec![finding("json.syntax", String::new(), place, "不是有效的 JSON".into(), "not valid JSON".into())]
            }
        };
        Verdict { resource_type: String::new(), id: String::new(), findings, first_line: 0 }
    }
}

fn finding(rule: &str, pointer: String, (line, column): (u32, u32), zh: String, en: String) -> Finding {
    let place = Location::Path { expression: pointer, line, column };
    let finding = Finding::new(Severity::Error, "schema", "structure", 0).at(place).says(zh, en);
    Finding { rule: rule.to_owned().into(), ..finding }
}
