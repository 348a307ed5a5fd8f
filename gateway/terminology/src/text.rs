//! What is said to people, in Chinese and English.

use crate::compile::{Missing, SetFault};
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
        Fault::Length => (
            "代码为空，或代码、名称超过 65,535 字节，或属性值超过 1,048,575 字节",
            "a code is empty, a code or display is longer than 65,535 bytes, or a value longer than 1,048,575",
        ),
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

pub(crate) fn not_parameters() -> Finding {
    finding(
        "terminology.parameters",
        "invalid",
        "请求体应为 Parameters 资源".into(),
        "the body of the request must be a Parameters resource".into(),
    )
}

/// A parameter that the operation does not have. Its name is the caller's: it is not repeated.
pub(crate) fn unknown_parameter(name: &str, known: &[&str]) -> Finding {
    let list = known.join(", ");
    finding(
        "terminology.parameter.unknown",
        "not-supported",
        format!("参数不受支持；可用参数：{list}"),
        format!("a parameter is not supported; there are: {list}"),
    )
    .with_value(name)
}

pub(crate) fn unsupported_parameter(name: &str) -> Finding {
    finding(
        "terminology.parameter.unsupported",
        "not-supported",
        format!("参数 {name} 不受支持；请去掉后再试"),
        format!("parameter {name} is not supported; leave it out"),
    )
}

pub(crate) fn missing_parameter(name: &str) -> Finding {
    finding("terminology.parameter.missing", "required", format!("缺少参数 {name}"), format!("parameter {name} is missing"))
}

pub(crate) fn bad_parameter(name: &str) -> Finding {
    finding(
        "terminology.parameter.value",
        "invalid",
        format!("参数 {name} 的值不正确"),
        format!("the value of parameter {name} is not right"),
    )
}

/// A code system that a question names and that is not here.
pub(crate) fn unknown_system(url: &str) -> Finding {
    finding(
        "terminology.system.unknown",
        "not-found",
        "所给的代码系统（或其版本）未加载".into(),
        "the code system that is asked for (or that version of it) is not loaded".into(),
    )
    .with_value(url)
}

/// A value set that a question names and that is not here.
pub(crate) fn unknown_set(url: &str) -> Finding {
    finding(
        "terminology.valueset.unknown",
        "not-found",
        "所给的值集（或其版本）未加载".into(),
        "the value set that is asked for (or that version of it) is not loaded".into(),
    )
    .with_value(url)
}

pub(crate) fn unknown_map(url: &str) -> Finding {
    finding("terminology.map.unknown", "not-found", "没有合适的概念映射".into(), "there is no concept map for this".into()).with_value(url)
}

pub(crate) fn map_circle() -> Finding {
    finding(
        "terminology.map.circle",
        "too-costly",
        "概念映射的 unmapped.url 相互引用过深或成环".into(),
        "concept maps send on to each other too often or in a circle (unmapped.url)".into(),
    )
}

/// A code that its system does not have, or (`open`) of which that cannot be said.
pub(crate) fn unknown_code(system: &str, open: bool) -> Finding {
    let (zh, en) = if open { cannot_judge(system) } else { no_such_code(system) };
    finding("terminology.code.unknown", "not-found", zh, en)
}

pub(crate) fn no_subsumption(system: &str) -> Finding {
    finding(
        "terminology.subsumption",
        "not-supported",
        format!("代码系统 {system} 的层级不是“属于”关系，不能判断包含关系"),
        format!("the hierarchy of code system {system} is not one of meaning, so nothing can be said of subsumption"),
    )
}

pub(crate) fn too_costly(max: usize) -> Finding {
    finding(
        "terminology.limit",
        "too-costly",
        format!("结果超过上限 {max}；请用 filter 缩小范围，或用 count 和 offset 分页"),
        format!("the result is larger than the limit of {max}; narrow it by filter, or take pages by count and offset"),
    )
}

/// A system whose codes cannot be listed.
pub(crate) fn cannot_list(system: &str) -> Finding {
    finding(
        "terminology.grammar",
        "too-costly",
        format!("代码系统 {system} 由语法定义，代码无法列举；可以用 $validate-code 检查单个代码"),
        format!("code system {system} is a grammar, its codes cannot be listed; $validate-code judges a single code"),
    )
}

/// What a value set needs and what is not here.
pub(crate) fn gap(system: &str, version: &str, missing: &Missing) -> Finding {
    let version = if version.is_empty() { String::new() } else { format!("|{version}") };
    let (zh, en) = match missing {
        Missing::System => (
            format!("值集用到的代码系统 {system}{version} 未加载，或没有完整内容"),
            format!("code system {system}{version}, which the value set needs, is not loaded or not in full"),
        ),
        Missing::Filter(filter) => (
            format!("值集对代码系统 {system}{version} 的筛选条件“{filter}”无法计算：没有该属性，或不支持该条件"),
            format!(
                "filter '{filter}' of the value set on code system {system}{version} cannot be applied: the property or operator is not known"
            ),
        ),
    };
    finding("terminology.valueset.gap", "not-found", zh, en)
}

pub(crate) fn set_fault(fault: &SetFault) -> Finding {
    let (issue, zh, en) = match fault {
        SetFault::Unknown(url) => return unknown_set(url),
        SetFault::Cycle(url) => {
            ("invalid", format!("值集 {url} 直接或间接引用了自己"), format!("value set {url} imports itself, directly or not"))
        }
        SetFault::Depth(url) => ("too-costly", format!("值集 {url} 引用层次过深"), format!("value set {url} imports too deeply")),
        SetFault::Empty(url) => (
            "not-found",
            format!("值集 {url} 既没有 compose，也没有完整的 expansion"),
            format!("value set {url} has neither a compose nor a whole expansion"),
        ),
    };
    finding("terminology.valueset", issue, zh, en)
}

pub(crate) fn wrong_version(system: &str) -> Finding {
    finding(
        "terminology.version",
        "invalid",
        "值集用到的代码系统不是 check-system-version 要求的版本".into(),
        "a code system of the value set is not in the version that check-system-version asks for".into(),
    )
    .with_value(system)
}

// Messages of $validate-code: Chinese and English.

type Message = (String, String);

fn message(zh: impl Into<String>, en: impl Into<String>) -> Message {
    (zh.into(), en.into())
}

pub(crate) fn no_such_code(system: &str) -> Message {
    message(format!("代码系统 {system} 中没有此代码"), format!("code system {system} has no such code"))
}

pub(crate) fn cannot_judge(system: &str) -> Message {
    message(
        format!("代码系统 {system} 未加载或没有完整内容，无法判断此代码"),
        format!("code system {system} is not loaded or not in full: the code cannot be judged"),
    )
}

pub(crate) fn cannot_judge_set(set: &str) -> Message {
    message(
        format!("值集 {set} 引用的值集未加载，无法判断此代码"),
        format!("a value set that {set} imports is not loaded: the code cannot be judged"),
    )
}

pub(crate) fn not_in_set(set: &str) -> Message {
    message(format!("代码不在值集 {set} 中"), format!("the code is not in value set {set}"))
}

pub(crate) fn other_system() -> Message {
    message("编码的 system 不是所给的代码系统", "the system of the coding is not the code system that is asked for")
}

pub(crate) fn other_version() -> Message {
    message("没有所给版本的代码系统", "the code system is not here in the version that the coding names")
}

pub(crate) fn abstract_code() -> Message {
    message("此代码只用于分组，不能直接使用", "the code only groups others and is not to be used itself")
}

pub(crate) fn inactive_code() -> Message {
    message("此代码已停用", "the code is no longer in use")
}

pub(crate) fn other_display(right: &str) -> Message {
    message(format!("名称与代码不符，应为“{right}”"), format!("the display is not that of the code, which is '{right}'"))
}

pub(crate) fn no_translation(reverse: bool) -> &'static str {
    if reverse {
        "映射中没有以此代码为目标的条目 / no entry of the map leads to this code"
    } else {
        "映射中没有此代码的对应 / the map has nothing for this code"
    }
}
