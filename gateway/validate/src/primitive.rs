//! Primitive elements: JSON type, form, blank values, extensions beside the value.

use crate::keys::KEYS;
use crate::place::Frame;
use crate::text;
use crate::walk::Walk;
use hutong_fhir::definitions::{Element, Property};
use hutong_fhir::primitive::{Fault, Primitive};
use hutong_fhir::{Finding, Kind, Severity};

/// Longest part of an offending value that a finding keeps, in characters.
const VALUE_CHARS_MAX: usize = 200;

pub(crate) fn keep(finding: Finding, value: &str) -> Finding {
    finding.with_value(value.chars().take(VALUE_CHARS_MAX).collect::<String>())
}

impl<'t> Walk<'t> {
    /// Gives whether the value itself is good, so that further checks of it make sense.
    pub(crate) fn primitive(
        &mut self,
        at: &Frame<'_, 't>,
        primitive: Primitive,
        property: &'static Property,
        element: &'static Element,
    ) -> bool {
        let node = at.node;
        let mut good = true;
        match node.kind() {
            Kind::Object => {
                self.error(
                    at,
                    &text::JSON_TYPE,
                    format!("{} 是 {}，不能写成对象", element.name(), type_name(primitive)),
                    format!("{} is a {} and must not be an object", element.name(), type_name(primitive)),
                );
                return false;
            }
            Kind::Empty if !node.has_children() => {
                self.empty(at);
                return false;
            }
            Kind::Empty => {}
            kind => {
                let value = node.value().unwrap_or("");
                match primitive.check(kind, value) {
                    Ok(()) if primitive == Primitive::Xhtml => self.narrative(at, value),
                    Ok(()) => self.content(at, primitive, property, value),
                    Err(fault) => {
                        good = false;
                        self.fault(at, primitive, fault, value);
                    }
                }
            }
        }
        if node.has_children() {
            self.complex(at, property.type_id, false);
        }
        good
    }

    /// What a good value says: markup where there is text, addresses.
    fn content(&mut self, at: &Frame<'_, 't>, primitive: Primitive, property: &'static Property, value: &'t str) {
        match primitive {
            Primitive::String if looks_like_markup(value) => {
                let finding = text::MARKUP.finding(self.demands.markup_in_text).says(
                    "文本中有类似 HTML 标签的内容（<…>）；请在来源处去掉，叙述内容写入 text.div",
                    "the text holds what looks like an HTML tag (<…>); remove it at the source, a narrative belongs in text.div",
                );
                self.report(at, keep(finding, value));
            }
            Primitive::Uri | Primitive::Url | Primitive::Canonical => {
                self.note_link(primitive, property, value);
                if primitive == Primitive::Canonical && property.key != KEYS.profile {
                    self.canonical_target(at, property, value);
                }
                if let Some(severity) = self.demands.example_addresses.filter(|_| is_example(value)) {
                    let finding = text::EXAMPLE.finding(severity).says(
                        "地址是示例用的（example.org 等）；请换成真实地址",
                        "the address is one for examples (example.org and the like); replace it by the real one",
                    );
                    self.report(at, keep(finding, value));
                }
            }
            _ => {}
        }
    }

    /// A canonical that is known must be of a type that the element may point to.
    fn canonical_target(&mut self, at: &Frame<'_, 't>, property: &'static Property, value: &str) {
        let plain = value.split('|').next().unwrap_or(value);
        let mut parts = plain.rsplit('/').skip(1);
        let Some(name) = parts.next() else { return };
        let Some(pointed) = self.definitions.resource_named(name) else { return };
        if self.definitions.may_target(property.targets, pointed) {
            return;
        }
        let known = match name {
            "ValueSet" => self.knowledge.terminology.has_value_set(plain),
            "CodeSystem" => self.knowledge.terminology.system(plain).is_some(),
            "StructureDefinition" => self.knowledge.structure(plain).is_some(),
            "Questionnaire" => self.knowledge.questionnaires.get(plain).is_some(),
            _ => false,
        };
        if known {
            let allowed = self.definitions.target_names(property.targets).collect::<Vec<_>>().join(" | ");
            let finding = text::REFERENCE_TARGET.finding(Severity::Error).says(
                format!("此规范地址所指的是 {name}；此处须指向：{allowed}"),
                format!("this canonical is that of a {name}; here it must be of: {allowed}"),
            );
            self.report(at, keep(finding, value));
        }
    }

    /// A uri may lead to a contained resource or to another entry of the Bundle.
    fn note_link(&mut self, primitive: Primitive, property: &Property, value: &'t str) {
        self.scope.note(primitive, value);
        if matches!(primitive, Primitive::Uri | Primitive::Url)
            && property.key != KEYS.full_url
            && let Some(bundle) = &mut self.bundle
        {
            bundle.note(value);
        }
    }

    fn fault(&mut self, at: &Frame<'_, '_>, primitive: Primitive, fault: Fault, value: &str) {
        let name = type_name(primitive);
        let (form_zh, form_en) = form_of(primitive);
        let (rule, zh, en) = match fault {
            Fault::JsonType => {
                let (zh, en) = match primitive.json_kind() {
                    Kind::Bool => ("true 或 false，不加引号", "true or false without quotes"),
                    Kind::Number => ("JSON 数字，不加引号", "a JSON number without quotes"),
                    _ => ("加引号的 JSON 字符串", "a JSON string in quotes"),
                };
                (&text::JSON_TYPE, format!("{name} 须写成{zh}"), format!("a {name} is written as {en}"))
            }
            Fault::Empty => (
                &text::FORMAT,
                "值为空；没有值时请省略该元素".to_owned(),
                "the value is empty; leave the element out where it has no value".to_owned(),
            ),
            Fault::Blank => (
                &text::BLANK,
                "值只有空白；没有值时请省略该元素".to_owned(),
                "the value is blank; leave the element out where it has no value".to_owned(),
            ),
            Fault::Control => (
                &text::CONTROL,
                "文本含有控制字符，FHIR 的 XML 形式不能表示；请在来源处去掉".to_owned(),
                "the text holds a control character, which FHIR's XML form cannot; remove it at the source".to_owned(),
            ),
            Fault::Format => (&text::FORMAT, format!("不是合法的 {name}：应为{form_zh}"), format!("not a valid {name}: {form_en}")),
            Fault::Calendar => (
                &text::FORMAT,
                format!("没有这样的日期或时间；请核对原值，应为{form_zh}"),
                format!("there is no such date or time; check the source value, {form_en}"),
            ),
            Fault::NoZone => (
                &text::FORMAT,
                "有时间就须有时区；请在末尾加 +08:00 或 Z".to_owned(),
                "a time of day needs its time zone; add +08:00 or Z at the end".to_owned(),
            ),
            Fault::Range => {
                (&text::FORMAT, format!("超出 {name} 的取值范围：应为{form_zh}"), format!("outside the range of {name}: {form_en}"))
            }
            Fault::TooLong => {
                (&text::TOO_LONG, "文本超过 1048576 个字符".to_owned(), "the text is longer than 1,048,576 characters".to_owned())
            }
        };
        // the specification forbids both, its reference validator lets them pass with a warning
        let severity = if matches!(fault, Fault::Blank | Fault::Control) { Severity::Warning } else { Severity::Error };
        self.report(at, keep(rule.finding(severity).says(zh, en), value));
    }
}

/// Whether a text holds `<`, a name and `>`, with other words between.
fn looks_like_markup(text: &str) -> bool {
    let mut parts = text.split('<');
    parts.next();
    parts.any(|part| {
        let Some((tag, _)) = part.split_once('>') else { return false };
        let name = tag.strip_prefix('/').unwrap_or(tag).trim_end_matches('/');
        let word = name.split(char::is_whitespace).next().unwrap_or("");
        word.starts_with(|c: char| c.is_ascii_alphabetic()) && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

fn is_example(address: &str) -> bool {
    ["example.org", "acme.com", "acme.org"].iter().any(|domain| address.contains(domain))
}

fn type_name(primitive: Primitive) -> &'static str {
    match primitive {
        Primitive::Base64Binary => "base64Binary",
        Primitive::Boolean => "boolean",
        Primitive::Canonical => "canonical",
        Primitive::Code => "code",
        Primitive::Date => "date",
        Primitive::DateTime => "dateTime",
        Primitive::Decimal => "decimal",
        Primitive::Id => "id",
        Primitive::Instant => "instant",
        Primitive::Integer => "integer",
        Primitive::Markdown => "markdown",
        Primitive::Oid => "oid",
        Primitive::PositiveInt => "positiveInt",
        Primitive::String => "string",
        Primitive::Time => "time",
        Primitive::UnsignedInt => "unsignedInt",
        Primitive::Uri => "uri",
        Primitive::Url => "url",
        Primitive::Uuid => "uuid",
        Primitive::Xhtml => "xhtml",
    }
}

/// What a value should look like.
fn form_of(primitive: Primitive) -> (&'static str, &'static str) {
    match primitive {
        Primitive::Base64Binary => (" Base64 编码，长度为 4 的倍数", "Base64, a multiple of 4 characters"),
        Primitive::Boolean => (" true 或 false", "true or false"),
        Primitive::Code => ("不以空白开头或结尾、内部没有连续空白的代码", "a code without leading, trailing or double white space"),
        Primitive::Date => (" YYYY、YYYY-MM 或 YYYY-MM-DD", "YYYY, YYYY-MM or YYYY-MM-DD"),
        Primitive::DateTime => {
            (" YYYY、YYYY-MM、YYYY-MM-DD 或 YYYY-MM-DDThh:mm:ss+08:00", "YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss+08:00")
        }
        Primitive::Decimal => ("十进制数，如 3.50", "a decimal number such as 3.50"),
        Primitive::Id => (" 1 到 64 个字母、数字、连字符或点", "1 to 64 letters, digits, hyphens or dots"),
        Primitive::Instant => (" YYYY-MM-DDThh:mm:ss+08:00", "YYYY-MM-DDThh:mm:ss+08:00"),
        Primitive::Integer => ("整数，-2147483648 到 2147483647", "a whole number from -2147483648 to 2147483647"),
        Primitive::UnsignedInt => ("整数，0 到 2147483647", "a whole number from 0 to 2147483647"),
        Primitive::PositiveInt => ("整数，1 到 2147483647", "a whole number from 1 to 2147483647"),
        Primitive::Oid => (" urn:oid: 加点分数字", "urn:oid: and dotted numbers"),
        Primitive::Time => (" hh:mm:ss", "hh:mm:ss"),
        Primitive::Uuid => (" urn:uuid: 加小写 UUID", "urn:uuid: and a UUID in lower case"),
        Primitive::Canonical => ("绝对 URI，如 http://…，或 #id", "an absolute URI such as http://…, or #id"),
        Primitive::Uri | Primitive::Url => (
            "没有空白的 URI；OID 写作 urn:oid:…，UUID 写作 urn:uuid:…",
            "a URI without white space; an OID is written urn:oid:…, a UUID urn:uuid:…",
        ),
        Primitive::String | Primitive::Markdown | Primitive::Xhtml => ("不含控制字符的文本", "text without control characters"),
    }
}
