//! Senders: connections that keep a number of messages in flight each and note how long answers take.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::demo::clients::{Mllp, code};
use crate::demo::counting;
use crate::demo::county::{COUNTY, PEOPLE, Person, with_check_digit};
use crate::demo::messages::{self, CHEMISTRY, Message};

/// What a load came to.
#[derive(Default)]
pub(crate) struct Load {
    pub(crate) answered: u64,
    pub(crate) refused: u64,
    pub(crate) seconds: f64,
    /// Time from the last byte sent to the answer read, microseconds, sorted.
    pub(crate) latency_us: Vec<u32>,
}

impl Load {
    /// The latency at `part` (0–1), milliseconds.
    pub(crate) fn percentile_ms(&self, part: f64) -> f64 {
        let last = self.latency_us.len().saturating_sub(1);
        self.latency_us.get((last as f64 * part) as usize).map_or(f64::NAN, |us| f64::from(*us) / 1000.0)
    }
}

/// Which message the senders send.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// ADT^A04: three resources and more.
    Adt,
    /// ORU^R01 of two results. Ten resources: header, patient, encounter, doctor, two organizations, order, report, results.
    Oru10,
    /// The same with seven results.
    Oru15,
    /// Seven results from a careful system, which names the specimen and who released them.
    Careful,
    /// ORM^O01: what a township examines itself.
    Ordered,
    /// ORU^R01: what the county hospital reads of the order of the same number.
    ReadAbove,
}

/// Who examines what is read above.
const BELOW: [&str; 4] = ["LXZXWSY", "SQWSY", "BHWSY", "CNSQ"];

/// Characters of given names.
const GIVEN: [char; 20] =
    ['安', '宁', '晨', '雨', '明', '华', '建', '国', '志', '远', '秀', '兰', '桂', '英', '文', '博', '思', '涵', '子', '轩'];

/// A patient of the load: `n` decides who; ids repeat after 50,000 so that patients have several results. They are people of
/// their own, who share no more than a county's people do: else every message would wait for one that may be of the same person.
pub(crate) fn message(kind: Kind, n: u64) -> Vec<u8> {
    built(kind, n).bytes()
}

pub(super) fn built(kind: Kind, n: u64) -> Message {
    let institution = &COUNTY[(n % 8) as usize];
    let person = &PEOPLE[(n % 8) as usize];
    let mrn: &'static str = PEOPLE[(n % 8) as usize].mrn;
    let unique = format!("{n:08}");
    let nth = n / 8 % 50_000;
    let patient = format!("{mrn}{nth:05}");
    let who = Person { mrn, birth: "19700101", ..*person };
    let exam = BELOW[(n % 4) as usize];
    let built = match kind {
        Kind::Ordered => counting::ordered(exam, &who, &unique),
        Kind::ReadAbove => counting::read_above(exam, &who, &unique),
        Kind::Adt => messages::admission(institution, &who, "A04", &format!("V{unique}")),
        Kind::Oru10 => messages::terse_laboratory(institution, &who, &format!("V{unique}"), &unique, &CHEMISTRY[..2]),
        Kind::Oru15 => messages::terse_laboratory(institution, &who, &format!("V{unique}"), &unique, &CHEMISTRY[..7]),
        Kind::Careful => messages::laboratory(institution, &who, &format!("V{unique}"), &unique, "F", &CHEMISTRY[..7], 1),
    };
    let birth = format!("19{:02}{:02}{:02}", 40 + nth % 60, 1 + nth / 60 % 12, 1 + nth / 720 % 28);
    let given = |at: u64| GIVEN.get((at % 20) as usize).copied().unwrap_or('安');
    let name: String = who.name.chars().take(1).chain([given(nth), given(nth / 20)]).collect();
    let card = with_check_digit(&format!("9{nth:05}{birth}{:03}", n % 8));
    let built = built.with(&format!("PID|1||{mrn}^"), &format!("PID|1||{patient}^")).with(&who.id_card(), &card);
    let built = built.with(who.name, &name).with(&format!("|{}|", who.birth), &format!("|{birth}|"));
    built.with(who.phone, &format!("139{nth:05}{:03}", n % 8))
}

/// Sends for `time` over `connections`, each with `in_flight` messages waiting for their answers.
pub(crate) fn run(
    to: SocketAddr,
    kind: Kind,
    connections: usize,
    in_flight: usize,
    time: Duration,
    next: &AtomicU64,
) -> std::io::Result<Load> {
    let from = Instant::now();
    let parts: Vec<std::io::Result<Load>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..connections).map(|_| scope.spawn(move || one(to, kind, in_flight, from + time, next))).collect();
        threads.into_iter().map(|t| t.join().unwrap_or_else(|_| Err(std::io::ErrorKind::Other.into()))).collect()
    });
    let mut all = Load::default();
    for part in parts {
        let part = part?;
        all.answered += part.answered;
        all.refused += part.refused;
        all.latency_us.extend(part.latency_us);
    }
    all.seconds = from.elapsed().as_secs_f64();
    all.latency_us.sort_unstable();
    Ok(all)
}

fn one(to: SocketAddr, kind: Kind, in_flight: usize, until: Instant, next: &AtomicU64) -> std::io::Result<Load> {
    let mut connection = Mllp::connect(to)?;
    let mut load = Load::default();
    let mut waiting: VecDeque<Instant> = VecDeque::with_capacity(in_flight);
    loop {
        while waiting.len() < in_flight && Instant::now() < until {
            connection.put(&message(kind, next.fetch_add(1, Ordering::Relaxed)))?;
            waiting.push_back(Instant::now());
        }
        let Some(sent) = waiting.pop_front() else { return Ok(load) };
        let answer = connection.answer()?;
        load.latency_us.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
        load.answered += 1;
        load.refused += u64::from(code(&answer) != "AA");
    }
}

/// Sends `count` results of institution `i` over one open connection, `in_flight` at a time, each changed by `change` and marked as
/// a test (MSH-11 T), which no figure counts; how many were answered AA.
pub(crate) fn pipelined(
    connection: &mut Mllp,
    i: usize,
    count: usize,
    in_flight: usize,
    change: impl Fn(&Message) -> Message,
) -> std::io::Result<usize> {
    let (mut sent, mut answered, mut accepted) = (0, 0, 0);
    while answered < count {
        while sent < count && sent - answered < in_flight {
            let message = built(Kind::Careful, 10_000_000 + (sent * 8 + i) as u64).with("|P|2.4|", "|T|2.4|");
            connection.put(&change(&message).bytes())?;
            sent += 1;
        }
        accepted += usize::from(code(&connection.answer()?) == "AA");
        answered += 1;
    }
    Ok(accepted)
}
