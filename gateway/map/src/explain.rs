//! Which line and which bytes wrote an element.

use hutong_decode::v2::Message;
use hutong_fhir::{Kind, Location, NodeRef};

use crate::diagnostic::line_column;
use crate::plan::{LineInfo, Plan};
use crate::{Lineage, Mapped, Mappings, Unread};

/// One element with where it comes from.
pub struct Explained<'r> {
    /// Index of the resource in [`Mapped::resources`].
    pub resource: usize,
    /// FHIRPath of the element, e.g. `Patient.name[0].family`.
    pub path: String,
    /// The value of a primitive.
    pub value: Option<&'r str>,
    /// The file of the mapping, and line and column in it (from 1).
    pub file: &'r str,
    pub line: usize,
    pub column: usize,
    /// The map, and the target as it is written there.
    pub map: &'r str,
    pub target: &'r str,
    /// Where in the message the value stands; [`Location::Whole`] for a literal of the mapping.
    pub location: Location,
    /// Byte range in the message's text; empty for a literal.
    pub bytes: std::ops::Range<usize>,
}

/// Explains the elements of what a message became: all that have a value, or those at a path and below it
/// (`Patient.name`, with or without indexes; without a type it stands for any).
pub fn explain<'r>(
    mappings: &'r Mappings,
    plan: &'r Plan,
    message: &Message<'_>,
    mapped: &'r Mapped,
    path: Option<&str>,
) -> Vec<Explained<'r>> {
    let mut out = Vec::new();
    for (i, r) in mapped.resources.iter().enumerate() {
        let mut walk = Walk { mappings, plan, message, mapped, resource: i, wanted: path, out: &mut out };
        walk.element(r.tree.root(), r.resource_type, r.resource_type);
    }
    out
}

struct Walk<'r, 'o, 'm> {
    mappings: &'r Mappings,
    plan: &'r Plan,
    message: &'o Message<'m>,
    mapped: &'r Mapped,
    resource: usize,
    wanted: Option<&'o str>,
    out: &'o mut Vec<Explained<'r>>,
}

impl<'r> Walk<'r, '_, '_> {
    /// `plain` is the path without indexes. The depth is that of what plans build.
    fn element(&mut self, node: NodeRef<'r>, path: &str, plain: &str) {
        if node.kind() != Kind::Object || !node.has_children() {
            self.explain(node, path, plain);
        }
        let mut last = None;
        let mut n = 0;
        for child in node.children() {
            n = if last == Some(child.key()) { n + 1 } else { 0 };
            last = Some(child.key());
            let index = if child.is_list() { format!("[{n}]") } else { String::new() };
            let (path, plain) = (format!("{path}.{}{index}", child.name()), format!("{plain}.{}", child.name()));
            self.element(child, &path, &plain);
        }
    }

    fn explain(&mut self, node: NodeRef<'r>, path: &str, plain: &str) {
        if self.wanted.is_some_and(|w| !is_below(path, w) && !is_below(plain, w)) {
            return;
        }
        let Some(lineage) = self.mapped.lineage.get(node.origin() as usize) else { return };
        let Some((info, file, line, column)) = place(self.mappings, self.plan, lineage) else { return };
        let literal = lineage.segment == u32::MAX;
        self.out.push(Explained {
            resource: self.resource,
            path: path.to_owned(),
            value: node.value(),
            file,
            line,
            column,
            map: &info.map,
            target: &info.target,
            location: if literal { Location::Whole } else { self.message.locate(lineage.start as usize) },
            bytes: lineage.start as usize..lineage.end as usize,
        });
    }
}

/// Whether `path` is `wanted` or below it; `wanted` may leave the type away.
fn is_below(path: &str, wanted: &str) -> bool {
    let below = |path: &str| path.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
    below(path) || path.split_once('.').is_some_and(|(_, rest)| below(rest))
}

fn place<'r>(mappings: &'r Mappings, plan: &'r Plan, lineage: &Lineage) -> Option<(&'r LineInfo, &'r str, usize, usize)> {
    let info = plan.line(lineage.line)?;
    let file = mappings.files().get(info.span.file as usize)?;
    let (line, column) = line_column(&file.text, info.span.start as usize);
    Some((info, &file.path, line, column))
}

impl Unread {
    /// Where the unread value stands.
    pub fn location(&self, message: &Message<'_>) -> Location {
        let Some(segment) = message.segment(self.segment as usize) else { return Location::Whole };
        match segment.location(self.field as usize) {
            Location::V2 { segment, sequence, field, .. } => Location::V2 {
                segment,
                sequence,
                field,
                repetition: u32::from(self.repetition),
                component: u32::from(self.component),
                subcomponent: 0,
            },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use crate::{CHINA_ZONE_MINUTES, Context};
    use hutong_decode::v2::{Grammar, Limits, arrange, parse};

    #[test]
    fn every_element_names_its_line_and_bytes() {
        let text = "map p(PID) -> Patient\nidentity = PID-3.1\ngender = code(PID-8)\nname += XPN(PID-5~)\nactive = true\nmap XPN(n) -> HumanName\nfamily = n.1\nmessage ADT^A01\np = p(PID)\n";
        let m = testing::load(&[("v2/a.hmap", text)]).unwrap();
        let message = "MSH|^~\\&|A|B|||2020||ADT^A01|1|P|2.5\rPID|1||7||Li~Wang|||male";
        let parsed = parse(message, &Limits::default());
        let arrangement = arrange(&parsed.message, Grammar::get());
        let mapped = m.apply(&parsed.message, &arrangement, &Context { namespace: "n", zone_minutes: CHINA_ZONE_MINUTES, sites: &[] });
        let plan = m.for_sites(&[]).unwrap();
        let show = |path: Option<&str>| -> Vec<String> {
            let all = explain(&m, &plan, &parsed.message, &mapped, path);
            let line = |e: &Explained<'_>| {
                format!(
                    "{} {} {}:{} {} {} `{}`",
                    e.path,
                    e.value.unwrap_or(""),
                    e.line,
                    e.column,
                    e.map,
                    e.location,
                    &message[e.bytes.clone()]
                )
            };
            all.iter().map(line).collect()
        };
        let names = ["Patient.name[0].family Li 7:1 XPN PID[1]-5 `Li`", "Patient.name[1].family Wang 7:1 XPN PID[1]-5[2] `Wang`"];
        let gender = "Patient.gender male 3:1 p PID[1]-8 `male`";
        assert_eq!(show(None), ["Patient.active true 5:1 p  ``", names[0], names[1], gender]);
        assert_eq!(show(Some("Patient.name")), names);
        assert_eq!(show(Some("name[1]")), [names[1]]);
        assert_eq!(show(Some("gender")), [gender]);
        assert_eq!(show(Some("gend")), Vec::<String>::new());
        let unread: Vec<String> = mapped.unread.iter().map(|u| u.location(&parsed.message).to_string()).collect();
        assert_eq!(unread, ["MSH[1]-3", "MSH[1]-4", "MSH[1]-7", "MSH[1]-9", "MSH[1]-10", "MSH[1]-11"]);
    }
}
