//! The mapping author's tool in small: `hmap check`, `hmap run [--site NAME] MESSAGE…`, `hmap test [--update] [CASE…]`,
//! `hmap fmt [--write] FILE…`.
//! Mappings are read from `./mappings` (or `--dir DIR`). The `hutong map` commands do the same and more.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::process::exit;

use hutong_decode::v2::{Grammar, Limits, arrange, parse, split_batch};
use hutong_fhir::definitions::Definitions;
use hutong_fhir::{Severity, json};
use hutong_map::{CHINA_ZONE_MINUTES, Context, Lang, Mapped, Mappings, SourceFile, case, format, render};
use hutong_validate::Validator;

fn main() {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let mut option = |name: &str| -> Option<String> {
        let at = args.iter().position(|a| a == name)?;
        args.remove(at);
        (at < args.len()).then(|| args.remove(at))
    };
    let dir = option("--dir").unwrap_or_else(|| "mappings".to_owned());
    let sites: Vec<String> = option("--site").map(|s| s.split(',').map(str::to_owned).collect()).unwrap_or_default();
    let lang = if option("--lang").as_deref() == Some("zh") { Lang::Zh } else { Lang::En };
    let command = if args.is_empty() { "check".to_owned() } else { args.remove(0) };
    match command.as_str() {
        "check" => {
            let started = std::time::Instant::now();
            let m = load(&dir, lang);
            println!("{} files, sites {:?}, {:.1} ms", m.files().len(), m.sites(), started.elapsed().as_secs_f64() * 1e3);
        }
        "run" => {
            let m = load(&dir, lang);
            args.iter().for_each(|f| run(&m, f, &sites));
        }
        "test" => {
            let update = args.first().is_some_and(|a| a == "--update");
            let m = load(&dir, lang);
            let mut files = Vec::new();
            match args.get(usize::from(update)..) {
                Some(given) if !given.is_empty() => files.extend(given.iter().cloned()),
                _ => cases(Path::new(&dir), &mut files),
            }
            let failed = files.iter().filter(|f| !test(&m, f, update)).count();
            println!("{} cases, {failed} failed", files.len());
            exit(i32::from(failed > 0));
        }
        "fmt" => {
            let write = args.first().is_some_and(|a| a == "--write");
            args.iter().skip(usize::from(write)).for_each(|f| fmt(f, write, lang));
        }
        other => {
            eprintln!("unknown command {other}");
            exit(2);
        }
    }
}

fn read_dir(dir: &Path, files: &mut Vec<SourceFile>) {
    let mut entries: Vec<_> = std::fs::read_dir(dir).expect("the folder of mappings").flatten().map(|e| e.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            read_dir(&path, files);
        } else if path.extension().is_some_and(|e| e == "hmap" || e == "tsv" || e == "json") {
            let text = std::fs::read_to_string(&path).expect("UTF-8 text");
            files.push(SourceFile { path: path.to_string_lossy().into_owned(), text });
        }
    }
}

fn cases(dir: &Path, files: &mut Vec<String>) {
    let mut entries: Vec<_> = std::fs::read_dir(dir).expect("the folder of mappings").flatten().map(|e| e.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            cases(&path, files);
        } else if path.extension().is_some_and(|e| e == "case") {
            files.push(path.to_string_lossy().into_owned());
        }
    }
}

fn test(m: &Mappings, file: &str, update: bool) -> bool {
    let text = std::fs::read_to_string(file).expect("UTF-8 text");
    let outcome = match case::read(&text) {
        Ok(c) => c.run(m),
        Err((_, en)) => {
            println!("{file}: {en}");
            return false;
        }
    };
    if update {
        if outcome.updated != text {
            std::fs::write(file, outcome.updated).expect("a writable file");
        }
        return true;
    }
    outcome.differences.iter().for_each(|d| println!("{file}: {d}"));
    outcome.differences.is_empty()
}

fn load(dir: &str, lang: Lang) -> Mappings {
    let mut files = Vec::new();
    read_dir(Path::new(dir), &mut files);
    match Mappings::load(files, Definitions::r4(), Grammar::get()) {
        Ok(m) => {
            m.warnings().iter().for_each(|d| println!("{}", render(d, m.files(), lang)));
            m
        }
        Err(refused) => {
            refused.diagnostics.iter().for_each(|d| println!("{}", render(d, &refused.files, lang)));
            println!("{} diagnostics", refused.diagnostics.len());
            exit(1);
        }
    }
}

fn run(m: &Mappings, file: &str, sites: &[String]) {
    let raw = std::fs::read(file).expect("a readable file");
    let text = String::from_utf8_lossy(&raw);
    // a case file: its message section
    let body = text.strip_prefix("--- message").map_or(&*text, |t| t.split("\n--- ").next().unwrap_or(t));
    for part in split_batch(body) {
        let parsed = parse(part.text, &Limits::default());
        let arrangement = arrange(&parsed.message, Grammar::get());
        let mapped = m.apply(&parsed.message, &arrangement, &Context { namespace: "demo", zone_minutes: CHINA_ZONE_MINUTES, sites });
        show(&mapped);
        for u in &mapped.unread {
            let name = parsed.message.segment(u.segment as usize).map_or("", |s| s.name());
            println!("unread {name}-{} {} {}", u.field, u.repetition, u.component);
        }
    }
}

fn show(mapped: &Mapped) {
    let validator = Validator::new(Definitions::r4());
    for r in &mapped.resources {
        let mut out = Vec::new();
        json::write_pretty(r.tree.root(), &mut out);
        println!("{} {:?} clear {:?}", String::from_utf8_lossy(&out), r.update, r.clear);
        for f in validator.validate(&r.tree).iter().filter(|f| f.severity == Severity::Error) {
            println!("INVALID {} {} {} {}: {:?}", r.resource_type, f.rule, f.location, f.en, f.value);
        }
    }
    for f in &mapped.findings {
        println!("{} {} {}: {} {:?}", f.severity.as_str(), f.rule, f.location, f.en, f.value);
    }
}

fn fmt(file: &str, write: bool, lang: Lang) {
    let text = std::fs::read_to_string(file).expect("a readable file");
    match format(&text) {
        Ok(out) if write => std::fs::write(file, out).expect("a writable file"),
        Ok(out) => println!("{out}"),
        Err(faults) => {
            let files = [SourceFile { path: file.to_owned(), text }];
            faults.iter().for_each(|d| println!("{}", render(d, &files, lang)));
        }
    }
}
