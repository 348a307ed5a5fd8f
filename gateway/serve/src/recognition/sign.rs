//! Links to the page of a reminder: signed and short-lived, so that a HIS that can only open a URL needs no token, and
//! nobody can make up a link or use an old one. The address holds the reminder's GUID and no patient data.

use sha2::{Digest, Sha256};

/// SHA-256's block, for HMAC.
const BLOCK: usize = 64;
/// How long a link lives.
pub const LINK_S: i64 = 15 * 60;

/// Signs links and recognises its own. No `Debug`: it holds the key.
#[derive(Clone)]
pub struct Signer {
    key: [u8; 32],
    lives_s: i64,
}

/// Why a link is not followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NotOurs {
    Forged,
    Expired,
}

/// What a signature is good for: one made for looking does not answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum For {
    Looking,
    Answering,
}

impl Signer {
    /// `key`: random bytes that the data directory keeps; links live for `lives_s` seconds.
    pub fn new(key: [u8; 32], lives_s: i64) -> Signer {
        Signer { key, lives_s }
    }

    /// `/recognition/<guid>?e=<seconds since 1970>&s=<signature>`
    pub fn link(&self, reminder: &str, now_us: i64) -> String {
        let expires = (now_us / 1_000_000).saturating_add(self.lives_s);
        format!("/recognition/{reminder}?e={expires}&s={}", self.sign(For::Looking, reminder, expires))
    }

    pub(crate) fn sign(&self, what_for: For, reminder: &str, expires: i64) -> String {
        let what_for = match what_for {
            For::Looking => "look",
            For::Answering => "answer",
        };
        hex(&hmac(&self.key, format!("{what_for}\n{reminder}\n{expires}").as_bytes()))
    }

    /// `expires` and `signature` as they stand in the address.
    pub(crate) fn check(&self, what_for: For, reminder: &str, expires: &str, signature: &str, now_us: i64) -> Result<i64, NotOurs> {
        let expires: i64 = expires.parse().map_err(|_| NotOurs::Forged)?;
        let wanted = self.sign(what_for, reminder, expires);
        // digests of both: how long that takes says nothing of how much of a guess is right
        if Sha256::digest(wanted.as_bytes()) != Sha256::digest(signature.as_bytes()) {
            return Err(NotOurs::Forged);
        }
        if now_us / 1_000_000 > expires { Err(NotOurs::Expired) } else { Ok(expires) }
    }
}

/// HMAC-SHA256 (RFC 2104) with a key no longer than a block.
fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let pad = |with: u8| {
        let mut block = [with; BLOCK];
        for (b, k) in block.iter_mut().zip(key) {
            *b ^= k;
        }
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).filter_map(|n| char::from_digit(u32::from(n), 16)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231 §4.2, §4.3.
    #[test]
    fn hmac_is_the_published_one() {
        for (key, text, expected) in [
            (&[0x0b; 20][..], "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (b"Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        ] {
            assert_eq!(hex(&hmac(key, text.as_bytes())), expected);
        }
    }

    #[test]
    fn only_our_own_fresh_links_are_followed() {
        let signer = Signer::new([7; 32], 60);
        let link = signer.link("g1", 1_000_000_000);
        let (path, query) = link.split_once('?').unwrap();
        assert_eq!(path, "/recognition/g1");
        let (e, s) = query.split_once('&').unwrap();
        let (e, s) = (e.strip_prefix("e=").unwrap(), s.strip_prefix("s=").unwrap());
        assert_eq!(e, "1060");
        let altered = s.replace(&s[..1], if s.starts_with('a') { "b" } else { "a" });
        for (what_for, guid, e, s, at_s, expected) in [
            (For::Looking, "g1", e, s, 1_060, Ok(1_060)),
            (For::Looking, "g1", e, s, 1_061, Err(NotOurs::Expired)),
            (For::Answering, "g1", e, s, 1_000, Err(NotOurs::Forged)),
            (For::Looking, "g2", e, s, 1_000, Err(NotOurs::Forged)),
            (For::Looking, "g1", "9999999999", s, 1_000, Err(NotOurs::Forged)),
            (For::Looking, "g1", "x", s, 1_000, Err(NotOurs::Forged)),
            (For::Looking, "g1", e, "", 1_000, Err(NotOurs::Forged)),
            (For::Looking, "g1", e, &altered, 1_000, Err(NotOurs::Forged)),
        ] {
            assert_eq!(signer.check(what_for, guid, e, s, at_s * 1_000_000), expected, "{guid} {e} {s}");
        }
        assert_ne!(Signer::new([8; 32], 60).link("g1", 0), signer.link("g1", 0));
    }
}
