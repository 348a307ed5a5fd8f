//! The quarterly report of a county whose figures were worked out by hand: two quarters and one of the year before, against
//! targets; the same in every form.

use std::collections::BTreeMap;
use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use hutong_tests::http;
use serde_json::{Value, json};

use super::county::County;

const DR: (&str, &str) = ("BB04^胸部正侧位^L", "DR");
const LAB: (&str, &str) = ("SH10^生化十项^L", "LAB");
const PERIOD: &str = "2026Q3";

/// 2025Q3 one case; 2026Q2 two, of two persons; 2026Q3 five, of two persons: four images that took 20, 40, 60 and 180 minutes
/// from examination (30, 60, 90 and 190 from order), and a laboratory case with a critical value whose specimen was sent back
/// once.
fn county(dir: &std::path::Path) -> County {
    let mut county = County::of_year(dir, "2026");
    county.past("C1", DR, 0, "20250801", [10, 30]);
    county.past("A1", DR, 0, "20260510", [10, 50]);
    county.past("A2", LAB, 1, "20260602", [5, 125]);
    county.past("B1", DR, 0, "20260706", [10, 30]);
    county.past("B2", DR, 0, "20260707", [20, 60]);
    county.past("B3", DR, 1, "20260808", [10, 190]);
    county.past("B4", DR, 1, "20260909", [30, 90]);
    county.reject("B5", LAB, 1, "20260910081000");
    county.past("B5", LAB, 1, "20260910", [30, 120]);
    county
}

/// Rows as people read them, without blanks.
const SHOWN: [&str; 15] = [
    // cases: 5 after 2 and, a year ago, 1; seven in the year
    "ALL4人次 5 2 +150.0% 1 +400.0% 7 — —",
    // persons: the target is 20 of them
    "ALL4人数 2 2 0.0% 1 +100.0% 2 20 10.0%",
    "IMG5人次 4 1 +300.0% 1 +300.0% 5 — —",
    "7月 2 0 —",
    "永安镇卫生院 5 2 4 2 +150.0% 7 5 140.0% 0",
    "合计 5 2 4 2 +150.0% 7 — — 0",
    // an institution that did nothing is told of
    "白鹤乡卫生院 0 0 0 0 — 0 — — 0",
    "县人民医院 5 100.0% 2 +150.0%",
    "影像诊断中心 4 1 +300.0% 5 4 125.0%",
    // medians of 30 60 90 190 and of 20 40 60 180: 75 and 50 minutes; P90 of four is the fourth; 40 minutes before
    "影像诊断中心 1小时15分 3小时10分 50分 50分 3小时00分 40分",
    "检验中心 2小时00分 2小时00分 2小时05分 1小时30分 1小时30分 2小时00分",
    // three of four within two hours; one of one before
    "影像诊断中心 2小时00分 4 3 75.0% 100.0% 0 0 0 0",
    "检验中心 1天0小时 1 1 100.0% 100.0% 1 0 1 1",
    "合计 — 5 4 80.0% 100.0% 1 0 1 1",
    // of the township: median of 20 40 60 90 180
    "永安镇卫生院 1小时00分 3小时00分 5 4 80.0% 1 1",
];

/// What item 5 of the issue names.
const SAID: [&str; 23] = [
    "一、总体情况",
    "二、各机构完成情况",
    "三、诊断中心时效与质量",
    "四、未计入情况",
    "五、指标对照",
    "六、统计方法与数据质量说明",
    "图1各月ALL4人次",
    "图2各检查机构年度目标完成情况",
    "图3检查至报告用时占时限的比例",
    "年度目标",
    "上期",
    "申请至报告",
    "检查至报告",
    "及时率80.0%，未达到95%的目标",
    "不合格标本",
    "危急值",
    // they came when the period was over
    "没有收到消息；本期如有数字，来自期后到达的消息",
    "结账后的调整",
    "无法计算的指标及原因",
    "没有已审核的填报",
    "统计年鉴第12页",
    "日志位置",
    "生成时间",
];

pub fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

/// Text of a page: one line a table row, paragraph or label.
pub fn of_html(html: &str) -> String {
    let mut out = String::new();
    let body = html.split("</style>").nth(1).unwrap();
    for piece in body.split('<') {
        let (tag, text) = piece.split_once('>').unwrap_or(("", piece));
        if ["/tr", "/p", "/li", "/h2", "/caption", "/figcaption", "/h1"].contains(&tag) {
            out.push('\n');
        }
        out.push_str(text);
        out.push(' ');
    }
    out.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[test]
fn the_report_says_what_was_worked_out_by_hand_in_every_form() {
    let dir = tempfile::tempdir().unwrap();
    let county = county(dir.path());
    let form = |form: &str| county.bytes(&["quarterly", "--period", PERIOD, "--lang", "zh", "--format", form]);
    let text = |form_name: &str| String::from_utf8(form(form_name)).unwrap();

    // what people read: the table on a terminal, the page, the console's page, the PDF as another program reads it
    let pdf = county.pdf_text(&["quarterly", "--period", PERIOD, "--lang", "zh", "--format", "pdf"]);
    let console = format!("</style>{}", county.page(&format!("/console/quarterly?period={PERIOD}&lang=zh")));
    let read = [("table", text("table")), ("html", of_html(&text("html"))), ("console", of_html(&console)), ("pdf", pdf)];
    for (name, read) in &read {
        let lines: Vec<String> = read.lines().map(squeezed).collect();
        for row in SHOWN {
            assert!(lines.iter().any(|l| *l == squeezed(row)), "{name} lacks {row}:\n{read}");
        }
        let whole = squeezed(read);
        for said in SAID.iter().filter(|s| *name != "table" || !s.starts_with('图')) {
            assert!(whole.contains(said), "{name} does not say {said}:\n{read}");
        }
    }

    // what programs read: every row of every table is the same in ndjson, JSON, CSV and Excel
    let lines: Vec<Value> = text("ndjson").lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let api = county.json(&format!("/admin/report/quarterly?period={PERIOD}&lang=zh"));
    let told: Vec<&Value> = api["indicators"].as_array().unwrap().iter().chain(api["rows"].as_array().unwrap()).collect();
    let without_time = |v: &Value| {
        let mut v = v.clone();
        v.as_object_mut().unwrap().remove("madeAt");
        v
    };
    assert_eq!(lines.iter().map(without_time).collect::<Vec<_>>(), told.into_iter().map(without_time).collect::<Vec<_>>());
    let row = |table: &str, key: &str, value: &str| {
        let found = lines.iter().find(|l| l["table"] == table && l[key] == value);
        found.unwrap_or_else(|| panic!("no {value} in {table}")).clone()
    };
    let t1 = row("institutions", "code", "T1");
    assert_eq!((&t1["cases"], &t1["before"], &t1["change"], &t1["yearAgo"]), (&json!(5), &json!(2), &json!(150.0), &json!(1)));
    let imaging = row("turnaround", "code", "imaging");
    assert_eq!((&imaging["orderMedian"], &imaging["orderP90"], &imaging["examP90"]), (&json!(75 * 60), &json!(190 * 60), &json!(180 * 60)));
    assert!(lines.iter().any(|l| l["table"] == "report" && l["journalPosition"].as_u64().is_some_and(|n| n > 15)));
    same_rows(&lines, &tables_of_csv(&text("csv")), &form("xlsx"));
}

/// Title, header and rows of each table of a report's CSV, whose cells hold no line ends.
fn tables_of_csv(text: &str) -> BTreeMap<String, Vec<Vec<String>>> {
    let cells = |line: &str| {
        let (mut out, mut quoted) = (vec![String::new()], false);
        for c in line.chars() {
            match c {
                '"' => quoted = !quoted,
                ',' if !quoted => out.push(String::new()),
                c => out.last_mut().unwrap().push(c),
            }
        }
        out
    };
    let blocks = text.trim_start_matches('\u{feff}').split("\r\n\r\n").map(|b| b.lines().map(cells).collect::<Vec<_>>());
    blocks.filter(|b: &Vec<Vec<String>>| b[0][0].starts_with('表')).map(|mut b| (b.remove(0).remove(0), b)).collect()
}

/// Each row of ndjson stands in the CSV, and each row of the CSV in its sheet, number by number.
fn same_rows(lines: &[Value], csv: &BTreeMap<String, Vec<Vec<String>>>, excel: &[u8]) {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(excel)).unwrap();
    let mut compared = 0;
    for (title, rows) in csv {
        let sheet = book.worksheet_range(title).unwrap_or_else(|e| panic!("{title}: {e}"));
        for (row, cells) in rows.iter().zip(sheet.rows()) {
            for (plain, cell) in row.iter().zip(cells) {
                let same = match cell {
                    Data::Float(f) if plain.ends_with('%') => {
                        (f * 100.0 - plain.trim_end_matches('%').parse::<f64>().unwrap()).abs() < 1e-9
                    }
                    Data::Float(f) => plain.parse() == Ok(*f),
                    Data::DateTime(d) if d.is_duration() => {
                        let seconds = plain.split(':').fold(0.0, |sum, part| sum * 60.0 + part.parse::<f64>().unwrap());
                        (d.as_f64() * 86_400.0 - seconds).abs() < 1e-3
                    }
                    Data::DateTime(_) => plain.starts_with("20"),
                    other => other.to_string() == *plain,
                };
                assert!(same, "{title}: {plain} is not {cell:?} in {row:?}");
                compared += 1;
            }
        }
        assert!(sheet.rows().count() >= rows.len(), "{title} lacks rows");
    }
    assert!(compared > 200, "{compared} cells");
    let all: Vec<&Vec<String>> = csv.values().flatten().collect();
    let has = |row: &Value, skip: usize| {
        let plain = |v: &Value| v.as_str().map_or_else(|| v.to_string().trim_start_matches("null").to_owned(), str::to_owned);
        let want: Vec<String> = row.as_object().unwrap().values().skip(skip).map(plain).collect();
        all.iter().any(|cells| {
            cells.len() == want.len()
                && cells.iter().zip(&want).all(|(cell, want)| cell == want || cell.trim_end_matches('%') == want || seconds(cell) == *want)
        })
    };
    for row in lines.iter().filter(|l| l.get("table").is_some_and(|t| t != "notes" && t != "report")) {
        assert!(has(row, 1), "no such row in the CSV: {row}");
    }
}

/// `1:15:00` as ndjson tells it.
fn seconds(cell: &str) -> String {
    let parts: Option<Vec<u64>> = cell.split(':').map(|p| p.parse().ok()).collect();
    parts.filter(|p| p.len() == 3).map_or_else(String::new, |p| (p[0] * 3600 + p[1] * 60 + p[2]).to_string())
}

#[test]
fn one_institution_gets_its_own_and_what_cannot_be_asked_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let county = county(dir.path());
    // the keys of the issue come first, in its order
    let lines = county.lines(&["quarterly", "--period", PERIOD]);
    let keys: Vec<&String> = lines[0].as_object().unwrap().keys().take(14).collect();
    let expected = [
        "indicator",
        "document",
        "scope",
        "period",
        "institution",
        "persons",
        "cases",
        "value",
        "unit",
        "target",
        "class",
        "definitionVersion",
        "journalPosition",
        "excluded",
    ];
    assert_eq!(keys, expected);
    let of = |place: Value| lines.iter().find(|l| l["indicator"] == "fj-core-06" && l["institution"] == place).unwrap();
    for (place, persons, cases) in [(Value::Null, 2, 5), (json!("T1"), 2, 5), (json!("T2"), 0, 0)] {
        assert_eq!((&of(place.clone())["persons"], &of(place)["cases"]), (&json!(persons), &json!(cases)));
    }

    // in FHIR: one report a figure, with the same numbers
    let bundle: Value = serde_json::from_slice(&county.bytes(&["quarterly", "--period", PERIOD, "--format", "fhir"])).unwrap();
    let figures = lines.iter().filter(|l| l.get("indicator").is_some()).count();
    assert_eq!((bundle["type"].as_str(), bundle["entry"].as_array().unwrap().len()), (Some("collection"), figures));
    let core = bundle["entry"].as_array().unwrap().iter().map(|e| &e["resource"]);
    let core = core.into_iter().find(|r| r["measure"].as_str().unwrap().contains("/fj-core-06|")).unwrap();
    let counts: Vec<u64> = core["group"][0]["population"].as_array().unwrap().iter().map(|p| p["count"].as_u64().unwrap()).collect();
    assert_eq!(counts, [2, 5], "{core}");

    // of the township alone: its own centres and times; a township that sent nothing reads as such
    let own = county.text(&["quarterly", "--period", PERIOD, "--institution", "T1", "--lang", "zh"]).1;
    assert!(own.starts_with("永安镇卫生院运行情况季度通报\n") && own.contains("年度目标 5 人次的 140.0%"), "{own}");
    assert!(squeezed(&own).contains("影像诊断中心2小时00分4375.0%100.0%0000"), "{own}");
    let idle = county.text(&["quarterly", "--period", PERIOD, "--institution", "T2", "--lang", "zh"]).1;
    assert!(idle.contains("ALL4 口径 0 人次、0 人") && idle.contains("本期没有未计入的报告"), "{idle}");
    // its token sees neither others' rows nor how their closed periods were adjusted
    let path = format!("/admin/report/quarterly?period={PERIOD}&institution=T1&lang=zh");
    let head = format!("GET {path} HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer test-token\r\nConnection: close\r\n\r\n");
    let seen = http::request(county.gateway.http, &head, &[]).json();
    let rows = seen["rows"].as_array().unwrap();
    assert!(seen["institution"] == "T2" && rows.iter().all(|r| r["table"] != "adjustments"), "{seen}");
    assert!(!seen.to_string().contains("永安"), "{seen}");
    assert!(county.lines(&["quarterly", "--period", PERIOD]).iter().any(|r| r["table"] == "adjustments"), "the county's has them");

    // a period without data is a report of nothing; others are refused with what to do
    let (code, said) = county.text(&["quarterly", "--period", "2019Q1", "--lang", "zh"]);
    assert!(code == 0 && said.contains("上期、去年同期均无数"), "{said}");
    let next_year = (county.year().parse::<u32>().unwrap() + 1).to_string();
    for (args, expected) in [
        (vec!["--period", next_year.as_str()], "尚未开始"),
        (vec!["--period", "2026Q5"], "2026-11、2026Q3、2026"),
        (vec!["--period", "2026-11-22"], "整月"),
        (vec!["--period", PERIOD, "--institution", "T9"], "机构目录中没有"),
    ] {
        let (code, said) = county.text(&[vec!["quarterly", "--lang", "zh"], args.clone()].concat());
        assert!(code == 1 && said.contains(expected), "{args:?}: {code} {said}");
    }
    // a period that is not over is compared with none
    let (_, running) = county.text(&["quarterly", "--period", &county.year(), "--lang", "zh"]);
    assert!(running.contains("未结束，截至") && running.contains("环比、同比从缺"), "{running}");
}
