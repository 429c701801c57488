//! Reloads of a real nginx: hosts of one shape in one server, against one server for each host.
//!
//! Claim: with 10,000 hosts of 5 paths, the shared layout is reloaded in at most a twentieth of the time. Each host has a
//! Service of its own, and each Service two pods of its own. The time is from the signal until a new worker answers.
//! Prints a table; without nginx it says so.
#![allow(clippy::unwrap_used, reason = "a bench that can't go on should stop")]
#![allow(clippy::indexing_slicing, reason = "numbers are below the length")]

use std::{
    fmt::Write as _,
    fs,
    io::{Read, Write as _},
    net::SocketAddr,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use svckit::{
    Seed,
    ingress::{ClassSelection, Router, Settings},
    model::{
        Change, ClusterIps, Exposure, Ingress, IngressBackend, IngressPath, IngressRule,
        NamespacedName, PathType, Port, Protocol, Service, ServicePort, ServicePortName,
        ServicePortRef, TargetPort,
    },
    render::nginx::{Config, Servers, Text, render},
};

const PATHS: [&str; 5] = ["/", "/api", "/api/v2", "/static", "/admin/users"];

fn main() {
    let test = !svckit_benches::is_measuring();
    if Command::new("nginx").arg("-v").stderr(Stdio::null()).status().is_err() {
        println!("ingress_nginx: nginx is not installed");
        return;
    }
    let sizes: &[usize] = if test { &[10] } else { &[100, 1_000, 10_000] };
    println!("{:>7} {:>12} {:>12} {:>8} {:>14}", "hosts", "shared", "naive", "ratio", "file sizes");
    for hosts in sizes {
        let directory = std::env::temp_dir().join(format!("svckit-bench-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let (shared, naive) = (shared(*hosts, &directory), naive(*hosts, &directory));
        let octets = [shared(1).len(), naive(1).len()];
        let times = [reload(&directory, &shared), reload(&directory, &naive)];
        println!(
            "{hosts:>7} {:>10.0?} {:>10.0?} {:>8.3} {:>6} {:>6} KiB",
            times[0],
            times[1],
            times[0].as_secs_f64() / times[1].as_secs_f64(),
            octets[0] / 1024,
            octets[1] / 1024
        );
        fs::remove_dir_all(&directory).unwrap();
    }
}

/// Starts nginx, reloads it three times, and gives the fastest.
fn reload(directory: &Path, text: &dyn Fn(u64) -> String) -> Duration {
    let configuration = directory.join("nginx.conf");
    fs::write(&configuration, text(1)).unwrap();
    let mut master = Master(
        Command::new("nginx")
            .arg("-c")
            .arg(&configuration)
            .args(["-g", "daemon off;"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    wait(directory, 1);
    let mut fastest = Duration::MAX;
    for generation in 2..5 {
        fs::write(&configuration, text(generation)).unwrap();
        let start = Instant::now();
        let pid = master.0.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
        wait(directory, generation);
        fastest = fastest.min(start.elapsed());
    }
    let pid = master.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    master.0.wait().unwrap();
    fastest
}

/// A process that does not outlive a failure.
struct Master(Child);

impl Drop for Master {
    fn drop(&mut self) {
        // Gone already, most times.
        let _ = self.0.kill();
    }
}

fn wait(directory: &Path, generation: u64) {
    let socket = directory.join("generation.sock");
    let ask = || {
        let mut stream = UnixStream::connect(&socket).ok()?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.rsplit_once("\r\n\r\n")?.1.trim().parse::<u64>().ok()
    };
    let start = Instant::now();
    while ask() != Some(generation) {
        assert!(start.elapsed() < Duration::from_secs(120), "nginx does not answer");
        thread::sleep(Duration::from_millis(2));
    }
}

/// What svckit writes.
fn shared(hosts: usize, directory: &Path) -> impl Fn(u64) -> String {
    let mut router =
        Router::new(Settings::default(), ClassSelection::default(), Seed([1, 2, 3, 4]));
    for number in 0..hosts {
        router.apply(&Change::Service(Arc::new(service(number))));
        router.apply(&Change::Ingress(Arc::new(ingress(number))));
    }
    let mut config = Config::default();
    config.directory = Some(Text::new(directory.to_str().unwrap()).unwrap());
    config.listen = vec![([127, 0, 0, 1], 18_911).into()];
    config.workers = Some(1);
    let pods = |port: &ServicePortName| {
        let number = port.service.name.rsplit_once('-').unwrap().1.parse().unwrap();
        Servers { addrs: pods(number).into(), sticky: false }
    };
    let rendered = render(&router.routes(), &pods, &config);
    let socket = directory.join("generation.sock");
    move |generation| {
        let mut rendered = rendered.clone();
        rendered.mark(Text::new(socket.to_str().unwrap()).unwrap(), generation);
        let mut text = String::new();
        rendered.write(&mut text).unwrap();
        text
    }
}

/// The pods of a Service, which nobody else has.
fn pods(service: usize) -> [SocketAddr; 2] {
    [8_080, 8_081].map(|port| ([127, 1, (service / 256) as u8, (service % 256) as u8], port).into())
}

/// The usual layout: a server for each host, every location with all its headers.
fn naive(hosts: usize, directory: &Path) -> impl Fn(u64) -> String {
    let directory: PathBuf = directory.into();
    move |generation| {
        let place = directory.display();
        let mut text = format!(
            "worker_processes 1; pid {place}/nginx.pid; error_log {place}/error.log;\n\
             events {{ worker_connections 1024; }}\nhttp {{\n access_log off;\n\
             client_body_temp_path {place}/cb; proxy_temp_path {place}/pt; fastcgi_temp_path {place}/ft;\n\
             uwsgi_temp_path {place}/ut; scgi_temp_path {place}/st;\n\
             server_names_hash_max_size 32768; server_names_hash_bucket_size 256;\n\
             server {{ listen unix:{place}/generation.sock; location / {{ return 200 {generation}; }} }}\n"
        );
        for number in 0..hosts {
            let _ = writeln!(
                text,
                " upstream u{number} {{ server {}; server {}; keepalive 32; }}\n \
                 server {{ listen 127.0.0.1:18911; server_name host-{number}.example.com;",
                pods(number)[0],
                pods(number)[1],
            );
            for path in PATHS {
                let _ = writeln!(text, "  location {path} {{");
                for (name, value) in [
                    ("Host", "$http_host"),
                    ("X-Request-ID", "$request_id"),
                    ("X-Real-IP", "$remote_addr"),
                    ("X-Forwarded-For", "$remote_addr"),
                    ("X-Forwarded-Proto", "$scheme"),
                    ("X-Forwarded-Host", "$http_host"),
                    ("X-Forwarded-Port", "$server_port"),
                    ("X-Scheme", "$scheme"),
                    ("Proxy", "\"\""),
                ] {
                    let _ = writeln!(text, "   proxy_set_header {name} {value};");
                }
                let _ = writeln!(text, "   proxy_pass http://u{number};\n  }}");
            }
            text.push_str(" }\n");
        }
        text.push_str("}\n");
        text
    }
}

fn ingress(number: usize) -> Ingress {
    let backend = IngressBackend::Service {
        name: format!("service-{number}").into(),
        port: ServicePortRef::Number(Port::new(80).unwrap()),
    };
    let path = |path: &&str| IngressPath {
        path: (*path).into(),
        path_type: PathType::Prefix,
        backend: backend.clone(),
    };
    Ingress {
        key: NamespacedName::new("shop", format!("ingress-{number}")),
        created: 1,
        uid: "".into(),
        class: None,
        default_backend: None,
        rules: vec![IngressRule {
            host: Some(format!("host-{number}.example.com").into()),
            paths: PATHS.iter().map(path).collect(),
        }],
        tls: Vec::new(),
        annotations: Vec::new(),
    }
}

fn service(number: usize) -> Service {
    Service::new(
        NamespacedName::new("shop", format!("service-{number}")),
        Exposure::ClusterIp(ClusterIps::single([10, 96, 0, 1].into())),
        vec![ServicePort {
            name: "http".into(),
            protocol: Protocol::Tcp,
            port: Port::new(80).unwrap(),
            target: TargetPort::Number(Port::new(8080).unwrap()),
            node_port: None,
            app_protocol: None,
        }],
    )
}
