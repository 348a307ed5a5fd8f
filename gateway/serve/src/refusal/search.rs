//! Refusals of parameters, and what is said beside a page.

use http::StatusCode;

use super::{Refusal, plain, refusal};

impl Refusal {
    pub(crate) fn too_many_parameters(max: usize) -> Refusal {
        refusal(
            StatusCode::BAD_REQUEST,
            "too-costly",
            "search.parameters_max",
            format!("参数超过 {max} 个"),
            format!("More than {max} parameters"),
        )
    }

    pub(crate) fn value_too_long(name: &str, bytes_max: usize) -> Refusal {
        let shown = plain(name);
        refusal(
            StatusCode::BAD_REQUEST,
            "too-costly",
            "search.value_max",
            format!("参数{shown}的值超过 {bytes_max} 字节"),
            format!("The value of parameter{shown} is longer than {bytes_max} bytes"),
        )
        .about(shown.trim())
    }

    pub(crate) fn unknown_parameter(name: &str, supported: &str) -> Refusal {
        let shown = plain(name);
        refusal(
            StatusCode::BAD_REQUEST,
            "not-supported",
            "search.parameter",
            format!("不支持参数{shown}；支持的参数：{supported}"),
            format!("Parameter{shown} is not supported; supported: {supported}"),
        )
        .about(shown.trim())
    }

    pub(crate) fn unknown_modifier(name: &str, supported: &str) -> Refusal {
        let shown = plain(name);
        refusal(
            StatusCode::BAD_REQUEST,
            "not-supported",
            "search.modifier",
            format!("不支持修饰符{shown}；此参数支持：{supported}"),
            format!("Modifier{shown} is not supported; this parameter supports: {supported}"),
        )
        .about(shown.trim())
    }

    pub(crate) fn bad_value(name: &str, zh: &str, en: &str) -> Refusal {
        let shown = plain(name);
        refusal(
            StatusCode::BAD_REQUEST,
            "value",
            "search.value",
            format!("参数{shown}的值有误：{zh}"),
            format!("The value of parameter{shown} is wrong: {en}"),
        )
        .about(shown.trim())
    }

    pub(crate) fn bad_date(name: &str) -> Refusal {
        let zh = "应为日期（2026、2026-11、2026-11-22），可带 eq、ne、gt、lt、ge、le、sa、eb";
        Refusal::bad_value(name, zh, "a date is expected (2026, 2026-11, 2026-11-22), with eq, ne, gt, lt, ge, le, sa or eb before it")
    }

    pub(crate) fn unsupported_value(name: &str, supported: &str) -> Refusal {
        let shown = plain(name);
        refusal(
            StatusCode::BAD_REQUEST,
            "not-supported",
            "search.value",
            format!("不支持参数{shown}的这个值；支持：{supported}"),
            format!("This value of parameter{shown} is not supported; supported: {supported}"),
        )
        .about(shown.trim())
    }

    pub(crate) fn given_twice(name: &str) -> Refusal {
        let shown = plain(name);
        refusal(
            StatusCode::BAD_REQUEST,
            "invalid",
            "search.repeated",
            format!("参数{shown}只能出现一次"),
            format!("Parameter{shown} may be given only once"),
        )
        .about(shown.trim())
    }

    pub(crate) fn bad_cursor() -> Refusal {
        refusal(
            StatusCode::BAD_REQUEST,
            "value",
            "search.cursor",
            "翻页标记无效或不属于这个查询；请使用 Bundle 中的 next 链接",
            "The paging cursor is not valid or belongs to another query; follow the Bundle's next link",
        )
        .about("_cursor")
    }

    pub(crate) fn too_costly(why_zh: &str, why_en: &str) -> Refusal {
        refusal(
            StatusCode::BAD_REQUEST,
            "too-costly",
            "search.limited",
            format!("查询代价过高：{why_zh}；请缩小范围"),
            format!("The search is too costly: {why_en}; narrow it down"),
        )
    }

    /// Said beside a page, not instead of it.
    pub(crate) fn includes_cut() -> Refusal {
        refusal(
            StatusCode::OK,
            "incomplete",
            "search.limited",
            "要附带的资源超过上限，本页只附带了一部分；请减小 _count 或减少 _include",
            "More resources were to be included than one page may hold, so some were left out; ask for a smaller _count or fewer _include",
        )
    }

    pub(crate) fn not_in_compartment(name: &str) -> Refusal {
        refusal(
            StatusCode::NOT_FOUND,
            "not-supported",
            "fhir.compartment",
            format!("资源类型 {name} 不属于患者隔室"),
            format!("Resource type {name} is not part of the patient compartment"),
        )
    }
}
