//! Why a result is not recognised: `profiles/policy/recognition/reasons.tsv`, the legal six and what platforms add.

use hutong_fhir::sheet::{Fault, Sheet};

/// One reason.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reason {
    pub code: String,
    pub zh: String,
    pub en: String,
    /// Which of the six situations of the 办法 it is; `None` for one that a platform adds.
    pub legal: Option<u8>,
    /// Whether a refusal for this reason counts as not recognised. One that does not is left out of the rate's denominator.
    pub counts: bool,
    /// Whether the doctor must name the diagnosis.
    pub wants_diagnosis: bool,
}

/// The list in force.
#[derive(Clone, Debug, Default)]
pub struct Reasons {
    pub version: String,
    list: Vec<Reason>,
}

impl Reasons {
    /// Columns `code zh en legal counts diagnosis`.
    pub fn read(text: &str) -> Result<Reasons, Vec<Fault>> {
        let mut sheet = Sheet::read(text, &["code", "zh", "en", "legal?", "counts", "diagnosis?"]);
        let mut out = Reasons { version: sheet.head("version").unwrap_or("").to_owned(), list: Vec::new() };
        let mut faults: Vec<(usize, &str, &str, &str)> = Vec::new();
        for row in sheet.rows() {
            let legal = Some(row.get("legal")).filter(|l| !l.is_empty()).map(|l| l.parse::<u8>().ok().filter(|n| (1..=6).contains(n)));
            let counts = match row.get("counts") {
                "yes" => true,
                "no" => false,
                _ => {
                    faults.push((row.line(), "counts", "counts 须为 yes 或 no", "counts must be yes or no"));
                    continue;
                }
            };
            let code = row.get("code").to_owned();
            if code.is_empty() || out.get(&code).is_some() {
                faults.push((row.line(), "code", "代码为空或重复", "the code is empty or repeated"));
            }
            if legal == Some(None) {
                faults.push((row.line(), "legal", "legal 须为 1 至 6", "legal must be 1 to 6"));
            }
            let (zh, en) = (row.get("zh").to_owned(), row.get("en").to_owned());
            out.list.push(Reason { code, zh, en, legal: legal.flatten(), counts, wants_diagnosis: row.get("diagnosis") == "yes" });
        }
        for (line, column, zh, en) in faults {
            sheet.fault(line, column, zh, en);
        }
        let faults = sheet.into_faults();
        if faults.is_empty() { Ok(out) } else { Err(faults) }
    }

    pub fn get(&self, code: &str) -> Option<&Reason> {
        self.list.iter().find(|r| r.code == code)
    }

    pub fn all(&self) -> &[Reason] {
        &self.list
    }
}
