//! Which types of value the extensions that R4 defines may have, so that `extension("…") = …` gets the right one.

use std::collections::HashMap;

const TEXT: &str = include_str!("../../../../profiles/r4/profiles.txt");
const STANDARD: &str = "http://hl7.org/fhir/StructureDefinition/";

/// Value types by url; of a part of a complex extension by `url#part`.
pub(crate) struct Extensions {
    types: HashMap<String, Vec<&'static str>>,
}

impl Extensions {
    /// Those of FHIR R4 4.0.1.
    pub(crate) fn r4() -> Extensions {
        let mut types = HashMap::new();
        let mut url: Option<String> = None;
        for line in TEXT.lines() {
            if let Some(header) = line.strip_prefix('@') {
                let mut columns = header.split('\t');
                let name = columns.next().unwrap_or("");
                let is_extension = columns.next() == Some("Extension");
                url = is_extension.then(|| name.strip_prefix('~').map_or_else(|| name.to_owned(), |n| format!("{STANDARD}{n}")));
                continue;
            }
            let Some(url) = &url else { continue };
            let mut columns = line.split('\t');
            let path = columns.next().unwrap_or("");
            if columns.next() == Some("0..0") {
                continue;
            }
            let key = match path {
                "value[x]" => url.clone(),
                p => match p.strip_prefix("extension:").and_then(|p| p.strip_suffix(".value[x]")) {
                    Some(part) => format!("{url}#{part}"),
                    None => continue,
                },
            };
            let names = columns.next().unwrap_or("");
            let list: Vec<&'static str> = names.split(' ').filter_map(|t| t.split(['(', '{']).next()).filter(|t| !t.is_empty()).collect();
            if !list.is_empty() {
                types.insert(key, list);
            }
        }
        Extensions { types }
    }

    /// The types that the value may have; `None` where R4 does not define the extension.
    pub(crate) fn types(&self, url: &str) -> Option<&[&'static str]> {
        self.types.get(url).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_known_extensions() {
        let e = Extensions::r4();
        for (url, expect) in [
            ("http://hl7.org/fhir/StructureDefinition/patient-birthPlace", &["Address"][..]),
            ("http://hl7.org/fhir/StructureDefinition/data-absent-reason", &["code"]),
            ("http://hl7.org/fhir/StructureDefinition/patient-citizenship#code", &["CodeableConcept"]),
            ("http://hl7.org/fhir/StructureDefinition/condition-dueTo", &["CodeableConcept", "Reference"]),
        ] {
            assert_eq!(e.types(url), Some(expect), "{url}");
        }
        assert_eq!(e.types("http://example.org/x"), None);
    }
}
