//! `Update::Merge`: what a message says of a resource laid over what is known of it.
//!
//! An element of the new body replaces the element of that name; one it does not have stays; one that is named in
//! `clear` goes. Of `identifier` (by system and value) and `link` (by whom it points at) the lists are united.

use hutong_fhir::json::{self, JsonLimits};
use hutong_fhir::tree::{NodeRef, Tree};

/// Elements with a choice of types: `deceasedBoolean` replaces `deceasedDateTime`.
const CHOICES: [&str; 16] = [
    "abatement",
    "asNeeded",
    "created",
    "deceased",
    "effective",
    "event",
    "medication",
    "multipleBirth",
    "occurred",
    "occurrence",
    "onset",
    "performed",
    "quantity",
    "reported",
    "statusReason",
    "value",
];

/// The choice that an element name is of, e.g. `deceased`.
fn choice(name: &str) -> Option<&'static str> {
    CHOICES.into_iter().find(|base| name.strip_prefix(base).is_some_and(|tail| tail.starts_with(|c: char| c.is_ascii_uppercase())))
}

/// The merged body, or `None` where it says the same as `old`. An error names which of the two is no FHIR JSON.
pub(crate) fn overlay<'c>(old: &[u8], new: &[u8], clear: impl Iterator<Item = &'c str>) -> Result<Option<Vec<u8>>, &'static str> {
    let limits = JsonLimits::default();
    let (old, _) = json::parse(old, &limits).map_err(|_| "the stored body is not FHIR JSON")?;
    let (new, _) = json::parse(new, &limits).map_err(|_| "the new body is not FHIR JSON")?;
    let clear: Vec<&str> = clear.collect();
    let mut out = Tree::new();
    for child in old.root().children() {
        let name = child.name();
        let goes = clear.iter().any(|c| *c == name || choice(name).is_some_and(|base| base == *c));
        if united(name) {
            if !goes && !new.root().children().any(|n| n.name() == name && same_entry(name, n, child)) {
                copy(&mut out, child);
            }
            continue;
        }
        let replaced = new.root().children().any(|n| n.name() == name || (choice(name).is_some() && choice(n.name()) == choice(name)));
        if replaced {
            // keeps its place among the others
            if !has(&out, name) {
                new.root().children().filter(|n| n.name() == name).for_each(|n| copy(&mut out, n));
            }
        } else if !goes {
            copy(&mut out, child);
        }
    }
    let root_names: Vec<&str> = old.root().children().map(NodeRef::name).collect();
    for child in new.root().children() {
        if united(child.name()) || !root_names.contains(&child.name()) {
            copy(&mut out, child);
        }
    }
    let (mut before, mut after) = (Vec::new(), Vec::new());
    json::write(old.root(), &mut before);
    json::write(out.root(), &mut after);
    Ok((before != after).then_some(after))
}

fn has(tree: &Tree, name: &str) -> bool {
    tree.root().children().any(|c| c.name() == name)
}

fn copy(out: &mut Tree, node: NodeRef<'_>) {
    let key = out.key(node.name());
    out.graft(0, key, node, node.is_list());
}

fn united(name: &str) -> bool {
    matches!(name, "identifier" | "link")
}

fn same_entry(name: &str, a: NodeRef<'_>, b: NodeRef<'_>) -> bool {
    if name == "link" {
        return a.at("other.reference").is_some() && a.at("other.reference") == b.at("other.reference");
    }
    (a.at("system"), a.at("value")) == (b.at("system"), b.at("value"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        // old, new, cleared, merged (None: no change)
        #[rustfmt::skip]
        let cases: &[(&str, &str, &[&str], Option<&str>)] = &[
            (r#"{"id":"1","gender":"male","birthDate":"1990"}"#, r#"{"id":"1","gender":"female"}"#, &[], Some(r#"{"id":"1","gender":"female","birthDate":"1990"}"#)),
            (r#"{"id":"1","gender":"male"}"#, r#"{"id":"1","gender":"male"}"#, &[], None),
            (r#"{"id":"1","gender":"male"}"#, r#" { "id" : "1" } "#, &[], None),
            (r#"{"id":"1","gender":"male"}"#, r#"{"id":"1"}"#, &["gender"], Some(r#"{"id":"1"}"#)),
            (r#"{"id":"1"}"#, r#"{"id":"1"}"#, &["gender"], None),
            (r#"{"id":"1","telecom":[{"value":"1"},{"value":"2"}],"gender":"male"}"#, r#"{"id":"1","telecom":[{"value":"3"}]}"#, &[], Some(r#"{"id":"1","telecom":[{"value":"3"}],"gender":"male"}"#)),
            (r#"{"id":"1","identifier":[{"system":"s","value":"1"},{"system":"s","value":"2"}]}"#, r#"{"id":"1","identifier":[{"system":"s","value":"2","use":"old"},{"system":"t","value":"2"}]}"#, &[],
                Some(r#"{"id":"1","identifier":[{"system":"s","value":"1"},{"system":"s","value":"2","use":"old"},{"system":"t","value":"2"}]}"#)),
            (r#"{"id":"1","identifier":[{"value":"1"}]}"#, r#"{"id":"1"}"#, &[], None),
            (r#"{"id":"1","identifier":[{"value":"1"}]}"#, r#"{"id":"1"}"#, &["identifier"], Some(r#"{"id":"1"}"#)),
            (r#"{"id":"1","link":[{"other":{"reference":"Patient/2"},"type":"refer"}]}"#, r#"{"id":"1","link":[{"other":{"reference":"Patient/2"},"type":"replaces"}]}"#, &[],
                Some(r#"{"id":"1","link":[{"other":{"reference":"Patient/2"},"type":"replaces"}]}"#)),
            (r#"{"id":"1","deceasedBoolean":true,"gender":"male"}"#, r#"{"id":"1","deceasedDateTime":"2026"}"#, &[], Some(r#"{"id":"1","gender":"male","deceasedDateTime":"2026"}"#)),
            (r#"{"id":"1","deceasedBoolean":true}"#, r#"{"id":"1"}"#, &["deceased"], Some(r#"{"id":"1"}"#)),
            (r#"{"id":"1","value":1.0}"#, r#"{"id":"1","value":1.00}"#, &[], Some(r#"{"id":"1","value":1.00}"#)),
        ];
        for (old, new, clear, want) in cases {
            let merged = overlay(old.as_bytes(), new.as_bytes(), clear.iter().copied()).unwrap();
            assert_eq!(merged.map(|m| String::from_utf8(m).unwrap()).as_deref(), *want, "{old} + {new}");
        }
        assert!(overlay(b"{", b"{}", [].into_iter()).is_err());
        assert!(overlay(b"{}", b"[]", [].into_iter()).is_err());
    }
}
