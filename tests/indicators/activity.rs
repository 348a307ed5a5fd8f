//! Visits, a stay, a referral down, operations and prescriptions over MLLP: indicators that had been missing have values, the
//! same after a restart and counted anew, and lead down to the messages.

use std::path::{Path, PathBuf};

use hutong_tests::gateway::{Gateway, hutong};
use hutong_tests::hl7;
use hutong_tests::http::{get, post};
use hutong_tests::mllp::Sender;
use serde_json::{Value, json};

use super::county::ago;
use super::figure;

const CONFIG: &str = r#"
[indicators]
area = "500236"

[[source]]
id = "v1-his"
addresses = ["127.0.0.1/32"]
facilities = [["HIS", "V1"]]
institution = "V1"
namespace = "urn:v1"
sites = ["cn"]

[[source]]
id = "t1-his"
addresses = ["127.0.0.1/32"]
facilities = [["HIS", "T1"]]
institution = "T1"
namespace = "urn:t1"
sites = ["cn"]

[[source]]
id = "h1-his"
addresses = ["127.0.0.1/32"]
facilities = [["HIS", "H1"]]
institution = "H1"
namespace = "urn:h1"
sites = ["cn"]
"#;
const INSTITUTIONS: &str = "code,name,region,tier,ws218,community,leads\nH1,县人民医院,500236,county,A100,C,yes\n\
    T1,永安镇卫生院,500236,township,C220,C,\nV1,石坪村卫生室,500236,village,D600,C,\n";
const DEPARTMENTS: &str =
    "institution,code,name,kind\nT1,0101,内科,A03\nT1,5001,中医科,A50\nV1,01,全科,A02\nH1,0101,内科,A03\nH1,0401,外科,A04\n";

struct Desk {
    gateway: Gateway,
    config: PathBuf,
    sent: u32,
}

impl Desk {
    fn start(dir: &Path) -> Desk {
        let gateway = Gateway::start_with(&dir.join("data"), Some(CONFIG), &[]);
        let desk = Desk { gateway, config: dir.join("data.toml"), sent: 0 };
        for (table, text) in [("institutions", INSTITUTIONS), ("departments", DEPARTMENTS)] {
            let file = dir.join(format!("{table}-1.csv"));
            std::fs::write(&file, text).unwrap();
            let to = format!("http://{}", desk.gateway.http);
            let out = hutong().args(["import", table]).arg(&file).args(["--to", &to, "--by", "t"]).output().unwrap();
            assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        }
        desk.report_elsewhere();
        desk
    }

    /// What institutions that are not connected report: none.
    fn report_elsewhere(&self) {
        let elsewhere = ["visits_primary", "visits_all", "outpatient_primary", "outpatient_all", "outpatient_tcm_primary", "tcm_visits"];
        let (period, sha256) = (period(), "5".repeat(64));
        let rows: String = elsewhere.iter().map(|n| format!("{n}_elsewhere,{period},,0,人次,年鉴.pdf,{sha256},\n")).collect();
        let text = format!("指标或数据项,统计期,机构,数值,单位,依据文件,SHA-256,备注\n{rows}");
        let tell = |path: &str, body: Value| post(self.gateway.http, path, "application/json", body.to_string().as_bytes()).json();
        let said = tell("/admin/figures/submit", json!({ "by": "李填", "text": text }));
        let said = tell("/admin/figures/approve", json!({ "by": "王审", "entries": said["entries"] }));
        assert!(said["receipt"].is_string(), "{said}");
    }

    fn send(&mut self, from: &str, kind: &str, minutes: u32, processing: &str, rest: &str) {
        self.sent += 1;
        let (number, event) = (self.sent, kind.split('^').nth(1).unwrap());
        let evn = if kind.starts_with("ADT") { format!("EVN|{event}|{}\r", when(minutes)) } else { String::new() };
        let message =
            format!("MSH|^~\\&|HIS|{from}|HUTONG|GATEWAY|{}||{kind}|A{number}|{processing}|2.4||||||UNICODE UTF-8\r{evn}{rest}\r", ago(0));
        let answer = Sender::connect(self.gateway.mllp).send(message.as_bytes()).unwrap();
        assert_eq!(hl7::code(&answer), "AA", "{message}\n{}", String::from_utf8_lossy(&answer));
    }

    /// An ADT of a visit, so many minutes before the twelfth at 20:00. `pv1`: what stands from PV1-36 on.
    fn adt(&mut self, from: &str, event: &str, minutes: u32, visit: (&str, &str, &str), pv1: &str) {
        let (class, department, number) = visit;
        let rest = format!("{}\rPV1|1|{class}|^^^{department}||||||||||||||||{number}{pv1}", pid(from));
        self.send(from, &format!("ADT^{event}"), minutes, "P", &rest);
    }

    fn figures(&self) -> Vec<Value> {
        let answer = get(self.gateway.http, &format!("/admin/report/indicators?period={}", period()));
        answer.json()["indicators"].as_array().unwrap().clone()
    }
}

/// Last month: what is reported is of a period that ended.
fn period() -> String {
    let now = ago(0);
    let (year, month): (u32, u32) = (now[..4].parse().unwrap(), now[4..6].parse().unwrap());
    if month == 1 { format!("{}-12", year - 1) } else { format!("{year}-{:02}", month - 1) }
}

/// So many minutes before its twelfth at 20:00.
fn when(minutes: u32) -> String {
    let of_month = 12 * 1_440 + 20 * 60 - minutes;
    format!("{}{:02}{:02}{:02}00", period().replace('-', ""), of_month / 1_440, of_month / 60 % 24, of_month % 60)
}

fn pid(from: &str) -> String {
    format!("PID|1||1001^^^{from}^MR||秦望舒||19680412|F")
}

/// Two visits at the village, three at the township (one of Chinese medicine), two and a stay at the county hospital, from
/// where the patient goes down.
fn day(d: &mut Desk) {
    d.adt("V1", "A04", 300, ("O", "01", "M1"), "");
    d.adt("V1", "A04", 290, ("O", "01", "M2"), "");
    d.adt("T1", "A04", 300, ("1", "0101", "M1"), "");
    d.adt("T1", "A08", 280, ("1", "0101", "M1"), "");
    d.adt("T1", "A04", 290, ("E", "0101", "M2"), "");
    d.adt("T1", "A04", 280, ("O", "5001", "M3"), "");
    // registered, and gone again; the word of the registration arrives once more, afterwards
    d.adt("T1", "A11", 250, ("O", "0101", "M4"), "");
    d.adt("T1", "A04", 270, ("O", "0101", "M4"), "");
    let rest = format!("{}\rPV1|1|O|^^^0101||||||||||||||||M5", pid("T1"));
    d.send("T1", "ADT^A04", 200, "T", &rest);
    d.adt("H1", "A04", 300, ("O", "0101", "M1"), "");
    d.adt("H1", "A04", 300, ("4", "0101", "M2"), "");
    d.adt("H1", "A04", 290, ("O", "0101", "M3"), "");

    let (admitted, left) = (when(60 * 24 * 3), when(60));
    let times = format!("|||||||||||||||||||||||||{admitted}");
    d.adt("H1", "A01", 60 * 24 * 3, ("I", "0401", "Z1"), &times);
    d.adt("H1", "A01", 60 * 24 * 3, ("I", "0401", "Z2"), &times);
    d.adt("T1", "A01", 60 * 24 * 3, ("I", "0101", "Z1"), &times);
    let referral = format!(
        "RF1|A|R|||I|ZZ1|{}|||康复\rPRD|RT|||||||||永安镇卫生院^^T1\r{}\rPV1|1|I|^^^0401||||||||||||||||Z1{times}",
        when(90),
        pid("H1")
    );
    d.send("H1", "REF^I12", 90, "P", &referral);
    // 离院方式 1 home, 3 to a township
    let leaving = |way: &str| format!("|||||||||||||||||{way}||||||||{admitted}|{left}");
    let operation = format!("\rPR1|1||47.0900x001^阑尾切除^99OP||{}||60||||2002^^柯本|||||3^三级^2.16.156.10011.2.3.1.258", when(3_000));
    d.adt("H1", "A03", 60, ("I", "0401", "Z1"), &(leaving("1") + &operation));
    d.adt("H1", "A03", 60, ("I", "0401", "Z2"), &leaving("1"));
    d.adt("T1", "A03", 60, ("I", "0101", "Z1"), &leaving("1"));
    let drug = |order: &str, drug: &str| format!("ORC|NW|{order}^HIS||CF1|||||{}\rRXE||{drug}^L|0.5||g|||||24|粒", when(100));
    let drugs =
        format!("{}\rPV1|1|O|^^^0101||||||||||||||||M1\r{}\r{}", pid("T1"), drug("D1", "8690^阿莫西林胶囊"), drug("D2", "8691^布洛芬片"));
    d.send("T1", "RDE^O11", 100, "P", &drugs);
}

#[test]
fn indicators_from_registrations_and_discharges() {
    let dir = tempfile::tempdir().unwrap();
    let mut d = Desk::start(dir.path());
    let before = d.figures();
    for id in ["mon-07", "mon-12", "fj-mon-03", "fj-mon-05", "fj-mon-09", "fj-mon-17"] {
        assert!(figure(&before, id)["value"].is_null(), "{id}");
    }
    let said = &figure(&before, "fj-mon-05")["missing"];
    assert!(said.to_string().contains("ADT A03"), "what is missing is told: {said}");
    day(&mut d);
    let period = period();
    let api = get(d.gateway.http, &format!("/admin/report/activity?period={period}")).json();
    let value = |counter: &str| api["counters"].as_array().unwrap().iter().find(|c| c["counter"] == counter).unwrap().clone();
    for (counter, expect) in [
        ("visits_primary", 5),
        ("visits_all", 7),
        ("outpatient_primary", 5),
        ("outpatient_all", 7),
        ("outpatient_tcm_primary", 1),
        ("tcm_visits", 1),
        ("discharges_lead", 2),
        ("referrals_down_lead", 1),
        ("operations_lead", 1),
        ("operations_level34_lead", 1),
        ("bed_days_used_primary", 3),
        ("prescriptions", 1),
    ] {
        assert_eq!(value(counter)["value"], json!(expect), "{}", value(counter));
    }
    assert_eq!(value("visits_all")["excluded"], json!({ "void": 1, "test_data": 1, "checkup": 1 }));
    assert!(value("village_ecg_seen")["missing"]["zh"].as_str().unwrap().contains("心电"));

    let lines = d.figures();
    // 5 / 7, 1 / 7, 1 / 2, 1 / 1
    for (id, expect) in [("mon-07", "71.4286"), ("fj-mon-03", "71.4286"), ("mon-12", "14.2857"), ("fj-mon-05", "50"), ("fj-mon-09", "100")]
    {
        assert_eq!(figure(&lines, id)["value"].to_string(), expect, "{id}: {}", figure(&lines, id));
    }
    assert_eq!(figure(&lines, "fj-mon-05")["provenance"], json!("counted"));
    assert_eq!(figure(&lines, "mon-07")["excluded"], json!({ "void": 1, "test_data": 1, "checkup": 1 }));
    let platforms = figure(&lines, "fj-core-04")["missing"][0]["zh"].as_str().unwrap();
    assert!(platforms.contains("智能"), "{platforms}");

    // of one institution, and down to its messages
    let path = |rest: &str| format!("/admin/report/activity?period={period}&{rest}");
    let lines_of = get(d.gateway.http, &path("counter=visits_primary&institution=T1")).json();
    let told: Vec<(u64, Option<&str>)> =
        lines_of["lines"].as_array().unwrap().iter().map(|l| (l["count"].as_u64().unwrap(), l["reason"].as_str())).collect();
    assert_eq!(told, [(1, None), (1, None), (1, None), (1, Some("void")), (1, Some("test_data"))], "{lines_of}");
    let last = lines_of["lines"][0]["last"]["receipt"].as_str().unwrap();
    let out = hutong().args(["journal", "show"]).arg(&d.gateway.data).args(["--receipt", last]).output().unwrap();
    assert!(String::from_utf8_lossy(&out.stdout).contains("ADT^A08"), "the last word of the first visit");
    assert_eq!(get(d.gateway.http, &path("counter=moon")).status, 422);

    // counted anew, and after a restart
    let recount = get(d.gateway.http, &format!("/admin/report/indicators?period={period}&recount=true")).json();
    assert_eq!(recount["equal"], json!(true), "{recount}");
    let (data, config) = (d.gateway.data.clone(), d.config.clone());
    drop(d);
    let run = |what: &str| {
        let out = hutong()
            .args(["report", what, "--period", &period, "--format", "ndjson", "--data"])
            .arg(&data)
            .arg("--config")
            .arg(&config)
            .output()
            .unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        text.lines().map(|l| serde_json::from_str(l).unwrap()).collect::<Vec<Value>>()
    };
    assert_eq!(run("indicators"), lines);
    assert_eq!(&run("activity"), api["counters"].as_array().unwrap());
}
