//! From events to records: what is to be sent, read page by page, and what a record needs of the events before it.

use std::collections::{BTreeMap, HashMap};

use hutong_commit::projection::{ReadError, Reader, StoredEvent};
use hutong_enforce::recognition::record::{Answered, Context, Record, Reminder, Trigger};

use super::form::Kind;
use super::queue::{Job, Place, Queue};
use super::values::{Telling, values};
use super::{Event, PLATFORM};
use crate::community::Shared;
use crate::recognition::RECOGNITION;

const PAGE: usize = 500;
/// Records that wait at most; what comes after them is read when there is room.
const WAITING: usize = 20_000;
/// How long reminders and answers can be spoken of again, microseconds: 120 days.
const KEPT_US: i64 = 120 * 86_400_000_000;

/// Where a reminder or an answer stands.
type Stands = (u64, u32);

pub(super) struct Gather {
    reader: Reader,
    community: Shared,
    after: Option<(u64, u32)>,
    reminders: HashMap<String, Stands>,
    answers: HashMap<String, Stands>,
}

/// A reminder with its question.
struct Told {
    context: Context,
    trigger: Trigger,
    item: String,
    reminder: Reminder,
}

impl Gather {
    pub(super) fn new(reader: Reader, community: Shared) -> Gather {
        Gather { reader, community, after: None, reminders: HashMap::new(), answers: HashMap::new() }
    }

    /// What earlier starts have done.
    pub(super) fn recall(&self, queue: &mut Queue) -> Result<(), ReadError> {
        let mut after = None;
        loop {
            let page = self.reader.events(PLATFORM, after, PAGE)?;
            for event in page.iter().filter_map(|e| serde_json::from_slice::<Event>(&e.body).ok()) {
                queue.follow(event);
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some((last.seq, last.n)),
                _ => return Ok(()),
            }
        }
    }

    /// Adds what came; false: there is nothing new, or no room.
    pub(super) fn read(&mut self, queue: &mut Queue, now_us: i64) -> Result<bool, ReadError> {
        if queue.len() > WAITING {
            return Ok(false);
        }
        let page = self.reader.events(RECOGNITION, self.after, PAGE)?;
        for event in &page {
            self.after = Some((event.seq, event.n));
            // long done, and never spoken of again
            if event.at_us < now_us.saturating_sub(KEPT_US) && (event.seq, event.n, u32::MAX) < queue.before() {
                continue;
            }
            if let Ok(record) = serde_json::from_slice(&event.body) {
                self.add(queue, event, &record);
            }
            queue.read_to(event.seq, event.n);
        }
        Ok(!page.is_empty())
    }

    fn add(&mut self, queue: &mut Queue, event: &StoredEvent, record: &Record) {
        let stands = (event.seq, event.n);
        let mut job = |k: u32, kind: Kind, guid: &str| {
            if !record.context().is_test {
                let patient = record.context().patient.clone();
                queue.add(Job { place: (event.seq, event.n, k), kind, guid: guid.to_owned(), patient, failed: None });
            }
        };
        match record {
            Record::Asked(r) => {
                let reminders = r.items.iter().flat_map(|i| &i.reminders);
                for (k, reminder) in (0..).zip(reminders) {
                    // told again it is the same record
                    if self.reminders.insert(reminder.id.clone(), stands).is_none() {
                        job(k, Kind::Reminder, &reminder.id);
                    }
                }
            }
            Record::Viewed(r) => job(0, Kind::View, &r.id),
            Record::Answered(r) => {
                self.answers.insert(r.id.clone(), stands);
                job(0, Kind::Decision, &r.id);
            }
            Record::Revoked(r) => job(0, Kind::Decision, &r.id),
        }
    }

    /// The values of a record; `None`: what it is about is not known any more.
    pub(super) fn values(&self, job: &Job) -> Result<Option<BTreeMap<&'static str, String>>, ReadError> {
        let (seq, n, _): Place = job.place;
        let Some(record) = self.event((seq, n))? else { return Ok(None) };
        let (at_us, answer) = match &record {
            Record::Asked(r) => (r.at_us, None),
            Record::Viewed(r) => (r.at_us, None),
            Record::Answered(r) => (r.at_us, Some((r.clone(), false))),
            Record::Revoked(r) => match self.answer(&r.answer)? {
                Some(answer) => (r.at_us, Some((answer, true))),
                None => return Ok(None),
            },
        };
        let reminder = match (&record, &answer) {
            (_, Some((answer, _))) => &answer.reminder,
            (Record::Viewed(r), _) => &r.reminder,
            _ => &job.guid,
        };
        let told = match (self.told(reminder)?, &answer) {
            (Some(told), _) => told,
            // an answer tells itself what it is about
            (None, Some((a, _))) => Told {
                context: a.context.clone(),
                trigger: if a.context.order.is_empty() { Trigger::Visit } else { Trigger::Order },
                item: a.item.clone(),
                reminder: Reminder { id: a.reminder.clone(), result: a.result.clone(), ..Reminder::default() },
            },
            (None, None) => return Ok(None),
        };
        let context = over(record.context(), &told.context);
        let telling = Telling {
            guid: &job.guid,
            at_us,
            context: &context,
            trigger: told.trigger,
            item: &told.item,
            reminder: &told.reminder,
            answer: answer.as_ref().map(|(a, revoked)| (a, *revoked)),
        };
        values(&telling, &self.reader, &self.community).map(Some)
    }

    fn event(&self, (seq, n): Stands) -> Result<Option<Record>, ReadError> {
        let after = match n.checked_sub(1) {
            Some(n) => (seq, n),
            None => (seq.saturating_sub(1), u32::MAX),
        };
        let found = self.reader.events(RECOGNITION, Some(after), 1)?;
        Ok(found.first().filter(|e| (e.seq, e.n) == (seq, n)).and_then(|e| serde_json::from_slice(&e.body).ok()))
    }

    fn told(&self, reminder: &str) -> Result<Option<Told>, ReadError> {
        let Some(stands) = self.reminders.get(reminder) else { return Ok(None) };
        let Some(Record::Asked(asked)) = self.event(*stands)? else { return Ok(None) };
        for item in asked.items {
            if let Some(found) = item.reminders.into_iter().find(|r| r.id == reminder) {
                return Ok(Some(Told { context: asked.context, trigger: asked.trigger, item: item.item, reminder: found }));
            }
        }
        Ok(None)
    }

    fn answer(&self, id: &str) -> Result<Option<Answered>, ReadError> {
        let Some(stands) = self.answers.get(id) else { return Ok(None) };
        Ok(match self.event(*stands)? {
            Some(Record::Answered(answer)) => Some(answer),
            _ => None,
        })
    }
}

/// What a view or an answer does not say is the question's.
fn over(own: &Context, question: &Context) -> Context {
    let pick = |own: &String, other: &String| if own.is_empty() { other.clone() } else { own.clone() };
    Context {
        institution: pick(&own.institution, &question.institution),
        department: pick(&own.department, &question.department),
        doctor: pick(&own.doctor, &question.doctor),
        patient: pick(&own.patient, &question.patient),
        order: pick(&own.order, &question.order),
        visit: pick(&own.visit, &question.visit),
        channel: own.channel.clone(),
        is_test: own.is_test,
    }
}
