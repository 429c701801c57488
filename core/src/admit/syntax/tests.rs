use super::*;
use std::{string::ToString, vec::Vec};

#[test]
fn a_text_can_have_several_problems() {
    let long = "a".repeat(64);
    let cases: &[(&str, Problems, usize)] = &[
        ("long key", qualified_name(&long), 1),
        ("empty key", qualified_name(""), 2),
        ("empty prefix and name", qualified_name("/"), 3),
        ("two slashes", qualified_name("a/b/c"), 1),
        ("long and dotted label", rfc1123_label(&"a.".repeat(40)), 2),
        ("empty port name", port_name(""), 2),
        ("hyphens only", port_name("--"), 3),
        ("long value with a space", label_value(&" ".repeat(64)), 2),
    ];
    for (name, problems, count) in cases {
        assert_eq!(problems.len(), *count, "{name}: {problems:?}");
    }
}

#[test]
fn addresses_at_three_levels() {
    use Level::{Canonical, Lenient, Strict};
    let cases = [
        ("10.9.8.7", Some(Canonical)),
        ("2001:db8::1", Some(Canonical)),
        ("2001:DB8::1", Some(Strict)),
        ("2001:db8:0:0:0:0:0:1", Some(Strict)),
        ("::1.2.3.4", Some(Strict)),
        ("00001::", Some(Lenient)),
        ("::ffff:1.2.3.4", Some(Lenient)),
        ("::ffff:1.2.3.04", Some(Lenient)),
        ("000000000000000000000000000000000000000000000000010.0.0.1", Some(Lenient)),
        ("1.2.3", None),
        ("1.2.3.256", None),
        ("1:2:3:4:5:6:7::8", None),
        ("fe80::1%eth0", None),
        ("", None),
        (" 1.2.3.4", None),
        ("0x1.2.3.4", None),
    ];
    for (text, strictest) in cases {
        let got = [Canonical, Strict, Lenient].into_iter().find(|level| ip(text, *level).is_ok());
        assert_eq!(got, strictest, "{text}");
    }
}

#[test]
fn ranges_at_three_levels() {
    use Level::{Canonical, Lenient, Strict};
    let cases = [
        ("10.0.0.0/8", Some((Canonical, "10.0.0.0/8"))),
        ("::/0", Some((Canonical, "::/0"))),
        ("2001:DB8::/32", Some((Strict, "2001:db8::/32"))),
        ("10.0.0.1/8", Some((Lenient, "10.0.0.0/8"))),
        ("10.0.0.0/08", Some((Lenient, "10.0.0.0/8"))),
        ("0.0.0.0/00", Some((Lenient, "0.0.0.0/0"))),
        ("::ffff:10.0.0.0/104", Some((Lenient, "10.0.0.0/8"))),
        ("10.0.0.0/33", None),
        ("10.0.0.0/", None),
        ("10.0.0.0/+8", None),
        ("10.0.0.0", None),
    ];
    for (text, want) in cases {
        let got = [Canonical, Strict, Lenient]
            .into_iter()
            .find_map(|level| Some((level, cidr(text, level).ok()?.to_string())));
        assert_eq!(got, want.map(|(level, net)| (level, net.to_string())), "{text}");
    }
}

#[test]
fn special_addresses_are_no_endpoints() {
    let refused =
        ["0.0.0.0", "::", "127.1.2.3", "::1", "169.254.1.1", "fe80::1", "224.0.0.9", "ff02::1"];
    let taken = ["10.0.0.1", "224.0.1.1", "239.1.1.1", "ff05::1", "8.8.8.8", "2001:db8::1"];
    let special = |text: &&&str| endpoint_address(text.parse().unwrap()).is_some();
    assert_eq!(refused.iter().filter(special).count(), refused.len());
    assert_eq!(taken.iter().filter(special).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn odd_spellings_are_told() {
    let odd = |text| ip_warning(text).is_some();
    assert!(odd("010.0.0.1") && odd("2001:DB8::1") && odd("::ffff:1.2.3.4"));
    assert!(!odd("10.0.0.1") && !odd("not an address"));
    let odd = |text| cidr_warning(text).is_some();
    assert!(odd("10.0.0.1/8") && odd("FD00::/8") && odd("10.0.0.0/08"));
    assert!(!odd("10.0.0.0/8") && !odd("nonsense"));
}
