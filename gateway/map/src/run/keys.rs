//! The element names that the executor itself writes, looked up once.

use hutong_fhir::Key;
use std::sync::LazyLock;

pub(crate) struct Keys {
    pub id: Key,
    pub extension: Key,
    pub url: Key,
    pub value_code: Key,
    pub coding: Key,
    pub system: Key,
    pub version: Key,
    pub code: Key,
    pub display: Key,
    pub text: Key,
    pub reference: Key,
    pub value: Key,
}

pub(crate) static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys {
    id: Key::of("id"),
    extension: Key::of("extension"),
    url: Key::of("url"),
    value_code: Key::of("valueCode"),
    coding: Key::of("coding"),
    system: Key::of("system"),
    version: Key::of("version"),
    code: Key::of("code"),
    display: Key::of("display"),
    text: Key::of("text"),
    reference: Key::of("reference"),
    value: Key::of("value"),
});
