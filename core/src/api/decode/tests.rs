use super::*;
use crate::api::{Key, Object};
use std_alloc::vec;

/// Builds trees by hand, one line per field, as a reader of text would.
fn map(fields: Vec<(&str, TreeNode)>) -> TreeNode {
    let fields = fields.into_iter().zip(1..);
    TreeNode::Map(
        fields
            .map(|((name, node), line)| (Key { line, name: name.into() }, Tree::new(line, node)))
            .collect(),
    )
}

fn text(text: &str) -> TreeNode {
    TreeNode::Text(text.into())
}

fn service(spec: Vec<(&str, TreeNode)>, labels: TreeNode) -> Tree {
    let metadata = map(vec![("name", text("web")), ("labels", labels)]);
    let fields = vec![
        ("apiVersion", text("v1")),
        ("kind", text("Service")),
        ("metadata", metadata),
        ("spec", map(spec)),
    ];
    Tree::new(1, map(fields))
}

fn list(items: Vec<TreeNode>) -> TreeNode {
    TreeNode::List(items.into_iter().map(|node| Tree::new(9, node)).collect())
}

#[test]
fn every_mistake_is_found_at_once() {
    let port = map(vec![
        ("prot", TreeNode::Int(53)),
        ("nodePort", text("30000")),
        ("targetPort", list(vec![])),
    ]);
    let document = service(
        vec![
            ("ports", list(vec![port])),
            ("clusterIP", TreeNode::Int(1)),
            ("clusterIP", text("x")),
        ],
        list(vec![text("app")]),
    );
    let [decoded] = &decode(&document)[..] else { panic!("one object") };
    let found: Vec<_> =
        decoded.findings.iter().map(|f| format!("{} {}: {}", f.kind, f.path, f.message)).collect();
    assert_eq!(
        found,
        [
            "Invalid metadata.labels: must be a map, not a list",
            "Unknown spec.ports[0].prot: there is no such field; perhaps port?",
            "Invalid spec.ports[0].nodePort: must be a whole number, not a text; take the quotes away",
            "Invalid spec.ports[0].targetPort: must be a number or a name, not a list",
            "Invalid spec.clusterIP: must be a text, not a number; write it in quotes: \"1\"",
            "Duplicate spec.clusterIP: the field stands here twice",
        ]
    );
    assert!(decoded.findings.iter().all(|f| f.object == "Service web" && f.line > 0));
}

#[test]
fn null_is_absent() {
    let decoded = decode(&service(
        vec![("ports", TreeNode::Null), ("selector", TreeNode::Null)],
        TreeNode::Null,
    ));
    let Some(Object::Service(service)) = &decoded[0].object else { panic!("a service") };
    assert!(decoded[0].findings.is_empty());
    assert_eq!((service.spec.ports.len(), &service.spec.selector), (0, &None));
}

#[test]
fn kinds_have_suggestions_and_neighbours() {
    let kind = |kind: &str| {
        let tree = Tree::new(1, map(vec![("apiVersion", text("v1")), ("kind", text(kind))]));
        decode(&tree)[0].findings.first().map(|f| (f.is_error(), f.message.clone()))
    };
    assert_eq!(kind("Service"), None);
    assert_eq!(kind("Servcie"), Some((true, "there is no such kind; perhaps Service?".into())));
    assert_eq!(
        kind("ConfigMap"),
        Some((false, "svckit has no use for this kind; left out".into()))
    );
    assert!(kind("Gizmo").is_some_and(|(error, _)| error));
}

/// Small maps and large ones look for repeated keys in different ways.
#[test]
fn a_key_that_comes_twice_is_found_in_maps_of_any_size() {
    for size in [2, FEW, FEW + 1, 1_000] {
        let names: Vec<String> = (1..size).map(|n| format!("k{n}")).collect();
        let names = names.iter().map(String::as_str).chain(["k1"]);
        let labels = map(names.map(|name| (name, text("x"))).collect());
        let found = &decode(&service(vec![], labels))[0].findings;
        let [one] = &found[..] else { panic!("{size}: {found:?}") };
        assert_eq!((one.kind, &*one.path), (Kind::Duplicate, "metadata.labels[k1]"), "{size}");
    }
}
