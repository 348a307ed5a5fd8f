//! What the HTTP side asks of the community beside its FHIR resources: who is whom, and what an operator does.

use std::sync::Arc;

use hutong_commit::projection::{HistoryOf, HistoryPage, ReadError};
use hutong_commit::search::{Page, Query, Version};
use hutong_commit::store::Counts;
use hutong_fhir::json::{self, JsonLimits};
use hutong_fhir::{Finding, Key, Kind, NodeRef, Tree};

use crate::source::Source;

/// How sure a match is (<http://hl7.org/fhir/ValueSet/match-grade>).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grade {
    Certain,
    Probable,
    Possible,
}

impl Grade {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Grade::Certain => "certain",
            Grade::Probable => "probable",
            Grade::Possible => "possible",
        }
    }
}

/// A Patient that may be the one asked for.
#[derive(Clone, PartialEq, Debug)]
pub struct Likely {
    /// Its id.
    pub patient: String,
    /// From 0 to 1.
    pub score: f64,
    pub grade: Grade,
}

/// Who is whom.
pub trait Community: Send + Sync + 'static {
    /// The ids of the other Patients that are the same person.
    fn others(&self, patient: &str) -> Vec<String>;
    /// Who a Patient may be, best first, one of each person.
    fn matches(&self, patient: NodeRef<'_>) -> Vec<Likely>;
}

/// A request to `/admin`.
pub struct AdminAsk<'a> {
    /// Id of the institution whose token it is, or `local`.
    pub caller: &'a str,
    /// Below `/admin`: `identity/reviews`.
    pub path: &'a str,
    pub query: &'a [(String, String)],
    /// JSON; `None`: a `GET`.
    pub body: Option<&'a [u8]>,
}

/// A request below `/admin/report/`: for operators, and for each institution about itself.
pub struct ReportAsk<'a> {
    /// Below `/admin/report/`: `recognition`.
    pub path: &'a str,
    pub query: &'a [(String, String)],
    /// The only institution whose rows may be told; `None`: all.
    pub only: Option<&'a str>,
    /// As the client sent it; empty = no wish.
    pub accept: &'a str,
}

/// A report as a file.
pub struct Report {
    pub content_type: &'static str,
    /// For what a browser saves; `None`: it is shown.
    pub file_name: Option<String>,
    pub bytes: Vec<u8>,
}

/// Why an operator is not answered as asked.
pub enum AdminRefusal {
    NoSuchPath,
    /// What is wrong with the request.
    Wrong(Vec<Finding>),
    /// The store cannot take it now.
    Unavailable,
}

/// What an operator sees and does. Calls may block until what was done is durable.
pub trait Admin: Send + Sync + 'static {
    fn answer(&self, ask: &AdminAsk<'_>) -> Result<serde_json::Value, AdminRefusal>;

    /// A report; there is none unless the gateway offers some.
    fn report(&self, _ask: &ReportAsk<'_>) -> Result<Report, AdminRefusal> {
        Err(AdminRefusal::NoSuchPath)
    }
}

/// A store whose Patients say, on reading and searching, which others are the same person: `link` with type `seealso`.
/// What is stored is not touched, and history shows it as it was stored.
pub struct Linked {
    pub source: Arc<dyn Source>,
    pub community: Arc<dyn Community>,
}

impl Linked {
    fn link(&self, id: &str, version: &mut Version) {
        let others = self.community.others(id);
        if !others.is_empty() && !version.deleted {
            version.body = linked(std::mem::take(&mut version.body), &others);
        }
    }
}

/// The body with links to the others, beside those that the institution itself sent.
fn linked(body: Vec<u8>, others: &[String]) -> Vec<u8> {
    let Ok((stored, _)) = json::parse(&body, &JsonLimits::default()) else { return body };
    let mut out = Tree::new();
    let link = Key::of("link");
    for child in stored.root().children().filter(|c| c.name() != "link") {
        let key = out.key(child.name());
        out.graft(0, key, child, child.is_list());
    }
    let said: Vec<NodeRef<'_>> = stored.root().children().filter(|c| c.name() == "link").collect();
    for child in &said {
        out.graft(0, link, *child, true);
    }
    for other in others {
        let reference = format!("Patient/{other}");
        if said.iter().any(|l| l.at("other.reference") == Some(&reference)) {
            continue;
        }
        let entry = out.add(0, link, Kind::Object, true);
        let to = out.add(entry, Key::of("other"), Kind::Object, false);
        out.add_value(to, Key::of("reference"), Kind::String, &reference, false);
        out.add_value(entry, Key::of("type"), Kind::String, "seealso", false);
    }
    let mut text = Vec::with_capacity(body.len() + others.len() * 96);
    json::write(out.root(), &mut text);
    text
}

impl Source for Linked {
    fn read(&self, kind: &str, id: &str) -> Result<Option<Version>, ReadError> {
        let mut found = self.source.read(kind, id)?;
        if let Some(version) = found.as_mut().filter(|_| kind == "Patient") {
            self.link(id, version);
        }
        Ok(found)
    }

    fn vread(&self, kind: &str, id: &str, version: u64) -> Result<Option<Version>, ReadError> {
        self.source.vread(kind, id, version)
    }

    fn history(&self, of: HistoryOf<'_>, since_us: Option<i64>, count: usize, after: Option<u64>) -> Result<HistoryPage, ReadError> {
        self.source.history(of, since_us, count, after)
    }

    fn search(&self, query: &Query) -> Result<Page, ReadError> {
        let mut page = self.source.search(query)?;
        for row in page.matches.iter_mut().chain(&mut page.included).filter(|row| row.resource_type == "Patient") {
            self.link(&row.id, &mut row.version);
        }
        Ok(page)
    }

    fn counts(&self) -> Counts {
        self.source.counts()
    }

    fn durable(&self) -> u64 {
        self.source.durable()
    }

    fn applied(&self) -> u64 {
        self.source.applied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_added_to_those_that_were_sent() {
        let see = |id: &str| format!(r#"{{"other":{{"reference":"Patient/{id}"}},"type":"seealso"}}"#);
        let sent = r#"{"other":{"reference":"Patient/2"},"type":"replaced-by"}"#;
        let head = r#"{"resourceType":"Patient","id":"1","birthDate":"1970""#;
        for (body, expected) in [
            (format!("{head}}}"), format!(r#"{head},"link":[{},{}]}}"#, see("2"), see("3"))),
            (format!(r#"{head},"link":[{sent}]}}"#), format!(r#"{head},"link":[{sent},{}]}}"#, see("3"))),
        ] {
            let got = linked(body.into_bytes(), &["2".to_owned(), "3".to_owned()]);
            assert_eq!(String::from_utf8(got).unwrap(), expected);
        }
        assert_eq!(linked(b"{".to_vec(), &["2".to_owned()]), b"{");
    }
}
