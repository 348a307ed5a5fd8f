//! JUnit XML, which every CI system reads as tests: a suite for a file, a test for a resource, a failure where it is
//! invalid. Files of many resources become several suites, so that a stream of any length is written with little memory.

use std::fmt::Write as _;
use std::io::{Result, Write};

use hutong_fhir::Severity;

use super::report::{Judged, Report, text};

/// Tests of one suite: their number stands in its head, so they are kept until it ends.
const SUITE_MAX: usize = 1_000;

#[derive(Default)]
pub(super) struct Junit {
    file: String,
    tests: usize,
    failures: usize,
    cases: String,
}

impl Report for Junit {
    fn begin(&mut self, out: &mut dyn Write) -> Result<()> {
        writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"hutong validate\">")
    }

    fn resource(&mut self, out: &mut dyn Write, judged: &Judged<'_>) -> Result<()> {
        if self.tests == SUITE_MAX || (self.tests > 0 && self.file != judged.file) {
            self.suite(out)?;
        }
        judged.file.clone_into(&mut self.file);
        self.tests += 1;
        self.case(judged);
        Ok(())
    }

    fn end(&mut self, out: &mut dyn Write) -> Result<()> {
        self.suite(out)?;
        writeln!(out, "</testsuites>")
    }
}

impl Junit {
    fn case(&mut self, judged: &Judged<'_>) {
        let name = match judged.name() {
            name if name.is_empty() => format!("[{}]", judged.index),
            name => format!("{name} [{}]", judged.index),
        };
        let valid = judged.verdict.valid();
        self.failures += usize::from(!valid);
        let lines = |wanted: &dyn Fn(Severity) -> bool| -> String {
            let mut all = String::new();
            for finding in judged.verdict.findings.iter().filter(|f| wanted(f.severity)) {
                let (line, column) = judged.place(finding);
                let at = match finding.location.to_string() {
                    at if at.is_empty() => at,
                    at => format!(" {at}"),
                };
                let _ = writeln!(
                    all,
                    "{}:{line}:{column} {}{at}: {} [{}]",
                    judged.file,
                    finding.severity.as_str(),
                    text(finding),
                    finding.rule
                );
            }
            all
        };
        let _ = write!(self.cases, "    <testcase classname=\"{}\" name=\"{}\"", escaped(judged.file), escaped(&name));
        let first = judged.verdict.findings.iter().find(|f| f.severity == Severity::Error);
        let told = lines(&|severity| severity < Severity::Error);
        if first.is_none() && told.is_empty() {
            self.cases.push_str("/>\n");
            return;
        }
        self.cases.push_str(">\n");
        if let Some(first) = first {
            let errors = lines(&|severity| severity == Severity::Error);
            let (message, kind) = (escaped(text(first)), escaped(&first.rule));
            let _ = writeln!(self.cases, "      <failure message=\"{message}\" type=\"{kind}\">{}</failure>", escaped(&errors));
        }
        if !told.is_empty() {
            let _ = writeln!(self.cases, "      <system-out>{}</system-out>", escaped(&told));
        }
        self.cases.push_str("    </testcase>\n");
    }

    fn suite(&mut self, out: &mut dyn Write) -> Result<()> {
        if self.tests == 0 {
            return Ok(());
        }
        let (tests, failures) = (self.tests, self.failures);
        let name = escaped(&self.file);
        writeln!(out, "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\">")?;
        out.write_all(self.cases.as_bytes())?;
        self.cases.clear();
        (self.tests, self.failures) = (0, 0);
        writeln!(out, "  </testsuite>")
    }
}

/// For text and attributes of XML 1.0; characters that it cannot hold become U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(c),
        }
    }
    out
}
