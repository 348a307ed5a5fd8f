//! What is said to people, in Chinese and English.

use crate::table::Fault;
use hutong_fhir::{Finding, Severity};

fn finding(rule: &'static str, issue: &'static str, zh: String, en: String) -> Finding {
    Finding::new(Severity::Error, rule, issue, 0).says(zh, en)
}

/// `load` was given something else.
pub(crate) fn not_terminology(resource_type: &str) -> Finding {
    finding(
        "terminology.type",
        "not-supported",
        format!("资源类型“{resource_type}”不是术语资源；可加载 CodeSystem、ValueSet、ConceptMap、NamingSystem"),
        format!("resource type '{resource_type}' is no terminology; CodeSystem, ValueSet, ConceptMap and NamingSystem can be loaded"),
    )
}

pub(crate) fn missing(resource_type: &str, element: &str) -> Finding {
    finding(
        "terminology.element",
        "required",
        format!("{resource_type} 缺少 {element}，或其值无法识别；请补上后再加载"),
        format!("{resource_type} has no {element}, or one that is not known; add it and load again"),
    )
}

/// Concepts that cannot be taken.
pub(crate) fn concepts(url: &str, fault: &Fault) -> Finding {
    let (zh, en) = fault_text(fault);
    finding("terminology.concepts", "invalid", format!("代码系统 {url} 未加载：{zh}"), format!("code system {url} was not loaded: {en}"))
}

/// Why a concept was not taken.
pub(crate) fn fault_text(fault: &Fault) -> (String, String) {
    let (zh, en) = match fault {
        Fault::Length => ("代码为空，或代码、名称超过 65,535 字节", "a code is empty, or a code or display is longer than 65,535 bytes"),
        Fault::Duplicate => ("同一代码出现两次", "a code stands there twice"),
        Fault::UnknownParent(code) => {
            return (format!("上级代码“{code}”不在此代码系统中"), format!("parent '{code}' is not in this code system"));
        }
        Fault::Cycle(code) => {
            return (format!("代码“{code}”的上级关系成环"), format!("the parents of '{code}' go in a circle"));
        }
        Fault::TooMuch => ("内容超出上限（4 GiB 文本，或层级超过 64）", "more than 4 GiB of text, or nested deeper than 64"),
    };
    (zh.to_owned(), en.to_owned())
}

/// A table that is refused, at a line.
pub(crate) fn table(name: &str, line: usize, zh: &str, en: &str) -> Finding {
    finding(
        "terminology.table",
        "invalid",
        format!("{name} 第 {line} 行：{zh}；整个文件未加载"),
        format!("{name}, line {line}: {en}; nothing of the file was loaded"),
    )
}

/// Bad rows beyond those that are listed.
pub(crate) fn more_rows(name: &str, count: usize) -> Finding {
    finding("terminology.table", "invalid", format!("{name}：另有 {count} 行有误"), format!("{name}: {count} more rows are bad"))
}
