//! `uuid_ref(x)`: `urn:uuid:…` of a UUID; nothing of anything else.

use super::{Builtin, Gives, example};
use std::borrow::Cow;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "uuid_ref",
    args: (1, 1),
    labels: &[],
    gives: Gives::Text,
    run: |e, args, _| {
        super::each(e, args, |_, t| {
            let bare = t.trim_start_matches("urn:uuid:").trim_matches(['{', '}']).to_ascii_lowercase();
            hutong_fhir::primitive::is_uuid(bare.as_bytes()).then(|| Cow::Owned(format!("urn:uuid:{bare}")))
        });
    },
    examples: &[
        example("{C757873D-EC9A-4326-A141-556F43239520}", "uuid_ref(x)", &["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"]),
        example("x", "uuid_ref(x)", &[]),
    ],
};
