//! The decision: recognise, may repeat, or no prior result; each with its reasons.

use super::certificates::{Certificates, Standing};
use super::rules::{From, Rule, RuleRef, Rules};
use super::time::moment;
use super::{ItemKind, Mark, Marks, OrderedItem, Prior, Question, Reasons, Status};
use hutong_fhir::ucum;
use serde::{Deserialize, Serialize};

/// A result further in the future than this has a wrong clock.
const AHEAD_MAX_US: i64 = 24 * 3_600 * 1_000_000;

/// Why an earlier result does not count.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Fall {
    /// It is of the order that is asked about.
    SameOrder,
    TestData,
    /// Not yet final.
    NotFinal,
    /// Cancelled or entered in error.
    Withdrawn,
    /// Only a doctor's conclusion, which is never recognised.
    ConclusionOnly,
    /// Images or recording cannot be opened.
    NotReachable,
    /// Whose result it is, is in doubt.
    DoubtfulIdentity,
    /// No rule in force speaks of the item.
    NoRule,
    /// The examining institution is out of the rule's reach.
    OutOfReach,
    /// The time from which it is valid is not known, or in the future.
    NoTime,
    /// No longer valid; until when it was.
    Expired {
        until_us: i64,
    },
    NoMark,
    /// The mark is not valid where the order is placed.
    MarkElsewhere {
        mark: String,
    },
    /// No certificate bears the mark out.
    MarkUnverified {
        mark: String,
    },
    /// The certificate was not valid when the result was reported.
    CertificateLapsed {
        mark: String,
        evidence: String,
    },
    /// The certificate is of a narrower scheme than the mark, or was not passed.
    CertificateInsufficient {
        mark: String,
        evidence: String,
    },
    OtherMethod,
    OtherUnit,
    OtherReference,
}

impl Fall {
    /// How far a result came before it fell: the farthest is what a doctor wants to hear.
    fn progress(&self) -> u8 {
        match self {
            Fall::SameOrder | Fall::TestData => 0,
            Fall::Withdrawn => 1,
            Fall::NotFinal => 2,
            Fall::ConclusionOnly => 3,
            Fall::DoubtfulIdentity => 4,
            Fall::NoRule => 5,
            Fall::OutOfReach => 6,
            Fall::NoTime => 7,
            Fall::Expired { .. } => 8,
            Fall::NoMark => 9,
            Fall::MarkElsewhere { .. } => 10,
            Fall::MarkUnverified { .. } => 11,
            Fall::CertificateInsufficient { .. } => 12,
            Fall::CertificateLapsed { .. } => 13,
            Fall::OtherMethod => 14,
            Fall::OtherUnit => 15,
            Fall::OtherReference => 16,
            Fall::NotReachable => 17,
        }
    }
}

/// What is said of an item.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// There are results to recognise.
    Recognise,
    /// There are results, and none binds; why the one that came nearest fell.
    MayRepeat {
        because: Fall,
    },
    /// A reason that permits a repetition whatever results there are.
    Excepted {
        reason: String,
    },
    NoPriorResult,
}

/// An earlier result that was looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Considered {
    pub result: String,
    pub report: String,
    /// The rule under which it is recognised, or came farthest.
    pub rule: Option<RuleRef>,
    /// `None`: it is recognised.
    pub fell: Option<Fall>,
    /// Until when it is valid.
    pub until_us: Option<i64>,
    /// The mark that binds, and where its certificate is.
    pub mark: Option<String>,
    pub certificate: Option<String>,
}

/// The decision on one item.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemRuling {
    pub item: String,
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Those recognised first, the newest before the older.
    pub considered: Vec<Considered>,
}

/// The decision on an order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ruling {
    pub items: Vec<ItemRuling>,
    /// Version of the registry of certificates that was looked at.
    pub certificates: String,
}

impl Ruling {
    /// Whether some item need not be examined again.
    pub fn recognises(&self) -> bool {
        self.items.iter().any(|i| i.verdict == Verdict::Recognise)
    }

    /// Whether no item of the order need be.
    pub fn recognises_all(&self) -> bool {
        !self.items.is_empty() && self.items.iter().all(|i| i.verdict == Verdict::Recognise)
    }
}

/// What the community has laid down.
#[derive(Clone, Copy)]
pub struct Policy<'p> {
    pub rules: &'p Rules,
    pub marks: &'p Marks,
    pub certificates: &'p Certificates,
    pub reasons: &'p Reasons,
}

/// Decides on an order, given all earlier results of the person for its items.
pub fn decide(question: &Question, priors: &[Prior], policy: Policy<'_>) -> Ruling {
    let items = question.items.iter().map(|item| of_item(question, item, priors, policy)).collect();
    Ruling { items, certificates: policy.certificates.version.clone() }
}

fn of_item(question: &Question, item: &OrderedItem, priors: &[Prior], policy: Policy<'_>) -> ItemRuling {
    let rules = policy.rules.applicable(&item.item, &question.place, question.setting, question.at_us);
    let mut considered: Vec<(i64, Considered)> = Vec::new();
    for prior in priors.iter().filter(|p| p.item == item.item) {
        let newest = [&prior.reported, &prior.studied, &prior.collected].into_iter().find_map(|t| moment(t)).unwrap_or(i64::MIN);
        considered.push((newest, consider(question, item, prior, &rules, policy)));
    }
    considered.sort_by(|(a, x), (b, y)| x.fell.is_some().cmp(&y.fell.is_some()).then(b.cmp(a)).then(x.result.cmp(&y.result)));
    let considered: Vec<Considered> = considered.into_iter().map(|(_, c)| c).collect();
    let declared = question.exceptions.iter().find(|code| policy.reasons.get(code).is_some());
    let falls = considered.iter().filter_map(|c| c.fell.as_ref());
    let verdict = match declared {
        Some(reason) => Verdict::Excepted { reason: reason.clone() },
        None if considered.iter().any(|c| c.fell.is_none()) => Verdict::Recognise,
        // a result of the order itself, of a test or withdrawn is as good as none
        None => match falls.filter(|f| f.progress() > 1).max_by_key(|f| f.progress()) {
            Some(fall) => Verdict::MayRepeat { because: fall.clone() },
            None => Verdict::NoPriorResult,
        },
    };
    ItemRuling { item: item.item.clone(), verdict, considered }
}

fn consider(question: &Question, item: &OrderedItem, prior: &Prior, rules: &[(RuleRef, &Rule)], policy: Policy<'_>) -> Considered {
    let mut best = Considered {
        result: prior.result.clone(),
        report: prior.report.clone(),
        rule: None,
        fell: own_fault(question, prior),
        until_us: None,
        mark: None,
        certificate: None,
    };
    if best.fell.is_some() {
        return best;
    }
    best.fell = Some(Fall::NoRule);
    for (reference, rule) in rules {
        let tried = try_rule(question, item, prior, rule, policy);
        let (fell, until_us, mark, certificate) = match tried {
            Ok(bound) => (None, Some(bound.until_us), bound.mark, bound.certificate),
            Err(fall) => (Some(fall), None, None, None),
        };
        let farther = match (&fell, &best.fell) {
            (None, _) => true,
            (Some(new), Some(old)) => new.progress() > old.progress(),
            (Some(_), None) => false,
        };
        if farther {
            let recognised = fell.is_none();
            best = Considered { rule: Some(reference.clone()), fell, until_us, mark, certificate, ..best };
            if recognised {
                break;
            }
        }
    }
    best
}

/// What is wrong with a result whatever the rules say.
fn own_fault(question: &Question, prior: &Prior) -> Option<Fall> {
    if !question.order.is_empty() && prior.orders.contains(&question.order) {
        return Some(Fall::SameOrder);
    }
    if prior.is_test {
        return Some(Fall::TestData);
    }
    match prior.status {
        Status::Final | Status::Amended | Status::Corrected | Status::Appended => {}
        Status::Cancelled | Status::EnteredInError => return Some(Fall::Withdrawn),
        Status::Preliminary | Status::Partial | Status::Registered | Status::Unknown => return Some(Fall::NotFinal),
    }
    if !prior.has_data {
        return Some(Fall::ConclusionOnly);
    }
    prior.doubtful_identity.then_some(Fall::DoubtfulIdentity)
}

struct Bound {
    until_us: i64,
    mark: Option<String>,
    certificate: Option<String>,
}

fn try_rule(question: &Question, item: &OrderedItem, prior: &Prior, rule: &Rule, policy: Policy<'_>) -> Result<Bound, Fall> {
    if !question.place.reaches(&prior.place, rule.reach) {
        return Err(Fall::OutOfReach);
    }
    let from = match rule.from {
        From::Collection => &prior.collected,
        From::Study => &prior.studied,
        From::Report => &prior.reported,
    };
    let from_us = moment(from).filter(|t| *t <= question.at_us.saturating_add(AHEAD_MAX_US)).ok_or(Fall::NoTime)?;
    let until_us = rule.period.end(from_us);
    if question.at_us > until_us {
        return Err(Fall::Expired { until_us });
    }
    let (mark, certificate) = if rule.wants_mark { marked(question, prior, from_us, policy)? } else { (None, None) };
    compare(item, prior, rule)?;
    // whichever of list and rule says that it is images or a recording
    if [rule.kind, item.kind].iter().any(|kind| *kind != ItemKind::Laboratory) && !prior.reachable {
        return Err(Fall::NotReachable);
    }
    Ok(Bound { until_us, mark, certificate })
}

/// The mark that binds at the ordering place, and its certificate.
fn marked(question: &Question, prior: &Prior, from_us: i64, policy: Policy<'_>) -> Result<(Option<String>, Option<String>), Fall> {
    let marks: Vec<&Mark> = policy.marks.find(&prior.marks);
    let mut worst = Fall::NoMark;
    // certificates are valid on days: what counts is the day of the report, or of the examination where it is all there is
    let at_us = moment(&prior.reported).unwrap_or(from_us);
    for mark in marks {
        let text = mark.text.clone();
        let fall = if mark.covers(&question.place)
            || (mark.scope == super::Scope::Community && question.place.reaches(&prior.place, mark.scope))
        {
            match policy.certificates.verify(mark, &prior.place, &prior.item, at_us) {
                Standing::Verified(c) => return Ok((Some(text), Some(c.evidence.clone()))),
                Standing::Lapsed(c) => Fall::CertificateLapsed { mark: text, evidence: c.evidence.clone() },
                Standing::Insufficient(c) => Fall::CertificateInsufficient { mark: text, evidence: c.evidence.clone() },
                Standing::None => Fall::MarkUnverified { mark: text },
            }
        } else {
            Fall::MarkElsewhere { mark: text }
        };
        if fall.progress() > worst.progress() {
            worst = fall;
        }
    }
    Err(worst)
}

/// Compares by what the rule names. What the ordering side does not know is not compared; what the result does not say
/// cannot be equal.
fn compare(item: &OrderedItem, prior: &Prior, rule: &Rule) -> Result<(), Fall> {
    if rule.same_method && !item.method.is_empty() && item.method != prior.method {
        return Err(Fall::OtherMethod);
    }
    if rule.same_unit && !item.unit.is_empty() && item.unit != prior.unit && !ucum::is_comparable(&item.unit, &prior.unit) {
        return Err(Fall::OtherUnit);
    }
    if rule.same_reference && !item.reference.is_empty() && item.reference != prior.reference {
        return Err(Fall::OtherReference);
    }
    Ok(())
}
