//! `hutong fhirpath 'EXPRESSION' FILE…`: what an expression gives on resources, one JSON value a line, for those who
//! write mappings and profiles. Exit 1 where the expression is not FHIRPath or cannot be evaluated.

use std::io::Write;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use hutong_fhir::definitions::{Definitions, TypeId};
use hutong_fhir::fhirpath::{self, Env, Fault, FaultKind, Host, Item, Moment, Options};
use hutong_fhir::{Kind, NodeRef, json};
use hutong_terminology::{Membership, Terminology};
use hutong_validate::{Document, DocumentLimits, Syntax};

use super::lang::{Lang, lang, t};
use super::{Failure, Outcome, files, findings, output};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// 表达式，例如 "name.where(use = 'official').family" · the expression
    expression: String,
    /// FHIR JSON、XML 或 NDJSON 文件、目录或 - · FHIR JSON, XML or NDJSON files, directories or -
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// 对 Bundle 中的每份资源求值 · evaluate on each resource of a Bundle, not on the Bundle
    #[arg(long)]
    entries: bool,
}

/// What expressions ask of the command line: the Bundle or resource at hand, R4's value sets, a place for traces.
struct AtHand<'t> {
    definitions: &'static Definitions,
    terminology: &'t Terminology,
    bundle: Option<NodeRef<'t>>,
}

impl AtHand<'_> {
    /// The entry of a full URL, or whose URL ends in `Type/id`.
    fn entry(&self, reference: &str) -> Option<u32> {
        let fits = |url: &str| url == reference || url.strip_suffix(reference).is_some_and(|base| base.ends_with('/'));
        let entries = self.bundle?.children().filter(|c| c.name() == "entry");
        let found = entries.filter(|e| e.at("fullUrl").is_some_and(fits)).find_map(|e| e.get("resource"))?;
        Some(found.id())
    }
}

impl Host for AtHand<'_> {
    fn resolve<'t>(&self, reference: &str, from: NodeRef<'t>) -> Option<Item<'t>> {
        if let Some(id) = self.entry(reference) {
            return Some(Item::resource(from.tree().node(id), self.definitions));
        }
        // not here, but its type is known
        let mut parts = reference.split('/').rev().skip(1);
        self.definitions.resource_named(parts.next()?).map(Item::Resource)
    }

    fn member_of(&self, value_set: &str, of: &Item<'_>) -> Option<bool> {
        let judge = |system: Option<&str>, code: &str| match self.terminology.member_of(value_set, system, code) {
            Membership::In => Some(true),
            Membership::Out => Some(false),
            Membership::UnknownCodeSystem | Membership::UnknownValueSet => None,
        };
        let Some(node) = of.node().filter(|n| n.has_children()) else { return judge(None, &of.to_string()) };
        let codings: Vec<NodeRef<'_>> = node.children().filter(|c| c.name() == "coding").collect();
        let all = if codings.is_empty() { vec![node] } else { codings };
        let answers: Vec<Option<bool>> = all.iter().filter_map(|c| Some(judge(c.at("system"), c.at("code")?))).collect();
        if answers.contains(&Some(true)) { Some(true) } else { answers.into_iter().find(Option::is_none).unwrap_or(Some(false)) }
    }

    fn trace(&self, name: &str, item: &Item<'_>) {
        let mut line = Vec::new();
        write_item(item, &mut line);
        eprintln!("{name}: {}", String::from_utf8_lossy(&line));
    }
}

pub(crate) fn run(args: &Args) -> Outcome {
    let definitions = Definitions::r4();
    let expression = fhirpath::compile(&args.expression, definitions).map_err(|f| failure(&f, &args.expression))?;
    let terminology = Terminology::r4();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|d| i64::try_from(d.as_millis()).ok());
    let (mut doubts, mut found) = (Vec::new(), false);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for path in files::expand(&args.files)? {
        let input = files::read(&path)?;
        for text in documents(&input.bytes) {
            let document = Document::read(text, Syntax::of_text(text), &DocumentLimits::default()).map_err(|f| {
                let line = findings::line(&f, output::colour(true));
                Failure::judged(format!("{}：{line}", input.name), format!("{}: {line}", input.name))
            })?;
            let root = document.tree.root();
            let is_bundle = root.resource_type() == Some("Bundle");
            let host = AtHand { definitions, terminology: &terminology, bundle: Some(root).filter(|_| is_bundle) };
            for resource in resources(root, args.entries && is_bundle) {
                let focus = Item::resource(resource, definitions);
                let type_id = resource.resource_type().and_then(|name| definitions.type_named(name));
                if !doubts.iter().any(|(doubted, _)| *doubted == type_id) {
                    doubts.push((type_id, doubt(&args.expression, type_id, definitions)));
                }
                let env = Env { host: &host, now: now.and_then(Moment::from_unix_ms), ..Env::of(focus.clone(), definitions) };
                for item in expression.evaluate(focus, &env).map_err(|f| failure(&f, &args.expression))? {
                    found = true;
                    let mut line = Vec::new();
                    write_item(&item, &mut line);
                    line.push(b'\n');
                    out.write_all(&line).map_err(|e| Failure::file(&path, &e))?;
                }
            }
        }
    }
    out.flush().map_err(|e| Failure::file(std::path::Path::new("stdout"), &e))?;
    if let Some(fault) = doubts.iter().find_map(|(_, fault)| fault.as_ref()).filter(|_| !found) {
        let word = output::paint(t("警告", "warning"), "1;33", output::colour(true));
        eprintln!("{word}: {}", shown(fault, &args.expression, lang()));
    }
    Ok(0)
}

/// One document, or the lines of NDJSON.
fn documents(bytes: &[u8]) -> Vec<&[u8]> {
    let lines: Vec<&[u8]> = bytes.split(|b| *b == b'\n').map(<[u8]>::trim_ascii).filter(|l| !l.is_empty()).collect();
    let each_whole = lines.len() > 1 && lines.iter().all(|l| l.first() == Some(&b'{') && l.last() == Some(&b'}'));
    if each_whole { lines } else { vec![bytes.trim_ascii()] }
}

fn resources(root: NodeRef<'_>, entries: bool) -> Vec<NodeRef<'_>> {
    if entries { root.children().filter(|c| c.name() == "entry").filter_map(|e| e.get("resource")).collect() } else { vec![root] }
}

/// What can only be a mistake on this type. It is told where nothing was found, as the likely reason.
fn doubt(text: &str, context: Option<TypeId>, definitions: &'static Definitions) -> Option<Fault> {
    fhirpath::compile_for(text, definitions, Options { context, strict: true }).err().filter(|f| f.kind == FaultKind::Semantic)
}

fn failure(fault: &Fault, text: &str) -> Failure {
    Failure::judged(shown(fault, text, Lang::Zh), shown(fault, text, Lang::En))
}

/// The sentence, the line of the expression, and a caret below the place.
fn shown(fault: &Fault, text: &str, lang: Lang) -> String {
    let sentence = if lang == Lang::Zh { &fault.zh } else { &fault.en };
    let at = (0..=fault.offset.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    let start = text[..at].rfind('\n').map_or(0, |i| i + 1);
    let end = text[at..].find('\n').map_or(text.len(), |i| at + i);
    let lead: usize = text[start..at].chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
    format!("{sentence}\n  | {}\n  | {:lead$}^", &text[start..end], "")
}

/// An item as one JSON value: primitives as themselves, elements as objects, quantities as `{value,unit}`.
fn write_item(item: &Item<'_>, out: &mut Vec<u8>) {
    let text = |text: &str, out: &mut Vec<u8>| {
        out.push(b'"');
        json::escape(text, out);
        out.push(b'"');
    };
    match item {
        Item::Node { node, .. } => match (node.kind(), node.value()) {
            (Kind::Object, _) => json::write(*node, out),
            (Kind::Number | Kind::Bool, Some(value)) => out.extend_from_slice(value.as_bytes()),
            (_, Some(value)) => text(value, out),
            (_, None) => out.extend_from_slice(b"null"),
        },
        Item::Boolean(_) | Item::Integer(_) | Item::Decimal(_) => out.extend_from_slice(item.to_string().as_bytes()),
        Item::Quantity(quantity) => {
            out.extend_from_slice(format!("{{\"value\":{},\"unit\":", quantity.value).as_bytes());
            text(quantity.unit.text(), out);
            out.push(b'}');
        }
        Item::Resource(id) => {
            out.extend_from_slice(b"{\"resourceType\":");
            text(Definitions::r4().get(*id).name, out);
            out.push(b'}');
        }
        Item::Date(_) | Item::DateTime(_) | Item::Time(_) => text(item.to_string().trim_start_matches(['@', 'T']), out),
        Item::String(_) | Item::Type(_) => text(&item.to_string(), out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_shown_where_it_is() {
        for (text, expected) in [
            ("name.", "an element or a function is expected here\n  | name.\n  |      ^"),
            ("'张三' & foo(", "there is no function foo()\n  | '张三' & foo(\n  |          ^"),
            ("name\n .bar()", "there is no function bar()\n  |  .bar()\n  |   ^"),
        ] {
            let Err(fault) = fhirpath::compile(text, Definitions::r4()) else { panic!("{text}") };
            assert_eq!(shown(&fault, text, Lang::En), expected, "{text}");
        }
    }

    #[test]
    fn items_are_json() {
        let document = Document::read(
            &br#"{"resourceType":"Patient","active":true,"name":[{"family":"\u738b\"x"}],"multipleBirthInteger":2,"_birthDate":{"id":"a"}}"#[..],
            Syntax::Json,
            &DocumentLimits::default(),
        );
        let Ok(document) = document else { panic!("it is FHIR JSON") };
        let definitions = Definitions::r4();
        let focus = Item::resource(document.tree.root(), definitions);
        let env = Env::of(focus.clone(), definitions);
        for (text, expected) in [
            ("active", "true"),
            ("name", r#"{"family":"王\"x"}"#),
            ("name.family", r#""王\"x""#),
            ("multipleBirth", "2"),
            ("birthDate", "null"),
            ("4 'mg'", r#"{"value":4,"unit":"mg"}"#),
            ("@2014-01", r#""2014-01""#),
            ("@T10:30", r#""10:30""#),
            ("1.50", "1.50"),
            ("active.type()", r#""FHIR.boolean""#),
        ] {
            let Ok(expression) = fhirpath::compile(text, definitions) else { panic!("{text}") };
            let mut out = Vec::new();
            let Ok(items) = expression.evaluate(focus.clone(), &env) else { panic!("{text}") };
            items.iter().for_each(|item| write_item(item, &mut out));
            assert_eq!(String::from_utf8_lossy(&out), expected, "{text}");
        }
    }
}
