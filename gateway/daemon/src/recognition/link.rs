//! Links to a result that open it for a short time: a HIS that can only open an address needs no login for them, so the
//! address itself must prove that the gateway gave it.

use sha2::{Digest, Sha256};

use crate::cli::Failure;

/// Bytes of a block, so of a key.
pub(crate) const BLOCK: usize = 64;

/// Signs links. The key is of this start: a restart ends all links, and a reminder can be asked for again.
pub(crate) struct Links {
    key: [u8; BLOCK],
    life_s: i64,
}

impl Links {
    pub(crate) fn new(minutes: u32) -> Result<Links, Failure> {
        let mut key = [0; BLOCK];
        random(&mut key)?;
        Ok(Links { key, life_s: i64::from(minutes) * 60 })
    }

    /// Path below the gateway's address.
    pub(crate) fn path(&self, reminder: &str, now_us: i64) -> String {
        let until_s = now_us.div_euclid(1_000_000) + self.life_s;
        format!("recognition/{reminder}?until={until_s}&sig={}", self.signature(reminder, until_s))
    }

    pub(crate) fn opens(&self, reminder: &str, until_s: i64, signature: &str, now_us: i64) -> bool {
        let own = self.signature(reminder, until_s);
        // in constant time: how much of a guess is right must not be told by how long it took
        let differing = own.bytes().zip(signature.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
        own.len() == signature.len() && differing == 0 && now_us.div_euclid(1_000_000) <= until_s
    }

    /// The first 128 bits, in hex.
    fn signature(&self, reminder: &str, until_s: i64) -> String {
        hmac(&self.key, format!("{reminder}|{until_s}").as_bytes()).iter().take(16).map(|b| format!("{b:02x}")).collect()
    }
}

/// HMAC-SHA-256 (RFC 2104) with a key of one block.
pub(crate) fn hmac(key: &[u8; BLOCK], text: &[u8]) -> [u8; 32] {
    let keyed = |pad: u8| Sha256::new_with_prefix(key.map(|b| b ^ pad));
    let inner = keyed(0x36).chain_update(text).finalize();
    keyed(0x5c).chain_update(inner).finalize().into()
}

/// Bytes that nobody can guess, of the operating system.
pub(crate) fn random(into: &mut [u8]) -> Result<(), Failure> {
    let done = rustls::crypto::ring::default_provider().secure_random.fill(into);
    done.map_err(|_| Failure::usage("操作系统没有给出随机数", "the operating system gave no random numbers"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_its_own_result_for_its_time() {
        let links = Links::new(30).ok().unwrap();
        let path = links.path("r1", 1_000_000);
        let (until, signature) = path.strip_prefix("recognition/r1?until=").unwrap().split_once("&sig=").unwrap();
        let until: i64 = until.parse().unwrap();
        assert_eq!((until, signature.len()), (1801, 32));
        let at = |s: i64| s * 1_000_000;
        for (reminder, until_s, signature, now_us, expected) in [
            ("r1", until, signature, at(1801), true),
            ("r1", until, signature, at(1802), false),
            ("r2", until, signature, at(1), false),
            ("r1", until + 1, signature, at(1), false),
            ("r1", until, &signature[1..], at(1), false),
            ("r1", until, "", at(1), false),
        ] {
            assert_eq!(links.opens(reminder, until_s, signature, now_us), expected, "{reminder} {until_s} {signature}");
        }
        let other = Links::new(30).ok().unwrap();
        assert!(!other.opens("r1", until, signature, at(1)), "another key");
    }

    #[test]
    fn the_signature_is_hmac_sha_256() {
        // RFC 4231, test case 2
        let mut key = [0; BLOCK];
        key[..4].copy_from_slice(b"Jefe");
        assert_eq!(hmac(&key, b"what do ya want for nothing?")[..4], [0x5b, 0xdc, 0xc1, 0x46]);
    }
}
