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

/// An HL7 v2 message whose text may be shown: in segments about persons every letter and digit is a star, the rest is as it
/// came. Free text of reports stays: it is what an auditor compares.
pub fn mask_message(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split(['\r', '\n']).filter(|l| !l.is_empty()) {
        let name = line.get(..3).unwrap_or_default();
        if ABOUT_PERSONS.contains(&name) {
            for (i, field) in line.split('|').enumerate() {
                if i > 0 {
                    out.push('|');
                }
                match (name, i) {
                    (_, 0 | 1) | ("PID", 8) => out.push_str(field),
                    ("PID", 7) => out.push_str(&birth_year(field)),
                    _ => out.extend(field.chars().map(|c| if c.is_alphanumeric() { '*' } else { c })),
                }
            }
        } else {
            out.push_str(line);
        }
        out.push('\n');
    }
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
        let shown = mask_message("MSH|^~\\&|LIS|SD\rPID|1||A123^^^HOSP||张三^ZHANG||19680412|M|||秀山县石堤镇\rOBX|1|NM|GLU||5.6|mmol/L\r");
        assert_eq!(shown, "MSH|^~\\&|LIS|SD\nPID|1||****^^^****||**^*****||1968****|M|||******\nOBX|1|NM|GLU||5.6|mmol/L\n");
    }
}
