//! What a document is made of.

use std::borrow::Cow;

use crate::text::{Lang, Text};
use crate::value::{Value, moment};

/// A report: what it is about and on what it rests, then its blocks in order.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Document {
    pub title: Text,
    /// Under the title: who reports, for whom.
    pub subtitle: Text,
    pub meta: Meta,
    pub blocks: Vec<Block>,
}

impl Document {
    /// Title and subtitle as one line: what a window, a bookmark or a list of files shows.
    pub fn name(&self, lang: Lang) -> String {
        [self.title.of(lang), self.subtitle.of(lang)].iter().filter(|t| !t.is_empty()).copied().collect::<Vec<_>>().join(" · ")
    }
}

/// What makes the figures reproducible: stands on every form of the document.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Meta {
    pub definitions: Vec<Definition>,
    /// What is counted: `IMG5`, `ALL4`, in words.
    pub scope: Text,
    /// `2026Q3` and its days.
    pub period: Text,
    /// The last journal entry that the figures know.
    pub journal_position: u64,
    /// Microseconds since 1970.
    pub made_at_us: i64,
}

impl Meta {
    /// Label and value, as each writer shows them; what is not known is left out.
    pub fn lines(&self, lang: Lang) -> Vec<(&'static str, String)> {
        let say = |zh, en| if lang == Lang::Zh { zh } else { en };
        let definitions: Vec<String> = self.definitions.iter().map(|d| format!("{} {}", d.id, d.version)).collect();
        let position = if self.journal_position > 0 { self.journal_position.to_string() } else { String::new() };
        let made = if self.made_at_us > 0 { moment(self.made_at_us) } else { String::new() };
        let all = [
            (say("期间", "Period"), self.period.of(lang).to_owned()),
            (say("口径", "Scope"), self.scope.of(lang).to_owned()),
            (say("指标定义", "Definitions"), definitions.join(say("、", ", "))),
            (say("日志位置", "Journal position"), position),
            (say("生成时间", "Made at"), made),
        ];
        all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }
}

/// A definition that the figures follow.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Definition {
    pub id: String,
    pub version: String,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Block {
    /// Level 1 is a chapter, 2 a section of it.
    Heading(u8, Text),
    Paragraph(Text),
    /// Numbered remarks on method and data.
    Notes(Vec<Text>),
    Table(Table),
    Chart(Chart),
    Figures(Vec<Figure>),
    PageBreak,
}

/// One big number.
#[derive(Clone, PartialEq, Debug)]
pub struct Figure {
    pub label: Text,
    pub value: Value,
    pub unit: Text,
    /// Below it: the target, the change against the last quarter.
    pub note: Text,
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct Table {
    /// Names the table for machines: in ndjson, in file names.
    pub key: String,
    pub title: Text,
    pub columns: Vec<Column>,
    /// As many values a row as there are columns; a missing one is empty.
    pub rows: Vec<Vec<Value>>,
    pub totals: Option<Vec<Value>>,
    pub footnotes: Vec<Text>,
}

impl Table {
    /// Without the columns that are for files only.
    pub(crate) fn for_people(&self) -> Cow<'_, Table> {
        if !self.columns.iter().any(|c| c.is_data) {
            return Cow::Borrowed(self);
        }
        let kept = |row: &Vec<Value>| row.iter().zip(&self.columns).filter(|(_, c)| !c.is_data).map(|(v, _)| v.clone()).collect();
        Cow::Owned(Table {
            columns: self.columns.iter().filter(|c| !c.is_data).cloned().collect(),
            rows: self.rows.iter().map(kept).collect(),
            totals: self.totals.as_ref().map(kept),
            ..self.clone()
        })
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    /// The name in ndjson.
    pub key: String,
    pub title: Text,
    pub kind: Kind,
    /// Where it differs from what the kind asks for.
    pub align: Option<Align>,
    /// Stands in files for programs and spreadsheets only: a code beside the name that people read.
    pub is_data: bool,
}

impl Column {
    pub fn new(key: impl Into<String>, zh: &'static str, en: &'static str, kind: Kind) -> Column {
        Column { key: key.into(), title: Text::new(zh, en), kind, align: None, is_data: false }
    }

    /// A column of files only.
    pub fn data(key: impl Into<String>, zh: &'static str, en: &'static str, kind: Kind) -> Column {
        Column { is_data: true, ..Column::new(key, zh, en, kind) }
    }

    pub fn align(&self) -> Align {
        self.align.unwrap_or(if self.kind == Kind::Text { Align::Left } else { Align::Right })
    }
}

/// What a column mostly holds. A value knows its own type: a column of indicators may hold counts beside percentages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Text,
    Integer,
    Decimal,
    Percent,
    Money,
    Date,
    Moment,
    Duration,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Align {
    Left,
    Centre,
    Right,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Chart {
    pub title: Text,
    /// What one sees in it, for those who cannot.
    pub summary: Text,
    /// Of the values: 例, %, 小时.
    pub unit: Text,
    pub shape: Shape,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Shape {
    /// A group of bars a category, one bar a series.
    Bars { categories: Vec<Text>, series: Vec<Series> },
    /// One bar a category, its parts one upon the other.
    Stacked { categories: Vec<Text>, series: Vec<Series> },
    /// One line a series; `None` is a gap.
    Line { categories: Vec<Text>, series: Vec<Series> },
    /// One horizontal bar a row, with a mark where the target is.
    Progress(Vec<Goal>),
}

#[derive(Clone, PartialEq, Debug)]
pub struct Series {
    pub name: Text,
    /// One a category.
    pub values: Vec<Option<f64>>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Goal {
    pub label: Text,
    pub value: f64,
    pub target: Option<f64>,
}
