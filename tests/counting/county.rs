//! The county that stories are told to: two townships, a village post, a community centre of another 医共体, the county hospital
//! with its systems, a hospital of the city.

use std::path::Path;
use std::time::{Duration, Instant};

use hutong_tests::gateway::{Gateway, hutong};
use hutong_tests::hl7;
use hutong_tests::http::{get, request};
use hutong_tests::mllp::Sender;
use serde_json::Value;

use super::story::{Story, Told, ago};

/// Institution, its systems.
const SYSTEMS: [(&str, &[&str]); 8] = [
    ("T1", &["HIS", "ECG", "PACS"]),
    ("T2", &["HIS"]),
    ("T3", &["HIS"]),
    ("V1", &["HIS", "ECG"]),
    ("H1", &["HIS", "RIS", "LIS", "PIS", "ECG", "NAMED"]),
    ("H2", &["RIS"]),
    ("M1", &["RIS"]),
    ("X9", &["RIS"]),
];
const INSTITUTIONS: &str = "code,name,region,tier,ws218,community\nH1,县人民医院,500236,county,A100,C\n\
    H2,县中医院,500236,county,A210,D\nM1,市医院,500000,city,A100,\nT1,永安镇卫生院,500236,township,C220,C\n\
    T2,白鹤乡卫生院,500236,township,C220,C\nT3,城南社区卫生服务中心,500236,township,B100,D\nV1,青坪村卫生室,500236,village,D600,C\n";

/// MSH-4: one system writes the institution's name there.
fn facility<'a>(institution: &'a str, system: &str) -> &'a str {
    if system == "NAMED" { "县人民医院影像中心" } else { institution }
}

pub struct County {
    gateway: Gateway,
    sender: Sender,
    sent: u32,
}

impl County {
    pub fn start(dir: &Path) -> County {
        let mut config = "[indicators]\narea = \"500236\"\n".to_owned();
        for (institution, systems) in SYSTEMS {
            for system in systems {
                config.push_str(&format!(
                    "[[source]]\nid = \"{institution}-{system}\"\nname = \"{institution} {system}\"\naddresses = [\"127.0.0.1/32\"]\n\
                     facilities = [[\"{system}\", \"{}\"]]\ninstitution = \"{institution}\"\nnamespace = \"urn:{institution}\"\n\
                     sites = [\"cn\"]\n",
                    facility(institution, system)
                ));
            }
        }
        let gateway = Gateway::start_with(&dir.join("data"), Some(&config), &[]);
        let sender = Sender::connect(gateway.mllp);
        let county = County { gateway, sender, sent: 0 };
        county.institutions(dir, "institutions", "township");
        county
    }

    /// Imports the institutions, T1 of this tier.
    pub fn institutions(&self, dir: &Path, version: &str, tier: &str) {
        let file = dir.join(format!("{version}.csv"));
        std::fs::write(&file, INSTITUTIONS.replace("T1,永安镇卫生院,500236,township", &format!("T1,永安镇卫生院,500236,{tier}"))).unwrap();
        let out = hutong().args(["import", "institutions"]).arg(&file).args(["--to", &self.to(), "--by", "t"]).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }

    /// Of a closed quarter: cases and persons now, and what its adjustments come to: (cause, counted, not counted).
    pub fn late(&self, period: &str) -> (u64, u64, Vec<(String, i64, i64)>) {
        let figures = self.json(&format!("/admin/report/indicators?period={period}&indicator=cq-core-06"));
        let now = &figures["indicators"][0]["scopes"]["ALL4"];
        let out = hutong().args(["report", "quarterly", "--period", period, "--format", "ndjson", "--to", &self.to()]).output().unwrap();
        let lines = String::from_utf8(out.stdout).unwrap();
        let rows = lines.lines().map(|l| serde_json::from_str::<Value>(l).unwrap()).filter(|r| r["table"] == "adjustments");
        let of = |row: Value| {
            let said = row["cause"].as_str().unwrap();
            let cause = ["persons", "institutions", "message"].into_iter().find(|c| said.contains(c)).unwrap_or(said).to_owned();
            (cause, row["cases"].as_i64().unwrap(), row["excluded"].as_i64().unwrap())
        };
        (now["cases"].as_u64().unwrap(), now["persons"].as_u64().unwrap(), rows.map(of).collect())
    }

    fn to(&self) -> String {
        format!("http://{}", self.gateway.http)
    }

    /// Sends a story; the receipts of its messages.
    pub fn tell(&mut self, story: &Story) -> Vec<String> {
        story.messages.iter().map(|told| self.send(told, &story.name())).collect()
    }

    fn send(&mut self, told: &Told, story: &str) -> String {
        self.sent += 1;
        let id = told.id.clone().unwrap_or_else(|| format!("C{}", self.sent));
        let message = format!(
            "MSH|^~\\&|{}|{}|HUTONG|GATEWAY|{}||{}|{id}|{}|2.4||||||UNICODE UTF-8\r{}\r",
            told.system,
            facility(&told.institution, &told.system),
            ago(0),
            told.kind,
            told.processing,
            told.segments.join("\r")
        );
        let answer = self.sender.send(message.as_bytes()).unwrap();
        let receipt = hl7::field(&answer, "MSH", 10);
        assert_eq!(hl7::code(&answer), "AA", "{story}\n{}\n{}", message.replace('\r', "\n"), String::from_utf8_lossy(&answer));
        receipt
    }

    fn json(&self, path: &str) -> Value {
        let answer = get(self.gateway.http, path);
        assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    fn years(&self) -> [String; 2] {
        [&ago(0)[..4], &ago(-600)[..4]].map(str::to_owned)
    }

    pub fn cases(&self) -> Vec<Value> {
        let mut years = self.years().to_vec();
        years.dedup();
        let of = |year: &String| self.json(&format!("/admin/report/cases?period={year}&outcome=all&scope=ALL4&count=10000"));
        years.iter().flat_map(|year| of(year)["cases"].as_array().unwrap().clone()).collect()
    }

    pub fn orphans(&self) -> Vec<Value> {
        self.json("/admin/cases/orphans")["orphans"].as_array().unwrap().clone()
    }

    pub fn doubts(&self) -> Vec<Value> {
        self.json("/admin/cases/doubts")["doubts"].as_array().unwrap().clone()
    }

    /// A page is for this machine only under one of its own names.
    pub fn page(&self, path: &str) -> String {
        let head = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        let answer = request(self.gateway.http, &head, &[]);
        let text = String::from_utf8(answer.body).unwrap();
        assert_eq!(answer.status, 200, "{path}: {text}");
        text
    }

    /// Asks until the answer is as wanted, at most ten seconds.
    pub fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            let found = self.json(path);
            if wanted(&found) {
                return found;
            }
            assert!(Instant::now() < end, "{path}: {found}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// `join` or `apart`, by the command.
    pub fn decide(&self, what: &str, doubt: &Value) {
        let [a, b] = ["orderCase", "reportCase"].map(|n| doubt[n].to_string());
        let args = ["cases", what, &a, &b, "--by", "质控员", "--reason", "同一张申请单", "--to", &self.to()];
        let out = hutong().args(args).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }

    /// `kill -9`, and a start on the same data.
    pub fn restart(&mut self) {
        let data = self.gateway.data.clone();
        let config = std::fs::read_to_string(data.with_extension("toml")).unwrap();
        self.gateway.kill();
        self.gateway = Gateway::start_with(&data, Some(&config), &[]);
        self.sender = Sender::connect(self.gateway.mllp);
    }

    /// Exit code and text of a count anew, of this year.
    pub fn recount(&self) -> (i32, String) {
        self.recount_of(&self.years()[0])
    }

    pub fn recount_of(&self, period: &str) -> (i32, String) {
        let args = ["report", "indicators", "--period", period, "--recount", "--to", &self.to()];
        let out = hutong().args(args).output().unwrap();
        (out.status.code().unwrap(), String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr))
    }
}
