//! External quality assessment (室间质评): which institution, department and item passed which scheme, and until when.

use super::time::moment;
use super::{Mark, Place, Scope};
use hutong_fhir::sheet::{Fault, Sheet};
use std::collections::HashMap;

/// One certificate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Certificate {
    pub institution: String,
    /// Empty = the institution as a whole.
    pub department: String,
    pub item: String,
    /// Who assessed: 全国, 省, 市 …
    pub scheme: Scope,
    pub year: u16,
    pub passed: bool,
    /// Microseconds since 1970, first and last moment.
    pub from_us: i64,
    pub to_us: i64,
    /// Where the evidence is kept.
    pub evidence: String,
    pub line: usize,
}

/// The registry of certificates.
#[derive(Clone, Debug, Default)]
pub struct Certificates {
    pub version: String,
    /// By institution and item.
    by: HashMap<(String, String), Vec<Certificate>>,
}

/// How a mark stands against the registry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Standing<'c> {
    Verified(&'c Certificate),
    /// There is one, but not of that time.
    Lapsed(&'c Certificate),
    /// There is one, of too narrow a scheme, or not passed.
    Insufficient(&'c Certificate),
    None,
}

const COLUMNS: [&str; 9] = ["institution", "department?", "item", "scheme", "year", "result", "valid_from", "valid_to", "evidence?"];

impl Certificates {
    /// Reads the registry; `#version` in its head. Days count whole, in China's time.
    pub fn read(text: &str) -> Result<Certificates, Vec<Fault>> {
        let mut sheet = Sheet::read(text, &COLUMNS);
        let mut out = Certificates { version: sheet.head("version").unwrap_or("").to_owned(), by: HashMap::new() };
        let mut faults: Vec<(usize, &str, &str, &str)> = Vec::new();
        for row in sheet.rows() {
            let (from, to) = (moment(row.get("valid_from")), moment(row.get("valid_to")).map(|t| t + 86_400_000_000 - 1));
            let passed = match row.get("result") {
                "passed" | "合格" => Some(true),
                "failed" | "不合格" => Some(false),
                _ => None,
            };
            let line = row.line();
            let (Some(scheme), Ok(year), Some(passed), Some(from_us), Some(to_us)) =
                (Scope::named(row.get("scheme")), row.get("year").parse(), passed, from, to)
            else {
                faults.push((
                    line,
                    "",
                    "须有质评范围（全国、省、市…）、年份、结果（合格、不合格）和有效期起止日期",
                    "scheme, year, result (passed, failed) and both dates of validity are needed",
                ));
                continue;
            };
            let own = |c: &str| row.get(c).to_owned();
            let certificate = Certificate {
                institution: own("institution"),
                department: own("department"),
                item: own("item"),
                scheme,
                year,
                passed,
                from_us,
                to_us,
                evidence: own("evidence"),
                line,
            };
            if certificate.institution.is_empty() || certificate.item.is_empty() {
                faults.push((line, "institution", "须有机构和项目", "institution and item are needed"));
            } else if to_us < from_us {
                faults.push((line, "valid_to", "有效期的止早于起", "the validity ends before it begins"));
            } else {
                let known = out.by.entry((certificate.institution.clone(), certificate.item.clone())).or_default();
                let same = |c: &&Certificate| {
                    c.department == certificate.department && c.scheme == scheme && c.from_us <= to_us && from_us <= c.to_us
                };
                if known.iter().find(same).is_some() {
                    faults.push((
                        line,
                        "valid_from",
                        "与同一机构、科室、项目、范围的另一张证书有效期重叠",
                        "its validity overlaps another certificate of the same institution, department, item and scheme",
                    ));
                }
                known.push(certificate);
            }
        }
        for (line, column, zh, en) in faults {
            sheet.fault(line, column, zh, en);
        }
        if out.version.is_empty() {
            sheet.fault(0, "", "缺少 #version", "#version is missing");
        }
        let faults = sheet.into_faults();
        if faults.is_empty() { Ok(out) } else { Err(faults) }
    }

    /// Whether a mark on a result of that place, item and time is borne out.
    pub(crate) fn verify(&self, mark: &Mark, place: &Place, item: &str, at_us: i64) -> Standing<'_> {
        let key = (place.institution.clone(), item.to_owned());
        let mut best = Standing::None;
        for c in self.by.get(&key).into_iter().flatten() {
            if !c.department.is_empty() && !place.department.is_empty() && c.department != place.department {
                continue;
            }
            if !c.passed || c.scheme < mark.scope {
                if best == Standing::None {
                    best = Standing::Insufficient(c);
                }
            } else if at_us < c.from_us || at_us > c.to_us {
                if !matches!(best, Standing::Lapsed(_)) {
                    best = Standing::Lapsed(c);
                }
            } else {
                return Standing::Verified(c);
            }
        }
        best
    }

    /// Whether some certificate bears out a mark on a result of that place, item and time.
    pub fn bear_out(&self, mark: &Mark, place: &Place, item: &str, at_us: i64) -> bool {
        matches!(self.verify(mark, place, item, at_us), Standing::Verified(_))
    }

    pub fn all(&self) -> impl Iterator<Item = &Certificate> {
        self.by.values().flatten()
    }

    pub fn len(&self) -> usize {
        self.by.values().map(Vec::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.by.is_empty()
    }
}
