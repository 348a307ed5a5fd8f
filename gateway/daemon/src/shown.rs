//! A message that went down the pipeline: what is committed of it, and how it is shown.

use std::fmt::Write as _;

use hutong_commit::entry::{Final, ResourceDraft, Update};
use hutong_decode::charset::{self, Charset};
use hutong_decode::v2::{self, Message, datetime};
use hutong_fhir::json;
use hutong_fhir::{Finding, NodeRef, Severity};
use hutong_map::{Mapped, MappedResource};
use sha2::{Digest, Sha256};

use crate::community::{Tie, Told};
use crate::mappings::Lines;

/// What resources are called in a Bundle that is handed to somebody: our canonical base.
const BASE: &str = "http://fhir.med-community.cn/gw";

/// How a Bundle is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bundle {
    Compact,
    Pretty,
}

pub(crate) struct Processed {
    /// As it arrived.
    pub(crate) raw: Vec<u8>,
    /// MSH-10.
    pub(crate) control_id: String,
    /// MSH-3 and MSH-4: sources that share a connection number their messages apart.
    sender: String,
    /// `ORU^R01`
    pub(crate) message_type: String,
    /// What it was read as; `None` where it could not be read.
    pub(crate) charset: Option<Charset>,
    pub(crate) outcome: Final,
    pub(crate) findings: Vec<Finding>,
    /// Fields that no mapping line has read: `PID-1`.
    pub(crate) unread: Vec<String>,
    resources: Vec<MappedResource>,
    lineage: Vec<hutong_map::Lineage>,
    /// When what it tells happened, microseconds since 1970; 0 = not known.
    event_us: i64,
}

impl Processed {
    pub(crate) fn new(raw: Vec<u8>, message: &Message<'_>) -> Processed {
        let msh = message.first("MSH");
        let part = |n: usize, c: usize| msh.as_ref().map(|m| m.field(n).component(c).value().text().into_owned()).unwrap_or_default();
        let (code, event) = (part(9, 1), part(9, 2));
        Processed {
            raw,
            control_id: part(10, 1),
            sender: format!("{}|{}", part(3, 1), part(4, 1)),
            message_type: if event.is_empty() { code } else { format!("{code}^{event}") },
            charset: Some(message.charset()),
            outcome: Final::Rejected,
            findings: Vec::new(),
            unread: Vec::new(),
            resources: Vec::new(),
            lineage: Vec::new(),
            event_us: 0,
        }
    }

    /// Bytes that are not to be processed, with the reason.
    pub(crate) fn refused(raw: &[u8], finding: Finding) -> Processed {
        let header = hutong_receive::Header::scan(raw);
        let part = |n: usize, c: usize| header.as_ref().map(|h| h.text(n, c).into_owned()).unwrap_or_default();
        let (code, event) = (part(9, 1), part(9, 2));
        Processed {
            raw: raw.to_vec(),
            control_id: part(10, 1),
            sender: format!("{}|{}", part(3, 1), part(4, 1)),
            message_type: if event.is_empty() { code } else { format!("{code}^{event}") },
            charset: None,
            outcome: Final::Rejected,
            findings: vec![finding],
            unread: Vec::new(),
            resources: Vec::new(),
            lineage: Vec::new(),
            event_us: 0,
        }
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.findings.iter().any(|f| f.severity == Severity::Error)
    }

    /// Takes what the mapping made, and from the message what is needed later.
    pub(crate) fn keep(&mut self, mapped: Mapped, message: &Message<'_>, zone_minutes: i16) {
        for unread in &mapped.unread {
            let Some(segment) = message.segment(unread.segment as usize) else { continue };
            let mut text = format!("{}-{}", segment.name(), unread.field);
            if unread.component > 0 {
                let _ = write!(text, ".{}", unread.component);
            }
            if !self.unread.contains(&text) {
                self.unread.push(text);
            }
        }
        let stamp = |name: &str, n: usize| {
            let field = message.first(name)?.field(n);
            datetime::parse(&field.value().text()).map(|t| t.unix_us(zone_minutes))
        };
        self.event_us = stamp("EVN", 2).or_else(|| stamp("OBR", 22)).or_else(|| stamp("MSH", 7)).unwrap_or(0);
        self.resources = mapped.resources;
        self.lineage = mapped.lineage;
    }

    /// What makes it the same message when it comes again; empty: nothing does.
    pub(crate) fn dedupe_id(&self) -> String {
        if self.control_id.is_empty() { String::new() } else { format!("{}|{}", self.control_id, self.sender) }
    }

    /// SHA-256 of the bytes without the fields that this source changes on a re-send.
    pub(crate) fn content_hash(&self, ignore: &[String]) -> [u8; 32] {
        let mut hash = Sha256::new();
        let text = self.charset.filter(|_| !ignore.is_empty()).and_then(|c| charset::decode(&self.raw, Some(c)).ok());
        let Some(text) = text else { return Sha256::digest(&self.raw).into() };
        let parsed = v2::parse(&text.text, &v2::Limits::default());
        let mut from = 0;
        for name in ignore {
            let Some((segment, n)) = name.split_once('-').and_then(|(s, n)| Some((s, n.parse::<usize>().ok()?))) else { continue };
            for segment in parsed.message.iter().filter(|s| s.name() == segment) {
                let field = segment.field(n);
                let at = field.offset();
                if at >= from {
                    hash.update(text.text.get(from..at).unwrap_or_default());
                    from = at + field.raw().len();
                }
            }
        }
        hash.update(text.text.get(from..).unwrap_or_default());
        hash.finalize().into()
    }

    /// The resources as the journal takes them; none unless the message is stored.
    pub(crate) fn drafts(&self) -> Vec<ResourceDraft> {
        if self.outcome != Final::Stored {
            return Vec::new();
        }
        // what was merged before stands for itself again, and says no longer by whom it was replaced
        let parted = Tie::of(&self.message_type) == Tie::Unlinked;
        self.resources
            .iter()
            .map(|r| {
                let mut clear = r.clear.clone();
                if parted && r.resource_type == "Patient" {
                    clear.extend(["link".to_owned(), "active".to_owned()]);
                }
                let mut body = Vec::with_capacity(1024);
                json::write(r.tree.root(), &mut body);
                ResourceDraft {
                    resource_type: r.resource_type.to_owned(),
                    id: r.id.clone(),
                    body,
                    update: match r.update {
                        hutong_map::Update::Replace => Update::Replace,
                        hutong_map::Update::Merge => Update::Merge,
                    },
                    clear,
                    event_us: self.event_us,
                }
            })
            .collect()
    }

    /// The Patients among them, as the message gives them.
    pub(crate) fn patients(&self) -> Vec<Told<'_>> {
        let patients = self.resources.iter().filter(|r| r.resource_type == "Patient" && self.outcome == Final::Stored);
        patients.map(|r| Told { id: &r.id, patient: r.tree.root(), clear: &r.clear }).collect()
    }

    /// All its resources.
    pub(crate) fn nodes(&self) -> Vec<NodeRef<'_>> {
        self.resources.iter().map(|r| r.tree.root()).collect()
    }

    /// Its ServiceRequests, each with the segment that says what is ordered.
    pub(crate) fn requests(&self) -> Vec<(usize, NodeRef<'_>)> {
        let requests = self.resources.iter().filter(|r| r.resource_type == "ServiceRequest").map(|r| r.tree.root());
        requests.filter_map(|request| Some((self.segment_of(request.get("code")?, 0)?, request))).collect()
    }

    /// The segment from which the first value below a node was read.
    fn segment_of(&self, node: NodeRef<'_>, depth: usize) -> Option<usize> {
        const DEPTH_MAX: usize = 8;
        let own = self.lineage.get(node.origin() as usize).map(|l| l.segment).filter(|s| node.value().is_some() && *s != u32::MAX);
        let below = || node.children().find_map(|child| self.segment_of(child, depth + 1));
        own.map(|s| s as usize).or_else(|| if depth < DEPTH_MAX { below() } else { None })
    }

    /// Id of the first resource of a type.
    pub(crate) fn id_of(&self, resource_type: &str) -> Option<&str> {
        self.resources.iter().find(|r| r.resource_type == resource_type).map(|r| r.id.as_str())
    }

    /// A value of the first resource of a type.
    pub(crate) fn value_of(&self, resource_type: &str, path: &str) -> Option<&str> {
        self.resources.iter().find(|r| r.resource_type == resource_type)?.tree.root().at(path)
    }

    /// Gives a ServiceRequest another status than its message says.
    pub(crate) fn set_status(&mut self, id: &str, status: &str) {
        let mut requests = self.resources.iter_mut().filter(|r| r.resource_type == "ServiceRequest" && r.id == id);
        if let Some(request) = requests.next()
            && let Some(node) = request.tree.root().get("status").map(|node| (node.id(), node.kind()))
        {
            request.tree.set_value(node.0, node.1, status);
        }
    }

    /// When what it tells happened, microseconds since 1970; 0 = not known.
    pub(crate) fn event_us(&self) -> i64 {
        self.event_us
    }

    /// Findings and unread fields as the journal keeps them.
    pub(crate) fn findings_json(&self) -> Vec<u8> {
        findings_json_with(&self.findings, &self.unread)
    }

    /// A transaction Bundle that any FHIR server takes; `None` where there are no resources.
    pub(crate) fn bundle(&self, form: Bundle) -> Option<Vec<u8>> {
        if self.resources.is_empty() {
            return None;
        }
        let mut out = b"{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[".to_vec();
        for (i, r) in self.resources.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            out.extend_from_slice(format!("{{\"fullUrl\":\"{BASE}/{}/{}\",\"resource\":", r.resource_type, r.id).as_bytes());
            json::write(r.tree.root(), &mut out);
            out.extend_from_slice(format!(",\"request\":{{\"method\":\"PUT\",\"url\":\"{}/{}\"}}}}", r.resource_type, r.id).as_bytes());
        }
        out.extend_from_slice(b"]}");
        if form == Bundle::Compact {
            return Some(out);
        }
        let (tree, _) =
            json::parse(&out, &json::JsonLimits { depth_max: 128, nodes_max: usize::MAX, keys_per_object_max: usize::MAX }).ok()?;
        let mut pretty = Vec::with_capacity(out.len() * 2);
        json::write_pretty(tree.root(), &mut pretty);
        Some(pretty)
    }

    /// Which line and which bytes wrote each element (or those below `path`), a line each.
    pub(crate) fn explain(&self, lines: &Lines<'_>, path: Option<&str>) -> Vec<String> {
        let text = self.charset.and_then(|c| charset::decode(&self.raw, Some(c)).ok()).map(|t| t.text.into_owned()).unwrap_or_default();
        let parsed = v2::parse(&text, &v2::Limits::default());
        let mut out = Vec::new();
        for r in &self.resources {
            let mut walk = Walk { lineage: &self.lineage, lines, text: &text, message: &parsed.message, path, out: &mut out };
            walk.node(r.tree.root(), r.resource_type.to_owned(), 0);
        }
        out
    }
}

struct Walk<'a> {
    lineage: &'a [hutong_map::Lineage],
    lines: &'a Lines<'a>,
    text: &'a str,
    message: &'a Message<'a>,
    path: Option<&'a str>,
    out: &'a mut Vec<String>,
}

impl Walk<'_> {
    fn node(&mut self, node: NodeRef<'_>, path: String, depth: usize) {
        const DEPTH_MAX: usize = 64;
        let wanted = self.path.is_none_or(|p| path.starts_with(p));
        if let Some(value) = node.value().filter(|_| wanted && !matches!(node.name(), "resourceType")) {
            let place = self.lineage.get(node.origin() as usize).map(|l| self.place(l)).unwrap_or_default();
            self.out.push(format!("{path} = {value}  ← {place}"));
        }
        if depth >= DEPTH_MAX {
            return;
        }
        let mut last = (None, 0usize);
        for child in node.children() {
            let nth = if last.0 == Some(child.key()) { last.1 + 1 } else { 0 };
            last = (Some(child.key()), nth);
            let index = if child.is_list() { format!("[{nth}]") } else { String::new() };
            self.node(child, format!("{path}.{}{index}", child.name()), depth + 1);
        }
    }

    fn place(&self, l: &hutong_map::Lineage) -> String {
        let line = self.lines.place(l.line);
        let Some(segment) = self.message.segment(l.segment as usize) else { return line };
        let bytes = self.text.get(l.start as usize..l.end as usize).unwrap_or_default();
        format!("{line}  {}[{}] bytes {}..{} «{bytes}»", segment.name(), segment.sequence(), l.start, l.end)
    }
}

/// Findings as a JSON array, for the journal.
pub(crate) fn findings_json(findings: &[Finding]) -> Vec<u8> {
    findings_json_with(findings, &[])
}

fn findings_json_with(findings: &[Finding], unread: &[String]) -> Vec<u8> {
    let mut out = vec![b'['];
    let member = |name: &str, value: &str, out: &mut Vec<u8>| {
        out.extend_from_slice(format!("\"{name}\":\"").as_bytes());
        json::escape(value, out);
        out.extend_from_slice(b"\",");
    };
    for f in findings {
        out.push(b'{');
        member("severity", f.severity.as_str(), &mut out);
        member("code", &f.rule, &mut out);
        member("location", &f.location.to_string(), &mut out);
        if let Some(value) = &f.value {
            member("value", value, &mut out);
        }
        member("zh", &f.zh, &mut out);
        member("en", &f.en, &mut out);
        out.pop();
        out.extend_from_slice(b"},");
    }
    if !unread.is_empty() {
        out.push(b'{');
        member("severity", "information", &mut out);
        member("code", "map.unread", &mut out);
        member("value", &unread.join(" "), &mut out);
        out.pop();
        out.extend_from_slice(b"},");
    }
    if out.len() > 1 {
        out.pop();
    }
    out.push(b']');
    out
}
