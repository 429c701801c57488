use super::*;
use std::time::Duration;

/// A directory of this test's own, removed when it ends.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("svckit-files-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.0.join(name), text).unwrap();
    }

    fn files(&self) -> Files {
        let mut files = Files::new(std::slice::from_ref(&self.0), "default");
        files.refresh().unwrap();
        files
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn service(name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{ports: [{{port: 80}}]}}\n"
    )
}

fn found(files: &Files) -> Vec<String> {
    let short = |l: &Located| {
        format!("{}: {} {}: {}", l.finding.line, l.finding.kind, l.finding.path, l.finding.message)
    };
    files.findings().iter().map(short).collect()
}

#[test]
fn everything_wrong_is_found_with_its_line() {
    let cases: [(&str, Vec<u8>, &str); 7] = [
        (
            "misspelt",
            b"apiVersion: v1\nkind: Service\nspec:\n  ports:\n  - prot: 53\n".to_vec(),
            "5: Unknown spec.ports[0].prot: there is no such field; perhaps port?",
        ),
        (
            "empty",
            Vec::new(),
            "1: Required : the file holds no objects; write one, or take the file away",
        ),
        (
            "comments",
            b"# nothing\n".to_vec(),
            "1: Required : the file holds no objects; write one, or take the file away",
        ),
        (
            "not utf-8",
            b"apiVersion: v1\nkind: \xff\n".to_vec(),
            "2: Invalid : the file is not UTF-8 from byte 21 on",
        ),
        ("syntax", b"kind: Service\n\t- x: [\n".to_vec(), "1: Invalid : not YAML"),
        (
            "no object",
            b"just a text".to_vec(),
            "1: Invalid : an object is a map with apiVersion and kind, this is a text",
        ),
        ("no kind", b"a: 1".to_vec(), "1: Required kind: an object needs a kind, such as Service"),
    ];
    for (name, text, want) in cases {
        let directory = Directory::new("wrong");
        directory.write("x.yaml", text);
        let found = found(&directory.files());
        assert!(found.len() == 1 && found[0].starts_with(want), "{name}: {found:?}");
    }
}

#[test]
fn good_objects_survive_their_neighbours() {
    let directory = Directory::new("neighbours");
    directory.write("x.yaml", format!("{}---\nkind: [\n---\n{}", service("a"), service("b")));
    let files = directory.files();
    assert_eq!(files.manifests().len(), 2);
    assert_eq!(files.findings().len(), 1);
}

#[test]
fn a_broken_edit_takes_nothing_away() {
    let directory = Directory::new("edit");
    directory.write("x.yaml", format!("{}---\n{}", service("a"), service("b")));
    let mut files = directory.files();
    directory.write("x.yaml", format!("{}---\nkind: [", service("c")));
    assert!(files.refresh().unwrap());
    let names: Vec<_> =
        files.manifests().iter().map(|m| m.object.metadata().name.clone()).collect();
    assert_eq!(names, ["c", "a", "b"]);
    directory.write("x.yaml", service("mended"));
    assert!(files.refresh().unwrap());
    assert_eq!((files.manifests().len(), files.findings().len()), (1, 0));
    std::thread::sleep(Duration::from_millis(1));
    assert!(!files.refresh().unwrap(), "nothing has changed");
}

#[test]
fn names_that_come_twice_point_at_each_other() {
    let directory = Directory::new("twice");
    directory.write("a.yaml", service("web"));
    directory.write("b.yaml", format!("# here\n{}", service("web")));
    let files = directory.files();
    assert_eq!(files.manifests().len(), 1);
    let found = found(&files);
    assert!(
        found[0].starts_with("4: Duplicate metadata.name: Service default/web stands already in "),
        "{found:?}"
    );
    assert!(found[0].ends_with("a.yaml:1"), "{found:?}");
}

#[test]
fn a_list_holds_objects() {
    let directory = Directory::new("list");
    directory.write(
        "x.json",
        r#"{"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "b"},
         "spec": {"ports": [{"port": "x"}]}}]}"#,
    );
    let files = directory.files();
    assert_eq!(files.manifests().len(), 2);
    assert_eq!(
        found(&files),
        ["4: Invalid spec.ports[0].port: must be a whole number, not a text"]
    );
    let about_b = Finding {
        object: files.manifests()[1].object.id().to_string(),
        ..Finding::error(Kind::Invalid, "spec.ports[0]", "", "")
    };
    assert_eq!(files.locate(vec![about_b])[0].finding.line, 4);
}
