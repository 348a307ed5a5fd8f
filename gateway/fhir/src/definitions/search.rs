//! R4's search parameters (`profiles/r4/search.txt`), read when first asked for.

use std::collections::HashMap;
use std::sync::LazyLock;

const TEXT: &str = include_str!("../../../../profiles/r4/search.txt");

/// One search parameter.
pub struct SearchParameter {
    /// The name in a URL, e.g. `based-on`.
    pub code: &'static str,
    /// `number date string token reference composite quantity uri special`.
    pub kind: &'static str,
    /// The last part of its canonical URL, e.g. `clinical-patient`.
    pub id: &'static str,
    /// FHIRPath over all its base types, joined by `|`; see [`SearchParameter::branches`].
    pub expression: &'static str,
    bases: &'static str,
    targets: &'static str,
    components: &'static str,
}

impl SearchParameter {
    /// The resource types that have it (`Resource`, `DomainResource` included).
    pub fn bases(&self) -> impl Iterator<Item = &'static str> {
        self.bases.split(',')
    }

    /// The resource types that a reference parameter may point to.
    pub fn targets(&self) -> impl Iterator<Item = &'static str> {
        self.targets.split(',').filter(|t| !t.is_empty())
    }

    /// The parts of a composite: (id of the search parameter, expression below the composite's own).
    pub fn components(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.components.split('\t').filter_map(|c| c.split_once('='))
    }

    /// The alternatives of the expression that apply to one resource type, brackets around a whole alternative
    /// taken off.
    pub fn branches(&self, resource_type: &str) -> Vec<&'static str> {
        let mut out = Vec::new();
        let (mut depth, mut from) = (0usize, 0);
        let bytes = self.expression.as_bytes();
        for (i, b) in bytes.iter().enumerate() {
            match b {
                b'(' => depth += 1,
                b')' => depth = depth.saturating_sub(1),
                b'|' if depth == 0 => {
                    out.push(self.expression[from..i].trim());
                    from = i + 1;
                }
                _ => {}
            }
        }
        out.push(self.expression[from..].trim());
        out.retain(|branch| {
            let inner = branch.trim_start_matches('(');
            let end = inner.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(inner.len());
            matches!(&inner[..end], "Resource" | "DomainResource") || &inner[..end] == resource_type
        });
        out
    }
}

/// All of them.
pub struct SearchParameters {
    all: Vec<SearchParameter>,
    by_base: HashMap<&'static str, Vec<u16>>,
}

static PARAMETERS: LazyLock<SearchParameters> = LazyLock::new(|| {
    let mut out = SearchParameters { all: Vec::with_capacity(1400), by_base: HashMap::new() };
    for line in TEXT.lines() {
        let mut columns = line.splitn(7, '\t');
        let mut next = || columns.next().unwrap_or("");
        let (code, kind, bases, targets) = (next(), next(), next(), next());
        let (id, expression, components) = (next(), next(), next());
        for base in bases.split(',') {
            out.by_base.entry(base).or_default().push(out.all.len() as u16);
        }
        out.all.push(SearchParameter { code, kind, id, expression, bases, targets, components });
    }
    out
});

pub(super) fn parameters() -> &'static SearchParameters {
    &PARAMETERS
}

impl SearchParameters {
    pub fn all(&self) -> &[SearchParameter] {
        &self.all
    }

    /// Those of a resource type, with those that every resource has.
    pub fn of(&self, resource_type: &str) -> impl Iterator<Item = &SearchParameter> {
        [resource_type, "DomainResource", "Resource"]
            .into_iter()
            .filter_map(|base| self.by_base.get(base))
            .flatten()
            .map(|i| &self.all[*i as usize])
    }

    /// A parameter of a resource type by its name in a URL.
    pub fn find(&self, resource_type: &str, code: &str) -> Option<&SearchParameter> {
        self.of(resource_type).find(|p| p.code == code)
    }

    /// A parameter by the last part of its canonical URL.
    pub fn by_id(&self, id: &str) -> Option<&SearchParameter> {
        self.all.iter().find(|p| p.id == id)
    }
}
