//! Counters by day, institution, department, doctor and item.

use crate::period::day_of;
use hutong_enforce::recognition::record::{Answered, Asked, Choice, Context, Record, Trigger};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What is counted apart.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Key {
    /// Days since 1970 in China.
    pub day: i64,
    pub institution: String,
    pub department: String,
    pub doctor: String,
    pub item: String,
}

/// Counters. All may be negative in an adjustment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Items of orders that were asked about.
    pub asked: i64,
    /// Of these, items with something to recognise.
    pub eligible: i64,
    /// Of these, items of which the doctor was reminded.
    pub reminded: i64,
    /// Questions that could not be answered in time.
    pub degraded: i64,
    /// Reminders, at visits too.
    pub reminders: i64,
    /// Reminders that were viewed.
    pub viewed: i64,
    /// Views (调阅次数).
    pub views: i64,
    /// Items of orders for which a result was recognised.
    pub recognised_items: i64,
    pub recognised: i64,
    /// Refused for a reason that counts.
    pub refused: i64,
    /// Refused for a reason that does not count.
    pub refused_uncounted: i64,
    pub marked: i64,
    pub verified: i64,
    pub saved_fen: i64,
    pub reasons: BTreeMap<String, i64>,
}

impl Counts {
    pub fn add(&mut self, other: &Counts) {
        let Counts {
            asked,
            eligible,
            reminded,
            degraded,
            reminders,
            viewed,
            views,
            recognised_items,
            recognised,
            refused,
            refused_uncounted,
            marked,
            verified,
            saved_fen,
            reasons,
        } = other;
        self.asked += asked;
        self.eligible += eligible;
        self.reminded += reminded;
        self.degraded += degraded;
        self.reminders += reminders;
        self.viewed += viewed;
        self.views += views;
        self.recognised_items += recognised_items;
        self.recognised += recognised;
        self.refused += refused;
        self.refused_uncounted += refused_uncounted;
        self.marked += marked;
        self.verified += verified;
        self.saved_fen += saved_fen;
        for (reason, n) in reasons {
            *self.reasons.entry(reason.clone()).or_default() += n;
        }
        self.reasons.retain(|_, n| *n != 0);
    }

    fn negative(&self) -> Counts {
        let mut out = Counts::default();
        let minus = Counts {
            recognised_items: -self.recognised_items,
            recognised: -self.recognised,
            refused: -self.refused,
            refused_uncounted: -self.refused_uncounted,
            saved_fen: -self.saved_fen,
            reasons: self.reasons.iter().map(|(r, n)| (r.clone(), -n)).collect(),
            ..Counts::default()
        };
        out.add(&minus);
        out
    }
}

/// What a later event takes back of an earlier day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Adjustment {
    /// The day on which it was made.
    pub day: i64,
    /// What it adjusts.
    pub of: Key,
    pub counts: Counts,
}

/// All counters, as far as the journal was followed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Figures {
    counts: BTreeMap<Key, Counts>,
    adjustments: Vec<Adjustment>,
    /// Answers in force: what they counted as.
    answers: HashMap<String, (Key, Counts)>,
    /// (result, order) that were answered, by the answer.
    answered: HashMap<(String, String), String>,
    /// Items of orders for which something was recognised: how many answers say so.
    recognised_items: HashMap<(String, String), u32>,
    seen: HashSet<String>,
    viewed: HashSet<String>,
    reminders: HashMap<String, String>,
}

impl Figures {
    /// Follows the journal. An event that was applied already changes nothing.
    pub fn apply(&mut self, record: &Record) {
        match record {
            Record::Asked(r) if self.is_new(&r.id, &r.context) => self.asked(r),
            Record::Viewed(r) if self.is_new(&r.id, &r.context) => {
                let item = self.reminders.get(&r.reminder).cloned().unwrap_or_default();
                let first = self.viewed.insert(r.reminder.clone());
                let counts = Counts { views: 1, viewed: i64::from(first), ..Counts::default() };
                self.count(key(r.at_us, &r.context, &item), &counts);
            }
            Record::Answered(r) if self.is_new(&r.id, &r.context) => self.answered(r),
            Record::Revoked(r) if self.is_new(&r.id, &r.context) => self.revoked(&r.answer, r.at_us),
            _ => {}
        }
    }

    /// Test data is on record and never counted.
    fn is_new(&mut self, id: &str, context: &Context) -> bool {
        !context.is_test && self.seen.insert(id.to_owned())
    }

    fn count(&mut self, key: Key, counts: &Counts) {
        self.counts.entry(key).or_default().add(counts);
    }

    fn asked(&mut self, r: &Asked) {
        let is_order = r.trigger == Trigger::Order;
        for item in &r.items {
            for reminder in &item.reminders {
                self.reminders.insert(reminder.id.clone(), item.item.clone());
            }
            let eligible = is_order && item.verdict == "recognise";
            let counts = Counts {
                asked: i64::from(is_order),
                eligible: i64::from(eligible),
                reminded: i64::from(eligible && !item.reminders.is_empty()),
                degraded: i64::from(r.degraded),
                reminders: item.reminders.len() as i64,
                marked: i64::from(item.marked),
                verified: i64::from(item.verified),
                ..Counts::default()
            };
            self.count(key(r.at_us, &r.context, &item.item), &counts);
        }
    }

    fn answered(&mut self, r: &Answered) {
        // once for each result and order: a second answer stands only after the first was revoked
        let pair = (r.result.clone(), r.context.order.clone());
        if self.answered.contains_key(&pair) {
            return;
        }
        self.answered.insert(pair, r.id.clone());
        let key = key(r.at_us, &r.context, &r.item);
        let mut counts = Counts::default();
        match r.choice {
            Choice::Recognised => {
                let times = self.recognised_items.entry((r.context.order.clone(), r.item.clone())).or_default();
                *times += 1;
                counts.recognised = 1;
                // two results recognised for one item save its price once
                if *times == 1 {
                    counts.recognised_items = 1;
                    counts.saved_fen = r.saved_fen;
                }
            }
            Choice::Refused => {
                if r.counts {
                    counts.refused = 1;
                } else {
                    counts.refused_uncounted = 1;
                }
                counts.reasons.insert(r.reason.clone(), 1);
            }
        }
        self.count(key.clone(), &counts);
        self.answers.insert(r.id.clone(), (key, counts));
    }

    fn revoked(&mut self, answer: &str, at_us: i64) {
        let Some((of, counts)) = self.answers.remove(answer) else { return };
        let pair = self.answered.iter().find(|(_, a)| *a == answer).map(|(p, _)| p.clone());
        if let Some(pair) = pair {
            if counts.recognised > 0
                && let Some(times) = self.recognised_items.get_mut(&(pair.1.clone(), of.item.clone()))
            {
                *times = times.saturating_sub(1);
            }
            self.answered.remove(&pair);
        }
        let back = counts.negative();
        let day = day_of(at_us);
        // on the day itself nothing was published yet
        if day == of.day {
            self.count(of, &back);
        } else {
            self.adjustments.push(Adjustment { day, of, counts: back });
        }
    }

    pub fn counts(&self) -> impl Iterator<Item = (&Key, &Counts)> {
        self.counts.iter()
    }

    pub fn adjustments(&self) -> &[Adjustment] {
        &self.adjustments
    }
}

fn key(at_us: i64, context: &Context, item: &str) -> Key {
    Key {
        day: day_of(at_us),
        institution: context.institution.clone(),
        department: context.department.clone(),
        doctor: context.doctor.clone(),
        item: item.to_owned(),
    }
}
