//! Figures, draws, rest and snapshots of one range.

use super::*;
use std::{collections::BTreeSet, format, string::String, string::ToString};

const SEED: Seed = Seed([9, 8, 7, 6]);

fn range(cidr: &str) -> AddressRange {
    AddressRange::new(cidr.parse().unwrap(), SEED).unwrap()
}

fn addr(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn secs(secs: u64) -> Time {
    Time::from_nanos(secs * 1_000_000_000)
}

fn shown(band: Option<RangeInclusive<IpAddr>>) -> String {
    band.map_or_else(|| "-".into(), |band| format!("{} {}", band.start(), band.end()))
}

#[test]
fn bands() {
    let cases = [
        ("10.96.0.0/24", 254, "10.96.0.1 10.96.0.16", "10.96.0.17 10.96.0.254"),
        ("10.96.0.0/20", 4094, "10.96.0.1 10.96.1.0", "10.96.1.1 10.96.15.254"),
        ("10.96.0.0/27", 30, "10.96.0.1 10.96.0.16", "10.96.0.17 10.96.0.30"),
        ("10.96.0.0/28", 14, "-", "10.96.0.1 10.96.0.14"),
        ("10.96.0.0/30", 2, "-", "10.96.0.1 10.96.0.2"),
        ("10.96.0.0/31", 0, "-", "-"),
        ("10.96.0.1/32", 0, "-", "-"),
        ("0.0.0.0/0", (1 << 32) - 2, "0.0.0.1 0.0.1.0", "0.0.1.1 255.255.255.254"),
        ("10.96.7.7/16", 65_534, "10.96.0.1 10.96.1.0", "10.96.1.1 10.96.255.254"),
        ("fd00::/112", 65_535, "fd00::1 fd00::100", "fd00::101 fd00::ffff"),
        ("fc::/120", 255, "fc::1 fc::10", "fc::11 fc::ff"),
        ("fd00::/64", u64::MAX, "fd00::1 fd00::100", "fd00::101 fd00::ffff:ffff:ffff:ffff"),
        ("fd00::1/128", 0, "-", "-"),
        (
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/124",
            15,
            "-",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ),
    ];
    for (cidr, usable, low, high) in cases {
        let range = range(cidr);
        assert_eq!(range.usable(), usable, "{cidr}");
        assert_eq!(shown(range.static_band()), low, "{cidr}");
        assert_eq!(shown(range.dynamic_band()), high, "{cidr}");
    }
    let large = "fd00::/63".parse().unwrap();
    let refused = AddressRange::new(large, SEED).unwrap_err();
    assert_eq!(refused.to_string(), "fd00::/63 is larger than a /64");
}

#[test]
fn bitmap_mode_uses_the_first_65536_of_ipv6_only() {
    let cases = [
        ("fd00::/64", 65_535, "fd00::101 fd00::ffff"),
        ("::/0", 65_535, "::101 ::ffff"),
        ("fd00::/124", 15, "fd00::1 fd00::f"),
        ("10.0.0.0/12", 1_048_574, "10.0.1.1 10.15.255.254"),
    ];
    for (cidr, usable, high) in cases {
        let range = AddressRange::in_bitmap_mode(cidr.parse().unwrap(), SEED).unwrap();
        assert_eq!(
            (range.usable(), shown(range.dynamic_band()).as_str()),
            (usable, high),
            "{cidr}"
        );
    }
}

#[test]
fn reserve_answers() {
    let outside = "is not one of the service addresses of 10.96.0.0/24";
    let cases = [
        ("free address", "10.96.0.11", "ok".into()),
        ("same address again", "10.96.0.10", "10.96.0.10 is already allocated".into()),
        ("network address", "10.96.0.0", format!("10.96.0.0 {outside}")),
        ("broadcast address", "10.96.0.255", format!("10.96.0.255 {outside}")),
        ("below", "10.95.255.255", format!("10.95.255.255 {outside}")),
        ("above", "10.96.1.0", format!("10.96.1.0 {outside}")),
        ("other family", "::ffff:10.96.0.11", format!("::ffff:10.96.0.11 {outside}")),
    ];
    for (name, asked, want) in cases {
        let mut range = range("10.96.0.0/24");
        range.reserve(addr("10.96.0.10")).unwrap();
        let got =
            range.reserve(addr(asked)).map_or_else(|error| error.to_string(), |()| "ok".into());
        assert_eq!(got, want, "{name}");
    }
}

#[test]
fn draws_the_dynamic_band_first_and_each_address_once() {
    for cidr in ["10.96.0.0/24", "10.96.0.0/28", "10.96.0.0/22", "fd00::/119", "10.96.0.0/30"] {
        let mut range = range(cidr);
        let (low, count) = (range.static_band(), range.usable() as usize);
        let drawn: Vec<_> = core::iter::from_fn(|| range.allocate(Time::default()).ok()).collect();
        assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), count, "{cidr}");
        let high = low.map_or(count, |low| {
            let high = drawn.iter().take_while(|addr| !low.contains(*addr)).count();
            assert!(drawn[high..].iter().all(|addr| low.contains(addr)), "{cidr}");
            high
        });
        assert!(high == count || high == count - range.taken.split() as usize, "{cidr}");
        assert_eq!((range.free(), drawn.len()), (0, count), "{cidr}");
        let full = range.allocate(Time::default()).unwrap_err();
        assert_eq!(full.to_string(), format!("no address is free in {cidr}"));
    }
}

#[test]
fn equal_seeds_draw_equal_addresses() {
    let draw = |seed| {
        let mut range = AddressRange::new("10.96.0.0/16".parse().unwrap(), seed).unwrap();
        (0..50).map(|_| range.allocate(Time::default()).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(draw(SEED), draw(SEED));
    assert_ne!(draw(SEED), draw(Seed([9, 8, 7, 5])));
    assert_ne!(draw(SEED), draw(Seed([1, 8, 7, 6])));
}

#[test]
fn a_released_address_rests() {
    let mut range = range("10.96.0.0/29");
    let drawn: Vec<_> = (0..6).map(|_| range.allocate(secs(0)).unwrap()).collect();
    for (late, addr) in [(1, drawn[3]), (2, drawn[1]), (3, drawn[5])] {
        assert!(range.release(addr, secs(late)) && !range.release(addr, secs(late)));
    }
    assert_eq!(range.free(), 3);
    assert!(!range.is_held(drawn[1]));

    range.reserve(drawn[1]).unwrap();
    assert!(range.is_held(drawn[1]), "an explicit request may take a resting address");
    assert_eq!(range.allocate(secs(10)).unwrap(), drawn[3], "nothing else: the longest rested");
    assert!(range.cancel(drawn[0]) && !range.cancel(drawn[0]));
    assert_eq!(range.allocate(secs(10)).unwrap(), drawn[0], "cancelled addresses don't rest");
    assert!(range.release(drawn[0], secs(10)));
    assert_eq!(range.allocate(secs(63)).unwrap(), drawn[5], "has rested a minute");
    assert_eq!(range.allocate(secs(63)).unwrap(), drawn[0], "the last one");
    assert!(range.allocate(secs(63)).is_err());
}

#[test]
fn without_quarantine_nothing_rests() {
    let mut range = range("10.96.0.0/30").with_quarantine(Duration::ZERO);
    let first = range.allocate(secs(0)).unwrap();
    let second = range.allocate(secs(0)).unwrap();
    assert!(range.release(second, secs(0)) && range.release(first, secs(0)));
    assert_eq!((range.free(), range.resting.len()), (2, 0));
}

#[test]
fn restores_what_it_held() {
    for cidr in ["10.96.0.0/20", "fd00::/64", "10.0.0.0/8"] {
        let mut range = range(cidr);
        let drawn: Vec<_> = (0..300).map(|_| range.allocate(secs(0)).unwrap()).collect();
        range.release(drawn[7], secs(0));
        let held: Vec<_> = range.held().collect();
        assert!(held.is_sorted() && held.len() == 299, "{cidr}");

        let mut copy = AddressRange::new(cidr.parse().unwrap(), Seed([0; 4])).unwrap();
        assert_eq!(copy.restore(held.clone()), [], "{cidr}");
        assert!(copy.held().eq(held.clone()), "{cidr}");
        let again = copy.restore([held[0], addr("192.0.2.1")]);
        assert!(matches!(
            again[..],
            [AllocError::AddressTaken { .. }, AllocError::AddressOutOfRange { .. }]
        ));
    }
}
