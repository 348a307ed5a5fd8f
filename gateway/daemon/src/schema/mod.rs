//! JSON Schemas: those of our own files and lines, which we publish, and those of vendors' JSON interfaces. What does not
//! fit is told in words, with the place in the text.

mod place;

use std::borrow::Cow;

use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

pub(crate) use place::{in_json, in_toml};

/// Faults of one document that are told.
const FAULTS_MAX: usize = 200;

/// The schemas that we publish (`conformance/schemas/`), by name: editors take them from `hutong schema NAME`.
pub(crate) const PUBLISHED: [(&str, &str, &str, &str); 5] = [
    ("config", "配置 hutong.toml", "the configuration, hutong.toml", include_str!("../../../../conformance/schemas/config.schema.json")),
    (
        "case",
        "映射用例 .case 的各节",
        "the sections of a mapping's .case",
        include_str!("../../../../conformance/schemas/case.schema.json"),
    ),
    (
        "examples",
        "profile 的正反示例",
        "valid and invalid examples of a profile",
        include_str!("../../../../conformance/schemas/examples.schema.json"),
    ),
    (
        "convert-line",
        "hutong convert --format ndjson 的一行",
        "a line of hutong convert --format ndjson",
        include_str!("../../../../conformance/schemas/convert-line.schema.json"),
    ),
    (
        "validate-line",
        "hutong validate --format ndjson 的一行",
        "a line of hutong validate --format ndjson",
        include_str!("../../../../conformance/schemas/validate-line.schema.json"),
    ),
];

/// A schema, compiled.
pub(crate) struct Schema {
    text: Value,
    validator: Validator,
}

/// What does not fit.
pub(crate) struct Fault {
    /// JSON pointer of the value, or of the member that should not be there.
    pub(crate) pointer: String,
    /// The keyword of the schema that speaks: `required`, `type` …
    pub(crate) keyword: String,
    pub(crate) zh: String,
    pub(crate) en: String,
}

impl Schema {
    /// One of [`PUBLISHED`]; a test holds that all of them compile.
    pub(crate) fn published(name: &str) -> Result<Schema, String> {
        let (.., text) = PUBLISHED.iter().find(|(n, ..)| *n == name).ok_or_else(|| name.to_owned())?;
        Schema::compile(text.as_bytes())
    }

    /// # Errors
    /// Why it is no JSON Schema that can be used here; a reference to another document is such a reason, for none is fetched.
    pub(crate) fn compile(text: &[u8]) -> Result<Schema, String> {
        let text: Value = serde_json::from_slice(text).map_err(|e| e.to_string())?;
        // patterns that run in linear time, whatever they and the text are
        let options = jsonschema::options().with_pattern_options(PatternOptions::regex()).should_validate_formats(true);
        let validator = options.build(&text).map_err(|e| e.masked().to_string())?;
        Ok(Schema { text, validator })
    }

    /// All that does not fit, in the order of the schema.
    pub(crate) fn faults(&self, value: &Value) -> Vec<Fault> {
        self.validator.iter_errors(value).flat_map(|error| self.explain(&error)).take(FAULTS_MAX).collect()
    }

    fn explain(&self, error: &ValidationError<'_>) -> Vec<Fault> {
        let pointer = error.instance_path().to_string();
        let keyword = error.kind().keyword().to_owned();
        let fault = |pointer: String, (zh, en): (String, String)| Fault { pointer, keyword: keyword.clone(), zh, en };
        match error.kind() {
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
                let known = self.known(error.schema_path().as_str());
                let each = unexpected.iter();
                each.map(|name| fault(format!("{pointer}/{}", escaped(name)), unknown(name, &known))).collect()
            }
            kind => vec![fault(pointer, words(kind, error))],
        }
    }

    /// The members that the object at fault may have.
    fn known(&self, schema_path: &str) -> Vec<&str> {
        let mut at = &self.text;
        for segment in schema_path.split('/').skip(1) {
            if let Some(target) = at.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix('#')) {
                match self.text.pointer(target) {
                    Some(target) => at = target,
                    None => return Vec::new(),
                }
            }
            match segment {
                "additionalProperties" | "unevaluatedProperties" => break,
                "$ref" => {}
                _ => match at.get(segment).or_else(|| at.get(segment.parse::<usize>().ok()?)) {
                    Some(next) => at = next,
                    None => return Vec::new(),
                },
            }
        }
        let members = at.get("properties").and_then(Value::as_object);
        members.into_iter().flat_map(|m| m.keys().map(String::as_str)).collect()
    }
}

fn unknown(name: &str, known: &[&str]) -> (String, String) {
    let near = known.iter().map(|k| (distance(name, k), *k)).filter(|(d, k)| *d <= 2.max(k.len() / 3)).min();
    match (near, known) {
        (Some((_, near)), _) => (format!("没有“{name}”这一项；是否指“{near}”？"), format!("there is no '{name}'; was '{near}' meant?")),
        (None, []) => (format!("不应有“{name}”"), format!("'{name}' should not be here")),
        (None, known) => {
            let list = known.join(", ");
            (format!("没有“{name}”这一项；可用的有：{list}"), format!("there is no '{name}'; there are: {list}"))
        }
    }
}

/// What a fault means, without the value itself.
fn words(kind: &Kind, error: &ValidationError<'_>) -> (String, String) {
    let both = |zh: String, en: String| (zh, en);
    match kind {
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            both(format!("缺少“{name}”"), format!("'{name}' is missing"))
        }
        Kind::Type { kind } => {
            let types = match kind {
                jsonschema::error::TypeKind::Single(one) => one.to_string(),
                jsonschema::error::TypeKind::Multiple(several) => several.iter().map(|t| t.to_string()).collect::<Vec<_>>().join(", "),
            };
            both(format!("类型应为 {types}"), format!("its type should be {types}"))
        }
        Kind::Enum { options } => {
            let list: Vec<Cow<'_, str>> = options.as_array().into_iter().flatten().map(plain).collect();
            both(format!("应为以下之一：{}", list.join("、")), format!("it should be one of {}", list.join(", ")))
        }
        Kind::Constant { expected_value } => {
            let wanted = plain(expected_value);
            both(format!("应为 {wanted}"), format!("it should be {wanted}"))
        }
        Kind::Pattern { pattern } => both(format!("格式不符：应匹配 {pattern}"), format!("its form is wrong: it should match {pattern}")),
        Kind::Format { format } => both(format!("格式不符：应为 {format}"), format!("its form is wrong: a {format} is expected")),
        Kind::Minimum { limit } => both(format!("不能小于 {limit}"), format!("it must not be less than {limit}")),
        Kind::Maximum { limit } => both(format!("不能大于 {limit}"), format!("it must not be more than {limit}")),
        Kind::MinLength { limit: 1 } => both("不能为空".into(), "it must not be empty".into()),
        Kind::MinLength { limit } => both(format!("不能少于 {limit} 个字符"), format!("it needs at least {limit} characters")),
        Kind::MaxLength { limit } => both(format!("不能超过 {limit} 个字符"), format!("it may have at most {limit} characters")),
        Kind::MinItems { limit } => both(format!("至少应有 {limit} 项"), format!("it needs at least {limit} items")),
        Kind::MaxItems { limit } => both(format!("最多 {limit} 项"), format!("it may have at most {limit} items")),
        Kind::UniqueItems => both("有重复的项".into(), "items are repeated".into()),
        _ => {
            let said = error.masked();
            both(format!("不符合 {}：{said}", kind.keyword()), said.to_string())
        }
    }
}

fn plain(value: &Value) -> Cow<'_, str> {
    value.as_str().map_or_else(|| value.to_string().into(), Cow::Borrowed)
}

/// A member's name in a JSON pointer (RFC 6901).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Edits between two names (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, c) in a.chars().enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        for (cell, d) in row.iter_mut().skip(1).zip(&b) {
            let next = (*cell + 1).min(left + 1).min(corner + usize::from(c != *d));
            corner = *cell;
            *cell = next;
            left = next;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests;
