//! Every limit of receiving, parsing and serving, in one place.
//!
//! A limit that is passed is a clear answer in the protocol's own terms, never a crash and never silence. The
//! defaults are what the gateway is tested with. A site may lower any of them; raising one is possible, but
//! [`Limits::raised`] names it, so that start-up can log it and the journal can keep who allowed it.
//!
//! Names end in their unit: `_ms`, `_bytes`, `_per_s`; a name without one counts things.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A limit that the configuration set above its default.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Raised {
    pub name: &'static str,
    pub default: u64,
    pub configured: u64,
}

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident = $default:expr;)*) => {
        /// All limits; a missing field has its default, an unknown one is refused.
        #[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Limits { $($(#[$doc])* pub $name: u64,)* }

        impl Default for Limits {
            fn default() -> Limits {
                Limits { $($name: $default,)* }
            }
        }

        impl Limits {
            /// Name and value of each limit, in the order of this file (for `check` and the console).
            pub fn list(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

limits! {
    // ---- connections -------------------------------------------------------------------------------------
    /// Open connections of one listener; one more is closed at once.
    connections = 4_096;
    /// Open connections from one address.
    connections_per_address = 64;
    /// Open connections with one client certificate.
    connections_per_certificate = 32;
    /// From accept to the end of the TLS handshake.
    tls_handshake_ms = 5_000;
    /// A peer that does not take its answers for so long is cut off.
    write_idle_ms = 30_000;
    /// After a refusal the rest of what the peer sends is read and thrown away for so long, so that the
    /// refusal is not lost in a connection reset.
    linger_ms = 2_000;
    /// At shutdown, messages in work are answered for so long, then connections are cut.
    shutdown_drain_ms = 30_000;
    /// Bytes of messages in work in the whole daemon; past it sockets are not read.
    in_flight_bytes = 512 * MIB;

    // ---- messages ----------------------------------------------------------------------------------------
    /// One message, whatever the protocol.
    message_bytes = 16 * MIB;
    /// What is kept of a frame that never became a message.
    quarantine_bytes = 64 * KIB;
    /// Messages a source may send on average; past it (and past the burst) its sockets are not read.
    rate_per_source_per_s = 200;
    /// Messages a source may send at once before the rate counts.
    rate_burst_per_source = 1_000;

    // ---- MLLP --------------------------------------------------------------------------------------------
    /// Silence inside a frame.
    mllp_frame_idle_ms = 10_000;
    /// From a frame's first byte to its last.
    mllp_frame_total_ms = 30_000;
    /// Bytes that are not a frame: how long they are waited on …
    mllp_no_start_ms = 10_000;
    /// … and how many of them.
    mllp_no_start_bytes = 4 * KIB;
    /// An end block without its carriage return is waited on for so long, then taken as the end.
    mllp_end_grace_ms = 200;
    /// Messages in work on one connection (at most 64).
    mllp_in_flight = 64;
    /// Silence between frames. Interfaces idle over night; dead peers are found by TCP keep-alive.
    mllp_connection_idle_ms = 86_400_000;

    // ---- HTTP --------------------------------------------------------------------------------------------
    /// From accept, or from the last answer, to the end of the next request's header.
    http_header_ms = 10_000;
    /// Silence inside a request's body.
    http_body_idle_ms = 10_000;
    /// From a body's first byte to its last.
    http_body_total_ms = 60_000;
    /// A connection is closed after its current request when it is older.
    http_connection_age_ms = 3_600_000;
    /// All header lines of a request together.
    request_headers_bytes = 32 * KIB;
    /// Header lines of a request.
    request_headers = 100;
    /// Path and query of a request.
    request_url_bytes = 8 * KIB;
    /// A body after its one content encoding is undone …
    decompressed_bytes = 16 * MIB;
    /// … and how many times larger than on the wire.
    decompressed_ratio = 100;
    /// What is read of a peer's answer when we are the client.
    answer_bytes = MIB;
    /// How long a peer's answer is waited on.
    answer_ms = 30_000;

    // ---- mutual recognition ------------------------------------------------------------------------------
    /// A question about earlier results is answered within so long, else as degraded.
    recognition_answer_ms = 500;
    /// Orders of one question.
    recognition_orders = 50;
    /// The content of a question, a hook or a doctor's answer.
    recognition_body_bytes = MIB;

    // ---- parsing -----------------------------------------------------------------------------------------
    hl7_segments = 10_000;
    hl7_fields_per_segment = 1_000;
    hl7_repetitions = 1_000;
    hl7_field_bytes = MIB;
    /// ERR segments in one answer; the rest of the findings stays in the journal.
    hl7_err_segments = 20;
    json_depth = 64;
    json_keys_per_object = 10_000;
    json_nodes = 1_000_000;
    xml_depth = 128;
    xml_attributes_per_element = 256;
    xml_namespaces = 64;
    xml_nodes = 1_000_000;

    // ---- serving -----------------------------------------------------------------------------------------
    bundle_entries = 1_000;
    /// `_count` of a search; a larger one is cut and the self link says so.
    search_count = 500;
    /// Resources that `_include` and `_revinclude` may add to a page.
    search_included = 1_000;
    /// `_count` where it is not given.
    search_count_default = 50;
    search_parameters = 64;
    /// The form of a `POST …/_search`.
    search_form_bytes = 64 * KIB;
    /// A read waits so long for the entries that were durable when it arrived, then it is told to come again.
    read_own_write_ms = 2_000;
    /// Requests one client of the FHIR interface may send on average; programs on this machine are not counted.
    request_rate_per_client_per_s = 200;
    /// Requests it may send at once before the rate counts.
    request_rate_burst_per_client = 1_000;
    search_value_bytes = KIB;
    query_ms = 2_000;
    /// All rules of one message.
    rule_ms = 50;
    /// A compiled regular expression.
    regex_program_bytes = MIB;

    // ---- people ------------------------------------------------------------------------------------------
    login_failures = 5;
    login_lock_ms = 900_000;
    session_idle_ms = 900_000;
    session_total_ms = 28_800_000;
}

impl Limits {
    /// Limits above their defaults: allowed, but never unseen.
    pub fn raised(&self) -> Vec<Raised> {
        let defaults = Limits::default().list();
        let configured = self.list();
        defaults
            .iter()
            .zip(configured)
            .filter(|(default, configured)| configured.1 > default.1)
            .map(|(default, configured)| Raised { name: default.0, default: default.1, configured: configured.1 })
            .collect()
    }

    /// Limits of zero: nothing could ever pass, so start-up refuses them.
    pub fn zero(&self) -> Vec<&'static str> {
        self.list().into_iter().filter(|(_, value)| *value == 0).map(|(name, _)| name).collect()
    }
}

/// A limit in milliseconds as a duration.
pub fn ms(limit: u64) -> Duration {
    Duration::from_millis(limit)
}

/// A limit as a size in memory; past the machine's own width it is that width.
pub fn size(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_names_only_what_it_changes() {
        let limits: Limits = serde_json::from_str(r#"{"message_bytes": 1048576, "connections": 10000}"#).unwrap();
        assert_eq!(limits.message_bytes, MIB);
        assert_eq!(limits.json_depth, 64);
        assert_eq!(limits.raised(), [Raised { name: "connections", default: 4_096, configured: 10_000 }]);
        assert!(Limits::default().raised().is_empty());
    }

    #[test]
    fn an_unknown_or_zero_limit_is_refused() {
        assert!(serde_json::from_str::<Limits>(r#"{"message_byte": 1}"#).is_err());
        assert!(serde_json::from_str::<Limits>(r#"{"message_bytes": -1}"#).is_err());
        let limits = Limits { mllp_in_flight: 0, ..Limits::default() };
        assert_eq!(limits.zero(), ["mllp_in_flight"]);
    }
}
