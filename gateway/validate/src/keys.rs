//! The numbers of the element names that rules ask for by name.

use hutong_fhir::Key;
use std::sync::LazyLock;

macro_rules! keys {
    ($($field:ident = $name:literal),* $(,)?) => {
        pub(crate) struct Keys { $(pub(crate) $field: Key),* }
        pub(crate) static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys { $($field: Key::of($name)),* });
    };
}

keys! {
    resource_type = "resourceType", id = "id", meta = "meta", version_id = "versionId", last_updated = "lastUpdated",
    security = "security", contained = "contained", extension = "extension", modifier_extension = "modifierExtension", profile = "profile",
    text = "text", status = "status", kind = "type", code = "code", coding = "coding", system = "system",
    value = "value", display = "display", reference = "reference", identifier = "identifier", start = "start", end = "end",
    low = "low", high = "high", unit = "unit", comparator = "comparator", numerator = "numerator", denominator = "denominator",
    entry = "entry", resource = "resource", full_url = "fullUrl", request = "request", response = "response", search = "search",
    total = "total", timestamp = "timestamp", name = "name", telecom = "telecom", address = "address",
    organization = "organization", component = "component", data_absent_reason = "dataAbsentReason", data = "data",
    content_type = "contentType", use_ = "use", section = "section", empty_reason = "emptyReason", mode = "mode",
    deleted = "deleted", date = "date", clinical_status = "clinicalStatus", verification_status = "verificationStatus",
    category = "category", order_detail = "orderDetail", actor = "actor", summary = "summary", assessment = "assessment",
    detail = "detail", measure = "measure", dose = "dose", when_handed_over = "whenHandedOver", when_prepared = "whenPrepared",
    duration = "duration", duration_unit = "durationUnit", duration_max = "durationMax", period = "period",
    period_unit = "periodUnit", period_max = "periodMax", count = "count", count_max = "countMax", offset = "offset",
    when = "when", time_of_day = "timeOfDay", member = "member", actual = "actual",
    participant_type = "participantType", document_type = "documentType", estimated_age = "estimatedAge", item = "item",
    answer = "answer", cancelation_reason = "cancelationReason", vaccine_code = "vaccineCode",
    target_disease = "targetDisease", policy = "policy", policy_rule = "policyRule", action = "action",
    expression = "expression", product_or_service = "productOrService", size = "size", url = "url",
    link = "link", version = "version", relation = "relation",
}
