//! The figures of recognition after a flow over real sockets: the same by the API, the command, CSV and Excel, counted anew
//! from the journal, and sent to an upper platform that goes down and comes back.

use std::io::{BufRead, BufReader, Cursor};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use calamine::{Data, Reader, Xlsx};
use hutong_tests::gateway::{Gateway, hutong};
use hutong_tests::hl7;
use hutong_tests::http::{self, get};
use hutong_tests::mllp::Sender;
use serde_json::{Value, json};

/// The token of T1 is `t1-token`.
const CONFIG: &str = r#"
[[source]]
id = "lis"
addresses = ["127.0.0.1/32"]
facilities = [["LIS", "H1"]]
institution = "H1"
namespace = "urn:h1"
sites = ["cn"]

[[source]]
id = "his"
addresses = ["127.0.0.1/32"]
facilities = [["HIS", "T1"]]
institution = "T1"
namespace = "urn:t1"
sites = ["cn"]

[http]
tokens = [{ sha256 = "741ca82949fdcdf903ff54fb9f3f94f32048cec6519b770fa53d8ccec2c5feed", institution = "T1" },
          { sha256 = "4c5dc9b7708905f77f5e5d16316b5dfb425e68cb326dcd55a860e90a7707031e", institution = "T2" }]
"#;
/// A valid number of nobody: region 990200 is not given out.
const CARD: &str = "990200198403120047";
const SYSTEM: &str = "http://fhir.med-community.cn/gw/NamingSystem/urn%3A";

struct County {
    gateway: Gateway,
    sender: Sender,
    sent: u32,
    /// Now, as HL7 writes it.
    now: String,
}

fn tables() -> Vec<(&'static str, String)> {
    let rules = "#set test\n#version 1\n#source test\n#effective_from 2020-01-01\n#regions 50\nitem\tkind\tsetting\tvalid\tfrom\treach\tmark\tcompare\n\
        K\tlaboratory\tany\t30d\treport\tprovince\tno\tunit\nGLU\tlaboratory\tany\t30d\treport\tprovince\tno\tunit\n";
    let codes: String =
        ["h1", "t1"].iter().flat_map(|n| ["K", "GLU"].map(|c| format!("{},{SYSTEM}{n}/99LAB,{c},{c}\n", n.to_uppercase()))).collect();
    vec![
        ("institutions", "code,name,region,tier,community\nH1,县人民医院,500236,county,C\nT1,永安镇卫生院,500236,township,C\n".into()),
        ("items", "code,name,kind,unit\nK,血清钾,laboratory,mmol/L\nGLU,葡萄糖,laboratory,mmol/L\n".into()),
        ("item-codes", format!("institution,system,code,item\n{codes}")),
        ("prices", "institution,item,price\n*,K,8.50\n*,GLU,3.20\n".into()),
        ("rules", rules.into()),
    ]
}

impl County {
    fn start(data: &Path, more: &str) -> County {
        let gateway = Gateway::start_with(data, Some(&format!("{CONFIG}{more}")), &[]);
        let sender = Sender::connect(gateway.mllp);
        let out = std::process::Command::new("date").args(["-u", "-d", "+8 hours", "+%Y%m%d%H%M%S"]).output().unwrap();
        County { gateway, sender, sent: 0, now: String::from_utf8(out.stdout).unwrap().trim().to_owned() }
    }

    fn to(&self) -> String {
        format!("http://{}", self.gateway.http)
    }

    fn import(&self, dir: &Path) {
        for (name, text) in tables() {
            let file = dir.join(format!("{name}-1.csv"));
            std::fs::write(&file, text).unwrap();
            let out = hutong().args(["import", name]).arg(&file).args(["--to", &self.to(), "--by", "t"]).output().unwrap();
            assert!(out.status.success(), "{name}: {}", String::from_utf8_lossy(&out.stderr));
        }
    }

    fn send(&mut self, who: (&str, &str), kind: &str, rest: &str) -> String {
        self.sent += 1;
        let (n, now) = (self.sent, &self.now);
        let message = format!(
            "MSH|^~\\&|{}|{}|HUTONG|GATEWAY|{now}||{kind}|F{n}-{}|P|2.4||||||UNICODE UTF-8\r{rest}\r",
            who.0,
            who.1,
            std::process::id()
        );
        let answer = self.sender.send(message.as_bytes()).unwrap();
        assert_eq!(hl7::code(&answer), "AA", "{message}\n{}", String::from_utf8_lossy(&answer));
        String::from_utf8(answer).unwrap()
    }

    /// A result of the county hospital; `state` F or W (withdrawn: entered in error).
    fn result(&mut self, number: &str, item: &str, state: &str) {
        let now = self.now.clone();
        let rest = format!(
            "{}\rPV1|1|O|^^^检验科\rOBR|1|A{number}^LIS|L{number}^LIS|{item}^{item}^99LAB|||{now}|||||||||||||||{now}||LAB|{state}\r\
             OBX|1|NM|{item}^{item}^99LAB||4.1|mmol/L|3.5-5.3||||{state}|||{now}",
            pid("H1", "1001")
        );
        self.send(("LIS", "H1"), "ORU^R01", &rest);
    }

    /// An order of the township; the GUID of the reminder.
    fn order(&mut self, number: &str, item: &str) -> String {
        let rest = format!(
            "{}\rPV1|1|O|^^^内科||||7001^周医生|||||||||||V{number}\rORC|NW|{number}^HIS||||||||||7001^周医生|||||03^内科\r\
             OBR|1|{number}^HIS||{item}^{item}^99LAB",
            pid("T1", "2001")
        );
        let answer = self.send(("HIS", "T1"), "ORM^O01", &rest);
        let guid = answer.split(['|', '\r', '^', '/', '?']).find(|p| p.len() == 36 && p.matches('-').count() == 4);
        guid.unwrap_or_else(|| panic!("no reminder: {answer}")).to_owned()
    }

    fn answer(&mut self, reminder: &str, decision: &str, reason: &str) {
        let rest = format!("{}\rZRA|1|{reminder}||{decision}|{reason}||7001||03", pid("T1", "2001"));
        self.send(("HIS", "T1"), "ORM^O01", &rest);
    }

    fn report(&self, query: &str) -> Value {
        let answer = get(self.gateway.http, &format!("/admin/report/recognition?{query}"));
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    fn command(&self, more: &[&str]) -> (i32, Vec<u8>, String) {
        let out = hutong().args(["report", "recognition", "--to", &self.to(), "--period", &self.year()]).args(more).output().unwrap();
        (out.status.code().unwrap(), out.stdout, String::from_utf8_lossy(&out.stderr).into_owned())
    }

    fn year(&self) -> String {
        self.now[..4].to_owned()
    }
}

fn pid(hospital: &str, number: &str) -> String {
    format!("PID|1||{number}^^^{hospital}^MR||王小芳||19840312|F|||||13800010001||||||{CARD}")
}

/// Two orders recognised and refused, one not answered, one taken back, one whose result is withdrawn.
fn flow(county: &mut County) {
    county.result("1", "K", "F");
    county.result("2", "GLU", "F");
    let one = county.order("O1", "K");
    county.answer(&one, "view", "");
    county.answer(&one, "recognise", "");
    let two = county.order("O2", "GLU");
    county.answer(&two, "refuse", "01");
    county.order("O3", "GLU");
    let four = county.order("O4", "GLU");
    county.answer(&four, "recognise", "");
    county.answer(&four, "revoke", "");
}

fn figure<'v>(row: &'v Value, name: &str) -> &'v Value {
    row["figures"].as_array().unwrap().iter().find(|f| f["figure"] == format!("recognition.{name}")).unwrap()
}

#[test]
fn the_same_figures_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut county = County::start(&data, "");
    county.import(dir.path());
    flow(&mut county);
    let year = county.year();
    let whole = county.report(&format!("period={year}"));
    let row = &whole["rows"][0];
    let share = |name: &str| (figure(row, name)["numerator"].to_string(), figure(row, name)["denominator"].to_string());
    let is = |n: u32, d: u32| (n.to_string(), d.to_string());
    assert_eq!(share("reminder-rate"), is(4, 4), "{whole}");
    assert_eq!(share("recognition-rate"), is(1, 2));
    // the fourth order was withdrawn when its result was recognised, and stays so
    assert_eq!(share("repetition-rate"), is(2, 3));
    assert_eq!((share("view-rate").0, figure(row, "saved")["value"].to_string()), ("1".to_owned(), "850".to_owned()));
    assert!(whole["journalPosition"].as_u64().unwrap() > 10 && whole["definitions"][0]["version"] == 1);

    // CSV and Excel hold what the API says
    let items = county.report(&format!("period={year}&by=item"));
    let csv = get(county.gateway.http, &format!("/admin/report/recognition?period={year}&by=item&format=csv&lang=en"));
    let text = String::from_utf8(csv.body.clone()).unwrap();
    assert!(text.starts_with('\u{feff}') && csv.header("content-disposition").unwrap().contains("recognition-"), "{text}");
    let lines: Vec<Vec<&str>> = text.trim_start_matches('\u{feff}').lines().map(|l| l.split(',').collect()).collect();
    let (code, xlsx, said) = county.command(&["--by", "item", "--format", "xlsx"]);
    assert_eq!(code, 0, "{said}");
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(xlsx)).unwrap();
    let sheets: Vec<_> = workbook.sheet_names().into_iter().map(|n| workbook.worksheet_range(&n).unwrap()).collect();
    let (_, ndjson, _) = county.command(&["--by", "item", "--format", "ndjson"]);
    let ndjson: Vec<Value> = String::from_utf8(ndjson).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    for (n, row) in items["rows"].as_array().unwrap().iter().enumerate() {
        let item = row["item"].as_str().unwrap();
        for counter in ["eligible", "reminded", "repeated", "recognised", "refused", "reminders"] {
            let expected = row["counts"][counter].as_i64().unwrap_or(0);
            let title = ["items with a result to recognise", "items reminded of", "items repeated", "recognised", "refused", "reminders"]
                [["eligible", "reminded", "repeated", "recognised", "refused", "reminders"].iter().position(|c| *c == counter).unwrap()];
            let column = lines[0].iter().rposition(|t| *t == title).unwrap_or_else(|| panic!("{title}: {:?}", lines[0]));
            assert_eq!(lines[n + 1][column], expected.to_string(), "{item} {counter}");
            let in_sheet = sheets.iter().find_map(|sheet| {
                let head = sheet.rows().position(|r| r.iter().any(|c| *c == title))?;
                let column = sheet.rows().nth(head)?.iter().rposition(|c| *c == title)?;
                let cells = sheet.rows().nth(head + 1 + n)?;
                assert_eq!(cells[0].to_string(), item, "{cells:?}");
                Some(match &cells[column] {
                    Data::Float(f) => *f as i64,
                    Data::Int(i) => *i,
                    other => panic!("{other:?}"),
                })
            });
            assert_eq!(in_sheet, Some(expected), "{item} {counter}");
        }
        let saved = ndjson.iter().find(|l| l["item"] == item && l["figure"] == "recognition.saved").unwrap();
        assert_eq!(saved["value"], figure(row, "saved")["value"]);
    }
    let (code, table, _) = county.command(&["--by", "reason"]);
    assert!(code == 0 && String::from_utf8(table).unwrap().contains("01"));

    // down to the messages
    let (_, cases, _) = county.command(&["--cases", "recognition-rate", "--format", "ndjson"]);
    let cases: Vec<Value> = String::from_utf8(cases).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let told: Vec<(&str, String)> = cases.iter().map(|c| (c["counter"].as_str().unwrap(), c["amount"].to_string())).collect();
    assert_eq!(
        told.iter().map(|(c, n)| (*c, &**n)).collect::<Vec<_>>(),
        [("recognised", "1"), ("refused", "1"), ("recognised", "1"), ("recognised", "-1")]
    );
    let shown = hutong().args(["journal", "show"]).arg(&data).args(["--receipt", cases[0]["receipt"].as_str().unwrap()]).output().unwrap();
    assert!(String::from_utf8_lossy(&shown.stdout).contains("his"));

    // a result that is withdrawn later
    county.result("2", "GLU", "W");
    let after = county.report(&format!("period={year}"));
    assert_eq!(figure(&after["rows"][0], "repetition-rate")["denominator"].to_string(), "1", "{after}");
    let (code, said, _) = county.command(&["--recount"]);
    assert!(code == 0 && String::from_utf8(said).unwrap().contains("equal to the unit"));

    // each institution its own
    let as_of = |token: &str| {
        let head = format!(
            "GET /admin/report/recognition?period={year}&institution=T1 HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        );
        http::request(county.gateway.http, &head, &[])
    };
    assert_eq!(as_of("t1-token").json()["rows"], after["rows"]);
    assert_eq!(as_of("test-token").json()["rows"], json!([]), "T2 sees nothing of T1");
    for (query, rule) in
        [("period=2026Q9", "period"), ("period=2026&by=moon", "by"), ("period=2026&x=1", "参数"), ("period=2026&format=doc", "format")]
    {
        let answer = get(county.gateway.http, &format!("/admin/report/recognition?{query}"));
        assert!(answer.status == 422 && String::from_utf8_lossy(&answer.body).contains(rule), "{query}: {}", answer.status);
    }

    // and after a restart from what the search store holds, and of a directory alone
    drop(county);
    let on_directory = |more: &[&str]| {
        let out = hutong().args(["report", "recognition", "--period", &year, "--data"]).arg(&data).args(more).output().unwrap();
        (out.status.code(), String::from_utf8(out.stdout).unwrap())
    };
    let (code, said) = on_directory(&["--format", "json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &said["rows"], &said["journalPosition"]), (Some(0), &after["rows"], &after["journalPosition"]));
    assert_eq!(on_directory(&["--recount"]).0, Some(0));
}

struct Platform {
    child: Child,
}

impl Platform {
    fn start(out: &Path, listen: &str, more: &[&str]) -> Platform {
        let mut command = hutong();
        command.args(["platform-simulator", "--key", "secret", "--listen", listen, "--out"]).arg(out).args(more);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        assert!(ready["http"].is_string(), "{line}");
        Platform { child }
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn records(out: &Path) -> Vec<Value> {
    std::fs::read_to_string(out).unwrap_or_default().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

fn wait(what: &str, done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(60), "waited for: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_platform_that_goes_down_gets_everything_once_and_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let (data, out, key) = (dir.path().join("data"), dir.path().join("taken.ndjson"), dir.path().join("key"));
    std::fs::write(&key, "secret\n").unwrap();
    // a free port that nobody answers on yet
    let at = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let more = format!(
        "\n[platform]\nurl = \"http://{at}\"\nclient = \"county\"\ninstitution = \"C\"\nkey = {:?}\nretry_s = 1\n",
        key.display().to_string()
    );
    let mut county = County::start(&data, &more);
    county.import(dir.path());
    flow(&mut county);
    let state = |county: &County| get(county.gateway.http, "/admin/platform").json();
    wait("the platform's silence to be seen", || state(&county)["unreachableSinceUs"].is_u64());
    assert_eq!(state(&county)["waiting"].to_string(), "9", "{}", state(&county));

    // it dies after three, before it answers the fourth; the gateway is killed as well
    let first = Platform::start(&out, &at, &["--dies-after", "3"]);
    wait("four records", || records(&out).len() >= 4);
    drop(first);
    county.gateway.kill();
    let county = County::start(&data, &more);
    let second = Platform::start(&out, &at, &["--refuse-item", "K"]);
    wait("what is left", || state(&county)["waiting"] == json!(0) || !state(&county)["failed"].as_array().unwrap().is_empty());
    drop(second);
    let _third = Platform::start(&out, &at, &[]);
    wait("all of it", || state(&county)["waiting"] == json!(0));

    let taken = records(&out);
    let fresh: Vec<&Value> = taken.iter().filter(|r| r["again"] == false).collect();
    let order: Vec<(&str, &str)> =
        fresh.iter().map(|r| (r["record"].as_str().unwrap(), r["body"]["status"].as_str().unwrap_or(""))).collect();
    assert_eq!(
        order,
        [
            ("reminder", ""),
            ("view", ""),
            ("decision", "1"),
            ("reminder", ""),
            ("decision", "0"),
            ("reminder", ""),
            ("reminder", ""),
            ("decision", "1"),
            ("decision", "2")
        ]
    );
    let repeated = taken.len() - fresh.len();
    assert!((1..=2).contains(&repeated), "what was taken and not answered comes again under its GUID: {repeated}");
    let body = &fresh[0]["body"];
    for (field, expected) in [
        ("itemType", "LIS"),
        ("reportOrgCode", "H1"),
        ("reportOrgName", "县人民医院"),
        ("searchType", "2"),
        ("orgCode", "T1"),
        ("itemCode", "K"),
        ("doctorId", "7001"),
        ("patientId", "2001"),
    ] {
        assert_eq!(body[field], expected, "{field} {body}");
    }
    assert_eq!(fresh[1]["body"]["remindId"], body["remindId"]);
    assert_eq!((&fresh[4]["body"]["reasonCode"], &fresh[1]["body"]["crossFlag"]), (&json!("01"), &json!("0")));
    assert_eq!(fresh[8]["body"]["revokedId"], fresh[7]["body"]["recordId"]);
}
