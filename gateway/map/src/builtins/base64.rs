//! `base64(x, encoding: e)`: data in base64. What is in base64 already (`e` says `Base64`) is checked, `Hex` is turned
//! into it, other text is encoded.

use super::{Builtin, Gives, typed};
use crate::run::Val;
use hutong_fhir::primitive::Primitive;
use std::borrow::Cow;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "base64",
    args: (1, 2),
    labels: &["encoding"],
    gives: Gives::Text,
    run: |e, args, _| {
        let encoding = args.get(1).and_then(|a| e.text(*a)).map(|(t, _)| t.to_ascii_lowercase()).unwrap_or_default();
        let Some(v) = args.first().and_then(|a| e.one(*a)) else { return };
        let Some((text, origin)) = e.whole_text(&v) else { return };
        let out = match encoding.as_str() {
            "base64" => {
                let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
                Primitive::Base64Binary.check_text(&bare).is_ok().then_some(bare)
            }
            "hex" => hex(&text).map(|b| encode(&b)),
            _ => Some(encode(text.as_bytes())),
        };
        match out {
            Some(out) => e.vals.push(Val::Text(Cow::Owned(out), origin)),
            // the data themselves are too much for a finding
            None => e.fails(Primitive::Base64Binary, origin, String::new()),
        }
    },
    examples: &[
        typed("ED", "^TEXT^^A^abc", "base64(x.5, encoding: x.4)", &["YWJj"]),
        typed("ED", "^IM^JPEG^Base64^YW Jj", "base64(x.5, encoding: x.4)", &["YWJj"]),
        typed("ED", "^IM^JPEG^Hex^616263", "base64(x.5, encoding: x.4)", &["YWJj"]),
        typed("ED", "^IM^JPEG^Base64^Y", "base64(x.5, encoding: x.4)", &[]),
    ],
};

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).map(|d| d as u8)).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[a, b]| a << 4 | b).collect())
}

/// RFC 4648 §4.
fn encode(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let sextet = (n >> (18 - 6 * i) & 63) as usize;
            out.push(if i <= chunk.len() { char::from(ALPHABET.get(sextet).copied().unwrap_or(b'A')) } else { '=' });
        }
    }
    out
}
