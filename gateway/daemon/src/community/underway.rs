//! Records that are on their way into the journal and not yet in the register.
//!
//! Two hospitals register the same person within milliseconds: the second message waits until the first can be seen, and
//! only then. Where that takes too long it is judged without, and the next message of either finds the other.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hutong_identify::Person;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

use super::{Community, Shared};

/// The longest that a message waits for another one.
const WAIT: Duration = Duration::from_millis(100);
const STEP: Duration = Duration::from_millis(1);
/// After this a record that never came is not waited for: its message was refused, or sent before.
const EXPECTED: Duration = Duration::from_secs(2);
/// Records expected at once; the oldest are forgotten first.
const MOST: usize = 10_000;

#[derive(Default)]
pub(crate) struct Underway(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// By a number that only grows.
    all: BTreeMap<u64, Expected>,
    under: HashMap<u64, Vec<u64>>,
    next: u64,
}

struct Expected {
    key: String,
    person: Person,
    since: Instant,
}

impl Underway {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place in the order of all: what is added from here on is not waited for, for it is of the same frame.
    pub(crate) fn mark(&self) -> u64 {
        self.lock().next
    }

    /// Waits until what was expected before `mark`, and may be one of these, is in the register.
    pub(crate) fn settle(&self, community: &Shared, persons: &[(String, Person)], mark: u64) {
        if !self.awaits(&community.read(), persons, mark) {
            return;
        }
        let wait = || {
            let begun = Instant::now();
            while self.awaits(&community.read(), persons, mark) && begun.elapsed() < WAIT {
                std::thread::sleep(STEP);
            }
        };
        // other connections are served meanwhile: a burst of one person's messages must not hold up the rest
        match Handle::try_current().map(|h| h.runtime_flavor()) {
            Ok(RuntimeFlavor::MultiThread) => block_in_place(wait),
            _ => wait(),
        }
    }

    fn awaits(&self, community: &Community, persons: &[(String, Person)], mark: u64) -> bool {
        let mut inner = self.lock();
        if inner.all.is_empty() {
            return false;
        }
        inner.forget(community);
        persons.iter().any(|(key, person)| {
            let mut near = person.keys().into_iter().filter_map(|k| inner.under.get(&k)).flatten();
            near.any(|n| *n < mark && inner.all.get(n).is_some_and(|e| e.key != *key && !e.is_in(community)))
        })
    }

    /// These are about to be committed.
    pub(crate) fn expect(&self, persons: Vec<(String, Person)>) {
        let mut inner = self.lock();
        for (key, person) in persons {
            let n = inner.next;
            inner.next += 1;
            for k in person.keys() {
                inner.under.entry(k).or_default().push(n);
            }
            inner.all.insert(n, Expected { key, person, since: Instant::now() });
            if inner.all.len() > MOST {
                inner.drop_first();
            }
        }
    }
}

impl Expected {
    fn is_in(&self, community: &Community) -> bool {
        let register = &community.register;
        register.number(&self.key).and_then(|n| register.person(n)).as_ref() == Some(&self.person)
    }
}

impl Inner {
    /// Those that came, or never will.
    fn forget(&mut self, community: &Community) {
        while self.all.first_key_value().is_some_and(|(_, e)| e.since.elapsed() > EXPECTED || e.is_in(community)) {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        let Some((n, expected)) = self.all.pop_first() else { return };
        for k in expected.person.keys() {
            if let Some(under) = self.under.get_mut(&k) {
                under.retain(|m| *m != n);
                if under.is_empty() {
                    self.under.remove(&k);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hutong_identify::{Event, Weights};

    fn person(name: &str) -> Person {
        let mut p = Person::default();
        p.add_name(name);
        p.add_number("urn:oid:2.16.156.10011.1.15", "12345");
        p.settle();
        p
    }

    #[test]
    fn only_what_may_be_the_same_is_waited_for() {
        let (underway, mut community) =
            (Underway::default(), Community::new(Weights::built_in(), crate::recognition::Tables::shipped(&[]).ok().unwrap()));
        let mine = [("Patient/2".to_owned(), person("张三"))];
        let before = underway.mark();
        underway.expect(vec![("Patient/1".to_owned(), person("张三"))]);
        let mark = underway.mark();
        assert!(underway.awaits(&community, &mine, mark));
        assert!(!underway.awaits(&community, &mine, before), "what is of the same frame cannot come before it");
        assert!(!underway.awaits(&community, &[("Patient/1".to_owned(), person("张三"))], mark), "the record itself");
        let mut other = Person::default();
        other.add_name("李四");
        other.settle();
        assert!(!underway.awaits(&community, &[("Patient/3".to_owned(), other)], mark));
        community.register.apply(&Event::Record { key: "Patient/1".into(), person: person("张三") });
        assert!(!underway.awaits(&community, &mine, mark), "it came");
        assert!(underway.lock().all.is_empty() && underway.lock().under.is_empty());
    }
}
