//! What an address is, by the registries of special addresses (RFC 6890 and what followed): only what is clearly public is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Public,
    Loopback,
    Private,
    /// Also where clouds tell a machine's secrets.
    LinkLocal,
    /// Where clouds tell a machine's secrets, in the middle of other networks.
    Metadata,
    Unspecified,
    Multicast,
    /// For documentation, benchmarks, protocols, or for nothing yet.
    Reserved,
}

impl Kind {
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Public => "a public address",
            Self::Loopback => "this machine itself",
            Self::Private => "an address of a private network",
            Self::LinkLocal => "a link-local address, where clouds keep what they tell a machine",
            Self::Metadata => "an address where clouds keep what they tell a machine",
            Self::Unspecified => "no address of anybody",
            Self::Multicast => "an address of many at once",
            Self::Reserved => "a reserved address",
        }
    }
}

pub(super) fn kind(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => v6(address),
    }
}

fn v4(address: Ipv4Addr) -> Kind {
    match address.octets() {
        [0, ..] => Kind::Unspecified,
        [127, ..] => Kind::Loopback,
        // Alibaba, Azure.
        [100, 100, 100, 200] | [168, 63, 129, 16] => Kind::Metadata,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Kind::Private,
        [169, 254, ..] => Kind::LinkLocal,
        [224..=239, ..] => Kind::Multicast,
        // Protocols; documentation; the relay of 6to4; benchmarks; for later, and broadcast.
        [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [192, 88, 99, _] | [198, 18 | 19, ..] | [240..=255, ..] => {
            Kind::Reserved
        }
        _ => Kind::Public,
    }
}

fn v6(address: Ipv6Addr) -> Kind {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Kind::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => Kind::Loopback,
        // What carries an IPv4 address is what that one is: see `embedded`.
        all if carries_another(all) => Kind::Public,
        // Amazon, Google, Oracle, Scaleway.
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254]
        | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254]
        | [0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe]
        | [0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42] => Kind::Metadata,
        // Unique local, the site-local of old, and NAT64 of a network's own.
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] | [0x64, 0xff9b, 1, ..] => Kind::Private,
        [0xfe80..=0xfebf, ..] => Kind::LinkLocal,
        [0xff00..=0xffff, ..] => Kind::Multicast,
        // Protocols with benchmarks and ORCHID; documentation, twice.
        [0x2001, 1..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Kind::Reserved,
        [0x2000..=0x3fff, ..] => Kind::Public,
        _ => Kind::Reserved,
    }
}

/// Mapped and compatible, NAT64, 6to4 and Teredo.
const fn carries_another(segments: [u16; 8]) -> bool {
    matches!(segments, [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] | [0x2002, ..] | [0x2001, 0, ..])
}

/// The IPv4 addresses that an IPv6 address leads to: mapped, compatible, NAT64, 6to4, and both of Teredo. In
/// a network's own NAT64 nobody knows where in the address it lies: each of the places that there are (RFC 6052).
pub(super) fn embedded(address: IpAddr) -> Vec<IpAddr> {
    let IpAddr::V6(address) = address else { return Vec::new() };
    let two = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low)));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Vec::new(),
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => vec![two(high, low)],
        [0x64, 0xff9b, 1, ..] => {
            own_nat64(address.octets()).map(Ipv4Addr::from).into_iter().filter(|found| is_somebody(*found)).map(IpAddr::V4).collect()
        }
        [0x2001, 0, server, erver, .., client, lient] => vec![two(server, erver), two(!client, !lient)],
        _ => Vec::new(),
    }
}

/// As behind a prefix of 48, 56, 64 and 96 bits, of which the first three leave the ninth octet out.
const fn own_nat64(of: [u8; 16]) -> [[u8; 4]; 4] {
    [[of[6], of[7], of[9], of[10]], [of[7], of[9], of[10], of[11]], [of[9], of[10], of[11], of[12]], [of[12], of[13], of[14], of[15]]]
}

/// Nothing lies there but the rest of another place.
const fn is_somebody(address: Ipv4Addr) -> bool {
    address.octets()[0] != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_kinds(text: &str) -> Vec<Kind> {
        let address: IpAddr = text.parse().unwrap();
        std::iter::once(address).chain(embedded(address)).map(kind).collect()
    }

    #[test]
    fn an_address_is_what_its_registry_says() {
        for (kind, addresses) in [
            (Kind::Public, &["1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0"][..]),
            (Kind::Public, &["192.167.255.255", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700::1111", "2a00::1"][..]),
            (Kind::Loopback, &["127.0.0.1", "127.255.255.254", "::1"][..]),
            (
                Kind::Private,
                &["10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.1", "100.64.0.0", "100.127.255.255"][..],
            ),
            (Kind::Private, &["fc00::1", "fdff::1", "fec0::1", "64:ff9b:1::1"][..]),
            (
                Kind::Metadata,
                &["100.100.100.200", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254", "fd00:c1::a9fe:a9fe", "fd00:42::42"][..],
            ),
            (Kind::LinkLocal, &["169.254.0.0", "169.254.169.254", "fe80::1", "febf::1"][..]),
            (Kind::Unspecified, &["0.0.0.0", "0.1.2.3", "::"][..]),
            (Kind::Multicast, &["224.0.0.1", "239.255.255.255", "ff02::1"][..]),
            (Kind::Reserved, &["192.0.0.8", "192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.0", "198.19.255.255", "192.88.99.1"][..]),
            (Kind::Reserved, &["240.0.0.1", "255.255.255.255", "2001:db8::1", "2001:2::1", "3fff::1", "100::1", "5f00::1", "4000::1"][..]),
        ] {
            for address in addresses {
                assert_eq!(all_kinds(address), [kind], "{address}");
            }
        }
    }

    #[test]
    fn an_address_that_carries_another_is_what_that_one_is() {
        for (address, carried) in [
            ("::ffff:127.0.0.1", Kind::Loopback),
            ("::ffff:169.254.169.254", Kind::LinkLocal),
            ("::10.0.0.1", Kind::Private),
            ("64:ff9b::a00:1", Kind::Private),
            ("64:ff9b::169.254.169.254", Kind::LinkLocal),
            ("2002:7f00:1::", Kind::Loopback),
            ("2002:c0a8:101::1", Kind::Private),
            ("64:ff9b:1::169.254.169.254", Kind::LinkLocal),
            ("64:ff9b:1:a9fe:a9:fe00::", Kind::LinkLocal),
            ("64:ff9b:1:a9:fe:a9fe::", Kind::LinkLocal),
            ("64:ff9b:1:0:a9:fea9:fe00:0", Kind::LinkLocal),
            ("64:ff9b:1::100.100.100.200", Kind::Metadata),
            // The server is private, then the client, whose bits are turned.
            ("2001:0:a00:1::f7f7:f7f7", Kind::Private),
            ("2001:0:808:808::80ff:fffe", Kind::Loopback),
        ] {
            assert!(all_kinds(address).contains(&carried), "{address}: {:?}", all_kinds(address));
        }
        assert!(all_kinds("64:ff9b::8.8.8.8").iter().all(|kind| *kind == Kind::Public));
    }
}
