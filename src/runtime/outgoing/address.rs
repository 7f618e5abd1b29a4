//! Which addresses requests may go to.
//!
//! Refused is what is not a public unicast address: the server's own machine and network, and the services of cloud
//! providers that answer on link-local addresses, must not be within reach of whoever writes a URL into a manifest.
//! `--allow-egress` opens ranges.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use url::{Host, Url};

/// The rules by which addresses are let through.
#[derive(Clone, Debug, Default)]
pub struct Egress {
    allowed: Vec<IpNet>,
}

/// IPv4 ranges that are not public (IANA's registry of special-purpose addresses, and multicast).
const CLOSED_V4: [Ipv4Net; 16] = [
    v4([0, 0, 0, 0], 8),       // this network, unspecified
    v4([10, 0, 0, 0], 8),      // private
    v4([100, 64, 0, 0], 10),   // shared by providers (CGNAT)
    v4([127, 0, 0, 0], 8),     // loopback
    v4([169, 254, 0, 0], 16),  // link-local; metadata of cloud machines
    v4([172, 16, 0, 0], 12),   // private
    v4([192, 0, 0, 0], 24),    // protocol assignments
    v4([192, 0, 2, 0], 24),    // documentation
    v4([192, 31, 196, 0], 24), // AS112
    v4([192, 52, 193, 0], 24), // AMT
    v4([192, 88, 99, 0], 24),  // 6to4 relay
    v4([192, 168, 0, 0], 16),  // private
    v4([198, 18, 0, 0], 15),   // benchmarks
    v4([198, 51, 100, 0], 24), // documentation
    v4([203, 0, 113, 0], 24),  // documentation
    v4([224, 0, 0, 0], 3),     // multicast, reserved, broadcast
];

/// IPv6 ranges that are not public. What embeds an IPv4 address is looked at apart: see [`embedded`].
const CLOSED_V6: [Ipv6Net; 10] = [
    v6([0, 0, 0, 0, 0, 0, 0, 0], 96),          // unspecified, loopback, IPv4-compatible
    v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48),  // NAT64 for local use
    v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64),      // discard
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),     // protocol assignments; Teredo among them
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), // documentation
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),     // documentation
    v6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16),     // segment routing
    v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7),      // unique local
    v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 9),      // link-local, and site-local of old
    v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8),      // multicast
];

const fn v4(address: [u8; 4], length: u8) -> Ipv4Net {
    let [a, b, c, d] = address;
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(address: [u16; 8], length: u8) -> Ipv6Net {
    let mut bits = 0;
    let mut n = 0;
    while n < 8 {
        bits = bits << 16 | address[n] as u128;
        n += 1;
    }
    Ipv6Net::new_assert(Ipv6Addr::from_bits(bits), length)
}

impl Egress {
    /// Public addresses, and those within `allowed`.
    #[must_use]
    pub fn new(allowed: Vec<IpNet>) -> Self {
        Self { allowed }
    }

    /// Whether requests may go to an address.
    ///
    /// An IPv6 address that stands for an IPv4 one (mapped, compatible, NAT64, 6to4, Teredo) is let through only if
    /// that one is, too.
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        if self.allowed.iter().any(|range| range.contains(&address)) {
            return true;
        }
        match address {
            IpAddr::V4(address) => !CLOSED_V4.iter().any(|range| range.contains(&address)),
            IpAddr::V6(address) => {
                let is_open = !CLOSED_V6.iter().any(|range| range.contains(&address));
                is_open && embedded(address).is_none_or(|inner| self.permits(IpAddr::V4(inner)))
            }
        }
    }

    /// The same for a URL whose host is an address, in whatever notation (`2130706433`, `0x7f.1`, `[::ffff:7f00:1]`):
    /// the URL type has brought all into one. `None` for a name, which says nothing before it is resolved.
    #[must_use]
    pub fn permits_literal(&self, url: &Url) -> Option<bool> {
        match url.host()? {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(self.permits(IpAddr::V4(address))),
            Host::Ipv6(address) => Some(self.permits(IpAddr::V6(address))),
        }
    }
}

/// The IPv4 address within an IPv6 one of a form that a gateway translates.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        // NAT64 (64:ff9b::/96), IPv4-translated of SIIT (::ffff:0:0:0/96), and ISATAP, which is told by the second half.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [_, _, _, _, 0 | 0x200, 0x5efe, high, low]
        // 6to4: 2002::/16
        | [0x2002, high, low, ..] => Some(joined(high, low)),
        _ => None,
    }
}

fn joined(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn permits(text: &str) -> bool {
        Egress::default().permits(text.parse().expect("an address"))
    }

    #[test]
    fn what_is_not_public_is_refused() {
        for closed in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.1.2.3",
            "::ffff:0:10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "2002:c0a8:101::",
            "3fff::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2600::5efe:a00:1",
        ] {
            assert!(!permits(closed), "{closed}");
        }
    }

    #[test]
    fn what_is_public_is_let_through() {
        for open in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.1",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
            "2606:4700:4700::1111",
            "2a00:1450:4001::1",
        ] {
            assert!(permits(open), "{open}");
        }
    }

    #[test]
    fn ranges_can_be_opened() {
        let egress = Egress::new(vec!["10.1.0.0/16".parse().expect("a range"), "::1/128".parse().expect("a range")]);
        let permits = |text: &str| egress.permits(text.parse().expect("an address"));
        assert!(permits("10.1.2.3") && permits("::ffff:10.1.2.3") && permits("::1") && permits("64:ff9b::a01:203"));
        assert!(!permits("10.2.0.1") && !permits("127.0.0.1") && !permits("64:ff9b::a02:1"));
    }

    fn literal(url: &str) -> Option<bool> {
        Egress::default().permits_literal(&Url::parse(url).unwrap_or_else(|error| panic!("{url}: {error}")))
    }

    #[test]
    fn every_notation_of_an_address_is_recognised() {
        for closed in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://127.0.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0x7f.0.0.1/",
            "http://0177.0.0.1/",
            "http://017700000001/",
            "http://127.0.0.1./",
            "http://0/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[0:0:0:0:0:ffff:7f00:1]/",
            "http://１２７.０.０.１/",
            "http://127%2E0.0.1/",
            "http://①②⑦.0.0.1/",
            "http://0xa9fea9fe/",
            "http://169.254.169.254:80/latest",
            "http://[fd00:ec2::254]/",
        ] {
            assert_eq!(literal(closed), Some(false), "{closed}");
        }
        assert_eq!(literal("http://134744072/"), Some(true));
        assert_eq!(literal("http://localhost/"), None);
    }

    /// An address in a range, chosen by the bits after the prefix.
    fn within(range: Ipv4Net, bits: u32) -> Ipv4Addr {
        Ipv4Addr::from_bits(range.network().to_bits() | (bits & range.hostmask().to_bits()))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// No address of a closed range passes, in whatever notation and wrapping it comes.
        #[test]
        fn no_closed_address_passes(range in 0..CLOSED_V4.len(), bits: u32, low: u64, port: u16) {
            let address = within(CLOSED_V4[range], bits);
            let [a, b, c, d] = address.octets();
            let number = address.to_bits();
            let (high, least) = (number >> 16, number & 0xffff);
            let wrapped = [
                format!("::ffff:{high:x}:{least:x}"), format!("::{high:x}:{least:x}"),
                format!("64:ff9b::{high:x}:{least:x}"), format!("2002:{high:x}:{least:x}::{:x}", low & 0xffff),
                format!("2001:0:{:x}::{:x}:{:x}", low & 0xffff, !high & 0xffff, !least & 0xffff),
            ];
            for text in &wrapped {
                let address: IpAddr = text.parse().expect("an address");
                prop_assert!(!Egress::default().permits(address), "{}", text);
                prop_assert_eq!(literal(&format!("https://[{text}]:{port}/x")), Some(false));
            }
            prop_assert!(!Egress::default().permits(IpAddr::V4(address)));
            for host in [
                format!("{a}.{b}.{c}.{d}"), format!("{number}"), format!("{number:#x}"), format!("0{number:o}"),
                format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"), format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
                format!("{a}.{}", number & 0xff_ffff), format!("{a}.{b}.{least}"), format!("{a}.{b}.{c}.{d}."),
            ] {
                prop_assert_eq!(literal(&format!("http://{host}:{port}/")), Some(false), "{}", host);
            }
        }

        #[test]
        fn no_closed_ipv6_address_passes(range in 0..CLOSED_V6.len(), bits: u128) {
            let range = CLOSED_V6[range];
            let address = Ipv6Addr::from_bits(range.network().to_bits() | (bits & range.hostmask().to_bits()));
            prop_assert!(!Egress::default().permits(IpAddr::V6(address)), "{}", address);
            prop_assert_eq!(literal(&format!("http://[{address}]/")), Some(false));
        }
    }
}
