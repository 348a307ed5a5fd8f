//! Which v2 fields each line reads and which elements it writes, for comparison with HL7's v2-to-FHIR guide.

use crate::diagnostic::{SourceFile, line_column};
use crate::syntax::ast::{Call, Cond, Decl, Expr, ExprKind, Line, LineKind, Path, Select, Step, Write};
use crate::syntax::parse;

/// A map, or the lines that an `extend` lays over one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CoveredMap {
    pub name: String,
    /// The type it makes; empty for an `extend` that does not say, and for a message.
    pub type_name: String,
    /// The guide's tables that it implements, e.g. `PID[Patient]`.
    pub guides: Vec<String>,
    pub path: String,
    pub line: usize,
    pub lines: Vec<CoveredLine>,
}

/// A line, or a line of a `{ }` in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CoveredLine {
    pub line: usize,
    /// With the targets of the blocks around it, without names of slices: `contact.telecom.use`.
    pub target: String,
    /// Fields (`PID-3.4`) and components of the value that a data type map is called for (`4.1`); also those that its
    /// conditions read. A `let` counts where its name is used.
    pub reads: Vec<String>,
    /// The literal that it writes, if it writes nothing else.
    pub literal: Option<String>,
}

/// The lines of all files that can be read.
pub fn coverage(files: &[SourceFile]) -> Vec<CoveredMap> {
    let mut out = Vec::new();
    for (i, file) in files.iter().enumerate().filter(|(_, f)| f.path.ends_with(".hmap")) {
        let (decls, _) = parse(&file.text, i as u32);
        out.extend(decls.iter().filter_map(|d| covered(d, file)));
    }
    out
}

fn covered(decl: &Decl, file: &SourceFile) -> Option<CoveredMap> {
    let (name, type_name, span, body, first) = match decl {
        Decl::Map(m) => {
            let first = m.params.first().filter(|p| !crate::compile::is_segment(&p.name.text)).map(|p| p.name.text.clone());
            (m.names.first()?.text.clone(), m.target.text.clone(), m.span, &m.body, first)
        }
        Decl::Extend(e) => (e.name.text.clone(), e.target.as_ref().map_or(String::new(), |t| t.text.clone()), e.span, &e.body, None),
        Decl::Message(m) => (m.types.first()?.text.clone(), String::new(), m.span, &m.body, None),
        Decl::Absent(_) => return None,
    };
    let guides = body.iter().filter_map(guide).flatten().collect();
    let mut walk =
        Walk { file, lines: Vec::new(), names: first.into_iter().map(|n| (n, vec![String::new()])).collect(), dot: String::new() };
    walk.lines(body, "");
    Some(CoveredMap {
        name,
        type_name,
        guides,
        path: file.path.clone(),
        line: line_column(&file.text, span.start as usize).0,
        lines: walk.lines,
    })
}

fn guide(line: &Line) -> Option<Vec<String>> {
    let LineKind::Write(Write { target, value: Expr { kind: ExprKind::Text(text), .. }, .. }) = &line.kind else { return None };
    let [step] = target.as_slice() else { return None };
    (step.name.text == "guide").then(|| text.split_whitespace().map(str::to_owned).collect())
}

struct Walk<'f> {
    file: &'f SourceFile,
    lines: Vec<CoveredLine>,
    /// What names stand for: the paths behind a `let`, the field behind `each … as`.
    names: Vec<(String, Vec<String>)>,
    /// The path that a `[ ]` judges.
    dot: String,
}

impl Walk<'_> {
    fn lines(&mut self, lines: &[Line], around: &str) {
        let mark = self.names.len();
        for line in lines {
            match &line.kind {
                LineKind::Let { name, value, when } => {
                    let mut reads = Vec::new();
                    self.reads(value, &mut reads);
                    if let Some(c) = when {
                        self.cond(c, &mut reads);
                    }
                    self.names.push((name.text.clone(), reads));
                }
                LineKind::Each { body, .. } => self.lines(body, around),
                LineKind::Write(w) => self.write(line, w, around),
            }
        }
        self.names.truncate(mark);
    }

    fn write(&mut self, line: &Line, w: &Write, around: &str) {
        let steps = w.target.iter().filter(|s| s.name.text != "$").map(step_text);
        let target = around.split('.').filter(|s| !s.is_empty()).map(str::to_owned).chain(steps).collect::<Vec<_>>().join(".");
        let mut reads = Vec::new();
        self.reads(&w.value, &mut reads);
        if let Some(e) = &w.otherwise {
            self.reads(e, &mut reads);
        }
        if let Some(c) = &w.when {
            self.cond(c, &mut reads);
        }
        let literal = match &w.value.kind {
            ExprKind::Text(t) | ExprKind::Number(t) => Some(t.clone()),
            ExprKind::Bool(b) => Some(b.to_string()),
            _ => None,
        };
        let number = line_column(&self.file.text, line.span.start as usize).0;
        let at = self.lines.len();
        self.lines.push(CoveredLine { line: number, target: target.clone(), reads, literal });
        self.inner(&w.value, &target);
        // what the lines of a block read, the block reads
        let below: Vec<String> = self.lines.get(at + 1..).unwrap_or(&[]).iter().flat_map(|l| l.reads.clone()).collect();
        if let Some(own) = self.lines.get_mut(at) {
            for path in below {
                if !own.reads.contains(&path) {
                    own.reads.push(path);
                }
            }
        }
    }

    /// The blocks in an expression.
    fn inner(&mut self, e: &Expr, target: &str) {
        match &e.kind {
            ExprKind::Block(lines) => self.lines(lines, target),
            ExprKind::Each { source, name, body } => {
                let mut bound = Vec::new();
                self.reads(source, &mut bound);
                if let ExprKind::Path(p) = &source.kind
                    && bound.is_empty()
                {
                    bound.push(p.base.text.clone());
                }
                self.names.push((name.text.clone(), bound));
                self.lines(body, target);
                self.names.pop();
            }
            ExprKind::First(list) | ExprKind::Tuple(list) => list.iter().for_each(|e| self.inner(e, target)),
            ExprKind::By { branches, .. } => branches.iter().for_each(|b| self.inner(&b.value, target)),
            ExprKind::As { value, .. } => self.inner(value, target),
            _ => {}
        }
    }

    fn reads(&mut self, e: &Expr, out: &mut Vec<String>) {
        match &e.kind {
            ExprKind::Path(p) => self.path(p, out),
            ExprKind::First(list) | ExprKind::Tuple(list) => list.iter().for_each(|e| self.reads(e, out)),
            ExprKind::Call(Call { args, .. }) => args.iter().for_each(|a| self.reads(&a.value, out)),
            ExprKind::By { subject, branches } => {
                self.reads(subject, out);
                branches.iter().for_each(|b| self.reads(&b.value, out));
            }
            ExprKind::Each { source, .. } => self.reads(source, out),
            ExprKind::As { value, .. } => self.reads(value, out),
            _ => {}
        }
    }

    fn path(&mut self, p: &Path, out: &mut Vec<String>) {
        let parts: Vec<String> = p.parts.iter().map(|(n, _)| n.to_string()).collect();
        let field = p.field.map(|(n, _)| format!("-{n}")).unwrap_or_default();
        let known = self.names.iter().rev().find(|(n, _)| *n == p.base.text).map(|(_, paths)| paths.as_slice());
        let bases: Vec<String> = match known {
            Some(paths) => paths.to_vec(),
            None if p.base.text.is_empty() => vec![self.dot.clone()],
            None if crate::compile::is_segment(&p.base.text) => vec![p.base.text.clone()],
            None => Vec::new(),
        };
        for base in &bases {
            let mut path = format!("{base}{field}");
            for part in &parts {
                // of a segment the first number is the field
                match path.as_str() {
                    "" => {}
                    segment if crate::compile::is_segment(segment) => path.push('-'),
                    _ => path.push('.'),
                }
                path.push_str(part);
            }
            let segment_alone = crate::compile::is_segment(&path);
            if !path.is_empty() && !segment_alone && !out.contains(&path) {
                out.push(path);
            }
        }
        for (select, field) in [(&p.of, String::new()), (&p.select, field)] {
            if let (Some(Select::Where(c)), Some(base)) = (select, bases.first()) {
                let around = std::mem::replace(&mut self.dot, format!("{base}{field}"));
                self.cond(c, out);
                self.dot = around;
            }
        }
    }

    fn cond(&mut self, c: &Cond, out: &mut Vec<String>) {
        match c {
            Cond::Has(e) | Cond::Matches { left: e, .. } => self.reads(e, out),
            Cond::Equals { left, right, .. } => {
                self.reads(left, out);
                self.reads(right, out);
            }
            Cond::In { left, list } => {
                self.reads(left, out);
                list.iter().for_each(|e| self.reads(e, out));
            }
            Cond::Not(c) => self.cond(c, out),
            Cond::And(list) | Cond::Or(list) => list.iter().for_each(|c| self.cond(c, out)),
        }
    }
}

fn step_text(step: &Step) -> String {
    match &step.url {
        Some(url) => format!("{}(\"{}\")", step.name.text, url.text),
        None => step.name.text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_what_they_read_and_write() {
        let text = "map a(PID, NK1*) -> Patient\nguide = \"PID[Patient] PD1[Patient]\"\nlet born = DTM(PID-7) when PID-31\nidentity = key(PID-3)\nbirthDate = born\nname:x += XPN(PID-5[.7 = \"L\"])\ncontact += each NK1 as n { name = XPN(n-2) telecom += each n-5 as t { use = \"home\" when t.2.1 } }\nidentifier:b.assigner.display = string(PID-3.4.1)\nextension(\"u\") = PID-8\nmap CX(x) -> Identifier\nvalue = x.1\nsystem = system(x.4)\n";
        let got = coverage(&[SourceFile { path: "v2/a.hmap".into(), text: text.into() }]);
        let show = |m: &CoveredMap| -> Vec<String> {
            m.lines
                .iter()
                .map(|l| {
                    format!("{} {} {} {}", l.line, l.target, l.reads.join(","), l.literal.as_deref().unwrap_or("")).trim_end().to_owned()
                })
                .collect()
        };
        assert_eq!(
            got.iter().map(|m| (m.name.as_str(), m.type_name.as_str(), m.line)).collect::<Vec<_>>(),
            [("a", "Patient", 1), ("CX", "Identifier", 10)]
        );
        assert_eq!(got.first().map(|m| m.guides.clone()).unwrap_or_default(), ["PID[Patient]", "PD1[Patient]"]);
        assert_eq!(
            got.first().map(show).unwrap_or_default(),
            [
                "2 guide  PID[Patient] PD1[Patient]",
                "4 identity PID-3",
                "5 birthDate PID-7,PID-31",
                "6 name PID-5,PID-5.7",
                "7 contact NK1-2,NK1-5,NK1-5.2.1",
                "7 contact.name NK1-2",
                "7 contact.telecom NK1-5,NK1-5.2.1",
                "7 contact.telecom.use NK1-5.2.1 home",
                "8 identifier.assigner.display PID-3.4.1",
                "9 extension(\"u\") PID-8",
            ]
        );
        assert_eq!(got.get(1).map(show).unwrap_or_default(), ["11 value 1", "12 system 4"]);
    }
}
