//! What terminology costs: loading, memory, membership, expansion.
//!
//! ```text
//! cargo run --release -p hutong-terminology --example bench
//! ```
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)] // it prints figures, and may stop

use hutong_fhir::json::{JsonLimits, parse};
use hutong_fhir::tree::Tree;
use hutong_fhir::ucum;
use hutong_terminology::{Membership, Terminology};
use rust_decimal::Decimal;
use std::fmt::Write;
use std::hint::black_box;
use std::time::Duration;

const ROUNDS: usize = 5;

/// CPU time of this thread: what others do on the machine does not count.
fn cpu() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// The least of some rounds.
fn least(mut f: impl FnMut()) -> Duration {
    let time = |f: &mut dyn FnMut()| {
        let start = cpu();
        f();
        cpu() - start
    };
    (0..ROUNDS).map(|_| time(&mut f)).min().unwrap_or_default()
}

/// A list like those of drugs: made up, `rows` codes of 20 letters, a Chinese name, three properties.
fn drugs(rows: usize) -> String {
    let mut out = String::from(
        "#url\thttp://example.org/drugs\n#valueset\thttp://example.org/vs/drugs\n#version\t1\ncode\tdisplay\tdosage form\tpack\tgrade\n",
    );
    for i in 0..rows {
        let form = ["片剂", "胶囊剂", "注射剂", "颗粒剂"][i % 4];
        writeln!(out, "XA{:05}B{:03}C{i:09}\t示例药品{i}\t{form}\t{}片/盒\t{}", i % 977, i % 31, 6 + i % 60, i % 3).unwrap();
    }
    out
}

/// A hierarchy like ICD-10: chapters, categories, codes.
fn diseases() -> String {
    let mut out = String::from(
        "#url\thttp://example.org/icd\n#valueset\thttp://example.org/vs/icd\n#version\t1\n章代码范围\t章名称\t类目代码\t类目名称\t诊断代码\t诊断名称\n",
    );
    for chapter in 0..20u8 {
        let letter = char::from(b'A' + chapter);
        for category in 0..100 {
            for code in 0..20 {
                writeln!(out, "{letter}00-{letter}99\t第{chapter}章\t{letter}{category:02}\t类目{letter}{category:02}\t{letter}{category:02}.{code:03}\t疾病{letter}{category}之{code}").unwrap();
            }
        }
    }
    out
}

fn parameters(text: &str) -> Tree {
    let json = format!(r#"{{"resourceType":"Parameters","parameter":[{text}]}}"#);
    parse(json.as_bytes(), &JsonLimits::default()).expect("JSON").0
}

fn member(t: &Terminology, what: &str, set: &str, system: Option<&str>, code: &str, expected: Membership) {
    assert_eq!(t.member_of(set, system, code), expected, "{what}");
    const CALLS: u32 = 200_000;
    let time = least(|| {
        for _ in 0..CALLS {
            black_box(t.member_of(black_box(set), black_box(system), black_box(code)));
        }
    });
    println!("member_of  {what:<46} {:>8.1} ns", time.as_secs_f64() * 1e9 / f64::from(CALLS));
}

fn load(t: &mut Terminology, what: &str, text: &str) {
    let mut codes = 0;
    let time = least(|| codes = t.load_table(what, text.as_bytes()).expect("a good table").codes);
    let system = t.system(&format!("http://example.org/{what}")).expect("just loaded");
    let (chars, beside) = system.bytes();
    println!(
        "load_table {what:<10} {codes:>7} codes {:>7.1} ms {:>6.2} M codes/s; per code {:>5.1} bytes of text, {:>5.1} beside it",
        time.as_secs_f64() * 1e3,
        codes as f64 / time.as_secs_f64() / 1e6,
        chars as f64 / codes as f64,
        beside as f64 / codes as f64
    );
}

fn main() {
    let start = cpu();
    let mut t = Terminology::r4();
    println!("r4         first (tables of the pack are read)                {:>8.2} ms", (cpu() - start).as_secs_f64() * 1e3);
    println!(
        "r4         again                                              {:>8.2} ms",
        least(|| drop(black_box(Terminology::r4()))).as_secs_f64() * 1e3
    );
    load(&mut t, "drugs", &drugs(200_000));
    load(&mut t, "icd", &diseases());

    let gender = "http://hl7.org/fhir/ValueSet/administrative-gender";
    let act = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
    let (drug, icd) = ("http://example.org/drugs", "http://example.org/icd");
    use Membership::{In, Out};
    member(&t, "4 codes, with system", gender, Some("http://hl7.org/fhir/administrative-gender"), "female", In);
    member(&t, "4 codes, a code element", gender, None, "female", In);
    member(&t, "4 codes, url|version", "http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1", None, "female", In);
    member(&t, "is-a filter", "http://hl7.org/fhir/ValueSet/account-type", Some(act), "PBILLACCT", In);
    member(&t, "listed LOINC codes", "http://hl7.org/fhir/ValueSet/observation-vitalsignresult", Some("http://loinc.org"), "8867-4", In);
    member(&t, "all of 200,000, in", "http://example.org/vs/drugs", Some(drug), "XA00000B000C000000000", In);
    member(&t, "all of 200,000, out", "http://example.org/vs/drugs", Some(drug), "XA00000B000C00000000Z", Out);
    member(&t, "is-a filter of 42,000 (implicit set)", "http://example.org/icd?fhir_vs=isa/B77", Some(icd), "B77.013", In);
    member(&t, "UCUM", "http://hl7.org/fhir/ValueSet/ucum-units", Some("http://unitsofmeasure.org"), "mmol/L", In);

    const CALLS: u32 = 20_000;
    for (what, f) in [
        ("is_valid mL/min/{1.73_m2}", &(|| ucum::is_valid(black_box("mL/min/{1.73_m2}"))) as &dyn Fn() -> bool),
        ("convert 5.6 mmol/L to umol/L", &|| ucum::convert(Decimal::new(56, 1), black_box("mmol/L"), "umol/L").is_some()),
        ("convert 37 Cel to [degF]", &|| ucum::convert(Decimal::new(37, 0), black_box("Cel"), "[degF]").is_some()),
        ("code_of ×10⁹/L", &|| ucum::code_of(black_box("×10⁹/L")).is_some()),
    ] {
        let time = least(|| (0..CALLS).for_each(|_| assert!(black_box(f()))));
        println!("ucum       {what:<46} {:>8.1} ns", time.as_secs_f64() * 1e9 / f64::from(CALLS));
    }

    let drugs = "http://example.org/vs/drugs";
    let url = format!(r#"{{"name":"url","valueUri":"{drugs}"}},{{"name":"count","valueInteger":20}}"#);
    let start = cpu();
    t.expand(&parameters(&url), "2026-01-01").expect("a page");
    println!("expand     200,000 codes, 20 of them, first time             {:>8.2} ms", (cpu() - start).as_secs_f64() * 1e3);
    let page = parameters(&url);
    println!(
        "expand     the same again                                    {:>8.2} ms",
        least(|| drop(t.expand(&page, "2026-01-01"))).as_secs_f64() * 1e3
    );
    let filtered = parameters(&format!(r#"{url},{{"name":"filter","valueString":"药品 1999"}}"#));
    println!(
        "expand     the same with a filter text                       {:>8.2} ms",
        least(|| drop(t.expand(&filtered, "2026-01-01"))).as_secs_f64() * 1e3
    );
    let whole = parameters(r#"{"name":"url","valueUri":"http://example.org/icd?fhir_vs=isa/A00-A99"}"#);
    println!(
        "expand     2,101 codes by is-a                               {:>8.2} ms",
        least(|| drop(t.expand(&whole, "2026-01-01"))).as_secs_f64() * 1e3
    );
    let code = parameters(&format!(r#"{{"name":"system","valueUri":"{drug}"}},{{"name":"code","valueCode":"XA00000B000C000000000"}}"#));
    println!(
        "lookup     one of 200,000                                    {:>8.4} ms",
        least(|| drop(t.lookup(&code))).as_secs_f64() * 1e3
    );
}
