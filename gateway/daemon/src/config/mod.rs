//! The configuration: one TOML file, every field with a default, unknown fields refused.
//!
//! Two steps: the text is judged by a JSON Schema (`conformance/schemas/config.schema.json`, which editors use too), then read
//! into types. What is configured is either used or refused, never ignored.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use hutong_receive::sources::{Level, Source};
use hutong_wire::limits::Limits;
use serde::Deserialize;

use crate::cli::Failure;
use crate::schema::{Schema, in_toml};

/// What `hutong init` writes.
pub(crate) const TEMPLATE: &str = include_str!("template.toml");

/// The whole configuration.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) gateway: Gateway,
    pub(crate) mllp: Mllp,
    pub(crate) http: Http,
    /// Empty: this machine may send as anybody, nobody else may.
    pub(crate) source: Vec<Source>,
    pub(crate) limits: Limits,
    pub(crate) journal: Journal,
    pub(crate) profiles: Profiles,
    pub(crate) recognition: crate::recognition::Setting,
    pub(crate) platform: crate::platform::Setting,
    pub(crate) indicators: crate::indicators::Setting,
    /// By which rules cases are counted.
    pub(crate) counting: hutong_count::cases::Rules,
    /// What counts as a visit, a stay, a referral.
    pub(crate) activity: hutong_count::activity::Rules,
    /// The file it was read from, which is read again when the gateway is told to.
    #[serde(skip)]
    pub(crate) path: Option<PathBuf>,
}

/// What resources are judged by, beside R4 and the community's own profiles, and how strictly. A source may say otherwise
/// for itself.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Profiles {
    /// FHIR packages, conformance resources, tables of codes, directories of them; later ones win.
    pub(crate) load: Vec<PathBuf>,
    /// How bad a wrong national identifier is, by kind.
    pub(crate) identifiers: BTreeMap<String, Level>,
    pub(crate) unknown_profiles: Option<Level>,
    pub(crate) unknown_extensions: Option<Level>,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Gateway {
    pub(crate) application: String,
    pub(crate) facility: String,
    pub(crate) data: PathBuf,
    /// A directory of mappings instead of those built in.
    pub(crate) mappings: Option<PathBuf>,
}

impl Default for Gateway {
    fn default() -> Gateway {
        Gateway { application: "HUTONG".into(), facility: "GATEWAY".into(), data: "./data".into(), mappings: None }
    }
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    /// Clients must show a certificate of this authority.
    pub(crate) client_ca: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Mllp {
    pub(crate) listen: SocketAddr,
    pub(crate) tls: Option<Tls>,
    /// Addresses of ours, other than loopback, on which MLLP may be spoken without TLS.
    pub(crate) plaintext_on: Vec<std::net::IpAddr>,
}

impl Default for Mllp {
    fn default() -> Mllp {
        Mllp { listen: SocketAddr::from(([127, 0, 0, 1], 2575)), tls: None, plaintext_on: Vec::new() }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Http {
    pub(crate) listen: SocketAddr,
    pub(crate) tls: Option<Tls>,
    pub(crate) base_url: Option<String>,
    pub(crate) loopback_open: bool,
    pub(crate) tokens: Vec<Token>,
    /// Institutions whose tokens may also operate the gateway (`/admin`).
    pub(crate) operators: Vec<String>,
}

impl Default for Http {
    fn default() -> Http {
        Http {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            tls: None,
            base_url: None,
            loopback_open: true,
            tokens: Vec::new(),
            operators: Vec::new(),
        }
    }
}

/// A bearer token by its SHA-256 in hex, and whose it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Token {
    pub(crate) sha256: String,
    pub(crate) institution: String,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Journal {
    pub(crate) segment_mib: u64,
    /// Entries that the projection may be behind before answers are held.
    pub(crate) lag_max: u64,
}

impl Default for Journal {
    fn default() -> Journal {
        Journal { segment_mib: 64, lag_max: 100_000 }
    }
}

/// A fault of a configuration file, for the person who wrote it.
pub(crate) struct Fault {
    /// `12:` or `12:3:`, as far as it is known.
    pub(crate) place: String,
    pub(crate) zh: String,
    pub(crate) en: String,
}

/// Reads a file; all faults at once, not the first only.
pub(crate) fn read(path: &Path) -> Result<Config, Failure> {
    let text = std::fs::read_to_string(path).map_err(|e| Failure::file(path, &e))?;
    let read = parse(&text).map(|config| Config { path: Some(path.to_owned()), ..config });
    read.map_err(|faults| {
        let list = |f: fn(&Fault) -> &str| -> String {
            faults.iter().map(|fault| format!("\n  {}:{} {}", path.display(), fault.place, f(fault))).collect()
        };
        Failure::judged(format!("配置不能使用：{}", list(|f| &f.zh)), format!("the configuration cannot be used:{}", list(|f| &f.en)))
    })
}

pub(crate) fn parse(text: &str) -> Result<Config, Vec<Fault>> {
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        let place = place(text, error.span().map_or(0, |span| span.start));
        let message = error.message().to_owned();
        vec![Fault { place, zh: format!("不是有效的 TOML：{message}"), en: format!("not valid TOML: {message}") }]
    })?;
    let faults = by_schema(text, &table);
    if !faults.is_empty() {
        return Err(faults);
    }
    toml::from_str(text).map_err(|error| {
        let place = error.span().map_or_else(String::new, |span| place(text, span.start));
        vec![Fault { place, zh: error.message().to_owned(), en: error.message().to_owned() }]
    })
}

fn by_schema(text: &str, table: &toml::Table) -> Vec<Fault> {
    let (Ok(schema), Ok(value)) = (Schema::published("config"), serde_json::to_value(table)) else { return Vec::new() };
    let mut faults: Vec<(usize, crate::schema::Fault)> =
        schema.faults(&value).into_iter().map(|fault| (in_toml(text, &fault.pointer), fault)).collect();
    faults.sort_by_key(|(at, _)| *at);
    faults
        .into_iter()
        .map(|(at, fault)| {
            let name = fault.pointer.trim_start_matches('/').replace('/', ".");
            let named = |text: &str| if name.is_empty() { text.to_owned() } else { format!("{name}: {text}") };
            Fault { place: place(text, at), zh: named(&fault.zh), en: named(&fault.en) }
        })
        .collect()
}

/// `line:column:` of a byte offset.
fn place(text: &str, at: usize) -> String {
    let (line, column) = hutong_fhir::json::line_column(text.as_bytes(), at);
    format!("{line}:{column}:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_init_writes_is_a_configuration() {
        let config = parse(TEMPLATE).map_err(|f| f.into_iter().map(|f| f.place + &f.en).collect::<Vec<_>>()).unwrap();
        assert_eq!(config.source[0].sites, ["cn"]);
    }

    #[test]
    fn what_is_not_known_is_refused_with_its_place() {
        for (text, place) in [
            ("[mllp]\nlisten = 5", "2:1:"),
            ("[mllp]\nlisten = \"127.0.0.1:2575\"\nlog_acks = true", "3:1:"),
            ("[[source]]\nid = 7", "2:1:"),
            ("[gateway\n", "1:9:"),
            ("[profiles]\nidentifiers = { default = \"error\", identity_card = \"error\" }", "2:36:"),
        ] {
            let faults = parse(text).err().unwrap();
            assert_eq!(faults[0].place, place, "{text}");
        }
    }
}
