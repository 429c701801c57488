use super::*;
use std::string::ToString;

#[test]
fn texts() {
    let cases = [
        ("everything", "", Some("")),
        ("blanks", " \t\r\n", Some("")),
        ("sorted by key", "x=a,a=x", Some("a=x,x=a")),
        ("one key keeps its order", "y,x=1,y!=2", Some("x=1,y,y!=2")),
        ("values are a set", "x in (b,a,b)", Some("x in (a,b)")),
        ("empty values", "x in (,a,,)", Some("x in (,a)")),
        ("keywords as words", "in in (notin,in)", Some("in in (in,notin)")),
        ("no blank before the list", "x notin( a )", Some("x notin (a)")),
        ("negation", "! x", Some("!x")),
        ("number with zeros", "x>007", Some("x>007")),
        ("no number", "x<a", None),
        ("no value to compare", "x>", None),
        ("double comma", "x,,y", None),
        ("leading comma", ",x", None),
        ("trailing comma", "x,", None),
        ("negated condition", "!x=a", None),
        ("double negation", "!!x", None),
        ("no comma in the list", "x in (a b)", None),
        ("open list", "x in (a", None),
        ("two requirements without a comma", "a in (x)b", None),
        ("value with a leading dash", "x=-a", None),
        ("no-break space", "x=a\u{a0}", None),
    ];
    for (name, text, want) in cases {
        let came = text.parse::<Selector>().ok().map(|selector| selector.to_string());
        assert_eq!(came.as_deref(), want, "{name}: {text:?}");
        let compat = Selector::parse_compat(text).ok().map(|selector| selector.to_string());
        assert_eq!(came, compat, "{name}: {text:?}");
    }
}

#[test]
fn nul_is_refused_unless_asked_for() {
    for (text, compat, at) in [("\0x=y", "", 0), ("x\0", "x", 1), ("x=\0a", "x=a", 2)] {
        assert_eq!(text.parse::<Selector>(), Err(SelectorError::Nul { at }), "{text:?}");
        assert_eq!(Selector::parse_compat(text).unwrap().to_string(), compat, "{text:?}");
    }
}

#[test]
fn a_requirement_reports_everything_at_once() {
    let wrong = Requirement::new("a b", Operator::Gt, ["-", "x"]).unwrap_err();
    let paths: std::vec::Vec<_> = wrong.iter().map(|finding| finding.path.as_str()).collect();
    assert_eq!(paths, ["key", "values", "values[0]", "values[0][a b]", "values[1]"]);
}

#[test]
fn labels_conflict_and_merge() {
    let labels = |text: &str| text.parse::<Labels>().unwrap();
    let cases = [
        ("a=1", "a=2", true, "a=2"),
        ("a=1,c=3", "b=2,c=3", false, "a=1,b=2,c=3"),
        ("a=1,b=2,d=1", "c=3,d=2", true, "a=1,b=2,c=3,d=2"),
        ("", "a=1", false, "a=1"),
    ];
    for (a, b, conflict, merged) in cases {
        assert_eq!(labels(a).conflicts_with(&labels(b)), conflict, "{a} {b}");
        assert_eq!(labels(a).merged(&labels(b)).to_string(), merged, "{a} {b}");
    }
    for wrong in [",", "a", "a=b=c", "a=$", "=b", "a==b"] {
        assert!(wrong.parse::<Labels>().is_err(), "{wrong}");
    }
}
