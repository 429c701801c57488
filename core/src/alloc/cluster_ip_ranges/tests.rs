//! Several ranges: preference, families, overlaps, adding, draining and removing.

use super::*;
use std::{collections::BTreeSet, string::ToString};

const SEED: Seed = Seed([4; 4]);

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn ranges(cidrs: &[&str]) -> ClusterIpRanges {
    ClusterIpRanges::new(&cidrs.iter().map(|cidr| net(cidr)).collect::<Vec<_>>(), SEED).unwrap()
}

fn draw_all(ranges: &mut ClusterIpRanges, family: Family) -> Vec<IpAddr> {
    core::iter::from_fn(|| ranges.allocate(family, Time::default()).ok()).collect()
}

#[test]
fn the_first_range_of_the_family_is_preferred() {
    let mut ranges = ranges(&["fd00::/125", "10.0.0.0/29", "10.0.1.0/30"]);
    assert_eq!(ranges.families(), [Family::V6, Family::V4]);
    let drawn = draw_all(&mut ranges, Family::V4);
    assert_eq!(drawn.len(), 8);
    assert!(drawn[..6].iter().all(|addr| net("10.0.0.0/29").contains(addr)));
    assert!(drawn[6..].iter().all(|addr| net("10.0.1.0/30").contains(addr)));
    assert_eq!(draw_all(&mut ranges, Family::V6).len(), 7);
}

#[test]
fn refusals_name_the_ranges() {
    let mut ranges = ranges(&["10.0.0.0/30", "10.0.1.0/30", "10.0.2.0/30"]);
    let mut refused = |addr: &str| ranges.reserve(addr.parse().unwrap()).unwrap_err().to_string();
    assert_eq!(
        refused("192.0.2.1"),
        "192.0.2.1 is not one of the service addresses of 10.0.0.0/30 and 2 more"
    );
    assert_eq!(refused("fd00::1"), "there is no IPv6 service range");
    let exhausted = ranges.allocate(Family::V6, Time::default()).unwrap_err();
    assert_eq!(exhausted, AllocError::NoRange { family: Family::V6 });
    draw_all(&mut ranges, Family::V4);
    let exhausted = ranges.allocate(Family::V4, Time::default()).unwrap_err();
    assert_eq!(exhausted.to_string(), "no address is free in 10.0.0.0/30 and 2 more");
}

#[test]
fn a_resting_address_waits_for_the_other_ranges() {
    let mut ranges = ranges(&["10.0.0.0/30", "10.0.1.0/30"]);
    let drawn = draw_all(&mut ranges, Family::V4);
    assert!(ranges.release(drawn[0], Time::default()));
    assert!(ranges.cancel(drawn[2]));
    assert_eq!(draw_all(&mut ranges, Family::V4), [drawn[2], drawn[0]]);
}

#[test]
fn overlapping_ranges_hand_out_each_address_once() {
    let mut ranges = ranges(&["10.0.0.0/28", "10.0.0.8/29"]);
    let held = ranges.allocate(Family::V4, Time::default()).unwrap();
    ranges.add(net("10.0.0.0/27")).unwrap();
    let mut drawn = draw_all(&mut ranges, Family::V4);
    drawn.push(held);
    assert_eq!(drawn.len(), 30);
    assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), 30);
    assert_eq!(ranges.held().collect::<BTreeSet<_>>().len(), ranges.held().count());

    let addr = "10.0.0.10".parse().unwrap();
    assert_eq!(ranges.reserve(addr), Err(AllocError::AddressTaken { addr }));
    assert!(ranges.release(addr, Time::default()) && !ranges.is_held(addr));
    ranges.reserve(addr).unwrap();
    assert!(ranges.ranges().filter(|range| range.contains(addr)).all(|range| range.is_held(addr)));
}

#[test]
fn a_range_is_drained_and_removed() {
    let mut ranges = ranges(&["10.0.0.0/29", "10.0.1.0/29"]);
    let (old, new) = (net("10.0.0.0/29"), net("10.0.1.0/29"));
    let held = ranges.allocate(Family::V4, Time::default()).unwrap();
    assert_eq!(ranges.remove(old), Err(AllocError::RangeInUse { range: old, held: 1 }));
    assert_eq!(ranges.remove(new), Err(AllocError::RangeInUse { range: new, held: 0 }));
    assert_eq!(ranges.add(old), Err(AllocError::RangeKnown { range: old }));

    ranges.drain(old).unwrap();
    assert!(draw_all(&mut ranges, Family::V4).iter().all(|addr| new.contains(addr)));
    assert_eq!(ranges.remove(old), Err(AllocError::RangeInUse { range: old, held: 1 }));
    ranges.drain(new).unwrap();
    assert_eq!(ranges.families(), []);
    ranges.add(new).unwrap();
    assert_eq!(ranges.families(), [Family::V4], "adding it again ends the draining");

    assert!(ranges.release(held, Time::default()));
    ranges.remove(old).unwrap();
    assert!(!ranges.contains(held));
    assert_eq!(ranges.drain(old), Err(AllocError::RangeUnknown { range: old }));
}

#[test]
fn a_range_may_go_when_another_has_its_addresses() {
    let mut ranges = ranges(&["10.0.0.0/29"]);
    let held = ranges.allocate(Family::V4, Time::default()).unwrap();
    ranges.add(net("10.0.0.0/24")).unwrap();
    ranges.drain(net("10.0.0.0/29")).unwrap();
    ranges.remove(net("10.0.0.0/29")).unwrap();
    assert!(ranges.is_held(held), "{held}");
}
