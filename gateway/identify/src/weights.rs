//! The weights of agreement and disagreement: `profiles/policy/identity/weights.tsv`.
//!
//! For every field and level the file gives m, the chance of that level between two records of one person, and u, the
//! chance between records of two. The weight is log2(m / u) (Fellegi and Sunter 1969). The sum over the fields less log2
//! of the number of records is log2 of the odds that the two are one person, and that is compared with the thresholds.

const TEXT: &str = include_str!("../../../profiles/policy/identity/weights.tsv");

/// What is wrong with a file of weights.
#[derive(Debug, PartialEq, Eq)]
pub struct WeightsFault {
    /// From 1.
    pub line: usize,
    pub zh: String,
    pub en: String,
}

/// Weights and thresholds.
#[derive(Clone, PartialEq, Debug)]
pub struct Weights {
    /// As the file calls itself; every decision names it.
    pub version: String,
    /// log2 of the odds from which on two records are one person.
    pub link: f32,
    /// log2 of the odds from which on somebody has to look.
    pub review: f32,
    /// m of a name that agrees; its u is how common the name is.
    pub(crate) name_m: f32,
    /// No name counts as rarer than this.
    pub(crate) name_u_least: f32,
    /// In the order of [`LEVELS`].
    table: [[Option<f32>; 7]; 6],
}

/// Every level that the comparison gives; the file must weigh them all.
pub(crate) const LEVELS: [(&str, &[&str]); 6] = [
    ("name", &["lost", "pinyin", "homophone", "one-character", "surname", "different"]),
    ("sex", &["agree", "differ"]),
    ("birth", &["exact", "part", "swapped", "one-digit", "near", "year", "differ"]),
    ("number", &["card", "card-one-digit", "card-differ", "personal", "personal-differ", "local"]),
    ("phone", &["agree", "differ"]),
    ("address", &["agree", "like", "differ"]),
];

impl Weights {
    /// Those that the program carries.
    pub fn built_in() -> Weights {
        Weights::parse(TEXT).unwrap_or_else(|_| Weights::none())
    }

    /// Weights by which nothing is ever linked.
    fn none() -> Weights {
        Weights {
            version: String::new(),
            link: f32::INFINITY,
            review: f32::INFINITY,
            name_m: 1.0,
            name_u_least: 1.0,
            table: [[None; 7]; 6],
        }
    }

    /// Reads a file: `#` comments, `version`, `link` and `review` lines, then `field level m u`, separated by tabs.
    pub fn parse(text: &str) -> Result<Weights, WeightsFault> {
        let mut w = Weights::none();
        let (mut last, mut name_u) = (0, None);
        for (i, line) in text.lines().enumerate() {
            last = i + 1;
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let cells: Vec<&str> = line.split('\t').map(str::trim).collect();
            match cells.as_slice() {
                ["version", v, ..] => w.version = (*v).to_owned(),
                ["link", n, ..] => w.link = number(last, n)?,
                ["review", n, ..] => w.review = number(last, n)?,
                ["name", "exact", m, u, ..] => (w.name_m, name_u) = (chance(last, m)?, Some(chance(last, u)?)),
                [field, level, m, u, ..] if place(field, level).is_some() => {
                    let weight = (chance(last, m)? / chance(last, u)?).log2();
                    if let Some(cell) = place(field, level).and_then(|(f, l)| w.table.get_mut(f)?.get_mut(l)) {
                        *cell = Some(weight);
                    }
                }
                _ => {
                    return Err(fault(
                        last,
                        "不认识这一行：应为 version、link、review 或 字段、级别、m、u",
                        "this line is none of: version, link, review, or a field with a level, m and u",
                    ));
                }
            }
        }
        w.name_u_least = name_u.ok_or_else(|| fault(last, "缺少 name exact 一行", "there is no line for name exact"))?;
        for (field, levels) in LEVELS {
            for level in levels {
                if w.weight(field, level).is_none() {
                    return Err(fault(last, &format!("缺少 {field} {level} 一行"), &format!("there is no line for {field} {level}")));
                }
            }
        }
        if w.version.is_empty() || !w.link.is_finite() || !w.review.is_finite() || w.review > w.link {
            return Err(fault(
                last,
                "须有 version、link、review，且 review 不大于 link",
                "version, link and review are needed, review not above link",
            ));
        }
        Ok(w)
    }

    fn weight(&self, field: &str, level: &str) -> Option<f32> {
        let (f, l) = place(field, level)?;
        *self.table.get(f)?.get(l)?
    }

    pub(crate) fn of(&self, field: &'static str, level: &'static str) -> f32 {
        self.weight(field, level).unwrap_or(0.0)
    }
}

fn place(field: &str, level: &str) -> Option<(usize, usize)> {
    let f = LEVELS.iter().position(|(name, _)| *name == field)?;
    let l = LEVELS.get(f)?.1.iter().position(|name| *name == level)?;
    Some((f, l))
}

fn number(line: usize, text: &str) -> Result<f32, WeightsFault> {
    text.parse().ok().filter(|n: &f32| n.is_finite()).ok_or_else(|| fault(line, &format!("{text} 不是数"), &format!("{text} is no number")))
}

fn chance(line: usize, text: &str) -> Result<f32, WeightsFault> {
    number(line, text)?;
    let n: f32 = text.parse().unwrap_or(0.0);
    if n > 0.0 && n <= 1.0 {
        Ok(n)
    } else {
        Err(fault(line, &format!("{text} 应在 0 与 1 之间"), &format!("{text} must be above 0 and at most 1")))
    }
}

fn fault(line: usize, zh: &str, en: &str) -> WeightsFault {
    WeightsFault { line, zh: zh.to_owned(), en: en.to_owned() }
}
