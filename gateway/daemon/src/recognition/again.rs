//! A reminder as it was given, shown again: its result as it stands now.

use hutong_enforce::recognition::desk::{Ask, Shown};
use hutong_enforce::recognition::record::{Choice, Context};
use hutong_enforce::recognition::{Considered, Question, Setting, decide};

use super::recall::{self, Recalled};
use super::{Recognition, ask, view};
use crate::ingest::now_us;

impl Recognition {
    /// `None`: there is no such reminder (any more), or its result cannot be read.
    pub(super) fn shown_again(&self, reminder: &str) -> Option<(Shown, Context, Option<Choice>)> {
        let community = self.community.read();
        let given = community.recognition.reminder(reminder)?;
        let (question, item, reminder) = (given.question.clone(), given.item.clone(), given.reminder.clone());
        let answer = community.recognition.answer(&view::pair(&reminder.result, &question.context)).map(|a| a.choice);
        drop(community);
        let mut recalled = Recalled::default();
        let found = recall::read(&self.reader, &reminder.result).ok().flatten()?;
        if reminder.result.starts_with("Observation/") {
            recalled.observations.push(found);
            recalled.hold_all(recall::read(&self.reader, &reminder.report).ok().flatten());
        } else {
            recalled.reports.push(found);
        }
        let asked = Ask {
            trigger: question.trigger,
            source: String::new(),
            context: question.context.clone(),
            same: Vec::new(),
            setting: None,
            at_us: question.at_us,
            orders: Vec::new(),
        };
        let known = self.known(&asked);
        let earlier = self.facts(&asked, &known, &recalled).ok()?.into_iter().find(|e| e.facts.prior.item == item)?;
        let ordered = self.community.read().registry.item(&item, question.at_us).map(ask::as_ordered)?;
        let again = Question {
            items: vec![ordered],
            at_us: question.at_us,
            setting: Setting::Outpatient,
            place: known.place.clone(),
            order: String::new(),
            exceptions: Vec::new(),
        };
        let ruling = decide(&again, std::slice::from_ref(&earlier.facts.prior), known.tables.policy());
        let considered: Option<Considered> = ruling.items.into_iter().flat_map(|i| i.considered).next();
        let mut shown = self.shown(reminder.id.clone(), &considered?, &earlier, now_us());
        shown.reminder = reminder;
        Some((shown, question.context.clone(), answer))
    }
}
