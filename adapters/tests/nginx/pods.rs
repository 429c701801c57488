//! Pods: whom nginx asks, with an upstream of their own and without, what it speaks, and who keeps whom.

use std::{collections::BTreeSet, io::Read, net::TcpStream, sync::mpsc, thread, time::Duration};

use super::world::{World, free, ingress, odd_pod};

/// A world in which so many Services have an upstream.
fn world(upstreams: usize) -> World {
    let mut world = World::new();
    world.config.upstreams = upstreams;
    world
}

#[test]
fn requests_are_spread_and_repeated() {
    for upstreams in [0, 1_000] {
        let mut world = world(upstreams);
        world.service("a", 3);
        world.service("one", 1);
        world.router.apply(&ingress(
            "a",
            1,
            &["a.example/ Prefix a", "b.example/ Prefix one"],
            &[],
        ));
        world.router.apply(&ingress("c", 1, &["c.example/p Prefix a"], &[]));
        world.apply().unwrap();
        let ask = |world: &World, url: &str| world.curl(&[], url).pod;
        let reached: BTreeSet<_> = (0..60).map(|_| ask(&world, "http://a.example/x")).collect();
        assert_eq!(reached.len(), 3, "{upstreams}: {reached:?}");
        assert_eq!(world.curl(&[], "http://b.example/y?q=1").target(), "/y?q=1", "{upstreams}");
        // Nobody listens there: another pod is asked, even with what can't be done twice.
        world.add_pod("a", free());
        world.add_pod("one", free());
        world.apply().unwrap();
        for host in ["a", "b", "c"] {
            for words in [&[][..], &["--data", "x=1"]] {
                for turn in 0..15 {
                    let answer = world.curl(words, &format!("http://{host}.example/p/x?q=%20"));
                    assert_eq!(answer.status, 200, "{upstreams} {host} {words:?} {turn}");
                    assert_eq!(answer.target(), "/p/x?q=%20", "{upstreams} {host}");
                }
            }
        }
    }
}

#[test]
fn what_a_pod_may_have_begun_is_not_begun_again() {
    for upstreams in [0, 1_000] {
        let mut world = world(upstreams);
        world.service("good", 1);
        // Reads the request, and is gone.
        let gone = || odd_pod(|mut stream: TcpStream| drop(stream.read(&mut [0; 4096])));
        (0..3).for_each(|_| world.add_pod("good", gone()));
        world.router.apply(&ingress("a", 1, &["a.example/ Prefix good"], &[]));
        world.apply().unwrap();
        let statuses = |words: &[&str]| -> Vec<u16> {
            (0..12).map(|_| world.curl(words, "http://a.example/").status).collect()
        };
        let posted = statuses(&["--data", "x=1"]);
        assert!(posted.contains(&502), "{upstreams}: {posted:?}");
        let got = statuses(&[]);
        assert!(got.contains(&200), "{upstreams}: {got:?}");
    }
}

#[test]
fn clients_keep_their_pod_by_a_cookie() {
    let mut world = world(0);
    world.service("a", 4);
    let annotations = ["affinity=cookie", "session-cookie-name=LANE", "session-cookie-max-age=60"];
    world.router.apply(&ingress("a", 1, &["a.example/ Prefix a"], &annotations));
    world.apply().unwrap();
    let mut reached = BTreeSet::new();
    for _ in 0..16 {
        let first = world.curl(&[], "http://a.example/");
        let given = first.header("set-cookie").unwrap();
        let (pair, attributes) = given.split_once("; ").unwrap();
        assert_eq!(attributes, "Path=/; HttpOnly; Max-Age=60");
        let value = pair.strip_prefix("LANE=").unwrap();
        assert!(value.len() == 16 && value.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let again = world.curl(&["-b", &format!("x=1; {pair}")], "http://a.example/");
        assert_eq!((again.pod.as_str(), again.header("set-cookie")), (first.pod.as_str(), None));
        reached.insert(first.pod);
    }
    assert!(reached.len() > 1, "{reached:?}");
    // Whoever brings a number of his own making is given one.
    let odd = world.curl(&["-b", "LANE=10.0.0.1"], "http://a.example/");
    assert!(odd.header("set-cookie").is_some());
}

#[test]
fn clients_have_only_so_much_at_once() {
    let mut world = world(1);
    world.service("a", 1);
    let (sender, asked) = mpsc::channel();
    world.add_pod(
        "slow",
        odd_pod(move |stream| {
            // Kept open, and never answered.
            sender.send(stream).unwrap();
        }),
    );
    let rate = ["limit-rps=1", "limit-burst-multiplier=2"];
    world.router.apply(&ingress("a", 1, &["a.example/ Prefix a"], &rate));
    world.router.apply(&ingress("b", 1, &["b.example/ Prefix slow"], &["limit-connections=1"]));
    world.apply().unwrap();
    let plain = || world.curl(&[], "http://a.example/").status;
    let statuses: Vec<u16> = (0..4).map(|_| plain()).collect();
    assert_eq!(statuses[..2], [200, 200], "a burst of two");
    assert!(statuses.contains(&429), "{statuses:?}");
    thread::scope(|scope| {
        let slow = scope.spawn(|| world.curl(&["--max-time", "4"], "http://b.example/").status);
        let held = asked.recv_timeout(Duration::from_secs(10)).unwrap();
        assert_eq!(world.curl(&[], "http://b.example/").status, 429);
        drop(held);
        assert_eq!(slow.join().unwrap(), 502);
    });
}

#[test]
fn hosts_with_and_without_www_are_one() {
    let mut world = world(1_000);
    world.service("a", 1);
    let www = ["from-to-www-redirect=true"];
    world.router.apply(&ingress("a", 1, &["www.a.example/ Prefix a"], &www));
    world.router.apply(&ingress("b", 1, &["b.example/ Prefix a"], &www));
    world.router.apply(&ingress("c", 1, &["c.example/ Prefix a", "www.c.example/ Prefix a"], &www));
    world.apply().unwrap();
    let cases = [
        ("http://a.example/x?q=1", 308, Some("http://www.a.example/x?q=1")),
        ("http://www.a.example/x", 200, None),
        ("http://www.b.example/x%20y", 308, Some("http://b.example/x%20y")),
        ("http://c.example/", 200, None),
        ("http://www.c.example/", 200, None),
        ("http://www.www.a.example/", 404, None),
    ];
    for (url, status, location) in cases {
        let answer = world.curl(&[], url);
        assert_eq!((answer.status, answer.header("location")), (status, location), "{url}");
    }
}

#[test]
fn grpc_is_spoken_over_http2() {
    let mut world = world(0);
    let (sender, heard) = mpsc::channel();
    let pod = odd_pod(move |mut stream| {
        let mut preface = [0; 16];
        stream.read_exact(&mut preface).unwrap();
        sender.send(preface).unwrap();
    });
    world.add_pod("calls", pod);
    world.router.apply(&ingress("a", 1, &["a.example/ Prefix calls"], &["backend-protocol=GRPC"]));
    let told = world.rendered();
    assert_eq!(told.findings().len(), 1, "plain clients can't speak it: {:?}", told.findings());
    world.apply().unwrap();
    assert_eq!(world.curl(&[], "http://a.example/").status, 502);
    assert_eq!(&heard.recv_timeout(Duration::from_secs(10)).unwrap(), b"PRI * HTTP/2.0\r\n");
}
