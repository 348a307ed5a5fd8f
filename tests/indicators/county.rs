//! A county of two townships and a hospital, and a day of its messages.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use hutong_tests::gateway::{Gateway, hutong};
use hutong_tests::hl7;
use hutong_tests::http::{get, request};
use hutong_tests::mllp::Sender;
use serde_json::Value;

/// The token of T1 is `t1-token`, that of T2 `test-token`.
const CONFIG: &str = r#"
[indicators]
area = "500236"
name = "清江县紧密型县域医共体"
in_time_percent = 95
targets = [{ year = YEAR, scope = "ALL4", persons = 20, from = "清江医共体〔2026〕3号" },
           { year = YEAR, scope = "ALL4", institution = "T1", cases = 5 },
           { year = YEAR, scope = "ALL4", centre = "imaging", cases = 4 }]
inputs = "INPUTS"

[[source]]
id = "t1-his"
name = "永安镇卫生院 HIS"
addresses = ["127.0.0.1/32"]
facilities = [["HIS", "T1"]]
institution = "T1"
namespace = "urn:t1"
sites = ["cn"]

[[source]]
id = "h1-ris"
name = "县人民医院 RIS"
addresses = ["127.0.0.1/32"]
facilities = [["RIS", "H1"]]
institution = "H1"
namespace = "urn:h1"
sites = ["cn"]

[http]
tokens = [{ sha256 = "741ca82949fdcdf903ff54fb9f3f94f32048cec6519b770fa53d8ccec2c5feed", institution = "T1" },
          { sha256 = "4c5dc9b7708905f77f5e5d16316b5dfb425e68cb326dcd55a860e90a7707031e", institution = "T2" }]
"#;
const INSTITUTIONS: &str = "code,name,region,tier,ws218,community\nH1,县人民医院,500236,county,A100,C\n\
    T1,永安镇卫生院,500236,township,C220,C\nT2,白鹤乡卫生院,500236,township,C220,C\n";

/// People of nobody: region 990200 is not given out.
const PEOPLE: [(&str, &str, &str); 3] =
    [("1001", "秦望舒", "990200196804120026"), ("1002", "邵云起", "990200195509300018"), ("1003", "测试一", "")];

pub struct County {
    pub gateway: Gateway,
    sender: Sender,
    sent: u32,
}

/// A time in China as HL7 writes it, so many minutes ago.
pub fn ago(minutes: u32) -> String {
    let when = format!("{minutes} minutes ago");
    let out = Command::new("date").env("TZ", "Asia/Shanghai").args(["-d", &when, "+%Y%m%d%H%M%S"]).output().unwrap();
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

fn pid(person: usize) -> String {
    let (mrn, name, card) = PEOPLE[person];
    format!("PID|1||{mrn}^^^T1^MR||{name}||19680412|F||||||||||||{card}")
}

impl County {
    pub fn start(dir: &Path) -> County {
        County::of_year(dir, &ago(0)[..4])
    }

    /// With the targets of a year.
    pub fn of_year(dir: &Path, year: &str) -> County {
        let inputs = dir.join("inputs.tsv");
        let before = year.parse::<u32>().unwrap() - 1;
        let text =
            format!("item\tperiod\tinstitution\tvalue\tunit\tsource\nresident_population\t{before}\t\t742000\t人\t统计年鉴 第12页\n");
        std::fs::write(&inputs, text).unwrap();
        let config = CONFIG.replace("YEAR", year).replace("INPUTS", &inputs.display().to_string());
        let gateway = Gateway::start_with(&dir.join("data"), Some(&config), &[]);
        let sender = Sender::connect(gateway.mllp);
        let county = County { gateway, sender, sent: 0 };
        let file = dir.join("institutions-1.csv");
        std::fs::write(&file, INSTITUTIONS).unwrap();
        let out = hutong().args(["import", "institutions"]).arg(&file).args(["--to", &county.to(), "--by", "t"]).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        county
    }

    pub fn to(&self) -> String {
        format!("http://{}", self.gateway.http)
    }

    pub fn year(&self) -> String {
        ago(0)[..4].to_owned()
    }

    pub fn quarter(&self) -> String {
        let month: u32 = ago(0)[4..6].parse().unwrap();
        format!("{}Q{}", self.year(), month.div_ceil(3))
    }

    fn send(&mut self, who: (&str, &str), kind: &str, processing: &str, rest: &str) {
        self.sent += 1;
        let message = format!(
            "MSH|^~\\&|{}|{}|HUTONG|GATEWAY|{}||{kind}|C{}|{processing}|2.4||||||UNICODE UTF-8\r{rest}\r",
            who.0,
            who.1,
            ago(0),
            self.sent
        );
        let answer = self.sender.send(message.as_bytes()).unwrap();
        assert_eq!(hl7::code(&answer), "AA", "{message}\n{}", String::from_utf8_lossy(&answer));
    }

    fn order(&mut self, number: &str, item: &str, section: &str, person: usize, processing: &str) {
        let rest = format!(
            "{}\rPV1|1|O|^^^内科|||||||||||||||||V{number}\rORC|NW|{number}^T1|||||||{}|||7001^周医生\r\
             OBR|1|{number}^T1||{item}|||||||||||||||||||{}||{section}",
            pid(person),
            ago(2),
            ago(2)
        );
        self.send(("HIS", "T1"), "ORM^O01", processing, &rest);
    }

    /// A report; `status` F, C or X.
    fn report(&mut self, who: (&str, &str), number: &str, item: &str, section: &str, person: usize, status: &str) {
        let processing = if person == 2 { "T" } else { "P" };
        let rest = format!(
            "{}\rPV1|1|O|^^^影像科\rORC|RE|{number}^T1|R{number}^RIS\r\
             OBR|1|{number}^T1|R{number}^RIS|{item}|||{}|||||||||||||||{}||{section}|{status}|||||||801^段青\r\
             OBX|1|TX|IMP^诊断印象||未见异常 {status}||||||{status}",
            pid(person),
            ago(1),
            ago(0)
        );
        self.send(who, "ORU^R01", processing, &rest);
    }

    /// A case of the past: ordered, examined and reported at these minutes of a day (`20260706`), from 8:00.
    pub fn past(&mut self, number: &str, (item, section): (&str, &str), person: usize, day: &str, [exam, report]: [u32; 2]) {
        let at = |minutes: u32| format!("{day}{:02}{:02}00", 8 + minutes / 60, minutes % 60);
        let (pid, ordered, exam, reported) = (pid(person), at(0), at(exam), at(report));
        let order = format!(
            "{pid}\rPV1|1|O|^^^内科|||||||||||||||||V{number}\rORC|NW|{number}^T1|||||||{ordered}|||7001^周医生\r\
             OBR|1|{number}^T1||{item}|||||||||||||||||||{ordered}||{section}"
        );
        self.send(("HIS", "T1"), "ORM^O01", "P", &order);
        let result = match section {
            "LAB" => "OBX|1|NM|K^钾^L||6.9|mmol/L|3.5-5.3|HH|||F",
            _ => "OBX|1|TX|IMP^诊断印象||未见异常||||||F",
        };
        let report = format!(
            "{pid}\rPV1|1|O|^^^影像科\rORC|RE|{number}^T1|R{number}^RIS\r\
             OBR|1|{number}^T1|R{number}^RIS|{item}|||{exam}|||||||||||||||{reported}||{section}|F|||||||801^段青\r{result}"
        );
        self.send(("RIS", "H1"), "ORU^R01", "P", &report);
    }

    /// The hospital sends an order's specimen back.
    pub fn reject(&mut self, number: &str, (item, section): (&str, &str), person: usize, time: &str) {
        let rest = format!(
            "{}\rORC|SC|{number}^T1|R{number}^^RPT{number}||||||{time}|||||||FIX^溶血|||||||||^标本拒收\r\
             OBR|1|{number}^T1|R{number}^^RPT{number}|{item}||||||||||||||||||||{section}",
            pid(person)
        );
        self.send(("RIS", "H1"), "ORM^O01", "P", &rest);
    }

    /// Ordered by the township, read by the county.
    pub fn case(&mut self, number: &str, item: &str, section: &str, person: usize) {
        let person = person.min(1);
        self.order(number, item, section, person, "P");
        self.report(("RIS", "H1"), number, item, section, person, "F");
    }

    /// Three that count, of two persons: a DR that is sent twice, an ECG, a laboratory case that is corrected. Not counted: a
    /// case that is cancelled, a test patient's, one read where it was examined, an order without report.
    pub fn day(&mut self) {
        let (dr, ecg, lab) = ("BB04^胸部正侧位^L", "XD001^常规心电图^L", "SH10^生化十项^L");
        let hospital = ("RIS", "H1");
        self.case("O1", dr, "DR", 0);
        self.report(hospital, "O1", dr, "DR", 0, "F");
        self.case("O2", ecg, "EC", 0);
        self.case("O3", lab, "LAB", 1);
        self.report(hospital, "O3", lab, "LAB", 1, "C");
        self.case("O4", dr, "DR", 1);
        self.report(hospital, "O4", dr, "DR", 1, "X");
        self.order("O5", dr, "DR", 2, "T");
        self.report(hospital, "O5", dr, "DR", 2, "F");
        self.order("O6", "US01^腹部超声^L", "US", 0, "P");
        self.report(("HIS", "T1"), "O6", "US01^腹部超声^L", "US", 0, "F");
        self.order("O7", "CT01^头颅CT^L", "CT", 1, "P");
    }

    /// `hutong report …` on the running gateway: exit code and text.
    pub fn run(&self, args: &[&str]) -> (i32, Vec<u8>, String) {
        let out = hutong().arg("report").args(args).args(["--to", &self.to()]).output().unwrap();
        (out.status.code().unwrap(), out.stdout, String::from_utf8_lossy(&out.stderr).into_owned())
    }

    pub fn text(&self, args: &[&str]) -> (i32, String) {
        let (code, out, said) = self.run(args);
        (code, String::from_utf8(out).unwrap() + &said)
    }

    pub fn json(&self, path: &str) -> Value {
        let answer = get(self.gateway.http, path);
        assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    pub fn lines(&self, args: &[&str]) -> Vec<Value> {
        let (code, out, said) = self.run(&[args, &["--format", "ndjson"]].concat());
        assert_eq!(code, 0, "{said}");
        String::from_utf8(out).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    }

    pub fn bytes(&self, args: &[&str]) -> Vec<u8> {
        let (code, out, said) = self.run(args);
        assert_eq!(code, 0, "{said}");
        out
    }

    /// The text of a PDF, by another program.
    pub fn pdf_text(&self, args: &[&str]) -> String {
        let file = self.gateway.data.with_extension("pdf");
        std::fs::write(&file, self.bytes(args)).unwrap();
        let out = Command::new("pdftotext").arg("-layout").arg(&file).arg("-").output().unwrap();
        String::from_utf8(out.stdout).unwrap()
    }

    pub fn page(&self, path: &str) -> String {
        // a page is for this machine only under one of its own names
        let head = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        let answer = request(self.gateway.http, &head, &[]);
        let text = String::from_utf8(answer.body).unwrap();
        assert_eq!(answer.status, 200, "{path}: {text}");
        text
    }

    /// What the journal says of a receipt.
    pub fn journal(&self, receipt: &str) -> String {
        let out = hutong().args(["journal", "show"]).arg(&self.gateway.data).args(["--receipt", receipt]).output().unwrap();
        String::from_utf8_lossy(&out.stdout).into_owned()
    }

    /// The stream of the first page's figures.
    pub fn events(&self) -> Events {
        let mut stream = TcpStream::connect(self.gateway.http).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let head = format!("GET /console/events?year={}&scope=ALL4&lang=en HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", self.year());
        stream.write_all(head.as_bytes()).unwrap();
        Events(BufReader::new(stream))
    }
}

pub struct Events(BufReader<TcpStream>);

impl Events {
    /// The next figures.
    pub fn next(&mut self) -> Value {
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the stream ended");
            if let Some(data) = line.strip_prefix("data: ") {
                return serde_json::from_str(data).unwrap();
            }
        }
    }
}
