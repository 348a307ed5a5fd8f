//! What hostile, broken and careless senders do, through the real binary over real sockets, with the exact answer to each.
//! Ids are those of the corpus of bad inputs (M = MLLP and HL7 v2).

mod frames;
mod messages;

use hutong_tests::gateway::Gateway;
use hutong_tests::hl7;

/// Short waits, one source that sends as TEST and as nobody else.
const CONFIG: &str = r#"
[limits]
mllp_frame_idle_ms = 700
mllp_frame_total_ms = 2500
mllp_no_start_ms = 700
rate_per_source_per_s = 100000
rate_burst_per_source = 100000

[[source]]
id = "his"
namespace = "urn:test:his"
addresses = ["127.0.0.0/8"]
facilities = [["", "TEST"]]
rate = { per_s = 100000, burst = 100000 }
"#;

fn gateway(dir: &tempfile::TempDir) -> Gateway {
    Gateway::start_with(&dir.path().join("data"), Some(CONFIG), &[])
}

/// A message as `hl7::adt`, one field of its MSH exchanged.
fn with_msh(n: usize, value: &str) -> Vec<u8> {
    let id: u32 = value.bytes().fold(n as u32, |h, b| h.wrapping_mul(31).wrapping_add(u32::from(b)));
    let message = String::from_utf8(hl7::adt(&format!("C{id}"), "900", "Test^Person")).unwrap();
    let (msh, rest) = message.split_once('\r').unwrap();
    let mut fields: Vec<String> = msh.split('|').map(str::to_owned).collect();
    fields.resize(fields.len().max(n), String::new());
    fields[n - 1] = value.to_owned();
    format!("{}\r{rest}", fields.join("|")).into_bytes()
}

/// ERR-2 and ERR-3's code of an answer.
fn err(answer: &[u8]) -> (String, String) {
    let code = hl7::field(answer, "ERR", 3);
    (hl7::field(answer, "ERR", 2), code.split('^').next().unwrap_or_default().to_owned())
}
