//! Stories as they are written down.
//!
//! ```text
//! ## name
//! T1.HIS ORM^O01        who sends what; further words: `T` a test message, `id=7` its MSH-10
//! PID A                 person A of this story, as this institution knows him or her (`PID A!`: without 身份证)
//! ORC 1=NW 2={n}1^T1    a segment by its fields, or as it is; {n} is different in each story; {-30} is half an hour ago in China
//! = T1 H1 CT counted    a report: examined, read, modality, what became of it; then `checkup`, `critical`
//! ? T1 order_only       a part without its other half
//! ~ 95                  a pair that somebody has to decide on, and how likely it is
//! ```

use std::process::Command;

/// What a line behind the messages says.
#[derive(Clone, Copy)]
pub enum Line {
    Report,
    Orphan,
    Doubt,
}

impl Line {
    pub fn text(self, rest: &str) -> String {
        let mark = match self {
            Line::Report => '=',
            Line::Orphan => '?',
            Line::Doubt => '~',
        };
        format!("{mark} {rest}")
    }
}

pub struct Story {
    file: String,
    title: String,
    pub messages: Vec<Told>,
    /// Sorted.
    pub expect: Vec<String>,
}

/// A message: its sender, `HIS` of `T1`, and its segments behind MSH.
pub struct Told {
    pub institution: String,
    pub system: String,
    pub kind: String,
    pub processing: String,
    pub id: Option<String>,
    pub segments: Vec<String>,
}

impl Story {
    pub fn name(&self) -> String {
        format!("{}: {}", self.file, self.title)
    }
}

pub fn read(file: &str, text: &str) -> Vec<Story> {
    let stories = text.split("\n## ").skip(1);
    stories.enumerate().map(|(n, text)| story(file, n, text)).collect()
}

fn story(file: &str, n: usize, text: &str) -> Story {
    let number = format!("{}{n:02}", &file[..1].to_uppercase());
    let mut lines = text.lines();
    let title = lines.next().unwrap_or_default().to_owned();
    let mut story = Story { file: file.to_owned(), title: title.clone(), messages: Vec::new(), expect: Vec::new() };
    for line in lines.map(|l| written(l.trim_end(), &number)).filter(|l| !l.is_empty() && !l.starts_with('#')) {
        if let Some(person) = line.strip_prefix("PID ") {
            let last = story.messages.last_mut().unwrap_or_else(|| panic!("{title}: {line}"));
            let segment = pid(&number, person, &last.institution);
            last.segments.push(segment);
        } else if ["=", "?", "~"].iter().any(|mark| line.starts_with(mark)) {
            story.expect.push(line);
        } else if let Some(segment) = segment(&line) {
            story.messages.last_mut().unwrap_or_else(|| panic!("{title}: {line}")).segments.push(segment);
        } else {
            story.messages.push(head(&line));
        }
    }
    story.expect.sort();
    story
}

/// `ORC|NW|…` as it is, `ORC 1=NW 2=…` by its fields (no blanks in them).
fn segment(line: &str) -> Option<String> {
    if line.get(3..4) == Some("|") {
        return Some(line.to_owned());
    }
    let (name, fields) = line.split_once(' ').filter(|(name, _)| name.len() == 3)?;
    let mut out: Vec<&str> = vec![name];
    for field in fields.split(' ') {
        let (n, value) = field.split_once('=').unwrap_or_else(|| panic!("{line}"));
        let n: usize = n.parse().unwrap_or_else(|_| panic!("{line}"));
        out.resize(out.len().max(n + 1), "");
        out[n] = value;
    }
    Some(out.join("|"))
}

fn head(line: &str) -> Told {
    let mut words = line.split(' ');
    let (institution, system) = words.next().and_then(|w| w.split_once('.')).unwrap_or_else(|| panic!("no sender: {line}"));
    let kind = words.next().unwrap_or_else(|| panic!("no type: {line}")).to_owned();
    let mut told = Told {
        institution: institution.to_owned(),
        system: system.to_owned(),
        kind,
        processing: "P".to_owned(),
        id: None,
        segments: Vec::new(),
    };
    for word in words {
        match word.strip_prefix("id=") {
            Some(id) => told.id = Some(id.to_owned()),
            None => told.processing = word.to_owned(),
        }
    }
    told
}

/// `{n}` and `{-30}` written out.
fn written(line: &str, number: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, behind)) = rest.split_once('{') {
        let (name, after) = behind.split_once('}').unwrap_or_else(|| panic!("{line}"));
        out.push_str(before);
        match name {
            "n" => out.push_str(number),
            minutes => out.push_str(&ago(minutes.parse().unwrap_or_else(|_| panic!("{line}")))),
        }
        rest = after;
    }
    out + rest
}

/// A time in China as HL7 writes it, so many minutes from now.
pub fn ago(minutes: i64) -> String {
    let when = format!("{minutes} minutes");
    let out = Command::new("date").env("TZ", "Asia/Shanghai").args(["-d", &when, "+%Y%m%d%H%M%S"]).output().unwrap();
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

/// The quarter of so many minutes from now.
pub fn quarter(minutes: i64) -> String {
    let day = ago(minutes);
    format!("{}Q{}", &day[..4], day[4..6].parse::<u32>().unwrap().div_ceil(3))
}

/// A person of nobody: region 990200 is not given out. Each story has its own.
fn pid(number: &str, person: &str, institution: &str) -> String {
    let (letter, without_card) = person.strip_suffix('!').map_or((person, false), |p| (p, true));
    let sum = number.bytes().chain(letter.bytes()).fold(7_u32, |all, b| all.wrapping_mul(131).wrapping_add(u32::from(b)));
    let (year, day, serial) = (1940 + sum % 60, 10 + sum / 60 % 18, sum / 1100 % 900 + 100);
    let birth = format!("{year}05{day}");
    let card = if without_card { String::new() } else { with_check(&format!("990200{birth}{serial}")) };
    let (family, given) = ("赵钱孙李周吴郑王".chars().nth(sum as usize % 8).unwrap(), number.replace(|c: char| c.is_ascii_digit(), ""));
    let digits: String = number
        .chars()
        .filter(char::is_ascii_digit)
        .map(|c| "零一二三四五六七八九".chars().nth(c as usize - '0' as usize).unwrap())
        .collect();
    let name = format!("{family}{digits}{}", if letter == "A" { "甲" } else { "乙" });
    // PID-8, then PID-19
    format!("PID|1||{given}{number}{letter}^^^{institution}^MR||{name}||{birth}|F{}{card}", "|".repeat(11))
}

/// The check character of GB 11643.
fn with_check(seventeen: &str) -> String {
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = seventeen.chars().zip(weights).map(|(c, w)| c.to_digit(10).unwrap() * w).sum();
    format!("{seventeen}{}", "10X98765432".chars().nth(sum as usize % 11).unwrap())
}
