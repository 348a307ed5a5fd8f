//! Wording of the invariants that are judged over a whole resource, Bundle or narrative.

use super::Rule;

macro_rules! worded {
    ($($name:ident = $id:literal, $zh:literal, $en:literal;)*) => {
        $(pub(crate) static $name: Rule = Rule { id: $id, zh: $zh, en: $en, issue: "invariant", holds: None };)*
    };
}

worded! {
    DOM_2 = "fhir.dom-2", "内含资源不能再内含资源；请把内层资源移到最外层的 contained 中",
        "a contained resource must not contain resources; move the inner one to the outermost contained";
    DOM_3 = "fhir.dom-3", "内含资源没有被引用；请在本资源中用 #id 引用它，或删去它",
        "the contained resource is not referred to; refer to it with #id or remove it";
    DOM_4 = "fhir.dom-4", "内含资源不能有 meta.versionId 或 meta.lastUpdated；请删去",
        "a contained resource must not have meta.versionId or meta.lastUpdated; remove them";
    DOM_5 = "fhir.dom-5", "内含资源不能有 meta.security；请删去，安全标签写在外层资源上",
        "a contained resource must not have meta.security; remove it, the outer resource carries the label";
    TXT_1 = "fhir.txt-1", "叙述文本只能使用基本的 XHTML", "a narrative may only use basic XHTML";
    TXT_2 = "fhir.txt-2", "叙述文本不能没有内容；请写入文字，或删去 text", "a narrative must say something; give it text or remove the text element";
    BDL_1 = "fhir.bdl-1", "只有 searchset 和 history 类型的 Bundle 才能有 total；请删去", "only a searchset or history Bundle has a total; remove it";
    BDL_2 = "fhir.bdl-2", "只有 searchset 类型的 Bundle 才能有 entry.search；请删去", "only a searchset Bundle has entry.search; remove it";
    BDL_3 = "fhir.bdl-3", "batch、transaction、history 的每个条目必须有 request，其他类型不能有",
        "each entry of a batch, transaction or history must have a request, other Bundles must not";
    BDL_4 = "fhir.bdl-4", "batch-response、transaction-response、history 的每个条目必须有 response，其他类型不能有",
        "each entry of a batch-response, transaction-response or history must have a response, other Bundles must not";
    BDL_5 = "fhir.bdl-5", "条目必须有 resource、request 或 response 之一；请补上或删去该条目",
        "an entry needs a resource, a request or a response; supply one or remove the entry";
    BDL_7 = "fhir.bdl-7", "Bundle 中有两个条目的 fullUrl 相同；请只保留一个，或给出不同的 meta.versionId",
        "two entries of the Bundle have the same fullUrl; keep one or give them different meta.versionId";
    BDL_8 = "fhir.bdl-8", "fullUrl 不能指向某一版本；请去掉 /_history/…", "fullUrl must not point to one version; remove /_history/…";
    BDL_9 = "fhir.bdl-9", "document 类型的 Bundle 必须有 identifier.system 和 identifier.value",
        "a document Bundle must have identifier.system and identifier.value";
    BDL_10 = "fhir.bdl-10", "document 类型的 Bundle 必须有 timestamp", "a document Bundle must have a timestamp";
    BDL_11 = "fhir.bdl-11", "document 类型的 Bundle 的第一个条目必须是 Composition", "the first entry of a document Bundle must be a Composition";
    BDL_12 = "fhir.bdl-12", "message 类型的 Bundle 的第一个条目必须是 MessageHeader", "the first entry of a message Bundle must be a MessageHeader";
}
