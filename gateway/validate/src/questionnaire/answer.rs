//! One answer: its type, the options and the value set that it is chosen from, its range and form.

use super::number::{self, Unlike};
use super::response::Answering;
use super::{choice, extension, extensions};
use crate::place::Frame;
use crate::reference::{Target, target_of};
use crate::rules::compare_dates;
use crate::text::Rule;
use hutong_fhir::primitive::base64_len;
use hutong_fhir::{NodeRef, Severity, decimal};
use std::cmp::Ordering;

const TYPE: Rule = Rule { id: "fhir.questionnaire.answer_type", issue: "structure", hl7: 102 };
const OPTION: Rule = Rule { id: "fhir.questionnaire.option", issue: "code-invalid", hl7: 103 };
const RANGE: Rule = Rule { id: "fhir.questionnaire.range", issue: "value", hl7: 102 };
const FORM: Rule = Rule { id: "fhir.questionnaire.form", issue: "value", hl7: 102 };

const MIN_VALUE: &str = "http://hl7.org/fhir/StructureDefinition/minValue";
const MAX_VALUE: &str = "http://hl7.org/fhir/StructureDefinition/maxValue";
const MIN_QUANTITY: &str = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-minQuantity";
const MAX_QUANTITY: &str = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-maxQuantity";
const DECIMAL_PLACES: &str = "http://hl7.org/fhir/StructureDefinition/maxDecimalPlaces";
const MIN_LENGTH: &str = "http://hl7.org/fhir/StructureDefinition/minLength";
const REGEX: &str = "http://hl7.org/fhir/StructureDefinition/regex";
const MIME_TYPE: &str = "http://hl7.org/fhir/StructureDefinition/mimeType";
const MAX_SIZE: &str = "http://hl7.org/fhir/StructureDefinition/maxSize";
const UNIT_OPTION: &str = "http://hl7.org/fhir/StructureDefinition/questionnaire-unitOption";
const UNIT_VALUE_SET: &str = "http://hl7.org/fhir/StructureDefinition/questionnaire-unitValueSet";
const EXCLUSIVE: &str = "http://hl7.org/fhir/StructureDefinition/questionnaire-optionExclusive";
const TARGET_TYPE: &str = "http://hl7.org/fhir/StructureDefinition/questionnaire-referenceResource";

/// Memory that one compiled pattern may take.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// The types that an answer to a question of that type may have; the first is named in findings.
fn types_of(kind: &str) -> &'static [&'static str] {
    match kind {
        "boolean" => &["Boolean"],
        "decimal" => &["Decimal"],
        "integer" => &["Integer"],
        "date" => &["Date"],
        "dateTime" => &["DateTime"],
        "time" => &["Time"],
        "string" | "text" => &["String"],
        "url" => &["Uri"],
        "attachment" => &["Attachment"],
        "reference" => &["Reference"],
        "quantity" => &["Quantity"],
        // the options of a choice may be of any of these
        "choice" | "open-choice" => &["Coding", "String", "Integer", "Date", "Time"],
        _ => &[],
    }
}

impl<'t> Answering<'_, 't> {
    /// `count`: how many answers the item has.
    pub(super) fn answer(&mut self, at: &Frame<'_, 't>, item: NodeRef<'t>, kind: &str, count: usize) {
        // an answer without value says why in an extension
        let Some((of, value)) = choice(at.node, "value") else { return };
        let place = self.walk.step(at, value, 0);
        let types = types_of(kind);
        if !types.contains(&of) {
            if let Some(expected) = types.first() {
                self.walk.error(
                    &place,
                    &TYPE,
                    format!("该题目的回答须为 {expected}；请改用 value{expected}"),
                    format!("the answer to this item is of type {expected}; use value{expected}"),
                );
            }
            return;
        }
        self.option(&place, item, kind, of, count);
        match of {
            "Integer" | "Decimal" => self.range(&place, item, decimal::compare),
            "Date" | "DateTime" => self.range(&place, item, compare_dates),
            "Time" => self.range(&place, item, |a, b| Some(a.cmp(b))),
            "String" => self.text(&place, item, kind),
            "Quantity" => self.quantity(&place, item),
            "Attachment" => self.attachment(&place, item),
            "Reference" => self.target(&place, item),
            _ => {}
        }
    }

    /// What the form lists, or the value set that it names.
    fn option(&mut self, at: &Frame<'_, 't>, item: NodeRef<'t>, kind: &str, of: &str, count: usize) {
        let options: Vec<NodeRef<'t>> = item.children().filter(|c| c.name() == "answerOption").collect();
        if kind == "open-choice" && of != "Coding" {
            return;
        }
        if options.is_empty() {
            if let Some(set) = item.at("answerValueSet")
                && matches!(of, "Coding" | "String")
            {
                self.of_value_set(at, set, of);
            }
            return;
        }
        let chosen = options.iter().find(|o| choice(**o, "value").is_some_and(|(t, v)| t == of && same(of, v, at.node)));
        let Some(chosen) = chosen else {
            return self.walk.error(
                at,
                &OPTION,
                "回答不在题目的选项（answerOption）中；请选其一",
                "the answer is none of the options (answerOption) of the item; choose one of them",
            );
        };
        if count > 1 && extension(*chosen, EXCLUSIVE) == Some("true") {
            self.walk.error(
                at,
                &OPTION,
                "该选项不能与其他选项同时选择；请只保留它，或去掉它",
                "this option excludes all others; keep it alone or remove it",
            );
        }
    }

    fn of_value_set(&mut self, at: &Frame<'_, 't>, set: &'t str, of: &str) {
        let code = if of == "Coding" { at.node.at("code") } else { at.node.value() };
        let Some(code) = code else { return };
        let system = at.node.at("system");
        if self.is_in(set, system, code) == Some(false) {
            self.walk.error(
                at,
                &OPTION,
                "回答不在题目的值集（answerValueSet）中；请选用其中的代码",
                "the answer is not in the value set of the item (answerValueSet); choose a code of it",
            );
        }
    }

    /// Whether a code is in a value set; `None` where the set or its code system is not known here.
    fn is_in(&self, set: &str, system: Option<&str>, code: &str) -> Option<bool> {
        self.walk.is_in_value_set(self.form.root, set, system, code)
    }

    fn range(&mut self, at: &Frame<'_, 't>, item: NodeRef<'t>, compare: impl Fn(&str, &str) -> Option<Ordering>) {
        let Some(value) = at.node.value() else { return };
        let low = extension(item, MIN_VALUE).filter(|low| compare(value, low) == Some(Ordering::Less));
        let high = extension(item, MAX_VALUE).filter(|high| compare(value, high) == Some(Ordering::Greater));
        if let Some(low) = low {
            self.walk.error(
                at,
                &RANGE,
                format!("小于题目的最小值 {low}；请核对"),
                format!("less than the minimum of the item, {low}; check it"),
            );
        }
        if let Some(high) = high {
            self.walk.error(
                at,
                &RANGE,
                format!("大于题目的最大值 {high}；请核对"),
                format!("greater than the maximum of the item, {high}; check it"),
            );
        }
        self.decimal_places(at, item, value);
    }

    fn decimal_places(&mut self, at: &Frame<'_, 't>, item: NodeRef<'t>, value: &str) {
        let most = extension(item, DECIMAL_PLACES).and_then(|v| v.parse::<usize>().ok());
        if let Some(most) = most.filter(|most| number::decimal_places(value) > *most) {
            self.walk.error(
                at,
                &FORM,
                format!("小数位超过 {most} 位；请按题目要求的精度填写"),
                format!("more than {most} decimal places; give the precision that the item asks for"),
            );
        }
    }

    fn text(&mut self, at: &Frame<'_, 't>, item: NodeRef<'t>, kind: &str) {
        let Some(value) = at.node.value() else { return };
        let length = value.chars().count();
        if let Some(least) = extension(item, MIN_LENGTH).and_then(|v| v.parse::<usize>().ok()).filter(|l| length < *l) {
            self.walk.error(
                at,
                &FORM,
                format!("少于题目要求的 {least} 个字符；请补全"),
                format!("shorter than the {least} characters that the item asks for; complete it"),
            );
        }
        if let Some(most) = item.at("maxLength").and_then(|v| v.parse::<usize>().ok()).filter(|m| length > *m) {
            self.walk.error(
                at,
                &FORM,
                format!("超过题目允许的 {most} 个字符；请缩短"),
                format!("longer than the {most} characters that the item allows; shorten it"),
            );
        }
        if let Some(pattern) = extension(item, REGEX) {
            self.pattern(at, pattern, value);
        }
        if kind == "string" && value.contains(['\r', '\n']) {
            let finding = FORM.finding(Severity::Warning).says(
                "单行文本的回答含有换行；请去掉，或把题目类型改为 text",
                "the answer to a question for one line holds line breaks; remove them or make the item one of type text",
            );
            self.walk.report(at, finding);
        }
    }

    fn pattern(&mut self, at: &Frame<'_, 't>, pattern: &str, value: &str) {
        let compiled = regex::RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(REGEX_BYTES_MAX).build();
        match compiled {
            Ok(regex) if regex.is_match(value) => {}
            Ok(_) => self.walk.error(
                at,
                &FORM,
                "回答不符合题目规定的格式（regex）；请按格式填写",
                "the answer has not the form that the item asks for (regex); correct it",
            ),
            Err(_) => {
                let finding = FORM.finding(Severity::Warning).says(
                    "问卷中的 regex 无法解读，回答的格式未检查；请用不含前后断言与反向引用的表达式",
                    "the regex of the form can not be read, so the answer was not checked; use one without look-around and back references",
                );
                self.walk.report(at, finding);
            }
        }
    }

    fn quantity(&mut self, at: &Frame<'_, 't>, item: NodeRef<'t>) {
        for (url, wrong) in [(MIN_QUANTITY, Ordering::Less), (MAX_QUANTITY, Ordering::Greater)] {
            let Some(limit) = extensions(item, url).next() else { continue };
            let (zh, en) = match number::compare(at.node, limit) {
                Ok(order) if order == wrong => {
                    ("数量超出题目规定的范围；请核对", "the quantity is outside the range of the item; check it")
                }
                Ok(_) => continue,
                Err(Unlike::NoUnit) => (
                    "没有编码的单位，无法与题目规定的范围比较；请在回答与问卷中都给出 system 与 code",
                    "without a coded unit it can not be compared with the range of the item; give system and code in the answer and in the form",
                ),
                Err(Unlike::Units) => (
                    "单位与题目规定的范围不同类，无法比较；请改用同类单位",
                    "its unit can not be compared with that of the item's range; use a unit of the same kind",
                ),
            };
            self.walk.error(at, &RANGE, zh, en);
        }
        if let Some(value) = at.node.at("value") {
            self.decimal_places(at, item, value);
        }
        self.unit(at, item);
    }

    fn unit(&mut self, at: &Frame<'_, 't>, item: NodeRef<'t>) {
        let mut options = extensions(item, UNIT_OPTION).peekable();
        let fits = |option: NodeRef<'_>| {
            let same = |theirs: &str, ours: &str| option.at(theirs).is_none_or(|v| at.node.at(ours) == Some(v));
            // the display of an option need not be the unit's text where its code says what is meant
            same("system", "system") && same("code", "code") && (option.at("code").is_some() || same("display", "unit"))
        };
        if options.peek().is_some() && !options.any(fits) {
            self.walk.error(
                at,
                &OPTION,
                "单位不在题目允许的单位中；请选其一",
                "the unit is none of those that the item allows; choose one of them",
            );
        }
        if let (Some(set), Some(code)) = (extension(item, UNIT_VALUE_SET), at.node.at("code"))
            && self.is_in(set, at.node.at("system"), code) == Some(false)
        {
            self.walk.error(
                at,
                &OPTION,
                "单位不在题目的单位值集中；请选用其中的单位",
                "the unit is not in the value set of units of the item; choose one of it",
            );
        }
    }

    fn attachment(&mut self, at: &Frame<'_, 't>, item: NodeRef<'t>) {
        let mut allowed = extensions(item, MIME_TYPE).filter_map(NodeRef::value).peekable();
        let of = at.node.at("contentType").unwrap_or("");
        if allowed.peek().is_some() && (of.is_empty() || !allowed.any(|a| of.starts_with(a))) {
            self.walk.error(
                at,
                &FORM,
                "附件的类型（contentType）不是题目允许的；请换用允许的类型",
                "the attachment's contentType is none that the item allows; use one that it does",
            );
        }
        // the extension gives megabytes (R4: maxSize)
        let most = extension(item, MAX_SIZE).and_then(|v| v.parse::<f64>().ok()).map(|megabytes| megabytes * 1_048_576.0);
        let size = at.node.at("data").and_then(|d| base64_len(d.as_bytes()));
        if let (Some(most), Some(size)) = (most, size)
            && size as f64 > most
        {
            self.walk.error(
                at,
                &FORM,
                "附件大于题目允许的大小；请压缩或另附链接",
                "the attachment is larger than the item allows; reduce it or give a link",
            );
        }
    }

    fn target(&mut self, at: &Frame<'_, 't>, item: NodeRef<'t>) {
        let allowed: Vec<&str> = extensions(item, TARGET_TYPE).filter_map(NodeRef::value).collect();
        let Some(reference) = at.node.at("reference").filter(|r| !allowed.is_empty() && !r.starts_with('#')) else { return };
        let definitions = self.walk.definitions;
        if let Target::Type(id) = target_of(reference, |name| definitions.resource_named(name))
            && !allowed.contains(&definitions.get(id).name)
        {
            let allowed = allowed.join(" | ");
            self.walk.error(
                at,
                &OPTION,
                format!("所引用的资源类型不是题目允许的；可引用：{allowed}"),
                format!("the reference is to a type that the item does not allow; allowed: {allowed}"),
            );
        }
    }
}

/// Whether an option and an answer of one type say the same.
fn same(of: &str, option: NodeRef<'_>, answer: NodeRef<'_>) -> bool {
    match of {
        "Coding" => option.at("system") == answer.at("system") && option.at("code") == answer.at("code"),
        "Reference" => option.at("reference") == answer.at("reference"),
        _ => option.value() == answer.value(),
    }
}
