//! Certificates that can't be used keep nobody else from being served.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use svckit::{
    model::{Change, Ingress, IngressTls, NamespacedName, TlsSecret},
    render::nginx::Class,
};

use super::world::{World, free, ingress};

/// An Ingress with a certificate for one host.
fn secure(name: &str, host: &str, secret: &str) -> Change {
    let Change::Ingress(plain) = ingress(name, 2, &[&format!("{host}/ Prefix a")], &[]) else {
        panic!("an Ingress is an Ingress")
    };
    let mut secure = Ingress::clone(&plain);
    secure.tls = vec![IngressTls { hosts: vec![host.into()], secret: Some(secret.into()) }];
    Change::Ingress(Arc::new(secure))
}

/// A directory for openssl, which goes when this is dropped.
struct Desk(PathBuf);

impl Desk {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("svckit-pairs-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn openssl(&self, words: &str) {
        let mut openssl = Command::new("openssl");
        let made = openssl.current_dir(&self.0).args(words.split(' ')).output().unwrap();
        assert!(made.status.success(), "{words}: {}", String::from_utf8_lossy(&made.stderr));
    }

    fn pair(&self) -> [String; 2] {
        ["crt", "key"].map(|name| std::fs::read_to_string(self.0.join(name)).unwrap())
    }

    /// A certificate that vouches for itself, with a key of this kind.
    fn own(&self, kind: &str) -> [String; 2] {
        self.openssl(&format!(
            "req -x509 -nodes -days 2 -subj /CN=x -newkey {kind} -out crt -keyout key"
        ));
        self.pair()
    }

    /// A certificate with a signature of 2005.
    fn old(&self) -> [String; 2] {
        let kind = format!("-nodes -newkey {ELLIPTIC}");
        self.openssl(&format!("req -x509 -days 2 -subj /CN=ca {kind} -out ca -keyout ca.key"));
        self.openssl(&format!("req -subj /CN=x {kind} -out csr -keyout key"));
        self.openssl("x509 -req -sha1 -in csr -CA ca -CAkey ca.key -days 2 -out crt");
        self.pair()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // Nothing is lost when it stays.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const ELLIPTIC: &str = "ec -pkeyopt ec_paramgen_curve:P-256";

#[test]
fn one_bad_certificate_stops_nobody() {
    let mut world = World::new();
    world.service("a", 1);
    world.router.apply(&ingress("a", 1, &["a.example/ Prefix a"], &[]));
    world.apply().unwrap();
    assert_eq!(world.apply().unwrap(), Class::Nothing, "nothing to do");
    let desk = Desk::new();
    let [[good, good_key], [other, other_key]] = [ELLIPTIC; 2].map(|kind| desk.own(kind));
    let ([short, short_key], [old, old_key]) = (desk.own("rsa:1024"), desk.old());
    // Its PEM is fine from the outside, and no certificate inside.
    let garbage = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    let garbage_key = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n";
    let cases = [
        ("good", [good.as_str(), &good_key], true),
        ("garbage", [garbage, garbage_key], false),
        ("garbage-key", [&good, garbage_key], false),
        ("garbage-chain", [&format!("{good}{garbage}"), &good_key], false),
        ("other-key", [&good, &other_key], false),
        ("short-key", [&short, &short_key], false),
        // Only nginx itself finds fault with this one.
        ("old-signature", [&old, &old_key], false),
        ("other", [&other, &other_key], true),
    ];
    for (name, [certificate, private_key], _) in &cases {
        world.router.apply(&secure(name, &format!("{name}.example"), name));
        world.router.apply(&Change::Secret(Arc::new(TlsSecret {
            key: NamespacedName::new("n", *name),
            certificate: (*certificate).into(),
            private_key: (*private_key).into(),
        })));
    }
    world.apply().unwrap();
    for (name, _, usable) in &cases {
        let secure = world.curl(&[], &format!("https://{name}.example/")).status;
        assert_eq!(secure, if *usable { 200 } else { 0 }, "{name} over TLS");
        assert_eq!(world.curl(&[], &format!("http://{name}.example/")).status, 200, "{name}");
        let told = world.nginx.findings().iter().any(|it| it.object == format!("Secret n/{name}"));
        assert_eq!(told, !usable, "{name}: {:?}", world.nginx.findings());
    }
    assert_eq!(world.curl(&[], "http://a.example/").status, 200, "it goes on");
    assert_eq!(world.apply().unwrap(), Class::Nothing, "what was left out stays left out");
    // Once the cause is gone, the host has TLS as well.
    world.router.apply(&Change::Secret(Arc::new(TlsSecret {
        key: NamespacedName::new("n", "garbage"),
        certificate: good.as_str().into(),
        private_key: good_key.as_str().into(),
    })));
    world.apply().unwrap();
    assert_eq!(world.curl(&[], "https://garbage.example/").status, 200);
}

/// A process that does not outlive its test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Gone already, when the test has failed for that.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn pods_may_want_tls() {
    let desk = Desk::new();
    desk.own(ELLIPTIC);
    let pod = free();
    let _server = Process(
        Command::new("openssl")
            .current_dir(&desk.0)
            .args(["s_server", "-accept", &pod.to_string(), "-cert", "crt", "-key", "key", "-www"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let mut world = World::new();
    world.add_pod("closed", pod);
    let annotation = ["backend-protocol=HTTPS"];
    world.router.apply(&ingress("a", 1, &["a.example/ Prefix closed"], &annotation));
    world.apply().unwrap();
    let ask = || world.curl(&[], "http://a.example/");
    let answer = (0..50).map(|_| ask()).find(|answer| {
        thread::sleep(Duration::from_millis(100));
        answer.status == 200
    });
    assert!(answer.is_some(), "{:?}", ask());
}
