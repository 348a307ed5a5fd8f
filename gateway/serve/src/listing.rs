//! A search over what is not in the store: its parameters are read, what is not known is refused or left out, and a page of
//! what was found is told.

use std::borrow::Cow;

use hutong_wire::limits::{Limits, size};

use crate::answer::Answer;
use crate::bundle::{Bundle, Mode};
use crate::negotiate::Handling;
use crate::params::{self, Fields, Honoured};
use crate::refusal::{self, Refusal};

/// What a search asks for beside what it looks for.
pub(crate) struct Listing {
    honoured: Honoured,
    left_out: Vec<Refusal>,
    count: Option<usize>,
    cursor: Option<String>,
}

/// Id and JSON of one that was found.
pub(crate) type One<'a> = (&'a str, Cow<'a, [u8]>);

impl Listing {
    /// `take` is given each parameter of `known` with its value.
    pub(crate) fn read(
        fields: &Fields,
        limits: &Limits,
        known: &[&str],
        mut take: impl FnMut(&str, &str) -> Result<(), Refusal>,
    ) -> Result<Listing, Refusal> {
        let mut listing = Listing { honoured: fields.honoured(), left_out: Vec::new(), count: None, cursor: None };
        for (name, value) in &fields.list {
            match name.as_str() {
                "_count" if listing.count.is_some() => return Err(Refusal::given_twice("_count")),
                "_count" => listing.count = Some(params::count(value, limits)?),
                "_cursor" => listing.cursor = Some(value.clone()),
                name if known.contains(&name) => {
                    listing.honoured.push(name, value);
                    take(name, value)?;
                }
                _ => {
                    let refusal = Refusal::unknown_parameter(name, &known.join(", "));
                    if fields.handling == Handling::Strict {
                        return Err(refusal);
                    }
                    listing.left_out.push(refusal);
                }
            }
        }
        Ok(listing)
    }

    /// A page of what was found of a type; `one` gives each, `hint` is said beside them.
    pub(crate) fn page<'f, T>(
        mut self,
        (base, kind): (&str, &str),
        limits: &Limits,
        found: &'f [T],
        hint: Option<Refusal>,
        one: impl Fn(&'f T) -> Result<Option<One<'f>>, Refusal>,
    ) -> Result<Answer, Refusal> {
        let address = format!("{base}/{kind}");
        let mark = self.honoured.mark(&address);
        let from = match &self.cursor {
            Some(cursor) => params::open_cursor(cursor, &mark)?.parse::<usize>().map_err(|_| Refusal::bad_cursor())?,
            None => 0,
        };
        if let Some(count) = self.count {
            self.honoured.push("_count", count.to_string());
        }
        let count = self.count.unwrap_or(size(limits.search_count_default));
        let mut page = Vec::new();
        for item in found.iter().skip(from).take(count) {
            page.extend(one(item)?);
        }
        let next = from.saturating_add(count);
        let own = self.honoured.url(&address, self.cursor.as_deref());
        let next = (next < found.len() && count > 0).then(|| self.honoured.url(&address, Some(&format!("{mark}.{next}"))));
        let mut links = vec![("self", own.as_str())];
        links.extend(next.as_deref().map(|next| ("next", next)));
        let bytes = page.iter().map(|(_, body)| body.len() + 128).sum();
        let mut bundle = Bundle::new("searchset", Some(found.len() as u64), &links, bytes);
        for (id, body) in &page {
            bundle.found(base, kind, id, body, Mode::Match);
        }
        let hint: Vec<Refusal> = hint.into_iter().collect();
        for (said, severity) in [(&self.left_out, "warning"), (&hint, "information")].into_iter().filter(|(said, _)| !said.is_empty()) {
            let mut outcome = Vec::new();
            refusal::outcome(said, severity, &mut outcome);
            bundle.found(base, "", "", &outcome, Mode::Outcome);
        }
        Ok(Answer::fhir(bundle.finish()))
    }
}
