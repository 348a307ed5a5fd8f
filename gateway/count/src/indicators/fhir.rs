//! Definitions as FHIR Measure, figures as MeasureReport (profile CNMeasureReport: scope, source of the denominator, hash of
//! the evidence). Both are built as JSON and read into the common tree.

use super::definition::{Definition, Document, Kind, Library, Origin};
use super::figure::{Figure, Outcome, shown};
use hutong_fhir::Tree;
use hutong_fhir::calendar::civil;
use hutong_fhir::json::{self, JsonLimits};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeSet;

const BASE: &str = "http://fhir.med-community.cn/gw";
/// The language of `criteria`, a media type as R4 asks for, whose parameter is its URI: `gateway/docs/expressions.md`.
pub const LANGUAGE: &str = "text/x-hutong-expression;uri=http://fhir.med-community.cn/gw/expression";
const POPULATION: &str = "http://terminology.hl7.org/CodeSystem/measure-population";
/// Of the identifiers of reports, which are their ids.
pub const REPORT_SYSTEM: &str = "http://fhir.med-community.cn/gw/NamingSystem/indicator-report";
/// Subjects that a report of type subject-list holds; the list says when there are more.
pub const SUBJECTS_MAX: usize = 10_000;

/// What a report needs besides its figure.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// Logical id of the report.
    pub id: &'a str,
    pub reporter: Reporter<'a>,
    /// FHIR dateTime of making it.
    pub date: &'a str,
    pub of: Of<'a>,
}

/// Whose figure it is: an institution, or the area itself. (R4 takes no organisation as the subject.)
#[derive(Clone, Copy, Debug)]
pub struct Reporter<'a> {
    /// Code in the registry; empty: the area has none.
    pub code: &'a str,
    pub name: &'a str,
}

/// About whom a report tells.
#[derive(Clone, Copy, Debug)]
pub enum Of<'a> {
    /// All who are counted: type summary.
    All,
    /// The same with `Patient/<id>` of those who are counted: type subject-list.
    Subjects(&'a [String]),
    /// One patient: `Patient/<id>`, and how many cases of that person count; type individual.
    One { patient: &'a str, cases: i64 },
    /// No figure, but the resources that it was counted from: type data-collection.
    Data(&'a [String]),
}

impl Of<'_> {
    fn code(self) -> &'static str {
        match self {
            Of::All => "summary",
            Of::Subjects(_) => "subject-list",
            Of::One { .. } => "individual",
            Of::Data(_) => "data-collection",
        }
    }
}

/// A Measure for each definition, in their order.
pub fn measures(library: &Library) -> Vec<Tree> {
    let all = library.definitions().iter().filter_map(|d| measure(library, d));
    all.collect()
}

/// The Measure of one definition; `None` where its document is not in the library.
pub fn measure(library: &Library, d: &Definition) -> Option<Tree> {
    let document = library.document(&d.document)?;
    let mut out = object(&[("resourceType", json!("Measure")), ("id", json!(d.id)), ("language", json!("zh-CN"))]);
    put(&mut out, "text", narrative(&measure_rows(library, d, document)));
    put(&mut out, "url", json!(format!("{BASE}/Measure/{}", d.id)));
    put(&mut out, "identifier", json!([{"system": format!("{BASE}/NamingSystem/indicator"), "value": d.id}]));
    put(&mut out, "version", json!(document.version));
    put(&mut out, "name", json!(name(&d.id)));
    put(&mut out, "title", json!(d.title));
    put(&mut out, "_title", translation(&d.title_en));
    put(&mut out, "status", json!("active"));
    put(&mut out, "experimental", json!(false));
    put(&mut out, "subjectCodeableConcept", subject(d));
    put(&mut out, "topic", json!([{"coding": [{"system": format!("{BASE}/CodeSystem/indicator-class"), "code": d.class.code()}]}]));
    put(&mut out, "date", json!(document.issued));
    put(&mut out, "publisher", json!(document.issuer));
    put(&mut out, "description", json!(description(d)));
    put(&mut out, "jurisdiction", json!([{"coding": [{"system": "urn:iso:std:iso:3166", "code": "CN"}]}]));
    put(&mut out, "effectivePeriod", json!({"start": document.issued}));
    put(&mut out, "relatedArtifact", artifacts(d, document));
    put(&mut out, "scoring", scoring(d));
    if !d.targets.is_empty() {
        let increase = json!({"system": "http://terminology.hl7.org/CodeSystem/measure-improvement-notation", "code": "increase"});
        put(&mut out, "improvementNotation", json!({"coding": [increase]}));
    }
    if !d.formula.is_empty() {
        put(&mut out, "definition", json!([d.formula]));
    }
    if !d.note.is_empty() {
        put(&mut out, "guidance", json!(d.note));
    }
    let populations = populations(library, d);
    let mut group = object(&[("code", json!({"text": d.title}))]);
    put(&mut group, "population", json!(populations));
    put(&mut out, "group", json!([group]));
    tree(out)
}

/// The report of a figure; `None` where its indicator is not in the library. Its status is `pending` where the figure is
/// missing, and it says what is missing; and until the period is over, then it is the figure so far.
pub fn measure_report(library: &Library, figure: &Figure, about: &About<'_>) -> Option<Tree> {
    let d = library.definition(&figure.indicator)?;
    // dates of one form: they compare as texts
    let is_running = about.date.get(..10).is_some_and(|today| day(figure.days.last).as_str() >= today);
    let mut out = object(&[("resourceType", json!("MeasureReport")), ("id", json!(about.id))]);
    // the same report at another position of the journal is another version of it
    let version = figure.journal_position.to_string();
    put(&mut out, "meta", json!({"versionId": version, "profile": [format!("{BASE}/StructureDefinition/CNMeasureReport")]}));
    put(&mut out, "language", json!("zh-CN"));
    if matches!(about.of, Of::All | Of::Subjects(_)) {
        put(&mut out, "text", narrative(&report_rows(figure, is_running)));
    }
    if let Of::Subjects(subjects) = about.of {
        put(&mut out, "contained", json!([list(subjects)]));
    }
    put(&mut out, "extension", json!(extensions(figure)));
    put(&mut out, "identifier", json!([{"system": REPORT_SYSTEM, "value": about.id}]));
    // of one patient is told what is counted, whether or not the figure can be computed from it
    let is_missing = matches!(figure.outcome, Outcome::Missing(_)) && matches!(about.of, Of::All | Of::Subjects(_));
    put(&mut out, "status", json!(if is_missing || is_running { "pending" } else { "complete" }));
    put(&mut out, "type", json!(about.of.code()));
    put(&mut out, "measure", json!(format!("{BASE}/Measure/{}|{}", d.id, figure.definition_version)));
    if let Of::One { patient, .. } = about.of {
        put(&mut out, "subject", json!({"reference": patient}));
    }
    put(&mut out, "date", json!(about.date));
    put(&mut out, "reporter", reporter(about.reporter));
    put(&mut out, "period", json!({"start": day(figure.days.first), "end": day(figure.days.last)}));
    match about.of {
        Of::Data([]) => {}
        Of::Data(all) => {
            let references: Vec<Json> = all.iter().map(|r| json!({"reference": r})).collect();
            put(&mut out, "evaluatedResource", json!(references));
        }
        of => put(&mut out, "group", json!([group(figure, of)])),
    }
    tree(out)
}

fn reporter(reporter: Reporter<'_>) -> Json {
    let mut out = object(&[("type", json!("Organization"))]);
    if !reporter.code.is_empty() {
        let system = format!("{BASE}/NamingSystem/community-institution");
        put(&mut out, "identifier", json!({"system": system, "value": reporter.code}));
    }
    if !reporter.name.is_empty() {
        put(&mut out, "display", json!(reporter.name));
    }
    Json::Object(out)
}

fn group(figure: &Figure, of: Of<'_>) -> Json {
    let (persons, cases) = match of {
        Of::One { cases, .. } => (Some(i64::from(cases > 0)), Some(cases)),
        _ => (figure.persons, figure.cases),
    };
    let mut out = object(&[("code", json!({"text": figure.title}))]);
    let mut populations = Vec::new();
    for (code, text, count) in [("numerator", "人数", persons), ("measure-population", "人次", cases)] {
        let Some(count) = count else { continue };
        let mut one = object(&[("code", coded(code, text)), ("count", json!(count))]);
        if matches!(of, Of::Subjects(_)) && code == "numerator" {
            put(&mut one, "subjectResults", json!({"reference": "#subjects"}));
        }
        populations.push(Json::Object(one));
    }
    if !populations.is_empty() {
        put(&mut out, "population", Json::Array(populations));
    }
    if matches!(of, Of::One { .. }) {
        return Json::Object(out);
    }
    if let Outcome::Number(n) = &figure.outcome {
        let mut score = Map::new();
        let number = shown(*n).to_string().parse::<serde_json::Number>().map_or(Json::Null, Json::Number);
        put(&mut score, "value", number);
        if !figure.unit.is_empty() {
            put(&mut score, "unit", json!(figure.unit));
        }
        // ratios are printed with the unit % and are none
        if figure.unit == "%" && figure.kind == Kind::Percent {
            put(&mut score, "system", json!("http://unitsofmeasure.org"));
            put(&mut score, "code", json!("%"));
        }
        put(&mut out, "measureScore", Json::Object(score));
    }
    Json::Object(out)
}

fn extensions(figure: &Figure) -> Vec<Json> {
    let url = |name: &str| format!("{BASE}/StructureDefinition/{name}");
    let scope = match figure.scope {
        Some(scope) => json!({"coding": [{"system": format!("{BASE}/CodeSystem/counting-scope"), "code": scope.code()}]}),
        None => json!({"text": "不按检查类别计数"}),
    };
    let mut out = vec![json!({"url": url("counting-scope"), "valueCodeableConcept": scope})];
    let hashes: BTreeSet<&str> = figure.inputs.iter().map(|u| u.evidence_sha256.as_str()).filter(|h| !h.is_empty()).collect();
    if !hashes.is_empty() {
        let text = hashes.iter().map(|h| format!("sha256:{h}")).collect::<Vec<_>>().join(" ");
        out.push(json!({"url": url("evidence-hash"), "valueString": text}));
    }
    let given: Vec<String> = figure.inputs.iter().filter(|u| u.origin != Origin::Counted).map(used).collect();
    if !given.is_empty() {
        out.push(json!({"url": url("denominator-source"), "valueString": given.join("；")}));
    }
    out
}

fn used(u: &super::figure::Used) -> String {
    let from = if u.from.is_empty() { "网关计数" } else { &u.from };
    format!("{} {} {}（{}，{from}）", u.title, u.value, u.unit, u.period)
}

fn list(subjects: &[String]) -> Json {
    let shown = subjects.iter().take(SUBJECTS_MAX).map(|s| json!({"item": {"reference": s}}));
    let mut out =
        object(&[("resourceType", json!("List")), ("id", json!("subjects")), ("status", json!("current")), ("mode", json!("snapshot"))]);
    if subjects.len() > SUBJECTS_MAX {
        let text = format!("共 {} 人，列出前 {SUBJECTS_MAX} 人", subjects.len());
        put(&mut out, "note", json!([{"text": text}]));
    }
    let entries: Vec<Json> = shown.collect();
    if entries.is_empty() {
        let nobody = json!({"system": "http://terminology.hl7.org/CodeSystem/list-empty-reason", "code": "nilknown"});
        put(&mut out, "emptyReason", json!({"coding": [nobody]}));
    } else {
        put(&mut out, "entry", Json::Array(entries));
    }
    Json::Object(out)
}

fn populations(library: &Library, d: &Definition) -> Vec<Json> {
    let criteria =
        |expression: &str, description: String| json!({"description": description, "language": LANGUAGE, "expression": expression});
    let mut out = Vec::new();
    if d.scope.is_some() {
        let scope = d.scope.map_or("", |s| s.code());
        for (code, text, expression) in [("numerator", "人数", "persons"), ("measure-population", "人次", "cases")] {
            out.push(json!({"code": coded(code, text), "criteria": criteria(expression, format!("{text}，口径 {scope}"))}));
        }
    }
    if let Some(e) = &d.expression {
        let read = e.read_as(|n| library.title(n));
        out.push(json!({"code": coded("measure-observation", "指标值"), "criteria": criteria(e.text(), read)}));
    }
    if d.expression.is_none() {
        let one = criteria("reported", format!("整项填报，填报单位：{}", d.who));
        out.push(json!({"code": coded("measure-observation", "指标值"), "criteria": one}));
    }
    out
}

fn coded(code: &str, text: &str) -> Json {
    json!({"coding": [{"system": POPULATION, "code": code}], "text": text})
}

fn subject(d: &Definition) -> Json {
    let code = if d.scope.is_some() { "Patient" } else { "Organization" };
    json!({"coding": [{"system": "http://hl7.org/fhir/resource-types", "code": code}]})
}

fn scoring(d: &Definition) -> Json {
    let code = match d.kind {
        Kind::Percent => "proportion",
        Kind::Ratio => "ratio",
        Kind::Number | Kind::Money => "continuous-variable",
        Kind::Text => return json!({"text": "定性"}),
    };
    json!({"coding": [{"system": "http://terminology.hl7.org/CodeSystem/measure-scoring", "code": code}]})
}

fn artifacts(d: &Definition, document: &Document) -> Json {
    let cite = |text: String| json!({"type": "derived-from", "display": text});
    let mut out = vec![cite(format!("{}《{}》{} 第 {} 项", document.number, document.title, document.annex, d.number))];
    out.extend(d.also.iter().map(|(number, text)| cite(format!("{number}：{text}"))));
    Json::Array(out)
}

fn description(d: &Definition) -> String {
    let class = match d.class.code() {
        "A" => "由网关计数",
        "B" => "部分由网关计数，其余配置或填报",
        _ => "填报",
    };
    let unit = if d.unit.is_empty() { "无" } else { &d.unit };
    format!("{}。单位：{unit}。类别 {}：{class}。\n\n{}.", d.title, d.class.code(), d.title_en)
}

type Rows = Vec<(String, String)>;

fn measure_rows(library: &Library, d: &Definition, document: &Document) -> Rows {
    let mut out = vec![
        ("指标".to_owned(), d.title.clone()),
        ("文件".to_owned(), format!("{} {} 第 {} 项", document.number, document.annex, d.number)),
        ("公式（照印）".to_owned(), d.formula.clone()),
        ("计算式".to_owned(), d.expression.as_ref().map_or_else(String::new, |e| e.read_as(|n| library.title(n)))),
        ("数据来源".to_owned(), d.source.clone()),
        ("填报单位".to_owned(), d.who.clone()),
    ];
    out.extend(d.reached.iter().map(|(year, value)| (format!("{year} 年值"), value.clone())));
    out.extend(d.targets.iter().map(|t| (format!("{} 年目标值", t.year), t.printed.clone())));
    out
}

fn report_rows(figure: &Figure, is_running: bool) -> Rows {
    let institution = figure.institution.clone().unwrap_or_else(|| "全域".to_owned());
    let mut out = vec![
        ("指标".to_owned(), figure.title.clone()),
        ("文件".to_owned(), figure.document.clone()),
        ("统计期".to_owned(), figure.period.clone()),
        ("机构".to_owned(), institution),
        ("口径".to_owned(), figure.scope.map_or_else(String::new, |s| s.code().to_owned())),
    ];
    let is_missing = matches!(figure.outcome, Outcome::Missing(_));
    if !is_missing {
        out.push(("数值".to_owned(), format!("{} {}", figure.value_text(), figure.unit).trim().to_owned()));
        out.push(("来源".to_owned(), figure.provenance.zh().to_owned()));
    }
    if is_running && !is_missing {
        out.push(("说明".to_owned(), "统计期未结束，为截至目前的数字".to_owned()));
    }
    out.extend(figure.target.iter().map(|t| (format!("{} 年目标值", t.year), t.printed.clone())));
    out.extend(figure.inputs.iter().map(|u| ("所用数据".to_owned(), used(u))));
    out.extend(figure.evidence.iter().map(|u| ("旁证".to_owned(), used(u))));
    if let Outcome::Missing(gaps) = &figure.outcome {
        out.extend(gaps.iter().map(|g| ("不能计算".to_owned(), format!("{}：{}", g.title, g.zh))));
    }
    out.push(("定义版本".to_owned(), figure.definition_version.clone()));
    out.push(("日志位置".to_owned(), figure.journal_position.to_string()));
    out
}

fn narrative(rows: &Rows) -> Json {
    let mut div = String::from("<div xmlns=\"http://www.w3.org/1999/xhtml\"><table>");
    for (name, value) in rows.iter().filter(|(_, v)| !v.is_empty()) {
        div.push_str("<tr><th>");
        escape(name, &mut div);
        div.push_str("</th><td>");
        escape(value, &mut div);
        div.push_str("</td></tr>");
    }
    div.push_str("</table></div>");
    json!({"status": "generated", "div": div})
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
}

fn translation(en: &str) -> Json {
    let parts = json!([{"url": "lang", "valueCode": "en"}, {"url": "content", "valueString": en}]);
    json!({"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/translation", "extension": parts}]})
}

/// `cq-core-06` → `CqCore06`
fn name(id: &str) -> String {
    let word = |w: &str| w.chars().take(1).flat_map(char::to_uppercase).chain(w.chars().skip(1)).collect::<String>();
    id.split('-').map(word).collect()
}

fn day(days: i64) -> String {
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}")
}

fn object(fields: &[(&str, Json)]) -> Map<String, Json> {
    fields.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect()
}

fn put(to: &mut Map<String, Json>, name: &str, value: Json) {
    to.insert(name.to_owned(), value);
}

fn tree(resource: Map<String, Json>) -> Option<Tree> {
    let text = Json::Object(resource).to_string();
    json::parse(text.as_bytes(), &JsonLimits::default()).ok().map(|(tree, _)| tree)
}
