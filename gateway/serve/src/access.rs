//! Who is asking. The one place where a request becomes a [`Principal`], before anything of it is looked into.
//!
//! What a principal may see is put into the query of the store, never filtered out of its answer; what it may not see
//! is answered as if it did not exist.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::header::AUTHORIZATION;
use sha2::{Digest, Sha256};

use crate::refusal::Refusal;

/// Who is asking.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Principal {
    /// A program on this machine: the operator, the console, the demo.
    Local,
    /// A member institution, by its id.
    Institution(String),
}

impl Principal {
    /// Whose token it is.
    pub(crate) fn institution(&self) -> Option<&str> {
        match self {
            Principal::Local => None,
            Principal::Institution(id) => Some(id),
        }
    }
}

/// Who may read over this listener.
#[derive(Default)]
pub struct Access {
    /// Whether clients on the loopback interface are let in without a token.
    pub loopback_open: bool,
    /// SHA-256 of a bearer token → id of the institution that holds it. Tokens themselves are not kept.
    pub tokens: Vec<([u8; 32], String)>,
    /// Institutions whose tokens may also operate the gateway (`/admin`).
    pub operators: Vec<String>,
}

impl Access {
    /// Whether a principal may operate the gateway; if so, what it is called.
    pub(crate) fn operator<'p>(&self, principal: &'p Principal) -> Option<&'p str> {
        match principal {
            Principal::Local => Some("local"),
            Principal::Institution(id) => self.operators.contains(id).then_some(id),
        }
    }

    /// Who holds a token.
    pub(crate) fn holder(&self, token: &str) -> Option<Principal> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        // digests are compared, so the time that takes says nothing about a token
        self.tokens.iter().find(|(hash, _)| *hash == digest).map(|(_, id)| Principal::Institution(id.clone()))
    }

    /// Establishes the principal from address and headers alone.
    pub(crate) fn admit(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Result<Principal, Refusal> {
        if let Some(value) = headers.get(AUTHORIZATION) {
            let token = value.to_str().ok().and_then(bearer).ok_or_else(Refusal::unknown_caller)?;
            return self.holder(token).ok_or_else(Refusal::unknown_caller);
        }
        match peer.map(|p| p.ip()) {
            Some(ip) if self.loopback_open && is_loopback(ip) => Ok(Principal::Local),
            _ => Err(Refusal::unknown_caller()),
        }
    }
}

/// IPv4 loopback also as it looks on a socket that serves both families.
fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty()).then_some(token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_let_in() {
        let access =
            Access { loopback_open: true, tokens: vec![(Sha256::digest(b"secret").into(), "h1".to_owned())], operators: Vec::new() };
        let closed = Access::default();
        let (local, mapped, remote) = ("127.0.0.1:1", "[::ffff:127.0.0.1]:1", "10.0.0.7:1");
        let h1 = Some(Principal::Institution("h1".to_owned()));
        for (access, peer, header, expected) in [
            (&access, Some(local), None, Some(Principal::Local)),
            (&access, Some(mapped), None, Some(Principal::Local)),
            (&access, Some("[::1]:1"), None, Some(Principal::Local)),
            (&access, Some(remote), None, None),
            (&access, None, None, None),
            (&access, Some(remote), Some("Bearer secret"), h1.clone()),
            (&access, Some(remote), Some("bearer  secret "), h1),
            (&access, Some(remote), Some("Basic secret"), None),
            (&access, Some(remote), Some("Bearer"), None),
            // a wrong token is wrong even where none is needed
            (&access, Some(local), Some("Bearer other"), None),
            (&closed, Some(local), None, None),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(h) = header {
                headers.insert(AUTHORIZATION, h.parse().unwrap());
            }
            let got = access.admit(peer.map(|p| p.parse().unwrap()), &headers).ok();
            assert_eq!(got, expected, "{peer:?} {header:?}");
        }
    }
}
