//! Mutual recognition of results over real sockets: a county hospital reports, township hospitals order, doctors answer.

mod fhir;
mod figures;
mod hooks;
mod http;
mod masters;
mod v2;

use std::path::Path;
use std::process::Command;

use hutong_tests::gateway::{Gateway, hutong};
use hutong_tests::hl7;
use hutong_tests::http::get;
use hutong_tests::mllp::Sender;

/// H1 reports; H2 is reminded, H3 holds, H4 refuses, H5 is told at the visit and gets ACKs.
const CONFIG: &str = r#"
[recognition]
rules = ["demo"]
modes = [{ source = "h3", mode = "hold" }, { source = "H3", mode = "hold" }, { source = "h4", mode = "refuse" }]

[http]
tokens = [
    { sha256 = "e196fede8bbc268f0985a6954b0daeee1af7542219e2c5d3813a2da8dcc8313a", institution = "H2" },
    { sha256 = "bce1510b8c457b639dca25f065cd45d42c712243d39c46c6634850821820ba33", institution = "H3" },
]

[[source]]
id = "h1"
addresses = ["127.0.0.1/32"]
namespace = "urn:test"
sites = ["cn"]
facilities = [["LIS", "H1"]]

[[source]]
id = "h2"
addresses = ["127.0.0.1/32"]
namespace = "urn:test"
sites = ["cn"]
facilities = [["HIS", "H2"]]
order_answer = "response"

[[source]]
id = "h3"
addresses = ["127.0.0.1/32"]
namespace = "urn:test"
sites = ["cn"]
facilities = [["HIS", "H3"]]
order_answer = "response"

[[source]]
id = "h4"
addresses = ["127.0.0.1/32"]
namespace = "urn:test"
sites = ["cn"]
facilities = [["HIS", "H4"]]
order_answer = "response"

[[source]]
id = "h5"
addresses = ["127.0.0.1/32"]
namespace = "urn:test"
sites = ["cn"]
facilities = [["HIS", "H5"]]
remind_at_visit = true
"#;

/// The tokens of H2 and H3.
pub const TOKEN_H2: &str = "h2-token";
pub const TOKEN_H3: &str = "h3-token";

/// A valid number of nobody: region 990200 is not given out.
pub const CARD: &str = "990200198403120047";

/// A running gateway with its registries, and the county's only line to it.
pub struct County {
    pub gateway: Gateway,
    pub sender: Sender,
    sent: u32,
}

/// A time in China as HL7 writes it: `now`, `1 hour ago`, `8 days ago`.
pub fn time(when: &str) -> String {
    let out = Command::new("date").env("TZ", "Asia/Shanghai").args(["-d", when, "+%Y%m%d%H%M%S"]).output().unwrap();
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

impl County {
    pub fn start(dir: &Path) -> County {
        let gateway = Gateway::start_with(&dir.join("data"), Some(CONFIG), &[]);
        let tables = [
            (
                "institutions",
                "code,name,region,tier\nH1,县人民医院,500236,county\nH2,永安镇卫生院,500236,township\nH3,竹园镇卫生院,500236,township\n\
                 H4,兴隆镇卫生院,500236,township\nH5,白帝镇卫生院,500236,township\n",
            ),
            ("items", "code,name,kind,unit,loinc\nK,血清钾,检验,mmol/L,2823-3\nGLU,葡萄糖,检验,mmol/L,2345-7\n"),
            ("prices", "institution,item,price\n*,K,4.50\n"),
            (
                "certificates",
                "#version 1\ninstitution,item,scheme,year,result,valid_from,valid_to,evidence\nH1,K,全国,2026,合格,2020-01-01,2099-12-31,QC-2026-K\n",
            ),
        ];
        for (name, text) in tables {
            let file = dir.join(format!("{name}-1.csv"));
            std::fs::write(&file, text).unwrap();
            let to = format!("http://{}", gateway.http);
            let out = hutong().args(["import", name]).arg(&file).args(["--to", &to, "--by", "tester"]).output().unwrap();
            assert!(out.status.success(), "{name}: {}", String::from_utf8_lossy(&out.stderr));
        }
        let sender = Sender::connect(gateway.mllp);
        County { gateway, sender, sent: 0 }
    }

    /// A message of an institution's system: MSH, the patient, and `rest`.
    pub fn message(&mut self, from: &str, kind: &str, card: &str, rest: &str) -> String {
        self.sent += 1;
        let application = if from == "H1" { "LIS" } else { "HIS" };
        let (n, at) = (self.sent, time("now"));
        let (number, name) = (format!("{from}{}", card.get(14..17).unwrap_or_default()), if card == CARD { "王小芳" } else { "赵铁柱" });
        format!(
            "MSH|^~\\&|{application}|{from}|HUTONG|GW|{at}||{kind}|{from}-{n}|P|2.4||||||UNICODE UTF-8\r\
             PID|1||{number}^^^{from}^MR||{name}||19840312|F|||||||||||{card}\r{rest}"
        )
    }

    /// Sends, and gives the answer, a line a segment.
    pub fn send(&mut self, message: &str) -> String {
        let answer = self.sender.send(message.as_bytes()).unwrap();
        String::from_utf8(answer).unwrap().replace('\r', "\n")
    }

    /// A final result of the county hospital for one item (code^name^system), reported at a time.
    pub fn report(&mut self, number: &str, item: &str, value: &str, at: &str, mark: &str) {
        let order = format!("ORC|RE|{number}^HIS|{number}\rOBR|1|{number}^HIS|{number}|{item}|||{at}|||||||||||||||{at}||LAB|F\r");
        let rest = format!("{order}OBX|1|NM|{item}||{value}|mmol/L|3.5-5.3|N|||F|||{at}\rNTE|1||{mark}\r");
        let message = self.message("H1", "ORU^R01", CARD, &rest);
        let answer = self.send(&message);
        assert_eq!(hl7::code(answer.replace('\n', "\r").as_bytes()), "AA", "{answer}");
    }

    /// The status of the only ServiceRequest with this number.
    pub fn status(&self, number: &str) -> String {
        let found = get(self.gateway.http, &format!("/fhir/ServiceRequest?identifier={number}")).json();
        let entries = found["entry"].as_array().cloned().unwrap_or_default();
        assert_eq!(entries.len(), 1, "{number}: {found}");
        entries[0]["resource"]["status"].as_str().unwrap().to_owned()
    }

    pub fn metric(&self, name: &str) -> f64 {
        let answer = get(self.gateway.http, "/metrics");
        let text = String::from_utf8(answer.body).unwrap();
        let line = text.lines().find(|l| l.starts_with(&format!("{name} "))).unwrap_or_else(|| panic!("{name}: {text}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }
}

/// Field `n` of the first segment of that name in an answer of lines.
pub fn field(answer: &str, name: &str, n: usize) -> String {
    hl7::field(answer.replace('\n', "\r").as_bytes(), name, n)
}
