//! Links to a result that open it for a short time: a HIS that can only open an address needs no login for them, so the
//! address itself must prove that the gateway gave it.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::cli::Failure;
use crate::hex::hex;

/// The key's file in the data directory. Without it all links end, and nothing else is lost.
const FILE: &str = "links.key";

/// Bytes of a block, so of a key.
pub(crate) const BLOCK: usize = 64;

/// Signs links.
pub(crate) struct Links {
    key: [u8; BLOCK],
    life_s: i64,
}

impl Links {
    /// With a key of its own: links that nobody else opens.
    pub(crate) fn new(minutes: u32) -> Result<Links, Failure> {
        let mut key = [0; BLOCK];
        random(&mut key)?;
        Ok(Links { key, life_s: i64::from(minutes) * 60 })
    }

    /// With the key of a data directory, so that a restart ends no link before its time; made where there is none.
    pub(crate) fn kept(minutes: u32, data: &Path) -> Result<Links, Failure> {
        let path = data.join(FILE);
        let mut links = Links::new(minutes)?;
        let failed = |error: io::Error| Failure::file(&path, &error);
        match read_key(&path).map_err(failed)? {
            Some(key) => links.key = key,
            None => write_key(&path, &links.key).map_err(failed)?,
        }
        Ok(links)
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
        let mut text = hex(&hmac(&self.key, format!("{reminder}|{until_s}").as_bytes()));
        text.truncate(32);
        text
    }
}

/// `None`: there is none, or half of one that a crash left behind.
fn read_key(path: &Path) -> io::Result<Option<[u8; BLOCK]>> {
    let mut bytes = Vec::with_capacity(BLOCK + 1);
    match fs::File::open(path) {
        Ok(file) => file.take(BLOCK as u64 + 1).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(<[u8; BLOCK]>::try_from(bytes.as_slice()).ok())
}

/// Readable by the gateway's own user only: who knows the key can open every reminder that he knows the GUID of.
fn write_key(path: &Path, key: &[u8; BLOCK]) -> io::Result<()> {
    // a file of another mode keeps it when it is opened, so it goes first
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(key)?;
    file.sync_all()
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
    fn a_restart_ends_no_link() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let links = || Links::kept(30, dir.path()).ok().unwrap();
        let signature = links().signature("r1", 1801);
        assert!(links().opens("r1", 1801, &signature, 0), "the key was kept");
        let file = dir.path().join(FILE);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&file, b"half of a key").unwrap();
        assert!(!links().opens("r1", 1801, &signature, 0), "a new key");
        assert_eq!(fs::read(&file).unwrap().len(), BLOCK);
    }

    #[test]
    fn the_signature_is_hmac_sha_256() {
        // RFC 4231, test case 2
        let mut key = [0; BLOCK];
        key[..4].copy_from_slice(b"Jefe");
        assert_eq!(hmac(&key, b"what do ya want for nothing?")[..4], [0x5b, 0xdc, 0xc1, 0x46]);
    }
}
