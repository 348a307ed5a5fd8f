//! The narrative of FHIR XML: an XHTML `div`, kept as text as FHIR JSON has it.

use super::namespace::Space;
use super::read::{Fault, Parser, Tag};
use super::{XHTML, XmlErrorKind, XmlIssueKind, XmlLimits};
use crate::tree::{NodeId, NodeRef};
use quick_xml::events::{BytesStart, Event};
use std::fmt::Write;

impl Parser<'_> {
    /// Copies a `div` whose start tag has been read to `out`, up to and with its end tag. Names lose their prefixes and
    /// the namespace is stated on the `div` alone, so that the text stands for itself.
    pub(super) fn narrative(
        &mut self,
        start: &BytesStart<'_>,
        tag: Tag<'_>,
        node: NodeId,
        is_empty: bool,
        out: &mut String,
    ) -> Result<(), Fault> {
        let base = self.depth();
        self.narrative_tag(&tag, node, true, is_empty, out);
        drop(tag);
        if is_empty {
            return Ok(());
        }
        let mut open = vec![local_name(start).to_owned()];
        while !open.is_empty() {
            let event = self.next()?;
            match &event {
                Event::Start(start) | Event::Empty(start) => {
                    let is_empty = matches!(event, Event::Empty(_));
                    if open.len() >= self.limits.narrative_depth_max {
                        return Err((XmlErrorKind::Depth, self.at));
                    }
                    let tag = self.tag(start, base + open.len())?;
                    self.narrative_tag(&tag, node, false, is_empty, out);
                    if is_empty {
                        self.scopes.leave(base + open.len());
                    } else {
                        open.push(local_name(start).to_owned());
                    }
                }
                Event::End(_) => {
                    if let Some(name) = open.pop() {
                        let _ = write!(out, "</{name}>");
                    }
                    self.scopes.leave(base + open.len());
                }
                Event::Text(text) => out.push_str(text),
                Event::CData(text) => super::write::escape(text, out),
                Event::Comment(text) => {
                    let _ = write!(out, "<!--{}-->", &**text);
                }
                Event::GeneralRef(reference) => {
                    self.check_reference(reference)?;
                    let _ = write!(out, "&{};", &**reference);
                }
                Event::PI(_) => self.issue(XmlIssueKind::ProcessingInstruction, node, ""),
                Event::DocType(_) => return Err((XmlErrorKind::Doctype, self.at)),
                Event::Decl(_) | Event::Eof => return Err((XmlErrorKind::Syntax, self.at)),
            }
        }
        Ok(())
    }

    fn narrative_tag(&mut self, tag: &Tag<'_>, node: NodeId, is_div: bool, is_empty: bool, out: &mut String) {
        if tag.space != Space::Xhtml {
            self.issue(XmlIssueKind::NarrativeNamespace, node, &tag.local);
        }
        let _ = write!(out, "<{}", tag.local);
        if is_div {
            let _ = write!(out, " xmlns=\"{XHTML}\"");
        }
        for (name, raw) in &tag.attributes {
            let quote = if raw.contains('"') { '\'' } else { '"' };
            let _ = write!(out, " {name}={quote}{raw}{quote}");
        }
        out.push_str(if is_empty { "/>" } else { ">" });
    }
}

fn local_name<'n>(start: &'n BytesStart<'_>) -> &'n str {
    let name = start.name().into_inner();
    name.split_once(':').map_or(name, |(_, local)| local)
}

/// Whether a text is one XHTML `div` that may stand in a FHIR document as it is: well-formed, in XHTML's namespace.
pub(super) fn is_well_formed(div: &str, limits: &XmlLimits) -> bool {
    // read as FHIR would have it, so that one set of rules judges
    const BEFORE: &str = "<Patient xmlns=\"http://hl7.org/fhir\"><text>";
    let document = format!("{BEFORE}{}</text></Patient>", div.trim());
    div.trim_start().starts_with("<div")
        && super::parse(document.as_bytes(), limits).is_ok_and(|(tree, issues)| {
            // a text that closes `text` itself would give more than this
            let has_one_child = |node: NodeRef<'_>, of: usize| node.children().count() == of;
            issues.is_empty() && has_one_child(tree.root(), 2) && tree.root().get("text").is_some_and(|text| has_one_child(text, 1))
        })
}
