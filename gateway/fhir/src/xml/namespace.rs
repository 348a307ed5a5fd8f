//! Which namespace a prefix means at a place in the document.

use super::{FHIR, XHTML};

/// The namespaces that make a difference here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Space {
    None,
    Fhir,
    Xhtml,
    /// XML Schema instance: `xsi:schemaLocation` is let pass.
    Instance,
    Other,
}

impl Space {
    fn of(uri: &str) -> Space {
        match uri {
            "" => Space::None,
            FHIR => Space::Fhir,
            XHTML => Space::Xhtml,
            "http://www.w3.org/2001/XMLSchema-instance" => Space::Instance,
            _ => Space::Other,
        }
    }
}

/// Prefixes in scope, innermost last.
#[derive(Default)]
pub(super) struct Scopes {
    list: Vec<(usize, String, Space)>,
}

impl Scopes {
    /// Binds a prefix (empty = default) from an element at `depth` on.
    pub(super) fn bind(&mut self, depth: usize, prefix: &str, uri: &str) {
        self.list.push((depth, prefix.to_owned(), Space::of(uri)));
    }

    /// How many prefixes are bound.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Forgets what elements at `depth` and below it bound.
    pub(super) fn leave(&mut self, depth: usize) {
        while self.list.last().is_some_and(|(at, ..)| *at >= depth) {
            self.list.pop();
        }
    }

    /// The namespace of a name's prefix, and the name without it. A prefix that nobody bound is `None`.
    pub(super) fn resolve<'n>(&self, name: &'n str) -> Option<(Space, &'n str)> {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let found = self.list.iter().rev().find(|(_, p, _)| p == prefix);
        match (found, prefix) {
            (Some((.., space)), _) => Some((*space, local)),
            (None, "") => Some((Space::None, local)),
            (None, "xml") => Some((Space::Other, local)),
            (None, _) => None,
        }
    }
}
