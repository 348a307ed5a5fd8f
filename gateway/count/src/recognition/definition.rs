//! What the figures are: id, version, formula over counters. A formula that changes gets a new version.

use serde::Serialize;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident $code:literal $zh:literal $en:literal;)*) => {
        /// What is counted.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
        #[serde(rename_all = "kebab-case")]
        #[repr(u8)]
        pub enum Counter { $($(#[$doc])* $name,)* }

        impl Counter {
            pub const ALL: &[Counter] = &[$(Counter::$name,)*];

            /// As it stands in files and queries.
            pub fn code(self) -> &'static str {
                match self { $(Counter::$name => $code,)* }
            }

            pub fn zh(self) -> &'static str {
                match self { $(Counter::$name => $zh,)* }
            }

            pub fn en(self) -> &'static str {
                match self { $(Counter::$name => $en,)* }
            }
        }
    };
}

counters! {
    /// Questions, at visits and orders.
    Questions "questions" "提问次数" "questions";
    /// Questions that were not answered whole in time: the order went through without reminder.
    Degraded "degraded" "降级次数" "degraded";
    /// Items of orders that were asked about; an item of an order once, however often it was asked.
    Asked "asked" "开单项目数" "items ordered";
    /// Of these, items for which there was a result to recognise.
    Eligible "eligible" "可互认项目数" "items with a result to recognise";
    /// Of these, items of which the doctor was reminded.
    Reminded "reminded" "已提醒项目数" "items reminded of";
    /// Of the eligible ones, those for which nothing is recognised.
    Repeated "repeated" "重复项目数" "items repeated";
    /// Of the eligible ones, those not repeated and not recognised: withdrawn, or refused for a reason that does not count.
    Excused "excused" "不计入项目数" "items left out";
    /// Reminders: one a result, at visits too.
    Reminders "reminders" "提醒次数" "reminders";
    /// Reminders that were viewed.
    Viewed "viewed" "已查阅提醒数" "reminders viewed";
    /// Views.
    Views "views" "调阅次数" "views";
    /// Results recognised.
    Recognised "recognised" "互认数" "recognised";
    /// Items of orders for which a result was recognised, once each.
    RecognisedItems "recognised-items" "互认项目数" "items recognised";
    /// Refused for a reason that counts.
    Refused "refused" "不互认数" "refused";
    /// Refused for a reason that does not count.
    Uncounted "uncounted" "不计入的不互认数" "refused, not counted";
    /// Results looked at that bear a mark, and of these those with a valid certificate.
    Marked "marked" "带标识结果数" "results with a mark";
    Verified "verified" "标识有效结果数" "marks verified";
    /// Prices of what need not be done again, fen.
    SavedFen "saved-fen" "节约费用（分）" "saved, fen";
    /// Records of test data: kept, counted nowhere else.
    Test "test" "测试数据" "test data";
}

/// What a figure is computed by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Figure {
    /// Numerators over denominators, each with its sign.
    Share { above: Counter, below: &'static [(i64, Counter)] },
    /// A counter as it is.
    Number(Counter),
    /// A counter of fen, shown in yuan.
    Money(Counter),
}

/// One figure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Definition {
    pub id: &'static str,
    pub version: u32,
    pub zh: &'static str,
    pub en: &'static str,
    pub figure: Figure,
}

use Counter as C;
use Figure::{Money, Number, Share};

const fn of(id: &'static str, zh: &'static str, en: &'static str, figure: Figure) -> Definition {
    Definition { id, version: 1, zh, en, figure }
}

/// All figures, in the order in which they are shown.
pub const DEFINITIONS: &[Definition] = &[
    of("recognition.reminder-rate", "提醒率", "reminded", Share { above: C::Reminded, below: &[(1, C::Eligible)] }),
    of("recognition.view-rate", "提醒查阅率", "reminders viewed", Share { above: C::Viewed, below: &[(1, C::Reminders)] }),
    of(
        "recognition.recognition-rate",
        "互认率",
        "recognised",
        Share { above: C::Recognised, below: &[(1, C::Recognised), (1, C::Refused)] },
    ),
    of("recognition.repetition-rate", "重复检查率", "repeated", Share { above: C::Repeated, below: &[(1, C::Eligible), (-1, C::Excused)] }),
    of("recognition.mark-rate", "标识有效率", "marks verified", Share { above: C::Verified, below: &[(1, C::Marked)] }),
    of("recognition.degraded-rate", "降级率", "degraded", Share { above: C::Degraded, below: &[(1, C::Questions)] }),
    of("recognition.views", "调阅次数", "views", Number(C::Views)),
    of("recognition.saved", "节约费用（元）", "saved (CNY)", Money(C::SavedFen)),
];

impl Definition {
    /// The figure over counters.
    pub fn value(&self, counts: &super::Counts) -> Value {
        match self.figure {
            Share { above, below } => Value::Share {
                numerator: counts.get(above),
                denominator: below.iter().map(|(sign, c)| sign.saturating_mul(counts.get(*c))).fold(0, i64::saturating_add),
            },
            Number(c) => Value::Number(counts.get(c)),
            Money(c) => Value::Fen(counts.get(c)),
        }
    }

    /// `reminded / eligible`, in the counters' codes.
    pub fn formula(&self) -> String {
        match self.figure {
            Number(c) | Money(c) => c.code().to_owned(),
            Share { above, below } => {
                let mut text = format!("{} / ", above.code());
                let (many, mut first) = (below.len() > 1, true);
                text.push_str(if many { "(" } else { "" });
                for (sign, c) in below {
                    text.push_str(if first {
                        ""
                    } else if *sign < 0 {
                        " - "
                    } else {
                        " + "
                    });
                    text.push_str(c.code());
                    first = false;
                }
                text.push_str(if many { ")" } else { "" });
                text
            }
        }
    }

    /// Its counters, the numerator first.
    pub fn counters(&self) -> Vec<Counter> {
        match self.figure {
            Number(c) | Money(c) => vec![c],
            Share { above, below } => {
                let mut all = vec![above];
                all.extend(below.iter().map(|(_, c)| *c).filter(|c| *c != above));
                all
            }
        }
    }
}

/// A figure's value, with both numbers of a share, so that nobody has to guess what stands below the line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value {
    Share { numerator: i64, denominator: i64 },
    Number(i64),
    Fen(i64),
}

impl Value {
    /// Parts of one; `None` where there is nothing to divide by.
    pub fn share(self) -> Option<f64> {
        match self {
            Value::Share { numerator, denominator } if denominator > 0 => Some(numerator as f64 / denominator as f64),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_told_as_they_are_computed() {
        let formula = |id: &str| DEFINITIONS.iter().find(|d| d.id == id).unwrap().formula();
        assert_eq!(formula("recognition.reminder-rate"), "reminded / eligible");
        assert_eq!(formula("recognition.recognition-rate"), "recognised / (recognised + refused)");
        assert_eq!(formula("recognition.repetition-rate"), "repeated / (eligible - excused)");
        let mut counts = super::super::Counts::default();
        for (counter, n) in [(C::Eligible, 10), (C::Excused, 2), (C::Repeated, 3)] {
            counts.add(counter, n);
        }
        let repetition = DEFINITIONS.iter().find(|d| d.id == "recognition.repetition-rate").unwrap();
        assert_eq!(repetition.value(&counts), Value::Share { numerator: 3, denominator: 8 });
        for (n, counter) in Counter::ALL.iter().enumerate() {
            assert_eq!(*counter as usize, n);
            assert_eq!(serde_json::to_value(counter).unwrap(), counter.code(), "the same name everywhere");
        }
        for cause in super::super::Cause::ALL {
            assert_eq!(serde_json::to_value(cause).unwrap(), cause.code());
        }
    }
}
