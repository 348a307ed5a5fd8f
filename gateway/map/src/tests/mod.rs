//! The language from outside: small mappings over small messages, as data.

mod absent;
mod diagnostics;
mod elements;
mod messages;
mod overlays;
mod property;
mod values;

use hutong_fhir::json;

use crate::testing;

/// What stands before the lines of a one-map mapping.
pub(super) const FRAME: &str = "map t(OBX, NTE*, PID?) -> Observation\nidentity = OBX-1\n";

/// The resources that `files` make of a message, each as JSON on a line, then the findings.
pub(super) fn run(files: &[(&str, &str)], message: &str, sites: &[&str]) -> String {
    let m = testing::load(files).unwrap_or_else(|e| panic!("{e}"));
    let mapped = testing::map(&m, message, sites);
    let mut out = String::new();
    for r in &mapped.resources {
        let mut bytes = Vec::new();
        json::write(r.tree.root(), &mut bytes);
        out.push_str(&String::from_utf8(bytes).unwrap());
        if !r.clear.is_empty() {
            out.push_str(&format!(" clear {}", r.clear.join(" ")));
        }
        out.push('\n');
    }
    for f in &mapped.findings {
        out.push_str(&format!("{} {} {} {}\n", f.severity.as_str(), f.rule, f.location, f.value.as_deref().unwrap_or("")));
    }
    out.trim_end().lines().map(|l| l.trim_end()).collect::<Vec<_>>().join("\n")
}

/// What one or more lines write of an OBX (fields from OBX-2 on), without `resourceType` and `id`.
pub(super) fn lines(lines: &str, obx: &str) -> String {
    lines_with("", lines, obx)
}

/// The same with further declarations.
pub(super) fn lines_with(declarations: &str, lines: &str, obx: &str) -> String {
    let text = format!("{declarations}\n{FRAME}{lines}\nmessage ORU^R01\neach OBX {{ r = t(OBX, NTE*, PID?) }}\n");
    let table = "source\ttarget\tsystem\tdisplay\nF\tfinal\turn:s\tFinal\nP\tpreliminary\turn:s\t\nD\t\t\t\n";
    let flag = "source\ttarget\nY\ttrue\nN\tfalse\n";
    let files = [("v2/a.hmap", text.as_str()), ("v2/tables/status.tsv", table), ("v2/tables/flag.tsv", flag)];
    let message = format!(
        "MSH|^~\\&|APP|FAC|||20200102030405||ORU^R01|M1|P|2.5\nPID|1||P1^^^HIS^MR~P2^^^&2.16.156.1&ISO^PI\nOBR|1\nOBX|1|{obx}\nNTE|1||n1~n2\nNTE|2||n3"
    );
    let out = run(&files, &message, &[]);
    let head = out.find("\"id\":\"").map(|at| at + 6 + 36 + 1);
    match head {
        Some(at) if out.starts_with('{') => format!("{{{}", out.get(at..).unwrap_or("").trim_start_matches(',')),
        _ => out,
    }
}

/// Checks lines against what they write.
pub(super) fn check(cases: &[(&str, &str, &str)]) {
    for (text, obx, expect) in cases {
        assert_eq!(lines(text, obx), *expect, "{text}\nOBX|1|{obx}");
    }
}
