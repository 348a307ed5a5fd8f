//! Who is whom, over real sockets: hospitals send, the gateway links, somebody decides where it does not, and all of it
//! survives a restart and a rebuild. Registries are imported whole or not at all.

use std::path::Path;

use hutong_tests::gateway::{Gateway, hutong};
use hutong_tests::hl7;
use hutong_tests::http::{self, get, post};
use hutong_tests::mllp::Sender;
use serde_json::{Value, json};

/// Chinese placements; a token that may read and no more.
const CONFIG: &str = r#"
[[source]]
id = "his"
addresses = ["127.0.0.1/32"]
namespace = "urn:test"
sites = ["cn"]

[http]
tokens = [{ sha256 = "4c5dc9b7708905f77f5e5d16316b5dfb425e68cb326dcd55a860e90a7707031e", institution = "h1" }]
"#;

/// A valid number of nobody: region 990200 is not given out.
const CARD: &str = "990200198403120047";

struct County {
    gateway: Gateway,
    sender: Sender,
    sent: u32,
}

impl County {
    fn start(data: &Path) -> County {
        let gateway = Gateway::start_with(data, Some(CONFIG), &[]);
        let sender = Sender::connect(gateway.mllp);
        County { gateway, sender, sent: 0 }
    }

    /// Sends an ADT; `rest` are the segments behind EVN.
    fn send(&mut self, event: &str, rest: &str) {
        self.sent += 1;
        let (n, at) = (self.sent, 20_260_918_080_000_u64 + u64::from(self.sent));
        let control = format!("{event}-{n}-{}", std::process::id());
        let message =
            format!("MSH|^~\\&|HIS|TEST|HUTONG|GATEWAY|{at}||ADT^{event}|{control}|P|2.4||||||UNICODE UTF-8\rEVN|{event}|{at}\r{rest}\r");
        let answer = self.sender.send(message.as_bytes()).unwrap();
        assert_eq!(hl7::code(&answer), "AA", "{}", String::from_utf8_lossy(&answer));
    }

    fn register(&mut self, hospital: &str, number: &str, name: &str, birth: &str, card: &str) {
        self.send("A04", &pid(hospital, number, name, birth, card));
    }

    /// Reference to the Patient with a hospital's number.
    fn patient(&self, number: &str) -> String {
        let found = get(self.gateway.http, &format!("/fhir/Patient?identifier={number}")).json();
        assert_eq!(found["entry"].as_array().map(Vec::len), Some(1), "{number}: {found}");
        format!("Patient/{}", found["entry"][0]["resource"]["id"].as_str().unwrap())
    }

    /// References in `link` of that Patient, with their type.
    fn links(&self, number: &str) -> Vec<String> {
        let body = get(self.gateway.http, &format!("/fhir/{}", self.patient(number))).json();
        let links = body["link"].as_array().cloned().unwrap_or_default();
        links.iter().map(|l| format!("{} {}", l["type"].as_str().unwrap(), l["other"]["reference"].as_str().unwrap())).collect()
    }

    fn person(&self, number: &str) -> Value {
        get(self.gateway.http, &format!("/admin/identity/person?patient={}", self.patient(number))).json()
    }

    fn records(&self, number: &str) -> usize {
        self.person(number)["records"].as_array().unwrap().len()
    }

    fn reviews(&self) -> Value {
        get(self.gateway.http, "/admin/identity/reviews").json()
    }

    fn decide(&self, a: &str, b: &str, decision: &str) -> http::Answer {
        let body = json!({ "a": a, "b": b, "decision": decision, "by": "周审核", "reason": "核对了病历" });
        post(self.gateway.http, "/admin/identity/decide", "application/json", body.to_string().as_bytes())
    }
}

fn pid(hospital: &str, number: &str, name: &str, birth: &str, card: &str) -> String {
    format!("PID|1||{number}^^^{hospital}^MR||{name}||{birth}|F|||||13800010001||||||{card}")
}

#[test]
fn two_hospitals_one_person_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut county = County::start(&data);
    county.register("H1", "1001", "WANG XIAOFANG^王小芳", "19840312", CARD);
    county.register("H2", "2001", "王小芳", "19840312", CARD);
    let (one, two) = (county.patient("1001"), county.patient("2001"));
    assert_ne!(one, two, "records stay the institutions' own");
    assert_eq!(county.links("1001"), [format!("seealso {two}")]);
    assert_eq!(county.links("2001"), [format!("seealso {one}")], "and by searching");

    // the same card under another name, and the child of a mother with her card: a person decides
    county.register("H3", "3001", "赵铁柱", "19840312", CARD);
    county.register("H1", "1009", "王小芳之子", "20260917", CARD);
    let (other, child) = (county.patient("3001"), county.patient("1009"));
    assert_eq!((county.records("3001"), county.records("1009")), (1, 1));
    let reviews = county.reviews();
    assert_eq!(reviews["open"].to_string(), "2", "{reviews}");
    let text = reviews.to_string();
    assert!(!text.contains("赵铁柱") && !text.contains(CARD) && text.contains("赵**") && text.contains("card-of-another"), "{text}");
    assert!(text.contains("\"evidence\":[{"), "what speaks for it is told: {text}");

    let to = format!("http://{}", county.gateway.http);
    let out = hutong().args(["identity", "reviews", "--to", &to]).output().unwrap();
    let table = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.success() && table.contains("card-of-another") && table.contains("赵**"), "{table}");

    let reason = ["link", "--by", "周审核", "--reason", "核对了病历", "--to", &to];
    assert!(hutong().args(["identity", "decide", &other, &one]).args(reason).status().unwrap().success());
    assert_eq!(county.records("2001"), 3);
    assert_eq!(county.decide(&child, &one, "part").status, 200);
    assert_eq!(county.reviews()["open"].to_string(), "0");
    // parted stays parted, whatever the rules think of it
    county.register("H1", "1009", "王小芳之子", "20260917", CARD);
    assert_eq!((county.records("1009"), county.reviews()["open"].to_string()), (1, "0".to_owned()));
    assert_eq!(county.decide(&other, &one, "forget").status, 200);
    assert_eq!((county.records("3001"), county.records("1001")), (1, 2));
    // as if nobody had said anything: the next message asks again
    county.register("H3", "3001", "赵铁柱", "19840312", CARD);
    assert_eq!(county.reviews()["open"].to_string(), "1");

    for (a, b, decision, status) in [(&*one, &*one, "link", 422), (&*one, "Patient/nobody", "link", 422), (&*one, &*two, "marry", 422)] {
        assert_eq!(county.decide(a, b, decision).status, status, "{a} {b} {decision}");
    }

    // all of it comes from the journal
    let before = (county.person("1001"), county.person("3001"), county.reviews());
    drop(county);
    let county = County::start(&data);
    assert_eq!((county.person("1001"), county.person("3001"), county.reviews()), before, "after a restart");
    drop(county);
    assert!(hutong().args(["journal", "rebuild"]).arg(&data).status().unwrap().success());
    let county = County::start(&data);
    assert_eq!((county.person("1001"), county.person("3001"), county.reviews()), before, "after a rebuild");
}

#[test]
fn a_merge_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut county = County::start(&dir.path().join("data"));
    county.register("H1", "1001", "李大成", "19490506", "");
    county.register("H1", "1002", "陈桂兰", "19520605", "");
    county.register("H1", "1003", "孙无关", "19770101", "");
    assert_eq!(county.records("1001"), 1);
    county.send("A40", &format!("{}\rMRG|1002^^^H1^MR", pid("H1", "1001", "李大成", "19490506", "")));
    let (one, two) = (county.patient("1001"), county.patient("1002"));
    assert_eq!((county.records("1001"), county.records("1003")), (2, 1));
    assert_eq!(county.links("1001"), [format!("replaces {two}")], "what the institution said is not said twice");
    assert_eq!(county.links("1002"), [format!("replaced-by {one}")]);
    county.send("A37", &format!("{}\r{}", pid("H1", "1001", "李大成", "19490506", ""), pid("H1", "1002", "陈桂兰", "19520605", "")));
    assert_eq!((county.records("1001"), county.records("1002")), (1, 1));
    assert_eq!((county.links("1001").len(), county.links("1002").len()), (0, 0));
    let body = get(county.gateway.http, &format!("/fhir/{two}")).json();
    assert!(body.get("active").is_none(), "it stands for itself again: {body}");
}

#[test]
fn a_patient_is_matched() {
    let dir = tempfile::tempdir().unwrap();
    let mut county = County::start(&dir.path().join("data"));
    county.register("H1", "1001", "王小芳", "19840312", CARD);
    let one = county.patient("1001");
    let ask = |patient: Value, certain: bool| {
        let body = json!({ "resourceType": "Parameters", "parameter": [
            { "name": "resource", "resource": patient }, { "name": "onlyCertainMatches", "valueBoolean": certain }, { "name": "count", "valueInteger": 3 },
        ]});
        let answer = post(county.gateway.http, "/fhir/Patient/$match", "application/fhir+json", body.to_string().as_bytes());
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        let bundle = answer.json();
        assert_eq!(bundle["type"], "searchset");
        bundle["entry"].as_array().cloned().unwrap_or_default()
    };
    let patient = |name: &str| {
        json!({ "resourceType": "Patient", "name": [{ "text": name }], "birthDate": "1984-03-12", "gender": "female",
        "identifier": [{ "system": "urn:oid:2.16.156.10011.1.3", "value": CARD }] })
    };
    let found = ask(patient("王小芳"), true);
    assert_eq!(found.len(), 1);
    assert!(found[0]["fullUrl"].as_str().unwrap().ends_with(&one));
    assert_eq!(found[0]["search"]["extension"][0]["valueCode"], "certain");
    assert!(found[0]["search"]["score"].as_f64().unwrap() > 0.9);
    let found = ask(patient("赵铁柱"), false);
    assert_eq!(found.len(), 1);
    assert_ne!(found[0]["search"]["extension"][0]["valueCode"], "certain");
    assert!(ask(patient("赵铁柱"), true).is_empty());
    assert!(ask(json!({ "resourceType": "Patient", "name": [{ "text": "钱无人" }], "birthDate": "1999-01-01" }), false).is_empty());
    let nobody = post(county.gateway.http, "/fhir/Patient/$match", "application/fhir+json", br#"{"resourceType":"Parameters"}"#);
    assert_eq!((nobody.status, nobody.json()["issue"][0]["code"].as_str()), (400, Some("required")));
}

#[test]
fn a_table_is_taken_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let gateway = Gateway::start_with(&data, Some(CONFIG), &[]);
    let to = format!("http://{}", gateway.http);
    let import = |name: &str, text: &[u8], more: &[&str]| {
        let file = dir.path().join(format!("{name}-2026.csv"));
        std::fs::write(&file, text).unwrap();
        let out = hutong().args(["import", name]).arg(&file).args(["--to", &to, "--by", "tester"]).args(more).output().unwrap();
        (out.status.code().unwrap(), String::from_utf8(out.stdout).unwrap() + &String::from_utf8(out.stderr).unwrap())
    };
    let versions = || get(gateway.http, "/admin/registry").json()["tables"].to_string();
    let good = "code,name,region,tier\nH1,县人民医院,500236,county\nH2,永安镇卫生院,500236,township\n";
    let bad = "code,name,region,tier\nH1,县人民医院,500236,county\nH1,县人民医院,500236,county\nH3,,500236,county\nH4,四院,5,county\n";

    let (code, said) = import("institutions", bad.as_bytes(), &[]);
    assert_eq!(code, 1, "{said}");
    for line in ["line 3,", "line 4, name", "line 5, region"] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(!versions().contains("institutions-2026"), "nothing of it was taken");
    let (code, said) = import("institutions", good.as_bytes(), &["--dry-run"]);
    assert!(code == 0 && said.contains("+ H1") && said.contains("2 added") && said.contains("dry run"), "{said}");
    assert!(!versions().contains("institutions-2026"));
    assert_eq!(import("institutions", good.as_bytes(), &[]).0, 0);
    assert!(versions().contains("institutions-2026"));
    // as Excel saves it in China
    let gb18030 = b"code,name,region,tier\nH1,\xcf\xd8\xc8\xcb\xc3\xf1\xd2\xbd\xd4\xba,500236,county\n";
    let (code, said) = import("institutions", gb18030, &["--dry-run"]);
    assert!(code == 0 && said.contains("- H2") && said.contains("1 as before"), "the name is the same in either charset: {said}");
    // a department of nowhere
    let (code, said) = import("departments", "institution,code,name\nH9,A30,检验科\n".as_bytes(), &[]);
    assert!(code == 1 && said.contains("line 2, institution"), "{said}");

    // a token that may read may not do this
    let body = r#"{"table":"items","version":"1","by":"x","text":""}"#;
    let head = format!(
        "POST /admin/import HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer test-token\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let answer = http::request(gateway.http, &head, body.as_bytes());
    assert_eq!(answer.status, 403);
    let form = post(gateway.http, "/admin/import", "text/plain", body.as_bytes());
    assert_eq!(form.status, 415, "a page in a browser cannot do it unasked");

    drop(gateway);
    // without a running gateway
    let file = dir.path().join("items.csv");
    std::fs::write(&file, "code,name,kind\nGLU,葡萄糖,检验\n").unwrap();
    let out = hutong().args(["import", "items", "--version", "7", "--by", "tester"]).arg(&file).arg("--data").arg(&data).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let gateway = Gateway::start(&data);
    let tables = get(gateway.http, "/admin/registry").json()["tables"].to_string();
    assert!(tables.contains(r#"{"table":"items","version":"7"}"#) && tables.contains("institutions-2026"), "{tables}");
}
