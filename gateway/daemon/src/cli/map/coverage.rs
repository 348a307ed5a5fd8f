//! `hutong map coverage GUIDE`: of each row of HL7's v2-to-FHIR guide, which line of ours implements it, or why none does.
//!
//! GUIDE holds the guide's CSV files in `segments`, `datatypes` and `messages`: 2,547 + 1,090 + 735 = 4,372 rows that
//! hold anything below the two header lines. The concept maps (`codesystems`, 5,258 rows) are no mapping rows but
//! facts; they are the tables below `mappings/v2/tables`.
//!
//! A map names the guide's tables that it implements (`guide = "PID[Patient]"`). A line implements a row if it stands
//! in such a map, reads the row's position (or, for a constant, writes the row's constant) and, where it can be told,
//! writes the row's element. A row that none of our lines implements needs a reason from the table of reasons.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// A row of the guide.
struct Row {
    table: String,
    number: usize,
    id: String,
    name: String,
    attribute: String,
    assignment: String,
    segment_map: String,
}

/// A line of ours.
struct OurLine {
    file: String,
    number: usize,
    /// With the targets of the blocks around it.
    target: String,
    text: String,
    /// `PID-5`, `.4`: positions read, with those of the blocks around it.
    reads: BTreeSet<String>,
}

/// A map or message of ours.
#[derive(Default)]
struct Ours {
    names: Vec<String>,
    message: bool,
    guides: Vec<String>,
    lines: Vec<OurLine>,
}

struct Reason {
    table: String,
    id: String,
    attribute: String,
    text: String,
}

/// Prints the table on stdout, the counts on stderr; false where a row has neither line nor reason.
pub(super) fn run(mappings: &Path, guide: &Path, reasons: &Path) -> bool {
    let ours = read_mappings(mappings);
    let rows = read_guide(guide);
    let reasons = read_reasons(reasons);
    println!(
        "# Generated: hutong map coverage GUIDE > conformance/v2-to-fhir-coverage.tsv. {} rows of HL7's v2-to-FHIR guide.",
        rows.len()
    );
    println!("table\trow\tposition\tname\telement\tstate\twhere or why");
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &rows {
        let (state, text) = judge(row, &ours, &reasons);
        *counts.entry(state).or_default() += 1;
        let tidy = |s: &str| s.split_whitespace().collect::<Vec<_>>().join(" ");
        println!("{}\t{}\t{}\t{}\t{}\t{state}\t{text}", row.table, row.number, tidy(&row.id), tidy(&row.name), tidy(&row.attribute));
    }
    eprintln!("{} rows: {counts:?}", rows.len());
    !counts.contains_key("open")
}

fn judge(row: &Row, ours: &[Ours], reasons: &[Reason]) -> (&'static str, String) {
    let places = if row.table.starts_with("messages/") { message_places(row, ours) } else { line_places(row, ours) };
    if !places.is_empty() {
        return ("line", places.join(" "));
    }
    let elsewhere = read_places(row, ours);
    if row.attribute.is_empty() && elsewhere.is_empty() {
        return ("no target", "the guide names no element for this position".to_owned());
    }
    let reason = reasons.iter().find(|r| fits(&r.table, &row.table) && fits(&r.id, &row.id) && fits(&r.attribute, &row.attribute));
    match reason {
        Some(r) if r.text.starts_with('@') => match pointed_at(&r.text, ours) {
            Some(place) => ("line", place),
            None => ("open", format!("no line is as {}", r.text)),
        },
        Some(r) => ("reason", r.text.clone()),
        None if !elsewhere.is_empty() => ("other element", elsewhere.join(" ")),
        None => ("open", String::new()),
    }
}

/// `@map target`: the line of that map that writes that target, for rows that are done outside their own table.
fn pointed_at(text: &str, ours: &[Ours]) -> Option<String> {
    let (name, target) = text.strip_prefix('@')?.split_once(' ')?;
    let mut lines = ours.iter().filter(|o| o.names.iter().any(|n| n == name)).flat_map(|o| &o.lines);
    lines.find(|l| l.target == target || l.text.starts_with(target)).map(|l| format!("{}:{}", l.file, l.number))
}

/// `file:line` of the lines that implement a row of a segment's or data type's table, best first.
fn line_places(row: &Row, ours: &[Ours]) -> Vec<String> {
    let table = row.table.split_once('/').map_or(row.table.as_str(), |t| t.1);
    let position = position_of(&row.id, table);
    let mut found: Vec<(usize, String)> = Vec::new();
    for line in ours.iter().filter(|o| o.guides.iter().any(|g| g == table)).flat_map(|o| &o.lines) {
        let reads = position.as_ref().is_some_and(|p| line.reads.iter().any(|r| r == p || r.starts_with(&format!("{p}."))));
        let constant = row.assignment.trim_matches('"');
        let writes = !constant.is_empty() && row.assignment.starts_with('"') && line.text.contains(&format!("\"{constant}\""));
        let closeness = same_element(&row.attribute, &line.target);
        let implements = match (&position, row.attribute.is_empty()) {
            (Some(_), true) => reads,
            (Some(_), false) => reads && (closeness > 0 || row.attribute.starts_with('$')),
            (None, _) => closeness > 0 && (writes || row.assignment.is_empty() || !row.assignment.starts_with('"')),
        };
        if implements {
            let rank = closeness + 4 * usize::from(writes) + usize::from(reads);
            found.push((rank, format!("{}:{}", line.file, line.number)));
        }
    }
    found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    found.dedup_by(|a, b| a.1 == b.1);
    found.into_iter().take(3).map(|f| f.1).collect()
}

/// Lines that read the row's position and write it elsewhere than the guide says, or by way of another map.
fn read_places(row: &Row, ours: &[Ours]) -> Vec<String> {
    let table = row.table.split_once('/').map_or(row.table.as_str(), |t| t.1);
    let Some(position) = position_of(&row.id, table) else { return Vec::new() };
    let below = format!("{position}.");
    let segment = !position.starts_with('.');
    let same_table = |o: &Ours| o.guides.iter().any(|g| g == table);
    let lines = |near: bool| ours.iter().filter(move |o| if near { same_table(o) } else { segment }).flat_map(|o| &o.lines);
    let reading = |l: &&OurLine| l.reads.iter().any(|r| *r == position || r.starts_with(&below));
    let mut found: Vec<String> = lines(true).filter(reading).map(|l| format!("{}:{}", l.file, l.number)).collect();
    if found.is_empty() && !row.attribute.is_empty() {
        found = lines(false).filter(reading).map(|l| format!("{}:{}", l.file, l.number)).collect();
    }
    found.sort();
    found.dedup();
    found.truncate(3);
    found
}

/// `PID-5` of a segment's table is itself; `CX.4` of a data type's table is `.4`; a row of the whole has none.
fn position_of(id: &str, table: &str) -> Option<String> {
    let owner = table.split('[').next().unwrap_or("");
    let id = id.trim();
    if id.contains('-') && !matches!(owner, "FT" | "RI") {
        return Some(id.replace(' ', ""));
    }
    let (head, number) = id.split_once(['.', '-'])?;
    (!head.is_empty()).then(|| format!(".{number}"))
}

/// How many steps of the guide's element our target shares, from the left; 0 = another element.
fn same_element(attribute: &str, target: &str) -> usize {
    let theirs = steps(attribute);
    let own = steps(target);
    let alike = |a: &str, b: &str| a == b || choice(a) == choice(b) || a.eq_ignore_ascii_case(b);
    let Some(first) = theirs.first() else { return 0 };
    let Some(start) = own.iter().position(|o| alike(o, first)) else {
        // a map for a part of the element begins further down
        let deeper = own.first().and_then(|o| theirs.iter().skip(1).position(|t| alike(o, t)));
        return usize::from(deeper.is_some() || first == "extension" && target.contains("extension("));
    };
    1 + theirs.iter().skip(1).zip(own.iter().skip(start + 1)).take_while(|(a, b)| alike(a, b)).count()
}

/// `participant[1].type.coding.code` without indexes, `(Practitioner)`, slices and urls.
fn steps(path: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut depth = 0;
    let mut word = String::new();
    let mut skip = false;
    for c in path.chars().chain(['.']) {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '.' if depth <= 0 => {
                if !word.is_empty() {
                    out.push(std::mem::take(&mut word));
                }
                skip = false;
            }
            ':' if depth <= 0 => skip = true,
            _ if depth <= 0 && !skip && !c.is_whitespace() => word.push(c),
            _ => {}
        }
    }
    out
}

/// `valueQuantity` and `value` are one element.
fn choice(step: &str) -> &str {
    const CHOICES: [&str; 16] = [
        "value",
        "effective",
        "occurrence",
        "onset",
        "deceased",
        "multipleBirth",
        "performed",
        "medication",
        "allowed",
        "collected",
        "additive",
        "dose",
        "rate",
        "abatement",
        "author",
        "occurred",
    ];
    CHOICES
        .iter()
        .find(|c| step.starts_with(*c) && (step.len() == c.len() || step.as_bytes().get(c.len()).is_some_and(u8::is_ascii_uppercase)))
        .map_or(step, |c| c)
}

/// Lines of our message declarations that call a map of the row's segment table.
fn message_places(row: &Row, ours: &[Ours]) -> Vec<String> {
    let structure = row.id.split(['.', ':']).next().unwrap_or("").to_owned();
    let wanted = row.segment_map.replace(' ', "");
    let segment = row.id.rsplit(['.', ':']).next().unwrap_or("");
    let mut places = Vec::new();
    if wanted.is_empty() {
        return places;
    }
    for message in ours.iter().filter(|o| o.message && o.names.iter().any(|n| n.replace('^', "_") == structure)) {
        for line in &message.lines {
            let implements = called(&line.text).iter().any(|name| reaches(name, &wanted, ours, &mut Vec::new()));
            if implements && (line.text.contains(segment) || segment == "MSH") {
                places.push(format!("{}:{}", line.file, line.number));
            }
        }
    }
    places.truncate(2);
    places
}

/// Whether a map, or one that it calls, implements a table of the guide.
fn reaches(name: &str, table: &str, ours: &[Ours], seen: &mut Vec<String>) -> bool {
    if seen.iter().any(|s| s == name) {
        return false;
    }
    seen.push(name.to_owned());
    let mut maps = ours.iter().filter(|o| !o.message && o.names.iter().any(|n| n == name));
    maps.any(|m| {
        m.guides.iter().any(|g| g == table) || m.lines.iter().any(|l| called(&l.text).iter().any(|c| reaches(c, table, ours, seen)))
    })
}

fn called(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut word = String::new();
    for c in text.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => word.push(c),
            '(' => out.push(std::mem::take(&mut word)),
            _ => word.clear(),
        }
    }
    out
}

fn read_mappings(root: &Path) -> Vec<Ours> {
    let mut files = Vec::new();
    walk(root, "hmap", &mut files);
    let mut all = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        read_file(&file.display().to_string(), &text, &mut all);
    }
    all
}

fn walk(folder: &Path, ending: &str, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            walk(&entry, ending, out);
        } else if entry.extension().is_some_and(|e| e == ending) {
            out.push(entry);
        }
    }
}

/// A block that stands open: its target, what it reads, and the name it binds to what.
struct Open {
    target: String,
    reads: BTreeSet<String>,
    bound: Option<(String, String)>,
}

fn read_file(file: &str, text: &str, all: &mut Vec<Ours>) {
    let mut lets: HashMap<String, BTreeSet<String>> = HashMap::new();
    let mut open: Vec<Open> = Vec::new();
    let mut param = String::new();
    for (i, raw) in text.lines().enumerate() {
        let line = without_comment(raw);
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.first() {
            None => continue,
            Some(&"map") | Some(&"message") | Some(&"extend") | Some(&"absent") if !raw.starts_with(' ') => {
                lets.clear();
                open.clear();
                param = value_param(line);
                all.push(Ours { names: names_of(line), message: words.first() == Some(&"message"), ..Ours::default() });
                continue;
            }
            _ => {}
        }
        let Some(current) = all.last_mut() else { continue };
        if words.first() == Some(&"guide") {
            current.guides = line.split('"').nth(1).unwrap_or("").split_whitespace().map(str::to_owned).collect();
            continue;
        }
        let (target, value) = line.split_once('=').unwrap_or(("", line));
        let target = target.trim().trim_end_matches('+').trim();
        let mut reads = reads_of(value, &param, &open);
        for (name, more) in &lets {
            if mentions(value, name) {
                reads.extend(more.iter().cloned());
            }
        }
        for block in &open {
            reads.extend(block.reads.iter().cloned());
        }
        if let Some(name) = target.strip_prefix("let ") {
            lets.insert(name.trim().to_owned(), reads.clone());
        }
        let path =
            open.iter().map(|b| b.target.as_str()).chain([target]).filter(|t| !t.is_empty() && *t != "$").collect::<Vec<_>>().join(".");
        current.lines.push(OurLine {
            file: file.to_owned(),
            number: i + 1,
            target: path,
            text: line.trim().to_owned(),
            reads: reads.clone(),
        });
        follow_braces(line, target, reads, &mut open);
    }
}

fn follow_braces(line: &str, target: &str, reads: BTreeSet<String>, open: &mut Vec<Open>) {
    let (opened, closed) = (line.matches('{').count(), line.matches('}').count());
    if opened > closed {
        let bound = line.split_once(" as ").filter(|(before, _)| before.contains("each ")).map(|(before, after)| {
            let source = before.rsplit("each ").next().unwrap_or("").split(['[', '~', '*']).next().unwrap_or("").trim().to_owned();
            (after.split_whitespace().next().unwrap_or("").to_owned(), source)
        });
        let target = if target.starts_with("let ") { "" } else { target };
        for _ in closed..opened {
            open.push(Open { target: target.to_owned(), reads: reads.clone(), bound: bound.clone() });
        }
    }
    for _ in opened..closed {
        open.pop();
    }
}

fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    for (i, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '#' if !quoted => return &line[..i],
            _ => {}
        }
    }
    line
}

/// The one name by which a data type's map knows its value.
fn value_param(line: &str) -> String {
    let inside = line.split_once('(').map_or("", |p| p.1).split([')', ',']).next().unwrap_or("").trim();
    if inside.chars().next().is_some_and(|c| c.is_ascii_lowercase()) { inside.to_owned() } else { String::new() }
}

fn names_of(line: &str) -> Vec<String> {
    let head = line.split('(').next().unwrap_or("");
    head.split([' ', ',']).filter(|w| !w.is_empty() && !matches!(*w, "map" | "message" | "extend")).map(str::to_owned).collect()
}

fn mentions(text: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-' || c == '"';
    text.match_indices(name).any(|(i, _)| {
        let before = text[..i].chars().next_back().is_none_or(|c| !is_word(c));
        before && text[i + name.len()..].chars().next().is_none_or(|c| !is_word(c))
    })
}

/// Positions that an expression reads: `PID-5.1`, `n-3` as `NK1-3`, `x.4` as `.4`.
fn reads_of(text: &str, param: &str, open: &[Open]) -> BTreeSet<String> {
    let mut reads = BTreeSet::new();
    let without_texts: String = text.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    for token in without_texts.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))) {
        let token = token.trim_end_matches(['.', '-']);
        let (base, rest) = token.find(['-', '.']).map_or((token, ""), |i| token.split_at(i));
        let bound = open.iter().rev().find_map(|b| b.bound.as_ref().filter(|(name, _)| name == base)).map(|b| b.1.as_str());
        let is_segment = base.len() == 3 && base.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        match bound {
            Some(source) => {
                reads.insert(format!("{source}{rest}"));
            }
            None if is_segment && rest.starts_with('-') => {
                reads.insert(token.to_owned());
            }
            None if !param.is_empty() && base == param => {
                reads.insert(if rest.is_empty() { ".1".to_owned() } else { rest.to_owned() });
            }
            None => {}
        }
    }
    reads
}

fn read_guide(root: &Path) -> Vec<Row> {
    let mut rows = Vec::new();
    for kind in ["segments", "datatypes", "messages"] {
        let mut files = Vec::new();
        walk(&root.join(kind), "csv", &mut files);
        for file in files {
            let name = file.file_name().and_then(|n| n.to_str()).unwrap_or("");
            let table = table_name(kind, name);
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            for (i, cells) in csv(text.trim_start_matches('\u{feff}')).into_iter().enumerate().skip(2) {
                if cells.iter().any(|c| !c.trim().is_empty()) {
                    rows.push(row(&table, i - 1, kind, &cells));
                }
            }
        }
    }
    rows
}

/// `HL7_Segment_-_FHIR_R4__PID_Patient__-_PID.csv` → `segments/PID[Patient]`.
fn table_name(kind: &str, file: &str) -> String {
    let middle = file.split("R4__").nth(1).unwrap_or(file);
    let middle = middle.split("_-_").next().unwrap_or(middle).trim_end_matches('_');
    match middle.split_once('_').filter(|_| kind != "messages") {
        Some((owner, made)) => format!("{kind}/{owner}[{made}]"),
        None => format!("{kind}/{middle}"),
    }
}

fn row(table: &str, number: usize, kind: &str, cells: &[String]) -> Row {
    let cell = |i: usize| cells.get(i).map(|c| c.trim().to_owned()).unwrap_or_default();
    let message = kind == "messages";
    let attribute = if cell(9).is_empty() && !message { cell(10) } else { cell(9) };
    Row {
        table: table.to_owned(),
        number,
        id: cell(1),
        name: cell(if message { 3 } else { 2 }),
        attribute,
        assignment: if message { String::new() } else { cell(16) },
        segment_map: if message { cell(10) } else { String::new() },
    }
}

fn csv(text: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let Some(cells) = rows.last_mut() else { break };
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cells.last_mut().into_iter().for_each(|l| l.push('"'));
            }
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            '\r' if !quoted => {}
            '\n' if !quoted => rows.push(vec![String::new()]),
            c => cells.last_mut().into_iter().for_each(|l| l.push(c)),
        }
    }
    rows
}

fn read_reasons(path: &Path) -> Vec<Reason> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let rows = text.lines().filter(|l| !l.starts_with('#') && !l.starts_with("table\t"));
    rows.filter_map(|l| {
        let mut c = l.splitn(4, '\t').map(str::to_owned);
        Some(Reason { table: c.next()?, id: c.next()?, attribute: c.next()?, text: c.next()? })
    })
    .collect()
}

/// `*` at either end of a pattern stands for anything; several patterns stand with `, ` between them.
fn fits(patterns: &str, text: &str) -> bool {
    patterns.split(", ").any(|pattern| match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        _ if pattern == "*" => true,
        (Some(_), Some(_)) if pattern.len() > 1 => text.contains(&pattern[1..pattern.len() - 1]),
        (Some(end), None) => text.ends_with(end),
        (None, Some(start)) => text.starts_with(start),
        _ => text == pattern,
    })
}
