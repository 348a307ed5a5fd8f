//! The desk of mutual recognition: recalls earlier results, decides, reminds, and takes the doctors' answers. The protocols
//! ask it through [`hutong_enforce::recognition::desk::Desk`]; what is put on record comes back through the journal into
//! [`View`].

mod again;
mod ask;
mod guid;
mod keep;
mod link;
mod prior;
mod recall;
mod reply;
mod setting;
mod tables;
mod task;
#[cfg(test)]
mod tests;
mod view;

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hutong_commit::entry::EventDraft;
use hutong_commit::projection::Reader;
use hutong_commit::store::Store;
use hutong_enforce::recognition::desk::{Acted, Ask, Desk, Reply, Shown, Told};
use hutong_enforce::recognition::record::{Choice, Context, Record};
use hutong_fhir::Finding;
use hutong_receive::sources::Sources;

pub(crate) use keep::{Keeper, resource};
pub(crate) use link::{BLOCK, hmac};
pub(crate) use recall::read_json;
pub(crate) use setting::Setting;
pub(crate) use tables::{Import, InForce, Table, Tables, UnknownSet};
pub(crate) use view::View;

use crate::cli::Failure;
use crate::community::Shared;
use crate::ingest::now_us;

/// Kind of the events.
pub(crate) const RECOGNITION: &str = "recognition";

/// The time that an answer may take, whole.
const TIME_MAX: Duration = Duration::from_millis(500);

/// How long an answer that was given here keeps another one of the same result and order away before it must be in the
/// journal; one that never came there may be given again then.
const PROMISED: Duration = Duration::from_secs(2);

/// The event of a record.
pub(crate) fn draft(record: &Record) -> EventDraft {
    // a record is texts and numbers: writing it cannot fail
    EventDraft { kind: RECOGNITION.to_owned(), body: serde_json::to_vec(record).unwrap_or_default() }
}

/// See the file's head; cheap to share.
pub(crate) struct Recognition {
    store: Arc<Store>,
    reader: Reader,
    community: Shared,
    sources: Arc<Sources>,
    setting: Setting,
    links: link::Links,
    guids: guid::Guids,
    /// Pairs whose answer was just given and is on its way into the journal.
    promised: Mutex<HashMap<view::Pair, Instant>>,
    pub(crate) counts: Counts,
}

/// What was asked since the start.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) asked: AtomicU64,
    pub(crate) degraded: AtomicU64,
    pub(crate) reminded: AtomicU64,
    pub(crate) answered: AtomicU64,
}

impl Recognition {
    pub(crate) fn new(
        store: Arc<Store>,
        reader: Reader,
        community: Shared,
        sources: Arc<Sources>,
        setting: Setting,
    ) -> Result<Recognition, Failure> {
        let (links, guids) = (link::Links::new(setting.link_minutes)?, guid::Guids::new()?);
        Ok(Recognition { store, reader, community, sources, setting, links, guids, promised: Mutex::default(), counts: Counts::default() })
    }

    /// Signs links with the key that is kept in a data directory.
    pub(crate) fn with_links_of(mut self, data: &Path) -> Result<Recognition, Failure> {
        self.links = link::Links::kept(self.setting.link_minutes, data)?;
        Ok(self)
    }
}

impl Desk for Recognition {
    fn ask(&self, ask: &Ask) -> Told {
        self.told(ask)
    }

    fn reply(&self, reply: &Reply) -> Result<Acted, Vec<Finding>> {
        self.acted(reply)
    }

    fn opens(&self, reminder: &str, until_s: i64, signature: &str) -> bool {
        self.links.opens(reminder, until_s, signature, now_us())
    }

    fn reminded(&self, reminder: &str) -> Option<(Shown, Context, Option<Choice>)> {
        self.shown_again(reminder)
    }

    fn reasons(&self) -> Vec<(String, String, String, bool)> {
        let tables = self.community.read().tables.clone();
        tables.reasons.all().iter().map(|r| (r.code.clone(), r.zh.clone(), r.en.clone(), r.wants_diagnosis)).collect()
    }
}
