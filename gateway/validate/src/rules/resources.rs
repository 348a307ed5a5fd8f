//! Invariants of resources and their backbone elements.

use super::{Rule, has, has_choice, has_coding, value};
use crate::keys::KEYS;
use crate::profile::value::equal;
use hutong_fhir::NodeRef;
use std::collections::HashMap;

const ALLERGY_VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification";
const CONDITION_VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/condition-ver-status";
const CONDITION_CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/condition-clinical";

macro_rules! rules {
    ($($id:literal, $zh:literal, $en:literal, $holds:expr;)*) => {
        pub(super) static RULES: &[Rule] = &[$(Rule { id: $id, zh: $zh, en: $en, issue: "invariant", holds: Some($holds) }),*];
    };
}

rules! {
    "fhir.obs-3", "参考范围必须有 low、high 或 text 之一", "a reference range must have low, high or text",
        |n| has(n, KEYS.low) || has(n, KEYS.high) || has(n, KEYS.text);
    "fhir.obs-6", "有结果值时不能有 dataAbsentReason；请删去其一", "with a value there must be no dataAbsentReason; remove one of them",
        |n| !has(n, KEYS.data_absent_reason) || !has_choice(n, "value");
    "fhir.obs-7", "component 的代码与 Observation.code 相同时，Observation 本身不能再有值；请把值放在 component 中",
        "where a component has the same code as the Observation, the Observation itself must not have a value; leave it in the component",
        component_codes_differ;
    "fhir.pat-1", "联系人至少要有姓名、联系方式、地址或所属机构之一", "a contact needs a name, telecom, address or organization",
        |n| has(n, KEYS.name) || has(n, KEYS.telecom) || has(n, KEYS.address) || has(n, KEYS.organization);
    "fhir.org-1", "机构至少要有名称或标识", "an organization needs a name or an identifier", |n| has(n, KEYS.identifier) || has(n, KEYS.name);
    "fhir.org-2", "机构地址的 use 不能是 home", "the address of an organization can not be of use home", |n| value(n, KEYS.use_) != Some("home");
    "fhir.org-3", "机构联系方式的 use 不能是 home", "the telecom of an organization can not be of use home", |n| value(n, KEYS.use_) != Some("home");
    "fhir.ipn-1", "保险计划至少要有名称或标识", "an insurance plan needs a name or an identifier", |n| has(n, KEYS.identifier) || has(n, KEYS.name);
    "fhir.ait-1", "未标为录入错误的过敏记录必须有 clinicalStatus", "an allergy that is not entered in error must have a clinicalStatus",
        |n| has_coding(n, KEYS.verification_status, ALLERGY_VERIFICATION, &["entered-in-error"]) || has(n, KEYS.clinical_status);
    "fhir.ait-2", "标为录入错误的过敏记录不能有 clinicalStatus", "an allergy that is entered in error must not have a clinicalStatus",
        |n| !has_coding(n, KEYS.verification_status, ALLERGY_VERIFICATION, &["entered-in-error"]) || !has(n, KEYS.clinical_status);
    "fhir.con-1", "分期必须有 summary 或 assessment", "a stage must have summary or assessment", |n| has(n, KEYS.summary) || has(n, KEYS.assessment);
    "fhir.con-2", "依据必须有 code 或 detail", "evidence must have code or detail", |n| has(n, KEYS.code) || has(n, KEYS.detail);
    "fhir.con-4", "已缓解的诊断其 clinicalStatus 须为 inactive、resolved 或 remission",
        "the clinicalStatus of a condition that has abated must be inactive, resolved or remission",
        |n| !has_choice(n, "abatement") || has_coding(n, KEYS.clinical_status, CONDITION_CLINICAL, &["resolved", "remission", "inactive"]);
    "fhir.con-5", "标为录入错误的诊断不能有 clinicalStatus", "a condition that is entered in error must not have a clinicalStatus",
        |n| !has_coding(n, KEYS.verification_status, CONDITION_VERIFICATION, &["entered-in-error"]) || !has(n, KEYS.clinical_status);
    "fhir.prr-1", "有 orderDetail 就必须有 code", "with an orderDetail there must be a code", |n| !has(n, KEYS.order_detail) || has(n, KEYS.code);
    "fhir.mad-1", "给药剂量必须有 dose 或 rate[x]", "a dosage must have dose or rate[x]", |n| has(n, KEYS.dose) || has_choice(n, "rate");
    "fhir.mdd-1", "whenHandedOver 不能早于 whenPrepared", "whenHandedOver must not be before whenPrepared",
        |n| match (value(n, KEYS.when_prepared), value(n, KEYS.when_handed_over)) {
            (Some(prepared), Some(handed)) => matches!(super::datatypes::compare_dates(prepared, handed), Some(std::cmp::Ordering::Less | std::cmp::Ordering::Equal)),
            _ => true,
        };
    "fhir.app-1", "参与者必须有 type 或 actor", "a participant must have type or actor", |n| has(n, KEYS.kind) || has(n, KEYS.actor);
    "fhir.app-2", "start 与 end 必须同时给出", "start and end belong together", |n| has(n, KEYS.start) == has(n, KEYS.end);
    "fhir.app-3", "只有 proposed、cancelled、waitlist 的预约可以没有起止时间", "only an appointment that is proposed, cancelled or waitlist may lack start and end",
        |n| (has(n, KEYS.start) && has(n, KEYS.end)) || matches!(value(n, KEYS.status), Some("proposed" | "cancelled" | "waitlist"));
    "fhir.app-4", "只有 cancelled 或 noshow 的预约可以有 cancelationReason", "only an appointment that is cancelled or noshow may have a cancelationReason",
        |n| !has(n, KEYS.cancelation_reason) || matches!(value(n, KEYS.status), Some("noshow" | "cancelled"));
    "fhir.apr-1", "必须有 participantType 或 actor", "there must be a participantType or an actor", |n| has(n, KEYS.participant_type) || has(n, KEYS.actor);
    "fhir.cmp-1", "章节必须有 text、entry 或下级 section 之一", "a section must have text, entry or sections",
        |n| has(n, KEYS.text) || has(n, KEYS.entry) || has(n, KEYS.section);
    "fhir.cmp-2", "章节有 entry 时不能有 emptyReason", "a section with entries must not have an emptyReason", |n| !has(n, KEYS.empty_reason) || !has(n, KEYS.entry);
    "fhir.lst-1", "列表有 entry 时不能有 emptyReason", "a list with entries must not have an emptyReason", |n| !has(n, KEYS.empty_reason) || !has(n, KEYS.entry);
    "fhir.lst-2", "只有 mode 为 changes 的列表才能有 entry.deleted", "only a list of mode changes may have entry.deleted",
        |n| value(n, KEYS.mode) == Some("changes") || n.all(KEYS.entry).all(|e| !has(e, KEYS.deleted));
    "fhir.lst-3", "只有 mode 为 working 的列表才能有 entry.date", "only a list of mode working may have entry.date",
        |n| value(n, KEYS.mode) == Some("working") || n.all(KEYS.entry).all(|e| !has(e, KEYS.date));
    "fhir.grp-1", "只有 actual 为 true 的组才能有成员", "only a group with actual = true may have members", |n| !has(n, KEYS.member) || value(n, KEYS.actual) == Some("true");
    "fhir.gol-1", "目标有 detail 就必须有 measure", "a target with a detail must have a measure", |n| !has_choice(n, "detail") || has(n, KEYS.measure);
    "fhir.fhs-1", "age[x] 与 born[x] 不能同时出现", "age[x] and born[x] exclude each other", |n| !has_choice(n, "age") || !has_choice(n, "born");
    "fhir.fhs-2", "有 estimatedAge 就必须有 age[x]", "with estimatedAge there must be an age[x]", |n| !has(n, KEYS.estimated_age) || has_choice(n, "age");
    "fhir.imm-1", "必须有 documentType 或 reference", "there must be a documentType or a reference", |n| has(n, KEYS.document_type) || has(n, KEYS.reference);
    "fhir.imr-1", "必须有 vaccineCode 或 targetDisease", "there must be a vaccineCode or a targetDisease", |n| has(n, KEYS.vaccine_code) || has(n, KEYS.target_disease);
    "fhir.lnk-1", "至少要有两个 item", "there must be at least two items", |n| n.all(KEYS.item).nth(1).is_some();
    // R4's own expression asks this of three conditions only; its text, and HL7's validator, of two
    "fhir.que-12", "有多个 enableWhen 时须写明 enableBehavior(all 或 any)", "with several enableWhen there must be an enableBehavior (all or any)",
        |n| n.get("enableBehavior").is_some() || n.children().filter(|c| c.name() == "enableWhen").count() < 2;
    "fhir.qrs-1", "item 下不能同时有 answer 和 item", "an item must not have both answers and items", |n| !has(n, KEYS.answer) || !has(n, KEYS.item);
    "fhir.ppc-1", "必须有 policy 或 policyRule", "there must be a policy or a policyRule", |n| has(n, KEYS.policy) || has(n, KEYS.policy_rule);
    "fhir.rqg-1", "resource 与 action 必须且只能有其一", "there must be a resource or an action, and not both", |n| has(n, KEYS.resource) != has(n, KEYS.action);
    "fhir.cpl-3", "reference 与 detail 不能同时出现", "reference and detail exclude each other", |n| !has(n, KEYS.detail) || !has(n, KEYS.reference);
    "fhir.ces-1", "category 与 productOrService 必须且只能有其一", "there must be a category or a productOrService, and not both",
        |n| has(n, KEYS.category) != has(n, KEYS.product_or_service);
}

/// obs-7. A map, since both lists are as long as the sender makes them.
fn component_codes_differ(n: NodeRef<'_>) -> bool {
    if !has(n, KEYS.component) || !has_choice(n, "value") {
        return true;
    }
    let Some(code) = n.child(KEYS.code) else { return true };
    fn identity(c: NodeRef<'_>) -> [Option<&str>; 3] {
        [value(c, KEYS.system), value(c, KEYS.code), value(c, KEYS.display)]
    }
    let mut own: HashMap<[Option<&str>; 3], Vec<NodeRef<'_>>> = HashMap::new();
    code.all(KEYS.coding).for_each(|c| own.entry(identity(c)).or_default().push(c));
    let is_own = |c: NodeRef<'_>| own.get(&identity(c)).is_some_and(|same| same.iter().any(|o| equal(*o, c, 0)));
    !n.all(KEYS.component).filter_map(|component| component.child(KEYS.code)).any(|c| c.all(KEYS.coding).any(is_own))
}
