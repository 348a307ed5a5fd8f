//! Draft orders as FHIR writes them → what is asked of the desk.

use hutong_enforce::recognition::Setting;
use hutong_enforce::recognition::desk::OrderAsked;
use hutong_fhir::{Key, NodeRef};

/// Code systems of reasons that an order itself may give for a repetition.
const REASONS: &str = "http://fhir.med-community.cn/gw/CodeSystem/recognition-reason";

/// What was found in draft orders.
#[derive(Default)]
pub(crate) struct Drafts {
    pub(crate) orders: Vec<OrderAsked>,
    /// References of the patients they are for, each once.
    pub(crate) patients: Vec<String>,
    /// Orders of other kinds (drugs, diets): nothing to recognise.
    pub(crate) others: usize,
    /// HTEST among `meta.security` or `meta.tag` of any.
    pub(crate) is_test: bool,
}

impl Drafts {
    /// Takes a ServiceRequest, or all of a Bundle. `wanted`: of a Bundle, only those that are named so.
    pub(crate) fn take(&mut self, resource: NodeRef<'_>, wanted: Option<&[String]>) {
        match resource.resource_type() {
            Some("ServiceRequest") => self.one(resource, "", wanted),
            Some("Bundle") => {
                for entry in resource.all(Key::of("entry")) {
                    if let Some(inner) = entry.get("resource") {
                        self.one(inner, entry.at("fullUrl").unwrap_or_default(), wanted);
                    }
                }
            }
            _ => self.others += 1,
        }
    }

    fn one(&mut self, resource: NodeRef<'_>, url: &str, wanted: Option<&[String]>) {
        if resource.resource_type() != Some("ServiceRequest") {
            self.others += 1;
            return;
        }
        let order = match (resource.at("id"), resource.at("identifier.value")) {
            (Some(id), _) => format!("ServiceRequest/{id}"),
            (None, Some(number)) => number.to_owned(),
            (None, None) if !url.is_empty() => url.to_owned(),
            (None, None) => format!("#{}", self.orders.len() + 1),
        };
        if wanted.is_some_and(|wanted| !wanted.contains(&order)) {
            return;
        }
        if let Some(patient) = resource.at("subject.reference").map(str::to_owned).filter(|p| !self.patients.contains(p)) {
            self.patients.push(patient);
        }
        let labels = resource.get("meta").into_iter().flat_map(NodeRef::children).filter(|c| matches!(c.name(), "security" | "tag"));
        self.is_test |= labels.into_iter().any(|label| label.at("code") == Some("HTEST"));
        let codings = || resource.get("code").into_iter().flat_map(|code| code.all(Key::of("coding")));
        let codes = codings().filter_map(|c| Some((c.at("system").unwrap_or_default().to_owned(), c.at("code")?.to_owned()))).collect();
        let named = resource.at("code.text").or_else(|| codings().find_map(|c| c.at("display")));
        let name = named.or_else(|| codings().find_map(|c| c.at("code"))).unwrap_or_default().to_owned();
        let reasons = resource.all(Key::of("reasonCode")).flat_map(|r| r.all(Key::of("coding")));
        let reasons = reasons.filter(|c| c.at("system").is_some_and(|s| s.starts_with(REASONS)));
        let exceptions = reasons.filter_map(|c| c.at("code").map(str::to_owned)).collect();
        self.orders.push(OrderAsked { order, codes, name, exceptions });
    }
}

/// From a code of ours, or of FHIR's `Encounter.class` (v3-ActCode).
pub(crate) fn setting(code: &str) -> Option<Setting> {
    Some(match code {
        "outpatient" | "AMB" | "HH" | "VR" | "FLD" => Setting::Outpatient,
        "emergency" | "EMER" => Setting::Emergency,
        "inpatient" | "IMP" | "ACUTE" | "NONAC" | "OBSENC" | "PRENC" | "SS" => Setting::Inpatient,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hutong_fhir::json::{self, JsonLimits};

    #[test]
    fn orders_are_read_and_others_counted() {
        let text = r#"{"resourceType":"Bundle","type":"collection","entry":[
            {"resource":{"resourceType":"MedicationRequest","id":"m"}},
            {"resource":{"resourceType":"ServiceRequest","id":"a","subject":{"reference":"Patient/p"},
              "reasonCode":[{"coding":[{"system":"http://fhir.med-community.cn/gw/CodeSystem/recognition-reason-platform","code":"04"},{"system":"urn:icd","code":"I10"}]}],
              "code":{"coding":[{"system":"urn:l","code":"GLU","display":"血糖"},{"code":"x"},{"system":"urn:y"}]}}},
            {"resource":{"resourceType":"ServiceRequest","identifier":[{"value":"N1"}],"meta":{"security":[{"code":"HTEST"}]},"code":{"text":"血常规"}}},
            {"fullUrl":"urn:uuid:1","resource":{"resourceType":"ServiceRequest"}},
            {"resource":{"resourceType":"ServiceRequest"}}]}"#;
        let (tree, _) = json::parse(text.as_bytes(), &JsonLimits::default()).ok().unwrap();
        let mut drafts = Drafts::default();
        drafts.take(tree.root(), None);
        let names: Vec<(&str, &str)> = drafts.orders.iter().map(|o| (o.order.as_str(), o.name.as_str())).collect();
        assert_eq!(names, [("ServiceRequest/a", "血糖"), ("N1", "血常规"), ("urn:uuid:1", ""), ("#4", "")]);
        assert_eq!(drafts.orders[0].codes, [("urn:l".to_owned(), "GLU".to_owned()), (String::new(), "x".to_owned())]);
        assert_eq!(drafts.orders[0].exceptions, ["04"]);
        assert_eq!((drafts.others, drafts.is_test, &drafts.patients[..]), (1, true, &["Patient/p".to_owned()][..]));
        let mut some = Drafts::default();
        some.take(tree.root(), Some(&["N1".to_owned()]));
        assert_eq!(some.orders.len(), 1);
    }
}
