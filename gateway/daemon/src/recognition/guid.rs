//! GUIDs of questions, reminders and answers: version 4 of RFC 9562, in lower case.

use std::sync::Mutex;
use std::sync::PoisonError;

use super::link::random;
use crate::cli::Failure;

/// Random bytes taken at once.
const POOL: usize = 1024;

/// Makes GUIDs; where the operating system stops giving random numbers, out of a hash of those it gave.
pub(crate) struct Guids(Mutex<Pool>);

struct Pool {
    bytes: [u8; POOL],
    used: usize,
}

impl Guids {
    pub(crate) fn new() -> Result<Guids, Failure> {
        let mut bytes = [0; POOL];
        random(&mut bytes)?;
        Ok(Guids(Mutex::new(Pool { bytes, used: 0 })))
    }

    pub(crate) fn next(&self) -> String {
        let mut pool = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.used + 16 > POOL {
            pool.refill();
        }
        let at = pool.used;
        pool.used += 16;
        let mut own = [0u8; 16];
        own.iter_mut().zip(pool.bytes.iter().skip(at)).for_each(|(to, from)| *to = *from);
        drop(pool);
        let value = u128::from_be_bytes(own) & !(0xf << 76) & !(0b11 << 62) | 4 << 76 | 0b10 << 62;
        let hex = format!("{value:032x}");
        [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)].map(|(from, to)| hex.get(from..to).unwrap_or_default()).join("-")
    }
}

impl Pool {
    fn refill(&mut self) {
        self.used = 0;
        if random(&mut self.bytes).is_err() {
            use sha2::{Digest, Sha256};
            let seed = Sha256::digest(self.bytes);
            for (n, block) in self.bytes.chunks_mut(32).enumerate() {
                let next = Sha256::new().chain_update(seed).chain_update(n.to_be_bytes()).finalize();
                block.iter_mut().zip(next).for_each(|(to, from)| *to = from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_are_of_version_4_and_differ() {
        let guids = Guids::new().ok().unwrap();
        let all: std::collections::BTreeSet<String> = (0..1000).map(|_| guids.next()).collect();
        assert_eq!(all.len(), 1000);
        for guid in all {
            let parts: Vec<usize> = guid.split('-').map(str::len).collect();
            assert_eq!(parts, [8, 4, 4, 4, 12]);
            assert_eq!(&guid[14..15], "4");
            assert!(matches!(&guid[19..20], "8" | "9" | "a" | "b"), "{guid}");
        }
    }
}
