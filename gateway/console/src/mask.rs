//! Patients' data as pages may show it. Pages take names only as [`Masked`], so that a whole one cannot get there.

/// A name with all but its first character hidden; two stars whatever its length.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Masked(String);

impl Masked {
    pub fn name(name: &str) -> Masked {
        Masked(name.trim().chars().next().map_or_else(String::new, |first| format!("{first}**")))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Segments that are about a person: their fields are hidden, but for those that identify nobody (birth year, sex).
const ABOUT_PERSONS: [&str; 8] = ["PID", "PD1", "NK1", "MRG", "GT1", "IN1", "IN2", "ARV"];

/// An HL7 v2 message whose text may be shown: in segments about persons, and in those that a vendor made up, every letter and
/// digit is a star; what names the patient there is hidden wherever else it stands. The rest is as it came: free text of
/// reports is what an auditor compares.
pub fn mask_message(text: &str) -> String {
    let lines = || text.split(['\r', '\n']).filter(|l| !l.is_empty());
    let secrets = secrets(lines());
    let mut out = String::with_capacity(text.len());
    for line in lines() {
        let name = line.get(..3).unwrap_or_default();
        if ABOUT_PERSONS.contains(&name) || name.starts_with('Z') {
            for (i, field) in line.split('|').enumerate() {
                if i > 0 {
                    out.push('|');
                }
                match (name, i) {
                    (_, 0 | 1) | ("PID", 8) => out.push_str(field),
                    ("PID", 7) => out.push_str(&birth_year(field)),
                    _ => out.push_str(&stars(field)),
                }
            }
        } else {
            out.push_str(&secrets.iter().fold(line.to_owned(), |line, secret| line.replace(secret, &stars(secret))));
        }
        out.push('\n');
    }
    out
}

fn stars(text: &str) -> String {
    text.chars().map(|c| if c.is_alphanumeric() { '*' } else { c }).collect()
}

/// No person has more names and numbers; a message that has costs a page no more.
const SECRETS_MAX: usize = 64;

/// What PID says that would tell in a report's text who it is about: names, numbers, addresses, telephones; the longest first.
/// Short numbers are left out: they are found in every text.
fn secrets<'t>(lines: impl Iterator<Item = &'t str>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for line in lines.filter(|l| l.starts_with("PID|")) {
        for (i, field) in line.split('|').enumerate().filter(|(i, _)| [2, 3, 4, 5, 9, 11, 13, 14, 18, 19].contains(i)) {
            // of a number only itself, not who gave it; of an address not the town: others bear its name
            let parts = if matches!(i, 2..=4 | 11 | 18 | 19) { 1 } else { usize::MAX };
            for repeat in field.split('~') {
                out.extend(repeat.split(['^', '&']).take(parts).map(str::to_owned));
                if matches!(i, 5 | 9) {
                    // 姓^名 is written together everywhere else
                    out.push(repeat.split('^').take(2).collect());
                }
            }
        }
    }
    let telling = |s: &String| if s.is_ascii() { s.len() >= 6 } else { s.chars().count() >= 2 };
    out.retain(telling);
    out.sort_by_key(|s| std::cmp::Reverse(s.len()));
    out.dedup();
    out.truncate(SECRETS_MAX);
    out
}

fn birth_year(field: &str) -> String {
    field.chars().enumerate().map(|(i, c)| if i >= 4 && c.is_alphanumeric() { '*' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_first_character() {
        for (name, expected) in [("张三丰", "张**"), ("张三", "张**"), ("𬭎", "𬭎**"), (" 㐱阿依古丽·买买提 ", "㐱**"), ("", "")]
        {
            assert_eq!(Masked::name(name).as_str(), expected);
        }
    }

    #[test]
    fn what_identifies_a_person_is_hidden() {
        // also where a report's text or a vendor's segment tells it
        let told = "PID|1||A1234567^^^HOSP||张^三~ZHANG SAN||19680412|M\rOBX|1|TX|IMP||患者张三（A1234567）两肺清晰\rZPI|1|张三\r";
        let shown = mask_message(told);
        assert!(shown.contains("患者**（********）两肺清晰") && shown.contains("ZPI|1|**\n"), "{shown}");
        let shown = mask_message("MSH|^~\\&|LIS|SD\rPID|1||A123^^^HOSP||张三^ZHANG||19680412|M|||秀山县石堤镇\rOBX|1|NM|GLU||5.6|mmol/L\r");
        assert_eq!(shown, "MSH|^~\\&|LIS|SD\nPID|1||****^^^****||**^*****||1968****|M|||******\nOBX|1|NM|GLU||5.6|mmol/L\n");
    }
}
