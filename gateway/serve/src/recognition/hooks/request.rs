//! A call of a CDS service → a question to the desk. 400 where the request is not as the specification says, 412 where the
//! patient cannot be found.

use hutong_enforce::recognition::Setting;
use hutong_enforce::recognition::desk::Ask;
use hutong_enforce::recognition::record::{Context, Trigger};
use hutong_fhir::Tree;
use hutong_validate::Syntax;
use hutong_wire::limits::{Limits, size};
use serde_json::Value;

use super::Hook;
use crate::document;
use crate::recognition::draft::{Drafts, setting};
use crate::recognition::{At, now_us, who};
use crate::refusal::Refusal;

/// Names in `extension` by which a program on this machine says for which institution and department it asks.
const INSTITUTION: &str = "cn.med-community.fhir.institution";
const DEPARTMENT: &str = "cn.med-community.fhir.department";

/// Longest `hookInstance`, `userId` …
const TEXT_MAX: usize = 256;

/// A JSON object; depth is bounded by the reader (128 levels).
pub(super) fn read(text: &[u8]) -> Result<Value, Refusal> {
    let bad = || Refusal::hook("body", "应为 JSON 对象", "a JSON object is expected");
    serde_json::from_slice::<Value>(text).ok().filter(Value::is_object).ok_or_else(bad)
}

/// A required text.
pub(super) fn text<'v>(of: &'v Value, pointer: &str, path: &'static str) -> Result<&'v str, Refusal> {
    let found = of.pointer(pointer).and_then(Value::as_str).filter(|t| !t.is_empty() && t.len() <= TEXT_MAX);
    found.ok_or_else(|| Refusal::hook(path, "必填，且应为非空字符串", "it is required, a string that is not empty"))
}

/// A text that may be absent.
fn maybe<'v>(of: &'v Value, pointer: &str, path: &'static str) -> Result<&'v str, Refusal> {
    match of.pointer(pointer) {
        None | Some(Value::Null) => Ok(""),
        Some(_) => text(of, pointer, path),
    }
}

impl At<'_> {
    /// The question of a call; `None`: there is nothing to ask about (only drugs are ordered, say).
    pub(super) fn hook_question(&self, hook: Hook, call: &Value) -> Result<Option<Ask>, Refusal> {
        if text(call, "/hook", "hook")? != hook.name() {
            let (zh, en) = (format!("此服务只应答 {}", hook.name()), format!("this service answers {} only", hook.name()));
            return Err(Refusal::hook("hook", &zh, &en));
        }
        text(call, "/hookInstance", "hookInstance")?;
        let user = text(call, "/context/userId", "context.userId")?;
        let patient_id = text(call, "/context/patientId", "context.patientId")?;
        let encounter = maybe(call, "/context/encounterId", "context.encounterId")?;
        let drafts = if hook.trigger() == Trigger::Visit { Drafts::default() } else { self.drafts(hook, call)? };
        if hook.trigger() == Trigger::Order && drafts.orders.is_empty() {
            return Ok(None);
        }
        let orders_max = size(self.limits.recognition_orders);
        if drafts.orders.len() > orders_max {
            return Err(Refusal::too_many_orders(orders_max));
        }
        let id = patient_id.strip_prefix("Patient/").unwrap_or(patient_id);
        if drafts.patients.iter().any(|p| p.strip_prefix("Patient/") != Some(id)) {
            let (zh, en) = ("申请的患者与 context.patientId 不符", "an order is of another patient than context.patientId");
            return Err(Refusal::hook("context.draftOrders", zh, en));
        }
        let described = prefetched(call, "patient", self.limits)?;
        let described = described.as_ref().map(Tree::root).filter(|r| r.resource_type() == Some("Patient"));
        let patient = who::patient(self, id, described).ok_or_else(|| Refusal::unknown_patient(true))?;
        let said = |name: &str| call.get("extension").and_then(|e| e.get(name)).and_then(Value::as_str).map(str::to_owned);
        Ok(Some(Ask {
            trigger: hook.trigger(),
            source: self.asker.name().to_owned(),
            context: Context {
                institution: self.institution(said(INSTITUTION))?,
                department: said(DEPARTMENT).unwrap_or_default(),
                doctor: self.user(call, user)?,
                patient,
                order: String::new(),
                visit: if encounter.is_empty() {
                    String::new()
                } else {
                    format!("Encounter/{}", encounter.trim_start_matches("Encounter/"))
                },
                channel: "cds-hooks".to_owned(),
                is_test: drafts.is_test,
            },
            same: Vec::new(),
            setting: self.encounter_setting(call, encounter)?,
            at_us: now_us(),
            orders: drafts.orders,
        }))
    }

    /// Draft orders; at `order-select` those that were newly selected.
    fn drafts(&self, hook: Hook, call: &Value) -> Result<Drafts, Refusal> {
        const PATH: &str = "context.draftOrders";
        let missing = || Refusal::hook(PATH, "必填，应为 FHIR Bundle", "it is required, a FHIR Bundle");
        let bundle = call.pointer("/context/draftOrders").filter(|b| b.is_object()).ok_or_else(missing)?;
        let tree = resource(bundle, self.limits)?;
        if tree.root().resource_type() != Some("Bundle") {
            return Err(missing());
        }
        let mut drafts = Drafts::default();
        if hook == Hook::OrderSelect {
            const SELECTED: &str = "context.selections";
            let bad = || Refusal::hook(SELECTED, "必填，应为引用的数组", "it is required, an array of references");
            let list = call.pointer("/context/selections").and_then(Value::as_array).ok_or_else(bad)?;
            let wanted = list.iter().map(|s| s.as_str().map(str::to_owned).ok_or_else(bad)).collect::<Result<Vec<_>, _>>()?;
            drafts.take(tree.root(), Some(&wanted));
        } else {
            drafts.take(tree.root(), None);
        }
        Ok(drafts)
    }

    /// The doctor's code: the first identifier of the user that was prefetched, or of the one that is stored here, else the id.
    fn user(&self, call: &Value, user: &str) -> Result<String, Refusal> {
        let prefetched = prefetched(call, "user", self.limits)?;
        let number = prefetched.and_then(|tree| tree.root().at("identifier.value").map(str::to_owned));
        Ok(number.unwrap_or_else(|| who::by_reference(self, user)))
    }

    /// In- or outpatient, from the encounter that was prefetched or is stored here.
    fn encounter_setting(&self, call: &Value, encounter: &str) -> Result<Option<Setting>, Refusal> {
        let of = |tree: &Tree| tree.root().at("class.code").and_then(setting);
        if let Some(tree) = prefetched(call, "encounter", self.limits)? {
            return Ok(of(&tree));
        }
        let reference = format!("Encounter/{}", encounter.trim_start_matches("Encounter/"));
        Ok(if encounter.is_empty() { None } else { who::stored(self, &reference).as_ref().and_then(of) })
    }
}

/// A prefetched resource; `null` is the specification's "there is none".
fn prefetched(call: &Value, key: &'static str, limits: &Limits) -> Result<Option<Tree>, Refusal> {
    match call.get("prefetch").and_then(|p| p.get(key)) {
        Some(value) if value.is_object() => resource(value, limits).map(Some),
        _ => Ok(None),
    }
}

/// FHIR inside a call, read under the same limits as any other.
fn resource(value: &Value, limits: &Limits) -> Result<Tree, Refusal> {
    let text = value.to_string();
    document::read(text.as_bytes(), Syntax::Json, limits).map(|d| d.tree)
}
