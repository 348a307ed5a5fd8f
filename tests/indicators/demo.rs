//! The county of `hutong demo`: eight institutions over real MLLP connections. What its script says comes out of the command,
//! the API, the pages, PDF, Excel, CSV and FHIR alike.

use std::io::{BufRead, BufReader, Cursor};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use calamine::{Reader, Xlsx};
use hutong_tests::gateway::{binary, hutong};
use hutong_tests::http::{get, request};
use serde_json::Value;

use super::county::ago;
use super::quarterly::{of_html, squeezed};

/// The demo, until the test is over.
struct Demo {
    child: Child,
    http: SocketAddr,
    /// What the script's last figures are: cases and persons of IMG5, cases and persons of ALL4.
    said: [String; 4],
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Demo {
    fn play(dir: &Path) -> Demo {
        let http = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let log = std::fs::File::create(dir.join("log")).unwrap();
        let mut command = Command::new(binary());
        command.args(["demo", "--format", "ndjson", "--http", &http.to_string(), "--data"]).arg(dir.join("demo"));
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut demo = Demo { child, http, said: Default::default() };
        for line in out.lines() {
            let step: Value = serde_json::from_str(&line.unwrap()).unwrap();
            if step["step"] == "counted-merged" {
                let all: Vec<String> = step["expected"].as_str().unwrap().split(" · ").map(str::to_owned).collect();
                demo.said = all.try_into().unwrap();
            }
            if step.get("steps").is_some() {
                assert_eq!(step["failed"], 0, "{step}");
                return demo;
            }
        }
        panic!("the demo ended early: {}", std::fs::read_to_string(dir.join("log")).unwrap_or_default());
    }

    fn report(&self, args: &[&str]) -> Vec<u8> {
        let out = hutong().arg("report").args(args).args(["--lang", "zh", "--to", &format!("http://{}", self.http)]).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        out.stdout
    }

    fn page(&self, path: &str) -> String {
        let head = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        String::from_utf8(request(self.http, &head, &[]).body).unwrap()
    }
}

#[test]
fn the_demo_gives_the_figures_of_its_script_in_every_form() {
    let dir = tempfile::tempdir().unwrap();
    let demo = Demo::play(dir.path());
    let counts = [("IMG5", "人次", "cases"), ("IMG5", "人数", "persons"), ("ALL4", "人次", "cases"), ("ALL4", "人数", "persons")];
    let told: Vec<_> = counts.iter().zip(&demo.said).collect();
    // the demo's day is yesterday in China
    let yesterday = ago(24 * 60);
    let month = format!("{}-{}", &yesterday[..4], &yesterday[4..6]);
    let report = |form: &str| demo.report(&["quarterly", "--period", &month, "--format", form]);

    // the command and the API: the line of the headline indicator
    let line = demo.report(&["indicators", "--period", &month, "--indicator", "cq-core-06", "--format", "ndjson"]);
    let line: Value = serde_json::from_slice(&line).unwrap();
    let api = get(demo.http, &format!("/admin/report/indicators?period={month}&indicator=cq-core-06")).json();
    assert_eq!(api["indicators"][0], line);
    let core: Value = serde_json::from_slice(&report("fhir")).unwrap();
    let core = core["entry"].as_array().unwrap().iter().map(|e| &e["resource"]);
    let core = core.into_iter().find(|r| r["measure"].as_str().is_some_and(|m| m.contains("/cq-core-06|"))).unwrap().clone();
    for ((scope, _, what), n) in &told {
        assert_eq!(line["scopes"][scope][what].to_string(), **n, "{scope} {what}: {line}");
        if line["scope"] == *scope {
            let code = if *what == "persons" { "numerator" } else { "measure-population" };
            let all = core["group"][0]["population"].as_array().unwrap();
            let one = all.iter().find(|p| p["code"]["coding"][0]["code"] == code).unwrap_or_else(|| panic!("{core}"));
            assert_eq!(one["count"].to_string(), **n, "{core}");
        }
    }

    // the report: terminal, page, console, PDF
    let pdf = dir.path().join("report.pdf");
    std::fs::write(&pdf, report("pdf")).unwrap();
    let pdf = Command::new("pdftotext").arg("-layout").arg(&pdf).arg("-").output().unwrap().stdout;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let console = format!("</style>{}", demo.page(&format!("/console/quarterly?period={month}&lang=zh")));
    let read =
        [("table", text(report("table"))), ("html", of_html(&text(report("html")))), ("console", of_html(&console)), ("pdf", text(pdf))];
    for (name, read) in &read {
        for ((scope, what, _), n) in &told {
            // this period and, as nothing was before, the year to date
            let row = format!("{scope}{what}{n}0—0—{n}");
            assert!(read.lines().any(|l| squeezed(l).starts_with(&row)), "{name} lacks {row}:\n{read}");
        }
        // what was left out, how many messages, and from whom
        for said in ["测试数据", "共收到8个来源的消息", "消息来源", "清江县妇幼保健院"] {
            assert!(squeezed(read).contains(said), "{name} does not say {said}:\n{read}");
        }
    }
    // Excel and CSV
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(report("xlsx"))).unwrap();
    let sheet = book.worksheet_range("表1 总体情况").unwrap();
    let csv = text(report("csv"));
    for ((scope, what, unit), n) in &told {
        let row = sheet.rows().find(|r| r[0].to_string() == format!("{scope} {what}")).unwrap();
        assert_eq!(row[3].to_string(), **n, "{row:?}");
        assert!(csv.contains(&format!("\r\n{scope} {what},{scope},{unit},{n},0,,0,,{n},")), "{csv}");
    }
    // and the first page
    for scope in ["IMG5", "ALL4"] {
        let page = demo.page(&format!("/console?scope={scope}&year={}&lang=en", &month[..4]));
        for ((of, _, what), n) in told.iter().filter(|((of, ..), _)| *of == scope) {
            assert!(page.contains(&format!("data-live=\"{of}.{what}\">{n}<")), "{of} {what} is not {n}: {page}");
        }
    }
}
