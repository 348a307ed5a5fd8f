//! Messages for tests, and fields of answers.

/// A registration with this control id, patient and PID-5.
pub fn adt(control_id: &str, mrn: &str, name: &str) -> Vec<u8> {
    format!(
        "MSH|^~\\&|HIS|TEST|HUTONG|GATEWAY|20260918080000||ADT^A04^ADT_A01|{control_id}|P|2.5.1||||||UNICODE UTF-8\r\
         EVN||20260918080000\rPID|1||{mrn}^^^TEST^MR||{name}||19700101|F\rPV1|1|O|^^^OPD||||||||||||||||V{mrn}\r"
    )
    .into_bytes()
}

/// Field `n` (from 1) of the first segment `name`; in MSH, MSH-1 is the separator.
pub fn field(message: &[u8], name: &str, n: usize) -> String {
    let text = String::from_utf8_lossy(message);
    let segment = text.split('\r').find(|s| s.starts_with(name)).unwrap_or_default();
    let n = if name == "MSH" { n - 1 } else { n };
    segment.split('|').nth(n).unwrap_or_default().to_owned()
}

/// MSA-1.
pub fn code(answer: &[u8]) -> String {
    field(answer, "MSA", 1)
}
