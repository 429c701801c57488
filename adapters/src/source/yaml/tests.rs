use super::*;
use std::fmt::Write;

fn one(text: &str) -> Result<Tree, SyntaxError> {
    documents(text).next().unwrap_or_else(|| Ok(Tree::default()))
}

#[test]
fn plain_scalars_mean_what_kubernetes_reads() {
    let cases = [
        ("80", TreeNode::Int(80)),
        ("-1", TreeNode::Int(-1)),
        ("0777", TreeNode::Int(0o777)),
        ("0x10", TreeNode::Int(16)),
        ("080", TreeNode::Float(80.0)),
        ("1.5", TreeNode::Float(1.5)),
        ("yes", TreeNode::Bool(true)),
        ("off", TreeNode::Bool(false)),
        ("~", TreeNode::Null),
        ("10.96.0.1", TreeNode::Text("10.96.0.1".into())),
        ("1e", TreeNode::Text("1e".into())),
        ("None", TreeNode::Text("None".into())),
        ("inf", TreeNode::Text("inf".into())),
        ("\"80\"", TreeNode::Text("80".into())),
        ("!!str 80", TreeNode::Text("80".into())),
    ];
    for (text, want) in cases {
        let tree = one(&format!("x: {text}")).unwrap();
        assert_eq!(tree.get("x").map(|x| &x.node), Some(&want), "{text}");
    }
}

#[test]
fn lines_are_those_of_the_whole_text() {
    let text = "# first\n---\nkind: A\nspec:\n  ports:\n  - port: 80\n  - port: 81\n---\nkind: B\n";
    let all: Vec<_> = documents(text).map(Result::unwrap).collect();
    assert_eq!(all.len(), 2);
    assert_eq!((all[0].line, all[0].line_of("spec.ports[1].port")), (3, 7));
    assert_eq!(all[1].line_of("kind"), 9);
}

#[test]
fn a_broken_document_costs_only_itself() {
    let text = "kind: A\n---\nkind: [\n---\nkind: C\n";
    let all: Vec<_> = documents(text).collect();
    assert_eq!(all.len(), 3);
    assert!(all[0].is_ok() && all[2].is_ok());
    assert!(all[1].as_ref().is_err_and(|e| (3..=4).contains(&e.line)), "{:?}", all[1]);
}

#[test]
fn json_is_read_with_tabs_and_all() {
    let tree = one(
        "{\n\t\"kind\": \"Service\",\n\t\"n\": [1, 2.5, null, true],\n\t\"e\": \"\\u00e9\\/\"\n}\n",
    )
    .unwrap();
    assert_eq!(tree.text("kind"), Some("Service"));
    assert_eq!(tree.line_of("n"), 3);
    assert_eq!(tree.text("e"), Some("é/"));
}

#[test]
fn aliases_and_merges_work_within_bounds() {
    let tree = one("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\n").unwrap();
    let b = tree.get("b").unwrap();
    assert_eq!(
        (&b.get("x").unwrap().node, &b.get("y").unwrap().node),
        (&TreeNode::Int(1), &TreeNode::Int(3))
    );

    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..12 {
        let items = format!("*a{}, ", n - 1).repeat(10);
        writeln!(bomb, "a{n}: &a{n} [{items}]").unwrap();
    }
    assert!(one(&bomb).is_err_and(|e| e.message.contains("aliases")));
}

#[test]
fn nesting_is_bounded() {
    assert!(one(&"[".repeat(100_000)).is_err());
    assert!(one(&"- ".repeat(100_000)).is_err());
    assert!(one(&"{a: ".repeat(100_000)).is_err());
}

/// Each of these would take minutes if any step were quadratic.
#[test]
fn hostile_shapes_are_read_or_refused() {
    let unique = |n: usize| (0..n).map(|n| format!("k{n}: v\n")).collect::<String>();
    let cases = [
        ("one long word", "x".repeat(500_000), true),
        ("many keys", unique(50_000), true),
        ("the same key", "x: y\n".repeat(50_000), true),
        ("many merges", "<<: {}\n".repeat(50_000), true),
        ("an open list", format!("[{}", "a,".repeat(100_000)), false),
        ("quotes", "\"".repeat(300_001), false),
        ("percent signs", "%".repeat(300_000), false),
        ("anchors", "&a ".repeat(150_000), false),
        ("question marks", "? ".repeat(100_000), false),
    ];
    for (name, text, good) in cases {
        let tree = one(&text);
        assert_eq!(tree.is_ok(), good, "{name}: {:?}", tree.err());
        if let Ok(tree) = tree {
            assert!(!svckit::api::decode(&tree).is_empty(), "{name}");
        }
    }
}
