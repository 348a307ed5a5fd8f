//! What was reminded of, viewed and answered: the view of `recognition` events that the next question and the next answer
//! are judged by. Its clock is the events' own, so that a rebuild ends the same.
//!
//! Memory is bounded: reminders are kept for [`REMINDERS_KEPT`] and answers for [`ANSWERS_KEPT`] after they were made. The
//! events themselves stay in the journal, and what was decided stands in the store as a Task.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use hutong_enforce::recognition::record::{Answered, Asked, Choice, Context, Record, Reminder, Trigger};
use hutong_fhir::calendar::DAY_US;

/// Days that a reminder can be viewed and answered.
pub(crate) const REMINDERS_KEPT: i64 = 14;
/// Days that an answer is in memory: a second answer is refused and a revocation found without looking at the store.
pub(crate) const ANSWERS_KEPT: i64 = 90;
/// However short the time: beyond this the oldest goes.
const REMINDERS_MAX: usize = 500_000;
const ANSWERS_MAX: usize = 500_000;

/// A reminder as it was given.
pub(crate) struct Given {
    /// The question; its items are left out here.
    pub(crate) question: Arc<Question>,
    pub(crate) item: String,
    pub(crate) reminder: Reminder,
    pub(crate) viewed: bool,
}

/// What the reminders of one question share.
pub(crate) struct Question {
    pub(crate) at_us: i64,
    pub(crate) trigger: Trigger,
    pub(crate) context: Context,
}

/// A result, and the institution's occasion (order, else visit) for which it is answered.
pub(crate) type Pair = (String, String);

/// The pair of a result in a context.
pub(crate) fn pair(result: &str, context: &Context) -> Pair {
    (result.to_owned(), occasion(context))
}

/// Numbers of orders and visits are an institution's own.
fn occasion(context: &Context) -> String {
    format!("{}|{}", context.institution, context.occasion())
}

/// See the file's head.
#[derive(Default)]
pub(crate) struct View {
    reminders: HashMap<String, Given>,
    /// GUIDs by time.
    ages: VecDeque<(i64, String)>,
    /// The reminder of a pair: the same question again is not a second reminder.
    by_pair: HashMap<Pair, String>,
    answers: HashMap<Pair, Answered>,
    answer_ages: VecDeque<(i64, Pair, String)>,
    /// Results that were answered, by occasion.
    by_occasion: HashMap<String, Vec<String>>,
    /// Pairs by the answer's GUID.
    by_answer: HashMap<String, Pair>,
    /// (institution, result) that somebody there viewed or answered, and when last.
    known: HashMap<(String, String), i64>,
    known_ages: VecDeque<(i64, (String, String))>,
    now_us: i64,
}

impl View {
    /// Follows the journal. A record that was applied already changes nothing.
    pub(crate) fn apply(&mut self, record: Record) {
        self.now_us = self.now_us.max(record.at_us());
        match record {
            Record::Asked(asked) => self.asked(asked),
            Record::Viewed(viewed) => {
                if let Some(given) = self.reminders.get_mut(&viewed.reminder) {
                    given.viewed = true;
                    let result = given.reminder.result.clone();
                    self.know(viewed.context.institution, result, viewed.at_us);
                }
            }
            Record::Answered(answered) => self.answered(answered),
            Record::Revoked(revoked) => {
                if let Some(pair) = self.by_answer.remove(&revoked.answer) {
                    self.end(&pair);
                    self.known.remove(&(revoked.context.institution, pair.0));
                }
            }
        }
        self.forget();
    }

    fn asked(&mut self, asked: Asked) {
        let question = Arc::new(Question { at_us: asked.at_us, trigger: asked.trigger, context: asked.context });
        for item in asked.items {
            for reminder in item.reminders {
                if self.reminders.contains_key(&reminder.id) {
                    continue;
                }
                self.ages.push_back((asked.at_us, reminder.id.clone()));
                self.by_pair.insert(pair(&reminder.result, &question.context), reminder.id.clone());
                let given = Given { question: Arc::clone(&question), item: item.item.clone(), reminder, viewed: false };
                self.reminders.insert(given.reminder.id.clone(), given);
            }
        }
    }

    /// The first answer stands until it is revoked.
    fn answered(&mut self, answered: Answered) {
        let pair = pair(&answered.result, &answered.context);
        if self.answers.contains_key(&pair) {
            return;
        }
        self.know(answered.context.institution.clone(), answered.result.clone(), answered.at_us);
        self.by_answer.insert(answered.id.clone(), pair.clone());
        self.answer_ages.push_back((answered.at_us, pair.clone(), answered.id.clone()));
        self.by_occasion.entry(pair.1.clone()).or_default().push(pair.0.clone());
        self.answers.insert(pair, answered);
    }

    fn forget(&mut self) {
        let old = |at_us: i64, days: i64, now_us: i64| at_us < now_us - days * DAY_US;
        while let Some((at_us, _)) = self.ages.front()
            && (old(*at_us, REMINDERS_KEPT, self.now_us) || self.ages.len() > REMINDERS_MAX)
        {
            let Some((_, id)) = self.ages.pop_front() else { break };
            let Some(given) = self.reminders.remove(&id) else { continue };
            let pair = pair(&given.reminder.result, &given.question.context);
            if self.by_pair.get(&pair) == Some(&id) {
                self.by_pair.remove(&pair);
            }
        }
        while let Some((at_us, ..)) = self.answer_ages.front()
            && (old(*at_us, ANSWERS_KEPT, self.now_us) || self.answer_ages.len() > ANSWERS_MAX)
        {
            let Some((_, pair, id)) = self.answer_ages.pop_front() else { break };
            // it may have been revoked and answered again since
            if self.by_answer.remove(&id).is_some() {
                self.end(&pair);
            }
        }
        while let Some((at_us, _)) = self.known_ages.front()
            && (old(*at_us, ANSWERS_KEPT, self.now_us) || self.known_ages.len() > ANSWERS_MAX)
        {
            let Some((at_us, known)) = self.known_ages.pop_front() else { break };
            if self.known.get(&known) == Some(&at_us) {
                self.known.remove(&known);
            }
        }
    }

    /// The answer of a pair stands no longer.
    fn end(&mut self, pair: &Pair) {
        self.answers.remove(pair);
        if let Some(results) = self.by_occasion.get_mut(&pair.1) {
            results.retain(|r| *r != pair.0);
            if results.is_empty() {
                self.by_occasion.remove(&pair.1);
            }
        }
    }

    fn know(&mut self, institution: String, result: String, at_us: i64) {
        let known = (institution, result);
        if self.known.insert(known.clone(), at_us) != Some(at_us) {
            self.known_ages.push_back((at_us, known));
        }
    }

    pub(crate) fn reminder(&self, id: &str) -> Option<&Given> {
        self.reminders.get(id)
    }

    /// The reminder of a result for an occasion.
    pub(crate) fn given_for(&self, pair: &Pair) -> Option<&Given> {
        self.by_pair.get(pair).and_then(|id| self.reminders.get(id))
    }

    /// The one reminder of a report, by its number, for an occasion: what a system says that keeps no GUIDs. Looks at all.
    pub(crate) fn given_of_report(&self, number: &str, occasion: &str) -> Option<&Given> {
        let is_it = |g: &&Given| g.reminder.report_number == number && g.question.context.occasion() == occasion;
        let mut all = self.reminders.values().filter(|_| !number.is_empty() && !occasion.is_empty()).filter(is_it);
        all.next().filter(|_| all.next().is_none())
    }

    /// The answer that stands.
    pub(crate) fn answer(&self, pair: &Pair) -> Option<&Answered> {
        self.answers.get(pair)
    }

    /// The answer that stands to a reminder. Looks at all: for the rare one whose reminder is forgotten.
    pub(crate) fn answer_to(&self, reminder: &str) -> Option<&Answered> {
        self.answers.values().find(|a| !reminder.is_empty() && a.reminder == reminder)
    }

    /// Whether a result was recognised for an item of an order.
    pub(crate) fn recognises(&self, context: &Context, item: &str) -> bool {
        let occasion = occasion(context);
        let of = |result: &String| self.answers.get(&(result.clone(), occasion.clone()));
        let answers = self.by_occasion.get(&occasion).into_iter().flatten().filter_map(of);
        answers.into_iter().any(|a| a.item == item && a.choice == Choice::Recognised)
    }

    /// Whether a result was viewed or answered at an institution.
    pub(crate) fn is_known(&self, institution: &str, result: &str) -> bool {
        !self.known.is_empty() && self.known.contains_key(&(institution.to_owned(), result.to_owned()))
    }

    /// Reminders and answers in memory.
    pub(crate) fn len(&self) -> (usize, usize) {
        (self.reminders.len(), self.answers.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hutong_enforce::recognition::record::{AskedItem, Revoked, Viewed};

    fn context(order: &str) -> Context {
        Context { institution: "H2".into(), order: order.into(), ..Context::default() }
    }

    fn asked(day: i64, reminder: &str, order: &str) -> Record {
        let reminder = Reminder { id: reminder.into(), result: "Observation/1".into(), ..Reminder::default() };
        Record::Asked(Asked {
            id: format!("q{day}"),
            at_us: day * DAY_US,
            trigger: Trigger::Order,
            context: context(order),
            items: vec![AskedItem { item: "K".into(), reminders: vec![reminder], ..AskedItem::default() }],
            ms: 1,
            degraded: false,
        })
    }

    fn answered(day: i64, id: &str, order: &str) -> Record {
        Record::Answered(Answered {
            id: id.into(),
            at_us: day * DAY_US,
            reminder: "r1".into(),
            context: context(order),
            item: "K".into(),
            result: "Observation/1".into(),
            choice: Choice::Recognised,
            reason: String::new(),
            counts: false,
            diagnosis: String::new(),
            saved_fen: 0,
            price_table: String::new(),
        })
    }

    fn revoked(day: i64, answer: &str) -> Record {
        Record::Revoked(Revoked { id: "x".into(), at_us: day * DAY_US, answer: answer.into(), context: context("o1") })
    }

    #[test]
    fn the_first_answer_stands_until_it_is_revoked() {
        let mut view = View::default();
        let standing = |view: &View| view.answer(&pair("Observation/1", &context("o1"))).map(|a| a.id.clone());
        for (record, expected) in [
            (asked(1, "r1", "o1"), None),
            (answered(1, "a1", "o1"), Some("a1")),
            (answered(1, "a2", "o1"), Some("a1")),
            (revoked(1, "a2"), Some("a1")),
            (revoked(1, "a1"), None),
            (revoked(1, "a1"), None),
            (answered(2, "a3", "o1"), Some("a3")),
            (answered(2, "a4", "o2"), Some("a3")),
        ] {
            view.apply(record);
            assert_eq!(standing(&view).as_deref(), expected);
        }
        assert!(view.recognises(&context("o1"), "K") && !view.recognises(&context("o1"), "NA") && !view.recognises(&context("o3"), "K"));
        assert!(view.answer_to("r1").is_some() && view.answer_to("").is_none());
    }

    #[test]
    fn memory_ends() {
        let mut view = View::default();
        view.apply(asked(1, "r1", "o1"));
        view.apply(answered(1, "a1", "o1"));
        let viewed = Viewed { id: "v".into(), at_us: DAY_US, reminder: "r1".into(), context: context("o1") };
        view.apply(Record::Viewed(viewed));
        for (day, reminders, answers, known) in [
            (REMINDERS_KEPT + 1, 2, 1, true),
            (REMINDERS_KEPT + 2, 2, 1, true),
            (ANSWERS_KEPT + 1, 1, 1, true),
            (ANSWERS_KEPT + 2, 2, 0, false),
        ] {
            view.apply(asked(day, &format!("r-{day}"), &format!("o-{day}")));
            assert_eq!((view.len(), view.is_known("H2", "Observation/1")), ((reminders, answers), known), "day {day}");
        }
        assert_eq!((view.ages.len(), view.by_pair.len(), view.by_answer.len(), view.by_occasion.len()), (2, 2, 0, 0));
    }
}
