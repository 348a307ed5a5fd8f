//! Who may send: the registry of sources, and how a connection and a message are matched to one.
//!
//! A connection is matched before anything of it is read, by client certificate, bearer token or allow-listed
//! address. Where several sources share an address (an integration engine sends for several hospitals) the
//! message's own MSH-3/MSH-4 choose between exactly those; MSH-3/MSH-4 alone never grant anything.

mod address;
mod rate;

pub use address::Cidr;
pub use rate::Rate;

use crate::header::Header;
use hutong_fhir::finding::{Finding, Location, Severity};
use hutong_wire::limits::Limits;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

/// What to do when a control id comes again with other bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControlIdReuse {
    /// Reject with 205: the sender must not reuse ids.
    #[default]
    Conflict,
    /// Store as a new message with a warning: for systems whose ids begin again each day.
    AcceptFlagged,
}

/// What to answer when nothing can be stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum StoreUnavailable {
    /// Hold the answer, then close without one: every sender repeats on silence.
    #[default]
    #[serde(rename = "close")]
    Close,
    /// `MSA|AE` with 207.
    #[serde(rename = "AE207")]
    Ae207,
    /// `MSA|AR` with 207: "try later, nothing is wrong with the content".
    #[serde(rename = "AR207")]
    Ar207,
    /// `MSA|CE`.
    #[serde(rename = "CE")]
    Ce,
}

/// What an order is answered with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderAnswer {
    /// An ACK as on every message, with what there is to say of the order behind it. The default: a sender keeps getting the
    /// type of message that its interface was set up for.
    #[default]
    Ack,
    /// What HL7 has for it: ORR^O02, ORL^O22, ORG^O20 …, each order with its own answer.
    Response,
}

/// In which language a source's people read the answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// Chinese, then English.
    #[default]
    Both,
    Zh,
    En,
}

/// How bad something is, as a site settles it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Error,
    Warning,
    Information,
    /// Nothing is said.
    Ignore,
}

/// A system of a member institution that sends to us.
#[derive(Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Source {
    /// Stable, short, in logs and metrics: `stzx-lis`.
    pub id: String,
    /// For people: `中心医院检验系统`.
    pub name: String,
    /// Base of the identifier systems that this source assigns, e.g. `urn:oid:1.2.…` or a URL.
    pub namespace: String,
    /// Code of its institution in the registry, for which it asks; empty: its first MSH-4, else its id.
    pub institution: String,
    /// Overlays of the mappings that apply to it, later ones win: `["cn"]`.
    pub sites: Vec<String>,
    /// The (MSH-3, MSH-4) it sends under; an empty text stands for any. No pair: anything goes.
    pub facilities: Vec<(String, String)>,
    /// From where it may send without a certificate or token; with one, from where at all.
    pub addresses: Vec<Cidr>,
    /// SHA-256 of its client certificates, in hex. A source that has one is never known by address alone.
    pub certificates: Vec<String>,
    /// SHA-256 of its bearer tokens (HTTP), in hex.
    pub tokens: Vec<String>,
    /// What an undeclared charset is, e.g. `gb18030`; none: strict UTF-8, then GB18030.
    pub charset_default: Option<String>,
    pub on_control_id_reuse: ControlIdReuse,
    pub on_store_unavailable: StoreUnavailable,
    /// Fields that may differ between repeats of the same message, e.g. `MSH-7`.
    pub dedupe_ignore: Vec<String>,
    /// Also tell the sender's system of warnings (ERR of severity W beside AA).
    pub acknowledge_warnings: bool,
    /// What orders are answered with.
    pub order_answer: OrderAnswer,
    /// Also look for results to recognise when a visit is opened (ADT^A01, A04), and say so in the answer.
    pub remind_at_visit: bool,
    pub language: Language,
    /// Offset of times without a zone, in minutes east of UTC.
    pub zone_offset_minutes: i16,
    /// Messages a second and at once; absent: no limit of its own.
    pub rate: Option<Rate>,
    /// Canonicals of profiles that what it sends must meet once it is mapped, beside those that it declares.
    pub profiles: Vec<String>,
    /// How bad a wrong national identifier is, by kind (`identity-card`, …; `default` for the rest).
    pub identifiers: BTreeMap<String, Level>,
    /// How bad a profile that is not known is; absent: as for all sources.
    pub unknown_profiles: Option<Level>,
    /// How bad an extension that nobody defined is; absent: as for all sources.
    pub unknown_extensions: Option<Level>,
}

impl Default for Source {
    fn default() -> Source {
        Source {
            id: String::new(),
            name: String::new(),
            namespace: String::new(),
            institution: String::new(),
            sites: Vec::new(),
            facilities: Vec::new(),
            addresses: Vec::new(),
            certificates: Vec::new(),
            tokens: Vec::new(),
            charset_default: None,
            on_control_id_reuse: ControlIdReuse::default(),
            on_store_unavailable: StoreUnavailable::default(),
            dedupe_ignore: Vec::new(),
            acknowledge_warnings: false,
            order_answer: OrderAnswer::default(),
            remind_at_visit: false,
            language: Language::default(),
            zone_offset_minutes: 8 * 60,
            rate: None,
            profiles: Vec::new(),
            identifiers: BTreeMap::new(),
            unknown_profiles: None,
            unknown_extensions: None,
        }
    }
}

impl Source {
    /// Whether it sends under this MSH-3 and MSH-4 (first components).
    pub fn sends_as(&self, application: &str, facility: &str) -> bool {
        let fits = |wanted: &str, got: &str| wanted.is_empty() || wanted == got;
        self.facilities.is_empty() || self.facilities.iter().any(|(app, fac)| fits(app, application) && fits(fac, facility))
    }

    /// Code of the institution that it speaks for.
    pub fn institution(&self) -> &str {
        let facility = || self.facilities.iter().map(|(_, facility)| facility.as_str()).find(|f| !f.is_empty());
        if self.institution.is_empty() { facility().unwrap_or(&self.id) } else { &self.institution }
    }

    /// With the rate of the limits where it has none of its own.
    #[must_use]
    pub fn with_default_rate(mut self, limits: &Limits) -> Source {
        self.rate.get_or_insert_with(|| Rate::new(limits.rate_per_source_per_s, limits.rate_burst_per_source));
        self
    }

    /// M22: the sender is known, and the message says that it is from somebody else.
    pub fn identity_mismatch(&self, application: &str, facility: &str) -> Option<Finding> {
        if self.sends_as(application, facility) {
            return None;
        }
        let location = Location::V2 { segment: "MSH".to_owned(), sequence: 1, field: 4, repetition: 0, component: 0, subcomponent: 0 };
        Some(
            Finding::new(Severity::Error, "source.identity_mismatch", "security", 199)
                .at(location)
                .says(
                    format!("消息中的发送方（MSH-3、MSH-4）与该连接登记的来源“{}”不符，请核对接口配置或在来源登记中补充", self.id),
                    format!(
                        "the sender in MSH-3 and MSH-4 is not what this connection's source '{}' is registered for; correct the interface or the registration",
                        self.id
                    ),
                )
                .with_value(format!("{application}|{facility}")),
        )
    }
}

/// What a connection or request has shown of itself.
#[derive(Clone, Copy, Default)]
pub struct Shown<'a> {
    /// SHA-256 of the client certificate, in hex.
    pub certificate: Option<&'a str>,
    /// SHA-256 of the bearer token, in hex.
    pub token: Option<&'a str>,
}

/// The sources that a connection may speak for; at least one.
#[derive(Clone)]
pub struct Identified {
    first: Arc<Source>,
    others: Vec<Arc<Source>>,
}

impl Identified {
    /// The only source, where there is no choice.
    pub fn only(&self) -> Option<&Arc<Source>> {
        if self.others.is_empty() { Some(&self.first) } else { None }
    }

    /// The first source: what a fault without a readable header is filed under.
    pub fn first(&self) -> &Arc<Source> {
        &self.first
    }

    /// The source of a message, by its header where there is a choice.
    pub(crate) fn of_message(&self, raw: &[u8]) -> &Arc<Source> {
        if self.others.is_empty() {
            return &self.first;
        }
        Header::scan(raw).map_or(&self.first, |header| self.choose(&header.text(3, 1), &header.text(4, 1)))
    }

    /// The source whose registration names this MSH-3 and MSH-4; failing that the one that names none; failing
    /// that the first, whose [`Source::identity_mismatch`] then speaks.
    pub fn choose(&self, application: &str, facility: &str) -> &Arc<Source> {
        let all = || std::iter::once(&self.first).chain(&self.others);
        all()
            .find(|source| !source.facilities.is_empty() && source.sends_as(application, facility))
            .or_else(|| all().find(|source| source.facilities.is_empty()))
            .unwrap_or(&self.first)
    }
}

/// Why a registry cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceFault {
    /// The source's id, or its place in the list (from 1) where it has none.
    pub source: String,
    pub zh: String,
    pub en: String,
}

/// The registry; [`Sources::replace`] changes it under running connections.
pub struct Sources {
    registry: RwLock<Arc<Registry>>,
}

#[derive(Default)]
struct Registry {
    all: Vec<Arc<Source>>,
    by_certificate: HashMap<String, Vec<Arc<Source>>>,
    by_token: HashMap<String, Vec<Arc<Source>>>,
    /// Sources without a certificate or token, narrowest network first.
    by_address: Vec<(Cidr, Arc<Source>)>,
}

impl Sources {
    /// # Errors
    /// Every fault of the list: a missing or repeated id, a source that nothing could ever identify, a
    /// fingerprint that is none.
    pub fn new(list: Vec<Source>) -> Result<Sources, Vec<SourceFault>> {
        Ok(Sources { registry: RwLock::new(Arc::new(Registry::new(list)?)) })
    }

    /// What `serve` runs with where nothing is configured: this machine may send as anybody.
    pub fn local() -> Sources {
        let addresses = vec![Cidr::loopback_v4(), Cidr::loopback_v6()];
        let source = Source {
            id: "local".to_owned(),
            name: "本机 / this machine".to_owned(),
            namespace: "urn:hutong:local".to_owned(),
            addresses,
            ..Source::default()
        };
        let registry = Registry::new(vec![source]).unwrap_or_default();
        Sources { registry: RwLock::new(Arc::new(registry)) }
    }

    /// Puts another list in force; connections that are open keep the source they were matched to.
    ///
    /// # Errors
    /// As [`Sources::new`]; the list in force then stays.
    pub fn replace(&self, list: Vec<Source>) -> Result<(), Vec<SourceFault>> {
        let registry = Arc::new(Registry::new(list)?);
        *self.registry.write().unwrap_or_else(PoisonError::into_inner) = registry;
        Ok(())
    }

    pub fn all(&self) -> Vec<Arc<Source>> {
        self.registry().all.clone()
    }

    /// Who this is, or `None`: then nothing more of it is read.
    pub fn identify(&self, address: IpAddr, shown: Shown<'_>) -> Option<Identified> {
        let registry = self.registry();
        let address = address.to_canonical();
        // What is shown must be known: a certificate that nobody registered is not made good by the address.
        let candidates: Vec<Arc<Source>> = match (shown.certificate, shown.token) {
            (Some(certificate), _) => registry.by_certificate.get(certificate)?.clone(),
            (None, Some(token)) => registry.by_token.get(token)?.clone(),
            (None, None) => {
                registry.by_address.iter().filter(|(network, _)| network.contains(address)).map(|(_, source)| source.clone()).collect()
            }
        };
        let mut allowed = candidates
            .into_iter()
            .filter(|source| source.addresses.is_empty() || source.addresses.iter().any(|network| network.contains(address)));
        let first = allowed.next()?;
        Some(Identified { others: allowed.filter(|other| other.id != first.id).collect(), first })
    }

    fn registry(&self) -> Arc<Registry> {
        self.registry.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Registry {
    fn new(list: Vec<Source>) -> Result<Registry, Vec<SourceFault>> {
        let faults = faults(&list);
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut registry = Registry::default();
        for source in list {
            let source = Arc::new(source);
            for certificate in &source.certificates {
                registry.by_certificate.entry(certificate.to_ascii_lowercase()).or_default().push(source.clone());
            }
            for token in &source.tokens {
                registry.by_token.entry(token.to_ascii_lowercase()).or_default().push(source.clone());
            }
            if source.certificates.is_empty() && source.tokens.is_empty() {
                registry.by_address.extend(source.addresses.iter().map(|network| (*network, source.clone())));
            }
            registry.all.push(source);
        }
        registry.by_address.sort_by_key(|(network, _)| std::cmp::Reverse(network.prefix_bits()));
        Ok(registry)
    }
}

fn faults(list: &[Source]) -> Vec<SourceFault> {
    let mut faults = Vec::new();
    for (place, source) in list.iter().enumerate() {
        let name = if source.id.is_empty() { (place + 1).to_string() } else { source.id.clone() };
        let mut say = |zh: &str, en: &str| faults.push(SourceFault { source: name.clone(), zh: zh.to_owned(), en: en.to_owned() });
        if source.id.is_empty() {
            say("来源缺少 id", "the source has no id");
        } else if list.iter().take(place).any(|earlier| earlier.id == source.id) {
            say("来源 id 重复", "another source has the same id");
        }
        if source.addresses.is_empty() && source.certificates.is_empty() && source.tokens.is_empty() {
            say("来源既无地址，也无证书或令牌，无法识别", "the source has no address, certificate or token by which it could be known");
        }
        if source.certificates.iter().chain(&source.tokens).any(|hash| !is_sha256(hash)) {
            say(
                "证书或令牌应写为 SHA-256 的 64 位十六进制",
                "certificates and tokens are written as 64 hexadecimal digits of their SHA-256",
            );
        }
        if source.rate.as_ref().is_some_and(|rate| !rate.is_usable()) {
            say("速率上限必须大于零", "a rate limit must be above zero");
        }
    }
    faults
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests;
