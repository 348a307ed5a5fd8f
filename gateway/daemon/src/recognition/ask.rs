//! A question: which items are ordered, what earlier results there are, what the rules say of them, and of what the doctor
//! is reminded.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::Ordering;
use std::time::Instant;

use hutong_commit::projection::ReadError;
use hutong_enforce::recognition::desk::{Ask, Degraded, ItemTold, Mode, OrderAsked, Shown, Told};
use hutong_enforce::recognition::record::{Asked, AskedItem, Choice, Context, Record, Reminder, Trigger};
use hutong_enforce::recognition::{
    Considered, ItemKind, ItemRuling, Marks, OrderedItem, Place, Prior, Question, Setting, Verdict, decide, moment,
};
use hutong_fhir::calendar::{DAY_US, china_day, date};
use hutong_identify::registry::Item;

use super::prior::{self, Facts};
use super::recall::{self, Recalled, Wanted};
use super::{InForce, Recognition, TIME_MAX, view};
use crate::community::{Community, key};
use crate::ingest::now_us;

/// Records of one person that are looked at.
const RECORDS_MAX: usize = 40;
/// Results of one item of which somebody is reminded: the newest.
const REMINDERS_MAX: usize = 3;
/// Orders of one question that are looked at; further ones are degraded.
const ORDERS_MAX: usize = 100;
/// Items of one question.
const ITEMS_MAX: usize = 400;

/// An order's item as the community knows it.
struct Ordered {
    /// Position of the order in the question.
    order: usize,
    item: OrderedItem,
    name: String,
}

/// What is known when a question begins: taken at once, so that one state of the community answers it.
pub(super) struct Known {
    pub(super) tables: InForce,
    ordered: Vec<Ordered>,
    codes: BTreeSet<String>,
    pub(super) place: Place,
    /// Ids of Patients, and of those whose results are in doubt.
    records: Vec<String>,
    doubtful: BTreeSet<String>,
    too_many: bool,
}

/// An earlier result as it is told of.
pub(super) struct Earlier {
    pub(super) facts: Facts,
    /// Name of the item.
    name: String,
    institution_name: String,
    /// Id of the source that sent it.
    source: String,
}

impl Recognition {
    pub(super) fn told(&self, ask: &Ask) -> Told {
        let started = Instant::now();
        let position = self.store.durable();
        // nothing is decided by what stands before a merge or a correction that came earlier
        let in_time = self.store.wait_applied(position, TIME_MAX);
        let mut told = Told { id: self.guids.next(), items: Vec::new(), degraded: None, position, records: Vec::new() };
        let known = self.known(ask);
        let earlier = if in_time { self.earlier(ask, &known) } else { Err(Degraded::Late) };
        let (earlier, mut degraded) = match earlier {
            Ok((earlier, cut)) => (earlier, cut.then_some(Degraded::TooMany)),
            Err(why) => (Vec::new(), Some(why)),
        };
        if known.too_many {
            degraded = degraded.or(Some(Degraded::TooMany));
        }
        self.answer(ask, &known, &earlier, &mut told);
        if started.elapsed() > TIME_MAX {
            degraded = Some(Degraded::Late);
        }
        told.degraded = degraded;
        if let Some(why) = degraded {
            // an order is never held up by what could not be looked at
            told.items.iter_mut().for_each(|item| item.mode = Mode::Remind);
            tracing::warn!(rule = "recognition.degraded", ?why, id = told.id, "a question about earlier results was not answered whole");
        }
        self.record(ask, &known, &earlier, &mut told, started);
        told
    }

    /// Resolves what is ordered, who orders, and whose results count.
    pub(super) fn known(&self, ask: &Ask) -> Known {
        let community = self.community.read();
        let registry = &community.registry;
        let institution = &ask.context.institution;
        let (mut ordered, mut codes, mut too_many) = (Vec::new(), BTreeSet::new(), ask.orders.len() > ORDERS_MAX);
        for (n, order) in ask.orders.iter().enumerate().take(ORDERS_MAX) {
            let found = order.codes.iter().find_map(|(system, code)| registry.item_of(institution, system, code, ask.at_us));
            for item in found.map(|item| with_parts(&community, item, ask.at_us)).unwrap_or_default() {
                if ordered.len() >= ITEMS_MAX {
                    too_many = true;
                    break;
                }
                codes.extend(registry.codes_of(&item.code).iter().map(|(_, code)| code.clone()));
                ordered.push(Ordered { order: n, item: as_ordered(item), name: item.name.clone() });
            }
        }
        let place = place(&community, institution, &ask.context.department, ask.at_us);
        let (records, doubtful) = records(&community, ask);
        too_many |= records.len() > RECORDS_MAX;
        Known { tables: community.tables.clone(), ordered, codes, place, records, doubtful, too_many }
    }

    /// The earlier results of the person; and whether there are more than were looked at that could still be valid.
    fn earlier(&self, ask: &Ask, known: &Known) -> Result<(Vec<Earlier>, bool), Degraded> {
        let is_visit = ask.trigger == Trigger::Visit && ask.orders.is_empty();
        if !is_visit && known.codes.is_empty() {
            return Ok((Vec::new(), false));
        }
        let items = known.ordered.iter().map(|o| o.item.item.as_str());
        let longest_us = if is_visit { known.tables.longest_us(std::iter::empty()) } else { known.tables.longest_us(items) };
        if is_visit && longest_us == 0 {
            return Ok((Vec::new(), false));
        }
        // a day more: what has just expired is worth saying
        let since_us = ask.at_us.saturating_sub(longest_us).saturating_sub(DAY_US);
        let of_kind = |laboratory: bool| is_visit || known.ordered.iter().any(|o| (o.item.kind == ItemKind::Laboratory) == laboratory);
        let wanted = Wanted {
            patients: known.records.iter().take(RECORDS_MAX).cloned().collect(),
            codes: if is_visit { BTreeSet::new() } else { known.codes.clone() },
            items: if is_visit { 0 } else { known.ordered.len() },
            since: if is_visit { date(china_day(since_us)) } else { String::new() },
            observations: of_kind(true),
            reports: of_kind(false),
        };
        let read = |e: ReadError| match e {
            ReadError::TooCostly => Degraded::TooMany,
            _ => Degraded::Unreadable,
        };
        let recalled = recall::recall(&self.reader, &wanted).map_err(read)?;
        let cut = recalled.more_before.as_ref().is_some_and(|before| moment(before).is_none_or(|at| at >= since_us));
        Ok((self.facts(ask, known, &recalled).map_err(read)?, cut))
    }

    /// What was recalled, as facts of items and institutions.
    pub(super) fn facts(&self, ask: &Ask, known: &Known, recalled: &Recalled) -> Result<Vec<Earlier>, ReadError> {
        let marks = &known.tables.marks;
        let mut all: Vec<(Facts, u64, hutong_fhir::NodeRef<'_>, bool)> = Vec::new();
        for found in &recalled.observations {
            let root = found.tree.root();
            let reference = root.at("id").map(|id| format!("Observation/{id}")).unwrap_or_default();
            all.push((prior::of_observation(root, recalled.holder(&reference), marks), found.seq, root, true));
        }
        for found in &recalled.reports {
            let root = found.tree.root();
            // which kind it is, is known with its item; data is looked at for tracings, and judged below
            all.push((prior::of_report(root, ItemKind::Tracing, marks), found.seq, root, false));
        }
        let mut seqs: Vec<u64> = all.iter().map(|(_, seq, ..)| *seq).collect();
        seqs.sort_unstable();
        seqs.dedup();
        let sources: HashMap<u64, String> = seqs.iter().copied().zip(self.reader.sources(&seqs)?).collect();
        let spoken_for: HashMap<String, String> = self.sources.all().iter().map(|s| (s.id.clone(), s.institution().to_owned())).collect();
        let organizations = self.organizations(&all.iter().flat_map(|(f, ..)| f.organizations.iter()).collect())?;
        let mut out = Vec::new();
        {
            let community = self.community.read();
            for (mut facts, seq, root, is_laboratory) in all {
                let source = sources.get(&seq).map_or("", String::as_str);
                let sender = spoken_for.get(source).map_or(source, String::as_str);
                let at_us = [&facts.prior.reported, &facts.prior.studied, &facts.prior.collected];
                let at_us = at_us.into_iter().find_map(|t| moment(t)).unwrap_or(ask.at_us);
                let codes = facts.organizations.iter().flat_map(|r| organizations.get(r).map_or(std::slice::from_ref(r), Vec::as_slice));
                let examined = codes.into_iter().find(|code| community.registry.has_institution(code)).cloned();
                let institution = examined.as_deref().unwrap_or(sender);
                let found = facts.codes.iter().find_map(|(system, code)| {
                    let of = |who: &str| community.registry.item_of(who, system, code, at_us);
                    of(sender).or_else(|| of(institution))
                });
                let Some(item) = found else { continue };
                let kind = kind(&item.kind);
                if (kind == ItemKind::Laboratory) != is_laboratory {
                    continue;
                }
                if kind != ItemKind::Laboratory && kind != ItemKind::Tracing {
                    facts = prior::of_report(root, kind, marks);
                }
                facts.method(root, &item.method);
                facts.prior.item.clone_from(&item.code);
                facts.prior.place = place(&community, institution, "", at_us);
                facts.prior.doubtful_identity = known.doubtful.contains(facts.patient.trim_start_matches("Patient/"));
                let institution_name =
                    community.registry.institution(institution, at_us).map_or_else(|| institution.to_owned(), |i| i.name.clone());
                out.push(Earlier { facts, name: item.name.clone(), institution_name, source: source.to_owned() });
            }
        }
        self.footnotes(&mut out, marks)?;
        self.studies(&mut out)?;
        Ok(out)
    }

    /// Codes of Organizations, by reference.
    fn organizations(&self, references: &BTreeSet<&String>) -> Result<HashMap<String, Vec<String>>, ReadError> {
        let mut out = HashMap::new();
        for reference in references.iter().filter(|r| r.starts_with("Organization/")) {
            let Some(found) = recall::read(&self.reader, reference)? else { continue };
            let identifiers = found.tree.root().children().filter(|c| c.name() == "identifier");
            out.insert((*reference).clone(), identifiers.filter_map(|i| i.at("value")).map(str::to_owned).collect());
        }
        Ok(out)
    }

    /// Marks that the result does not bear itself: below the report, or as the site says what a sign stands for.
    fn footnotes(&self, earlier: &mut [Earlier], marks: &Marks) -> Result<(), ReadError> {
        for Earlier { facts, source, .. } in earlier {
            let last = facts.footnote_at(marks).map(|last| recall::read(&self.reader, last)).transpose()?.flatten();
            if let Some(last) = last {
                facts.footnote(last.tree.root(), marks);
            }
            facts.explain(marks, self.setting.signs.get(source.as_str()));
        }
        Ok(())
    }

    /// Looks whether images can be opened now.
    fn studies(&self, earlier: &mut [Earlier]) -> Result<(), ReadError> {
        for facts in earlier.iter_mut().map(|e| &mut e.facts).filter(|f| !f.prior.reachable && !f.studies.is_empty()) {
            for study in &facts.studies {
                facts.prior.reachable |= recall::read(&self.reader, study)?.is_some_and(|s| prior::opens(s.tree.root()));
            }
        }
        Ok(())
    }

    /// Decides, item by item, and reminds.
    fn answer(&self, ask: &Ask, known: &Known, earlier: &[Earlier], told: &mut Told) {
        let priors: Vec<Prior> = earlier.iter().map(|e| e.facts.prior.clone()).collect();
        let by_result: HashMap<&str, &Earlier> = earlier.iter().map(|e| (e.facts.prior.result.as_str(), e)).collect();
        let decided = |order: &OrderAsked, items: Vec<OrderedItem>| {
            let question = Question {
                items,
                at_us: ask.at_us,
                setting: ask.setting.unwrap_or(Setting::Outpatient),
                place: known.place.clone(),
                order: order.order.clone(),
                exceptions: order.exceptions.clone(),
            };
            decide(&question, &priors, known.tables.policy()).items
        };
        if ask.orders.is_empty() {
            // a visit: whatever there is to recognise
            let names: BTreeMap<&str, &Earlier> = earlier.iter().map(|e| (e.facts.prior.item.as_str(), e)).collect();
            let community = self.community.read();
            let of = |code: &&str| community.registry.item(code, ask.at_us).map(as_ordered);
            let items = names.keys().filter_map(of).collect();
            drop(community);
            for ruling in decided(&OrderAsked::default(), items) {
                let name = names.get(ruling.item.as_str()).map(|e| e.name.clone()).unwrap_or_default();
                let item = self.item(ask, &OrderAsked::default(), name, ruling, &by_result);
                if !item.reminders.is_empty() {
                    told.items.push(item);
                }
            }
            return;
        }
        for (n, order) in ask.orders.iter().enumerate() {
            let mine = || known.ordered.iter().filter(|o| o.order == n);
            let rulings = decided(order, mine().map(|o| o.item.clone()).collect());
            if rulings.is_empty() {
                let ruling = ItemRuling { item: String::new(), verdict: Verdict::NoPriorResult, considered: Vec::new() };
                told.items.push(self.item(ask, order, order.name.clone(), ruling, &by_result));
            }
            for (ruling, ordered) in rulings.into_iter().zip(mine()) {
                told.items.push(self.item(ask, order, ordered.name.clone(), ruling, &by_result));
            }
        }
    }

    /// What is told of one item.
    fn item(&self, ask: &Ask, order: &OrderAsked, name: String, ruling: ItemRuling, earlier: &HashMap<&str, &Earlier>) -> ItemTold {
        let context = Context { order: order.order.clone(), ..ask.context.clone() };
        let community = self.community.read();
        let (mut reminders, mut refused, mut recognised) = (Vec::new(), 0, 0);
        let to_recognise = ruling.considered.iter().filter(|c| c.fell.is_none() && ruling.verdict == Verdict::Recognise);
        for considered in to_recognise.take(REMINDERS_MAX) {
            recognised += 1;
            let pair = view::pair(&considered.result, &context);
            if let Some(answer) = community.recognition.answer(&pair) {
                refused += usize::from(answer.choice == Choice::Refused);
                continue;
            }
            let is_known = || community.recognition.is_known(&context.institution, &considered.result);
            if ask.trigger == Trigger::Visit && is_known() {
                continue;
            }
            let given = community.recognition.given_for(&pair).filter(|g| g.item == ruling.item);
            let id = given.map_or_else(|| self.guids.next(), |g| g.reminder.id.clone());
            reminders.extend(earlier.get(considered.result.as_str()).map(|e| self.shown(id, considered, e, now_us())));
        }
        let mode = if ask.trigger == Trigger::Visit || recognised == refused {
            Mode::Remind
        } else {
            self.setting.mode(&ask.source, &ruling.item)
        };
        ItemTold { order: order.order.clone(), name, mode, ruling, reminders }
    }

    pub(super) fn shown(&self, id: String, considered: &Considered, earlier: &Earlier, now_us: i64) -> Shown {
        let facts = &earlier.facts;
        let link = self.links.path(&id, now_us);
        let reported = [&facts.prior.reported, &facts.prior.studied, &facts.prior.collected].into_iter().find(|t| !t.is_empty());
        Shown {
            reminder: Reminder {
                id,
                result: considered.result.clone(),
                report: considered.report.clone(),
                patient: facts.patient.clone(),
                report_number: facts.report_number.clone(),
                institution: facts.prior.place.institution.clone(),
                rule: considered.rule.clone(),
                mark: considered.mark.clone(),
                certificate: considered.certificate.clone(),
            },
            item_name: earlier.name.clone(),
            institution_name: earlier.institution_name.clone(),
            reported: reported.cloned().unwrap_or_default(),
            value: facts.value.clone(),
            until_us: considered.until_us,
            link,
        }
    }

    /// One record for each order, or for the visit.
    fn record(&self, ask: &Ask, known: &Known, earlier: &[Earlier], told: &mut Told, started: Instant) {
        let reminded = told.items.iter().map(|i| i.reminders.len() as u64).sum();
        self.counts.asked.fetch_add(1, Ordering::Relaxed);
        self.counts.degraded.fetch_add(u64::from(told.degraded.is_some()), Ordering::Relaxed);
        self.counts.reminded.fetch_add(reminded, Ordering::Relaxed);
        let none = [OrderAsked::default()];
        let orders = if ask.orders.is_empty() { &none[..] } else { &ask.orders };
        for (n, order) in orders.iter().enumerate() {
            let items = told.items.iter().filter(|i| i.order == order.order);
            let record = Asked {
                id: if n == 0 { told.id.clone() } else { self.guids.next() },
                at_us: ask.at_us,
                trigger: ask.trigger,
                context: Context { order: order.order.clone(), ..ask.context.clone() },
                items: items.map(|item| asked_item(item, known, earlier)).collect(),
                ms: u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX),
                degraded: told.degraded.is_some(),
            };
            told.records.push(Record::Asked(record));
        }
    }
}

fn asked_item(told: &ItemTold, known: &Known, earlier: &[Earlier]) -> AskedItem {
    let tables = &known.tables;
    let of_item = earlier.iter().map(|e| &e.facts.prior).filter(|p| p.item == told.ruling.item && !told.ruling.item.is_empty());
    let (mut marked, mut verified) = (0, 0);
    for prior in of_item {
        let marks = tables.marks.find(&prior.marks);
        let at_us = [&prior.reported, &prior.studied, &prior.collected].into_iter().find_map(|t| moment(t)).unwrap_or(i64::MIN);
        marked += u32::from(!marks.is_empty());
        verified += u32::from(marks.iter().any(|mark| tables.certificates.bear_out(mark, &prior.place, &prior.item, at_us)));
    }
    let because = match &told.ruling.verdict {
        Verdict::MayRepeat { because } => because.code().to_owned(),
        Verdict::Excepted { reason } => reason.clone(),
        Verdict::Recognise | Verdict::NoPriorResult => String::new(),
    };
    AskedItem {
        item: told.ruling.item.clone(),
        verdict: told.ruling.verdict.code().to_owned(),
        because,
        reminders: told.reminders.iter().map(|s| s.reminder.clone()).collect(),
        marked,
        verified,
    }
}

/// The item, or those of which it consists.
fn with_parts<'c>(community: &'c Community, item: &'c Item, at_us: i64) -> Vec<&'c Item> {
    if item.parts.is_empty() {
        return vec![item];
    }
    item.parts.iter().filter_map(|part| community.registry.item(part, at_us)).collect()
}

pub(super) fn as_ordered(item: &Item) -> OrderedItem {
    OrderedItem {
        item: item.code.clone(),
        kind: kind(&item.kind),
        method: item.method.clone(),
        unit: item.unit.clone(),
        reference: String::new(),
    }
}

fn kind(name: &str) -> ItemKind {
    match name {
        "imaging" => ItemKind::Imaging,
        "tracing" => ItemKind::Tracing,
        "pathology" => ItemKind::Pathology,
        _ => ItemKind::Laboratory,
    }
}

/// An institution as of a day.
fn place(community: &Community, institution: &str, department: &str, at_us: i64) -> Place {
    let known = community.registry.institution(institution, at_us);
    Place {
        institution: institution.to_owned(),
        department: department.to_owned(),
        region: known.map(|i| i.region.clone()).unwrap_or_default(),
        community: known.map(|i| i.community.clone()).unwrap_or_default(),
    }
}

/// All records of the person, and those of which it is not sure: with an open review, or under review as the same person.
fn records(community: &Community, ask: &Ask) -> (Vec<String>, BTreeSet<String>) {
    let id = |reference: &str| reference.strip_prefix("Patient/").unwrap_or(reference).to_owned();
    let own = id(&ask.context.patient);
    if own.is_empty() {
        return (Vec::new(), BTreeSet::new());
    }
    let mut records = community.records_of(&own);
    for same in &ask.same {
        records.extend(community.records_of(&id(same)));
    }
    records.push(own.clone());
    let asked_about = key(&own);
    let unsure = community.reviews.is_open(&asked_about);
    let mut doubtful: BTreeSet<String> = records.iter().filter(|r| unsure || community.reviews.is_open(&key(r))).cloned().collect();
    for candidate in community.reviews.candidates(&asked_about).map(id) {
        if !records.contains(&candidate) {
            doubtful.insert(candidate.clone());
            records.push(candidate);
        }
    }
    // the hospital's own number is the patient, whoever that is
    doubtful.remove(&own);
    records.sort();
    records.dedup();
    // what is cut where there are too many must not be the patient's own
    records.sort_by_key(|r| *r != own);
    (records, doubtful)
}
