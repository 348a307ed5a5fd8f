//! Method and path → interaction. The only place that knows the addresses.

use std::borrow::Cow;

use http::Method;

use crate::operation::Operation;
use crate::percent;
use crate::recognition::{HooksRoute, Looking};
use crate::refusal::Refusal;

/// What is asked for. Ids are checked for their form, types not yet for being served.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Route {
    Landing,
    Health,
    Metrics,
    Capabilities,
    Read {
        kind: String,
        id: String,
    },
    VersionRead {
        kind: String,
        id: String,
        version: u64,
    },
    HistoryOfInstance {
        kind: String,
        id: String,
    },
    HistoryOfType {
        kind: String,
    },
    HistoryOfSystem,
    Search {
        kind: String,
        form_in_body: bool,
    },
    /// Resources of `kind` in the compartment of one patient.
    Compartment {
        patient: String,
        kind: String,
    },
    Everything {
        patient: String,
    },
    /// `$validate` or a question about codes, on a type or on one resource of it.
    Operation {
        operation: Operation,
        kind: String,
        id: Option<String>,
        /// The parameters are in the body.
        body: bool,
    },
    /// What an operator sees (`GET`) and does (`POST`), below `/admin`.
    Admin {
        path: String,
        body: bool,
    },
    /// CDS Hooks, below `/cds-services`.
    Hooks(HooksRoute),
    /// The page of a reminder, below `/recognition`.
    Looking(Looking),
    /// `OPTIONS`: the methods of the address.
    Options {
        allow: &'static str,
    },
}

const READS: &str = "GET, HEAD, OPTIONS";
const READS_AND_FORM: &str = "POST, OPTIONS";
const ASKS: &str = "GET, HEAD, POST, OPTIONS";

/// FHIR paths begin here.
pub(crate) const BASE: &str = "/fhir";

impl Route {
    /// The interaction's name in metrics: a fixed set, so that no client can make new series.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Route::Landing => "landing",
            Route::Health => "health",
            Route::Metrics => "metrics",
            Route::Capabilities => "capabilities",
            Route::Read { .. } => "read",
            Route::VersionRead { .. } => "vread",
            Route::HistoryOfInstance { .. } => "history-instance",
            Route::HistoryOfType { .. } => "history-type",
            Route::HistoryOfSystem => "history-system",
            Route::Search { .. } => "search-type",
            Route::Compartment { .. } => "search-compartment",
            Route::Everything { .. } => "everything",
            Route::Operation { operation, .. } => operation.metric(),
            Route::Admin { .. } => "admin",
            Route::Hooks(route) => route.name(),
            Route::Looking(_) => "recognition-page",
            Route::Options { .. } => "options",
        }
    }

    /// Finds the interaction, else says what the address does support.
    pub(crate) fn of(method: &Method, path: &str) -> Result<Route, Refusal> {
        let segments = segments(path)?;
        let segments: Vec<&str> = segments.iter().map(Cow::as_ref).collect();
        let (base, rest) = match segments.split_first() {
            None => return read_only(method, Route::Landing),
            Some((first, rest)) => (*first, rest),
        };
        match (base, rest) {
            ("health", []) => read_only(method, Route::Health),
            ("metrics", []) => read_only(method, Route::Metrics),
            ("admin", rest) if !rest.is_empty() => admin(method, rest),
            ("cds-services", rest) => hooks(method, rest),
            ("recognition", [one]) => looking(method, one),
            ("fhir", rest) => fhir(method, rest),
            _ => Err(Refusal::no_such_path()),
        }
    }
}

/// The decoded segments of a path; one closing slash is allowed.
fn segments(path: &str) -> Result<Vec<Cow<'_, str>>, Refusal> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Ok(Vec::new());
    }
    path.split('/').map(|s| percent::decode(s, false).map_err(|_| Refusal::bad_encoding())).collect()
}

fn read_only(method: &Method, route: Route) -> Result<Route, Refusal> {
    match *method {
        Method::GET | Method::HEAD => Ok(route),
        Method::OPTIONS => Ok(Route::Options { allow: READS }),
        _ => Err(Refusal::method(READS)),
    }
}

fn admin(method: &Method, rest: &[&str]) -> Result<Route, Refusal> {
    match *method {
        Method::GET | Method::HEAD => Ok(Route::Admin { path: rest.join("/"), body: false }),
        Method::POST => Ok(Route::Admin { path: rest.join("/"), body: true }),
        Method::OPTIONS => Ok(Route::Options { allow: ASKS }),
        _ => Err(Refusal::method(ASKS)),
    }
}

fn hooks(method: &Method, rest: &[&str]) -> Result<Route, Refusal> {
    let route = match rest {
        [] => return read_only(method, Route::Hooks(HooksRoute::Discovery)),
        [service] => HooksRoute::Call((*service).to_owned()),
        [service, "feedback"] => HooksRoute::Feedback((*service).to_owned()),
        _ => return Err(Refusal::no_such_path()),
    };
    match *method {
        Method::POST => Ok(Route::Hooks(route)),
        Method::OPTIONS => Ok(Route::Options { allow: READS_AND_FORM }),
        _ => Err(Refusal::method(READS_AND_FORM)),
    }
}

fn looking(method: &Method, one: &str) -> Result<Route, Refusal> {
    if one == "page.css" {
        return read_only(method, Route::Looking(Looking::Style));
    }
    let reminder = checked_id(one)?;
    match *method {
        Method::GET | Method::HEAD => Ok(Route::Looking(Looking::Page(reminder))),
        Method::POST => Ok(Route::Looking(Looking::Form(reminder))),
        Method::OPTIONS => Ok(Route::Options { allow: ASKS }),
        _ => Err(Refusal::method(ASKS)),
    }
}

fn fhir(method: &Method, segments: &[&str]) -> Result<Route, Refusal> {
    let get = matches!(*method, Method::GET | Method::HEAD);
    let write = matches!(*method, Method::POST | Method::PUT | Method::PATCH | Method::DELETE);
    let (route, writable) = match segments {
        // the address of batch and transaction; a search over all types is not offered
        [] if get => return Err(Refusal::no_such_path()),
        [] if *method == Method::OPTIONS => return Ok(Route::Options { allow: "OPTIONS" }),
        [] => return Err(Refusal::write("OPTIONS")),
        ["metadata"] => (Route::Capabilities, false),
        ["_history"] => (Route::HistoryOfSystem, false),
        [kind] => (Route::Search { kind: kind_name(kind)?, form_in_body: false }, true),
        [kind, "_search"] => return form_search(method, kind),
        [kind, "_history"] => (Route::HistoryOfType { kind: kind_name(kind)? }, false),
        ["Patient", id, "$everything"] => (Route::Everything { patient: checked_id(id)? }, false),
        [kind, name] if name.starts_with('$') => return operation(method, kind, None, name),
        [kind, id, name] if name.starts_with('$') => return operation(method, kind, Some(id), name),
        [kind, id] => (Route::Read { kind: kind_name(kind)?, id: checked_id(id)? }, true),
        [kind, id, "_history"] => (Route::HistoryOfInstance { kind: kind_name(kind)?, id: checked_id(id)? }, false),
        ["Patient", id, kind] => (Route::Compartment { patient: checked_id(id)?, kind: kind_name(kind)? }, false),
        [kind, id, "_history", version] => {
            (Route::VersionRead { kind: kind_name(kind)?, id: checked_id(id)?, version: version_number(version)? }, false)
        }
        _ => return Err(Refusal::no_such_path()),
    };
    match () {
        () if get => Ok(route),
        () if *method == Method::OPTIONS => Ok(Route::Options { allow: READS }),
        () if write && writable => Err(Refusal::write(READS)),
        () => Err(Refusal::method(READS)),
    }
}

fn form_search(method: &Method, kind: &str) -> Result<Route, Refusal> {
    match *method {
        Method::POST => Ok(Route::Search { kind: kind_name(kind)?, form_in_body: true }),
        Method::OPTIONS => Ok(Route::Options { allow: READS_AND_FORM }),
        _ => Err(Refusal::method(READS_AND_FORM)),
    }
}

/// `[type]/$name` and `[type]/[id]/$name`: `GET` serves where the parameters fit an address and nothing is changed.
fn operation(method: &Method, kind: &str, id: Option<&str>, name: &str) -> Result<Route, Refusal> {
    let kind = kind_name(kind)?;
    let id = id.map(checked_id).transpose()?;
    let operation = Operation::of(&kind, id.is_some(), name).ok_or_else(Refusal::unknown_operation)?;
    // what is to be judged on a type comes in the body, else there is nothing to judge
    let allow = if (matches!(operation, Operation::Validate | Operation::Match) && id.is_none()) || operation.acts() {
        READS_AND_FORM
    } else {
        ASKS
    };
    match *method {
        Method::POST => Ok(Route::Operation { operation, kind, id, body: true }),
        Method::GET | Method::HEAD if allow == ASKS => Ok(Route::Operation { operation, kind, id, body: false }),
        Method::OPTIONS => Ok(Route::Options { allow }),
        _ => Err(Refusal::method(allow)),
    }
}

/// Type names are letters; anything else (`$op`, `_x`, `..`) is not a type.
fn kind_name(text: &str) -> Result<String, Refusal> {
    if text.bytes().all(|b| b.is_ascii_alphabetic()) && !text.is_empty() { Ok(text.to_owned()) } else { Err(Refusal::unknown_type(text)) }
}

/// FHIR R4 `id`: `[A-Za-z0-9\-\.]{1,64}`.
fn checked_id(text: &str) -> Result<String, Refusal> {
    let ok = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
    if ok { Ok(text.to_owned()) } else { Err(Refusal::bad_id()) }
}

fn version_number(text: &str) -> Result<u64, Refusal> {
    let digits = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| digits).ok_or_else(Refusal::bad_version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: &str, path: &str) -> String {
        match Route::of(&method.parse().unwrap(), path) {
            Ok(Route::Options { allow }) => format!("options {allow}"),
            Ok(route) => route.name().to_owned(),
            Err(r) => format!("{} {}", r.status.as_u16(), r.rule),
        }
    }

    #[test]
    fn addresses() {
        let long = "x".repeat(65);
        for (method, path, expected) in [
            ("GET", "/", "landing"),
            ("HEAD", "/health", "health"),
            ("POST", "/health", "405 http.method"),
            ("GET", "/metrics", "metrics"),
            ("GET", "/favicon.ico", "404 http.path"),
            ("GET", "/fhir", "404 http.path"),
            ("POST", "/fhir", "405 fhir.write"),
            ("GET", "/fhir/metadata", "capabilities"),
            ("POST", "/fhir/metadata", "405 http.method"),
            ("OPTIONS", "/fhir/Patient/1", "options GET, HEAD, OPTIONS"),
            ("GET", "/fhir/Patient", "search-type"),
            ("GET", "/fhir/Patient/", "search-type"),
            ("POST", "/fhir/Patient", "405 fhir.write"),
            ("POST", "/fhir/Patient/_search", "search-type"),
            ("GET", "/fhir/Patient/_search", "405 http.method"),
            ("GET", "/fhir/Patient/a-1.b", "read"),
            ("PUT", "/fhir/Patient/1", "405 fhir.write"),
            ("PATCH", "/fhir/Patient/1", "405 fhir.write"),
            ("DELETE", "/fhir/Patient/1", "405 fhir.write"),
            ("PUT", "/fhir/Patient/..%2f..%2fetc", "400 fhir.id"),
            ("GET", &format!("/fhir/Patient/{long}"), "400 fhir.id"),
            ("GET", "/fhir/Patient/a%20b", "400 fhir.id"),
            ("GET", "/fhir/Patient/a%00", "400 http.percent"),
            ("GET", "/fhir/Patient/%C0%AF", "400 http.percent"),
            ("GET", "/fhir/Patient//_history", "400 fhir.id"),
            ("GET", "/fhir/Patient/1/_history", "history-instance"),
            ("DELETE", "/fhir/Patient/1/_history", "405 http.method"),
            ("GET", "/fhir/Patient/1/_history/2", "vread"),
            ("GET", "/fhir/Patient/1/_history/0", "400 fhir.version_id"),
            ("GET", "/fhir/Patient/1/_history/+2", "400 fhir.version_id"),
            ("GET", "/fhir/Patient/1/_history/99999999999999999999", "400 fhir.version_id"),
            ("GET", "/fhir/Patient/_history", "history-type"),
            ("GET", "/fhir/_history", "history-system"),
            ("GET", "/fhir/Patient/1/Observation", "search-compartment"),
            ("GET", "/fhir/Patient/1/$everything", "everything"),
            ("GET", "/fhir/Patient/1/$other", "404 fhir.operation"),
            ("POST", "/fhir/Patient/$validate", "operation-validate"),
            ("POST", "/fhir/Resource/$validate", "operation-validate"),
            ("GET", "/fhir/Patient/$validate", "405 http.method"),
            ("GET", "/fhir/Patient/1/$validate", "operation-validate"),
            ("PUT", "/fhir/Patient/1/$validate", "405 http.method"),
            ("OPTIONS", "/fhir/ValueSet/$expand", "options GET, HEAD, POST, OPTIONS"),
            ("POST", "/fhir/Patient/$match", "operation-match"),
            ("GET", "/fhir/Patient/$match", "405 http.method"),
            ("POST", "/fhir/Patient/1/$match", "404 fhir.operation"),
            ("POST", "/fhir/Observation/$match", "404 fhir.operation"),
            ("GET", "/admin", "404 http.path"),
            ("GET", "/admin/identity/reviews", "admin"),
            ("POST", "/admin/import", "admin"),
            ("POST", "/fhir/ServiceRequest/$recognition-check", "operation-recognition-check"),
            ("GET", "/fhir/ServiceRequest/$recognition-check", "405 http.method"),
            ("POST", "/fhir/ServiceRequest/1/$recognition-check", "404 fhir.operation"),
            ("POST", "/fhir/Task/$recognition-answer", "operation-recognition-answer"),
            ("GET", "/cds-services", "cds-discovery"),
            ("POST", "/cds-services", "405 http.method"),
            ("POST", "/cds-services/x", "cds-service"),
            ("GET", "/cds-services/x", "405 http.method"),
            ("OPTIONS", "/cds-services/x", "options POST, OPTIONS"),
            ("POST", "/cds-services/x/feedback", "cds-feedback"),
            ("POST", "/cds-services/x/y", "404 http.path"),
            ("GET", "/recognition/a-1", "recognition-page"),
            ("POST", "/recognition/a-1", "recognition-page"),
            ("GET", "/recognition/page.css", "recognition-page"),
            ("POST", "/recognition/page.css", "405 http.method"),
            ("GET", "/recognition/a%20b", "400 fhir.id"),
            ("GET", "/recognition", "404 http.path"),
            ("PUT", "/admin/import", "405 http.method"),
            ("GET", "/fhir/ValueSet/$expand", "operation-expand"),
            ("GET", "/fhir/ValueSet/a/$expand", "operation-expand"),
            ("GET", "/fhir/ValueSet/$validate-code", "operation-validate-code"),
            ("POST", "/fhir/CodeSystem/$lookup", "operation-lookup"),
            ("GET", "/fhir/CodeSystem/a/$lookup", "404 fhir.operation"),
            ("GET", "/fhir/Patient/$lookup", "404 fhir.operation"),
            ("GET", "/fhir/Nonsense/$validate", "405 http.method"),
            ("GET", "/fhir/ValueSet/a%20b/$expand", "400 fhir.id"),
            ("GET", "/fhir/Encounter/1/Observation", "404 http.path"),
            ("GET", "/fhir/$x", "404 fhir.type.unknown"),
            ("GET", "/fhir/../etc", "404 fhir.type.unknown"),
            ("TRACE", "/fhir/Patient/1", "405 http.method"),
        ] {
            assert_eq!(of(method, path), expected, "{method} {path}");
        }
    }
}
