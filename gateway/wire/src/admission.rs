//! How many connections may be open: in all, from one address, with one certificate.

use crate::limits::{Limits, size};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts the open connections of one listener. Cheap to clone.
#[derive(Clone)]
pub struct Admission {
    inner: Arc<Inner>,
}

struct Inner {
    total: usize,
    per_address: usize,
    per_certificate: usize,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
    by_certificate: HashMap<String, usize>,
}

/// Which cap was reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Full {
    Total,
    Address,
    Certificate,
}

/// An admitted connection; dropping it makes room.
pub struct Ticket {
    admission: Admission,
    address: IpAddr,
    certificate: Option<String>,
}

impl Admission {
    pub fn new(limits: &Limits) -> Admission {
        Admission {
            inner: Arc::new(Inner {
                total: size(limits.connections),
                per_address: size(limits.connections_per_address),
                per_certificate: size(limits.connections_per_certificate),
                open: Mutex::new(Open::default()),
            }),
        }
    }

    /// Counts a connection in, before anything of it is read.
    pub fn enter(&self, address: IpAddr) -> Result<Ticket, Full> {
        let address = address.to_canonical();
        let mut open = self.open();
        if open.total >= self.inner.total {
            return Err(Full::Total);
        }
        let of_address = open.by_address.entry(address).or_insert(0);
        if *of_address >= self.inner.per_address {
            return Err(Full::Address);
        }
        *of_address += 1;
        open.total += 1;
        Ok(Ticket { admission: self.clone(), address, certificate: None })
    }

    /// Connections open now.
    pub fn open_count(&self) -> usize {
        self.open().total
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        // The counters are plain numbers: a panic elsewhere cannot have left them half written.
        self.inner.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// Counts the connection under its certificate as well, once the handshake has shown it (SHA-256 in hex).
    pub fn with_certificate(&mut self, fingerprint: &str) -> Result<(), Full> {
        let mut open = self.admission.open();
        let of_certificate = open.by_certificate.entry(fingerprint.to_owned()).or_insert(0);
        if *of_certificate >= self.admission.inner.per_certificate {
            return Err(Full::Certificate);
        }
        *of_certificate += 1;
        drop(open);
        self.certificate = Some(fingerprint.to_owned());
        Ok(())
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut open = self.admission.open();
        open.total = open.total.saturating_sub(1);
        leave(&mut open.by_address, &self.address);
        if let Some(certificate) = &self.certificate {
            leave(&mut open.by_certificate, certificate);
        }
    }
}

fn leave<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cap_counts_on_its_own() {
        let limits = Limits { connections: 3, connections_per_address: 2, connections_per_certificate: 1, ..Limits::default() };
        let admission = Admission::new(&limits);
        let (a, b): (IpAddr, IpAddr) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let mut first = admission.enter(a).ok().unwrap();
        let mut second = admission.enter("::ffff:10.0.0.1".parse().unwrap()).ok().unwrap();
        assert_eq!(admission.enter(a).err(), Some(Full::Address), "the mapped address is the same peer");
        first.with_certificate("ab").unwrap();
        assert_eq!(second.with_certificate("ab"), Err(Full::Certificate));
        let third = admission.enter(b).ok().unwrap();
        assert_eq!(admission.enter(b).err(), Some(Full::Total));
        drop((first, third));
        assert_eq!(admission.open_count(), 1);
        second.with_certificate("ab").unwrap();
        drop(second);
        let open = admission.open();
        assert!(open.by_address.is_empty() && open.by_certificate.is_empty(), "nothing is remembered of who has left");
    }
}
