//! The data behind a figure: of each case what messages said of it, as it is now, and the receipts of those messages.

use std::collections::BTreeSet;

use hutong_count::cases::CaseRow;
use hutong_count::indicators::fhir::Of;
use hutong_fhir::id::from_identity;
use hutong_serve::{CollectAsk, Collected, CountedMessage, MeasureAsk, NotMeasured};

use super::{Counted, Measured, listed, person};
use crate::pages::sightings;

impl Measured {
    pub(super) fn collected(&self, ask: &MeasureAsk<'_>, part: &CollectAsk<'_>) -> Result<Collected, NotMeasured> {
        let (counted, cases, next) = self.cases(ask, part)?;
        let mut messages = Vec::new();
        for (case, entries) in cases {
            for seq in entries {
                messages.extend(self.message(case, seq, part.since_us)?);
            }
        }
        let wanted: BTreeSet<&str> = messages.iter().flat_map(|m| &m.resources).map(String::as_str).collect();
        let (mut resources, mut references) = (Vec::new(), Vec::new());
        for reference in wanted {
            let Some((kind, id)) = reference.split_once('/') else { continue };
            let found = self.reader.read(kind, id).map_err(|_| NotMeasured::Unavailable)?;
            if let Some(version) = found.filter(|v| !v.deleted) {
                references.push(reference.to_owned());
                resources.push(version.body);
            }
        }
        let place = [part.subject.unwrap_or_default(), &part.after.map_or_else(String::new, |after| after.to_string())].join("|");
        let id = from_identity("measure", "MeasureReport", [listed::id_of(ask).as_str(), "data", &place]);
        let report = self.written(&counted, ask, &id, Of::Data(&references))?;
        Ok(Collected { report, resources, messages, next })
    }

    /// The cases with their entries, and the case to go on after. The lock is given back before the journal is read.
    #[expect(clippy::type_complexity, reason = "three things that are known under one lock")]
    fn cases(&self, ask: &MeasureAsk<'_>, part: &CollectAsk<'_>) -> Result<(Counted<'_>, Vec<(u32, Vec<u64>)>, Option<u32>), NotMeasured> {
        let community = self.community.read();
        let counted = self.counted(&community, ask)?;
        let filter = counted.filter(ask)?;
        let person = part.subject.map(|patient| person(&community, patient)).transpose()?;
        let takes = |row: &CaseRow| filter.takes(row) && person.is_none_or(|p| row.person == Some(p));
        let rows = community.cases.cases(counted.figure.days, part.after, part.count.saturating_add(1), takes);
        // reports of one case stand together
        let mut cases: Vec<u32> = rows.iter().map(|row| row.case).collect();
        cases.dedup();
        let is_cut = rows.len() > part.count;
        cases.truncate(part.count);
        let next = cases.last().copied().filter(|_| is_cut);
        let with_entries = cases.into_iter().map(|case| (case, community.cases.entries(case))).collect();
        Ok((counted, with_entries, next))
    }

    /// What the message of an entry said of a case; `None`: nothing, or it came before `since_us`.
    fn message(&self, case: u32, seq: u64, since_us: Option<i64>) -> Result<Option<CountedMessage>, NotMeasured> {
        let entry = self.store.entry(seq).map_err(|_| NotMeasured::Unavailable)?;
        if since_us.is_some_and(|since| entry.committed_us() <= since) {
            return Ok(None);
        }
        let said = sightings(&entry, &self.community.read().cases, case);
        let mut resources: Vec<String> = Vec::new();
        for reference in said.into_iter().flat_map(|s| [s.resource, s.patient]) {
            if !reference.is_empty() && !resources.contains(&reference) {
                resources.push(reference);
            }
        }
        Ok((!resources.is_empty()).then(|| CountedMessage { case, receipt: entry.receipt().to_owned(), resources }))
    }
}
