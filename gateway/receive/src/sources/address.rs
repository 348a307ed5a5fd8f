//! Networks in CIDR notation.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An address, or a network such as `10.12.0.0/16` or `fd00::/8`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr {
    address: IpAddr,
    bits: u8,
}

impl Cidr {
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let host = 32 - u32::from(self.bits);
                u64::from(u32::from(network)) >> host == u64::from(u32::from(address)) >> host
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                // A shift by the full width is no shift in Rust but an error: `/0` contains everything.
                let host = 128 - u32::from(self.bits);
                host == 128 || u128::from(network) >> host == u128::from(address) >> host
            }
            _ => false,
        }
    }

    /// How narrow it is; a single address is the narrowest.
    pub fn prefix_bits(&self) -> u8 {
        self.bits
    }

    pub fn loopback_v4() -> Cidr {
        Cidr { address: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), bits: 8 }
    }

    pub fn loopback_v6() -> Cidr {
        Cidr { address: IpAddr::V6(Ipv6Addr::LOCALHOST), bits: 128 }
    }
}

impl FromStr for Cidr {
    type Err = String;

    fn from_str(text: &str) -> Result<Cidr, String> {
        let fault = || format!("`{text}` 不是 IP 地址或网段 / is no IP address or network (10.1.2.3, 10.1.0.0/16)");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| fault())?;
        let full = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(full), str::parse).map_err(|_| fault())?;
        if bits > full { Err(fault()) } else { Ok(Cidr { address, bits }) }
    }
}

impl TryFrom<String> for Cidr {
    type Error = String;

    fn try_from(text: String) -> Result<Cidr, String> {
        text.parse()
    }
}

impl From<Cidr> for String {
    fn from(network: Cidr) -> String {
        network.to_string()
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_what_its_bits_say() {
        let cases = [
            ("10.12.0.0/16", "10.12.255.1", true),
            ("10.12.0.0/16", "10.13.0.1", false),
            ("10.12.0.9", "10.12.0.9", true),
            ("10.12.0.9", "10.12.0.8", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "::1", false),
            ("10.12.0.0/16", "::ffff:10.12.3.4", true),
            ("fd00::/8", "fd12::1", true),
            ("fd00::/8", "fe80::1", false),
            ("::/0", "fe80::1", true),
        ];
        for (network, address, contained) in cases {
            assert_eq!(network.parse::<Cidr>().unwrap().contains(address.parse().unwrap()), contained, "{network} {address}");
        }
        for wrong in ["", "10.12", "10.12.0.0/33", "fd00::/129", "host", "10.0.0.1/-1", "10.0.0.1/"] {
            assert!(wrong.parse::<Cidr>().is_err(), "{wrong}");
        }
    }
}
