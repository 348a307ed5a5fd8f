//! A county of eight institutions whose messages arrive over real MLLP connections at the real binary, for its pages.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use hutong_tests::gateway::{Gateway, hutong};
use hutong_tests::hl7;
use hutong_tests::mllp::Sender;

/// Code, name, tier, WS 218 type. Two read, one only sends, five examine; one of them has a name that is hard to place.
const INSTITUTIONS: [(&str, &str, &str, &str); 8] = [
    ("QJRMYY", "清江县人民医院", "county", "A100"),
    ("QJZYY", "清江县中医院", "county", "A210"),
    ("QJFYBJ", "清江县妇幼保健院", "county", "F100"),
    ("LXZXWSY", "柳溪中心卫生院", "township", "C210"),
    ("SQWSY", "石桥镇卫生院", "township", "C220"),
    ("BHWSY", "白鹤乡卫生院", "township", "C220"),
    ("CNSQ", "城南街道滨江片区社区卫生服务中心（清江县老年病防治院）", "township", "B200"),
    ("QPCWS", "青坪村卫生室", "village", "D600"),
];

/// People of nobody: MRN, name. Region 990200 is not given out.
const PEOPLE: [(&str, &str, &str); 6] = [
    ("3001001", "秦望舒", "990200196804120026"),
    ("3001002", "邵云起", "990200195509300018"),
    ("3001003", "欧阳昞", "990200198201170035"),
    ("3001004", "𬭎喜", "990200199107220044"),
    ("3001005", "温如许", "990200194708110022"),
    ("3001006", "燕镕", "990200197302260011"),
];
/// Nobody's at all.
const MADE_UP: (&str, &str, &str) = ("3009999", "测试患者", "");

const KINDS: [(&str, &str); 6] = [
    ("BB04^胸部正侧位^L", "DR"),
    ("BB11^头颅CT平扫^L", "CT"),
    ("XD001^常规十二导联心电图^L", "EC"),
    ("CS02^腹部彩超^L", "US"),
    ("SH10^生化十项^L", "LAB"),
    ("BL01^活检组织病理^L", "PAT"),
];

/// What [`County::day`] makes count: ALL4 and IMG5 cases, persons of ALL4.
pub(crate) const ALL4: u32 = 18;
pub(crate) const IMG5: u32 = 12;
pub(crate) const PERSONS: u32 = 6;

pub(crate) struct County {
    pub(crate) gateway: Gateway,
    senders: HashMap<&'static str, Sender>,
    sent: u32,
    /// A time in China as HL7 writes it: now, so that all of a run lies in one day but at midnight.
    now: String,
}

fn china(format: &str) -> String {
    let out = Command::new("date").env("TZ", "Asia/Shanghai").arg(format).output().unwrap();
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

fn config(year: &str) -> String {
    let mut text = String::from("[indicators]\narea = \"500299\"\nname = \"清江县紧密型县域医共体\"\n");
    let mut targets = vec![format!("{{ year = {year}, scope = \"ALL4\", persons = 8, from = \"清江医共体〔2026〕3号\" }}")];
    for (centre, cases) in [("imaging", 8), ("tracing", 4), ("laboratory", 2), ("pathology", 4)] {
        targets.push(format!("{{ year = {year}, scope = \"ALL4\", centre = \"{centre}\", cases = {cases} }}"));
    }
    for (code, cases) in [("LXZXWSY", 3), ("SQWSY", 12000), ("BHWSY", 4), ("CNSQ", 5)] {
        targets.push(format!("{{ year = {year}, scope = \"ALL4\", institution = \"{code}\", cases = {cases} }}"));
    }
    let _ = writeln!(text, "targets = [{}]", targets.join(",\n  "));
    // the SHA-256 of `test-token`
    text.push_str(
        "[http]\ntokens = [{ sha256 = \"4c5dc9b7708905f77f5e5d16316b5dfb425e68cb326dcd55a860e90a7707031e\", institution = \"SQWSY\" }]\n",
    );
    for (code, name, ..) in INSTITUTIONS {
        let _ = write!(
            text,
            "\n[[source]]\nid = \"{0}\"\nname = \"{name}\"\naddresses = [\"127.0.0.1/32\"]\nfacilities = [[\"HIS\", \"{code}\"]]\n\
             institution = \"{code}\"\nnamespace = \"urn:{0}\"\nsites = [\"cn\"]\n",
            code.to_lowercase()
        );
    }
    text
}

impl County {
    /// Registered and connected; nothing was sent yet.
    pub(crate) fn start(dir: &Path) -> County {
        let gateway = Gateway::start_with(&dir.join("data"), Some(&config(&china("+%Y"))), &[]);
        let mut table = String::from("code,name,region,tier,ws218,community\n");
        for (code, name, tier, ws218) in INSTITUTIONS {
            let _ = writeln!(table, "{code},{name},500299,{tier},{ws218},QJ");
        }
        let file = dir.join("institutions-1.csv");
        std::fs::write(&file, table).unwrap();
        let to = format!("http://{}", gateway.http);
        let out = hutong().args(["import", "institutions"]).arg(&file).args(["--to", &to, "--by", "t"]).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let senders = INSTITUTIONS.iter().map(|(code, ..)| (*code, Sender::connect(gateway.mllp))).collect();
        County { gateway, senders, sent: 0, now: china("+%Y%m%d%H%M%S") }
    }

    pub(crate) fn year(&self) -> i64 {
        self.now[..4].parse().unwrap()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.gateway.http)
    }

    /// What no page may show.
    pub(crate) fn secrets() -> impl Iterator<Item = &'static str> {
        PEOPLE.iter().flat_map(|(mrn, name, card)| [*mrn, *name, *card])
    }

    fn send(&mut self, from: &'static str, kind: &str, processing: &str, rest: &str) -> String {
        self.sent += 1;
        let (now, n) = (&self.now, self.sent);
        let head = format!("MSH|^~\\&|HIS|{from}|HUTONG|GATEWAY|{now}||{kind}|C{n}|{processing}|2.4||||||UNICODE UTF-8\r");
        let answer = self.senders.get_mut(from).unwrap().send(format!("{head}{rest}\r").as_bytes()).unwrap();
        hl7::code(&answer)
    }

    /// Ordered and examined at `exam`, reported by `read`; `status` F, C or X, or nothing: no report.
    fn case(&mut self, (exam, read): (&'static str, &'static str), kind: usize, person: (&str, &str, &str), status: &str) {
        let ((item, section), (mrn, name, card)) = (KINDS[kind], person);
        let processing = if card.is_empty() { "T" } else { "P" };
        let (number, now) = (format!("O{:04}", self.sent), self.now.clone());
        let pid = format!("PID|1||{mrn}^^^{exam}^MR||{name}||19680412|F|||石桥镇青坪村2组||13800000011||||||{card}");
        let order = format!(
            "{pid}\rPV1|1|O|^^^内科|||||||||||||||||V{mrn}\rORC|NW|{number}^{exam}|||||||{now}|||7001^周医生\r\
             OBR|1|{number}^{exam}||{item}|||||||||||||||||||{now}||{section}"
        );
        assert_eq!(self.send(exam, "ORM^O01", processing, &order), "AA");
        if status.is_empty() {
            return;
        }
        let report = format!(
            "{pid}\rPV1|1|O|^^^影像科\rORC|RE|{number}^{exam}|R{number}^RIS\r\
             OBR|1|{number}^{exam}|R{number}^RIS|{item}|||{now}|||||||||||||||{now}||{section}|{status}|||||||801^段青\r\
             OBX|1|TX|IMP^诊断印象||{name}，未见异常||||||{status}"
        );
        assert_eq!(self.send(read, "ORU^R01", processing, &report), "AA");
    }

    /// One more that counts in both scopes, of a person who was counted before.
    pub(crate) fn one_more(&mut self) {
        self.case(("LXZXWSY", "QJRMYY"), 0, PEOPLE[0], "F");
    }

    /// Every kind for three institutions; besides them what does not count: read where it was examined, withdrawn, a test,
    /// examined at a hospital, never reported; and a message that is refused.
    pub(crate) fn day(&mut self) {
        for (place, exam) in ["LXZXWSY", "SQWSY", "CNSQ"].into_iter().enumerate() {
            for kind in 0..KINDS.len() {
                let read = if kind == 3 { "QJZYY" } else { "QJRMYY" };
                self.case((exam, read), kind, PEOPLE[(place * 2 + kind) % PEOPLE.len()], "F");
            }
        }
        self.case(("BHWSY", "BHWSY"), 2, PEOPLE[1], "F");
        self.case(("QPCWS", "QJRMYY"), 0, PEOPLE[2], "X");
        self.case(("SQWSY", "QJRMYY"), 1, MADE_UP, "F");
        self.case(("QJZYY", "QJRMYY"), 1, PEOPLE[3], "F");
        self.case(("QPCWS", "QJRMYY"), 2, PEOPLE[4], "");
        assert_eq!(self.send("QPCWS", "ADT^A99", "P", "EVN||20260918080000\rPID|1||1"), "AR");
    }
}
