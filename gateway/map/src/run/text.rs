//! Values to text, and what to say about those that do not convert.

use hutong_fhir::primitive::Primitive;
use hutong_fhir::{Finding, Severity};
use std::borrow::Cow;

use super::value::{Level, Origin, Val, View};
use super::{Exec, Pending, PendingKind};
use crate::plan::Plan;

impl<'m> Exec<'m> {
    /// The text of a value, trimmed; nothing where it is blank.
    pub(crate) fn text_of(&mut self, v: &Val<'m>) -> Option<(Cow<'m, str>, Origin)> {
        self.text_from(v.clone())
    }

    /// The same of a value that is not needed any more.
    pub(crate) fn text_from(&mut self, v: Val<'m>) -> Option<(Cow<'m, str>, Origin)> {
        let (text, origin) = match v {
            Val::View(v) => (self.view_text(&v), v.origin()),
            Val::Text(t, origin) => (t, origin),
            Val::Resource(i) => (Cow::Owned(self.built.get(i as usize)?.id.clone()), Origin::NONE),
            Val::Segment(_) | Val::Table(_) => return None,
        };
        let text = trim(text);
        if text.is_empty() {
            return None;
        }
        if origin != Origin::NONE {
            self.origin = origin;
        }
        Some((text, origin))
    }

    /// Takes a value off its place on the stack, which will be cut back soon.
    pub(crate) fn take(&mut self, at: usize) -> Option<Val<'m>> {
        self.vals.get_mut(at).map(|v| std::mem::replace(v, Val::Table(u32::MAX)))
    }

    /// A text type is all that stands there; of any other the first simple value is its text.
    fn view_text(&mut self, v: &View<'m>) -> Cow<'m, str> {
        let is_text = self.plan.datatypes.text.get(v.dt as usize).copied().unwrap_or(false);
        let whole = is_text || v.level() == Level::Subcomponent;
        self.fields.mark(v, whole);
        let raw = if whole { v.raw } else { v.first(&self.marks) };
        if raw == "\"\"" {
            self.null = true;
            return Cow::Borrowed("");
        }
        self.unescaped(v, raw)
    }

    /// All of a view as text, separators included.
    pub(crate) fn whole_text(&mut self, v: &Val<'m>) -> Option<(Cow<'m, str>, Origin)> {
        let Val::View(view) = v else { return self.text_of(v) };
        self.fields.mark(view, true);
        let text = trim(self.unescaped(view, view.raw));
        self.origin = view.origin();
        (!text.is_empty()).then_some((text, view.origin()))
    }

    /// What a stretch at the beginning of a view says.
    pub(crate) fn unescaped(&self, v: &View<'m>, raw: &'m str) -> Cow<'m, str> {
        let escape = self.marks.escape;
        if !raw.bytes().any(|b| b < 0x20 || b == escape) {
            return Cow::Borrowed(raw);
        }
        // the long way, by decode's own reading of the field
        let Some(segment) = self.message.segment(v.segment as usize) else { return Cow::Borrowed(raw) };
        let repetition = segment.field(v.field as usize).rep(v.repetition as usize);
        let component = || repetition.component(v.component as usize);
        let whole = raw.len() == v.raw.len();
        match (v.level(), whole) {
            (Level::Repetition, true) => repetition.whole().text(),
            (Level::Repetition, false) => repetition.value().text(),
            (Level::Component, true) => component().whole().text(),
            (Level::Component, false) => component().value().text(),
            (Level::Subcomponent, _) => component().subcomponent(v.sub as usize).text(),
        }
    }
}

pub(crate) fn trim(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(t) => {
            // most values have nothing to trim
            let graphic = |b: Option<&u8>| b.is_some_and(|b| (0x21..0x7f).contains(b));
            let bytes = t.as_bytes();
            Cow::Borrowed(if graphic(bytes.first()) && graphic(bytes.last()) { t } else { t.trim() })
        }
        Cow::Owned(t) => {
            let inner = t.trim();
            if inner.len() == t.len() { Cow::Owned(t) } else { Cow::Owned(inner.to_owned()) }
        }
    }
}

/// The finding for a value that could not be used.
pub(super) fn finding(plan: &Plan, p: &Pending) -> Finding {
    match &p.kind {
        PendingKind::Unmapped(table) => {
            let name = plan.tables.get(*table as usize).map_or("", |t| t.name.as_str());
            Finding::new(Severity::Warning, "map.code.unmapped", "code-invalid", 103).says(
                format!("代码不在码表 {name} 中；请在该码表（或本院的同名码表）中补充一行"),
                format!("the code is not in the table {name}; add a row to it, or to the site's table of that name"),
            )
        }
        PendingKind::Ends => Finding::new(Severity::Warning, "map.period.order", "value", 103).says(
            "结束时间早于开始时间，或精度不同无法比较，未写入结束时间",
            "the end lies before the start, or the two are of different precision and cannot be compared; the end was left out",
        ),
        PendingKind::Code => Finding::new(Severity::Warning, "map.code.invalid", "code-invalid", 103)
            .says("代码不在该元素要求的值集中，未写入", "the code is not in the value set that the element requires; it was left out"),
        PendingKind::Invalid(Primitive::Instant | Primitive::Time) if super::clock::Moment::read(&p.value).is_some() => {
            Finding::new(Severity::Information, "map.datetime.imprecise", "value", 102).says(
                "此处的时间须至少精确到分钟，来值不够精确，未写入",
                "a time known to the minute belongs here; this one is less precise and was left out",
            )
        }
        PendingKind::Invalid(Primitive::Date | Primitive::DateTime | Primitive::Instant | Primitive::Time) => {
            Finding::new(Severity::Warning, "map.datetime.invalid", "value", 102)
                .says("不是有效的日期或时间，未写入", "this is no valid date or time; it was left out")
        }
        PendingKind::Invalid(to) => {
            let name = format!("{to:?}");
            let name = name.chars().next().map(|c| c.to_lowercase().to_string()).unwrap_or_default() + name.get(1..).unwrap_or("");
            Finding::new(Severity::Warning, "map.value.invalid", "value", 102)
                .says(format!("取值不符合 {name} 的格式，未写入"), format!("the value is not in the form of {name}; it was left out"))
        }
    }
}
