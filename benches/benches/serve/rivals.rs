//! Our listeners and Debian's HAProxy, before the same two servers.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread::sleep,
    time::{Duration, Instant},
};
use svckit::{
    forward::{Endpoints, Frontend, FrontendKey},
    model::{Family, NamespacedName, Port, Protocol, ServicePortName},
};
use svckit_adapters::serve::{
    balancer::Balancer,
    listeners::{Frontend as Listen, Listeners},
    raise_file_limit,
};

/// Names the servers to the copy of this program that is the proxy.
const SERVERS: &str = "SVCKIT_SERVE_LOAD_SERVERS";

/// Connections that everybody must be able to hold.
pub(crate) const CONNECTIONS: usize = 7_000;

/// Bytes of the large file.
pub(crate) const LARGE: u64 = 2 << 30;

/// Is the proxy until it is killed, if this is the copy that shall be it.
pub(crate) fn serve_if_asked() -> bool {
    let Ok(servers) = std::env::var(SERVERS) else { return false };
    let servers = servers.split(',').map(|addr| addr.parse().unwrap()).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        raise_file_limit().unwrap();
        let balancer = Arc::new(Balancer::default());
        balancer.update(|table| table.set(&frontend(servers)));
        let mut listeners = Listeners::new(balancer);
        let listen = free();
        let target = ([10, 96, 0, 1].into(), Port::new(80).unwrap());
        let refused = listeners.reconcile(&[Listen { listen, protocol: Protocol::Tcp, target }]);
        assert!(refused.is_empty(), "{refused:?}");
        println!("{listen}");
        std::future::pending::<()>().await;
    });
    true
}

fn frontend(cluster: Vec<SocketAddr>) -> Arc<Frontend> {
    let service = NamespacedName::new("shop", "web");
    let name = ServicePortName { service, port: "".into(), protocol: Protocol::Tcp };
    Arc::new(Frontend {
        cluster_ip: Some([10, 96, 0, 1].into()),
        endpoints: Endpoints { cluster: cluster.into(), has_any: true, ..Endpoints::default() },
        ..Frontend::new(FrontendKey { name, family: Family::V4 }, Port::new(80).unwrap())
    })
}

/// A process that listens, and ends with this value.
pub(crate) struct Listener {
    pub(crate) name: &'static str,
    pub(crate) addr: SocketAddr,
    process: Child,
}

impl Listener {
    /// The proxy of this library, with one thread.
    pub(crate) fn ours(servers: [SocketAddr; 2]) -> Self {
        let program = std::env::current_exe().unwrap();
        let mut process = Command::new(program)
            .env(SERVERS, format!("{},{}", servers[0], servers[1]))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let line = BufReader::new(process.stdout.take().unwrap()).lines().next();
        Self { name: "serve/tcp", addr: line.unwrap().unwrap().parse().unwrap(), process }
    }

    /// HAProxy with one thread, splicing when it thinks it worth while.
    pub(crate) fn haproxy(folder: &Folder, [a, b]: [SocketAddr; 2]) -> Self {
        // It takes more than two descriptors for each connection, and doesn't start when they are not to be had.
        let most = if svckit_benches::is_measuring() { CONNECTIONS + 500 } else { 100 };
        let addr = free();
        let conf = format!(
            "global\n nbthread 1\n maxconn {most}\ndefaults\n mode tcp\n option splice-auto\n \
             timeout connect 5s\n timeout client 1h\n timeout server 1h\n maxconn {most}\n\
             listen web\n bind {addr}\n balance roundrobin\n server a {a}\n server b {b}\n"
        );
        let file = folder.0.join("haproxy.cfg");
        fs::write(&file, conf).unwrap();
        let process = run("haproxy", &["-db", "-f", file.to_str().unwrap()]);
        Self { name: "HAProxy", addr, process }.up()
    }

    /// The servers behind both: one nginx that listens twice.
    pub(crate) fn servers(folder: &Folder) -> (Self, [SocketAddr; 2]) {
        let (root, addrs) = (folder.0.display(), [free(), free()]);
        fs::write(folder.0.join("small"), "x".repeat(100)).unwrap();
        fs::File::create(folder.0.join("large")).unwrap().set_len(LARGE).unwrap();
        let conf = format!(
            "daemon off; master_process off; worker_processes 1; pid {root}/pid; error_log {root}/log;
            events {{ worker_connections 24000; }}
            http {{ access_log off; sendfile on; tcp_nodelay on; client_body_temp_path {root}/1;
            proxy_temp_path {root}/2; fastcgi_temp_path {root}/3; uwsgi_temp_path {root}/4;
            scgi_temp_path {root}/5; keepalive_requests 100000000; client_header_timeout 1h;
            server {{ listen {} backlog=4096; listen {} backlog=4096; root {root}; }} }}",
            addrs[0], addrs[1]
        );
        let file = folder.0.join("nginx.conf");
        fs::write(&file, conf).unwrap();
        let process = run("nginx", &["-c", file.to_str().unwrap()]);
        (Self { name: "nginx", addr: addrs[0], process }.up(), addrs)
    }

    fn up(self) -> Self {
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(self.addr).is_err() {
            assert!(Instant::now() < until, "{} does not start", self.name);
            sleep(Duration::from_millis(20));
        }
        self
    }

    /// User and system time so far, in seconds.
    pub(crate) fn cpu(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        // Fields 14 and 15 of proc(5), in hundredths of a second.
        (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
    }

    /// Memory that is there, in KiB.
    pub(crate) fn memory(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(f64::NAN)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn run(program: &str, args: &[&str]) -> Child {
    let places =
        ["/usr/sbin/", "/usr/bin/", "/usr/local/sbin/"].map(|dir| format!("{dir}{program}"));
    let path = places.iter().find(|path| fs::exists(path).unwrap_or(false));
    let path =
        path.unwrap_or_else(|| panic!("it is measured beside {program}: apt-get install it"));
    Command::new(path).args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// A port where nobody listens.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A folder that goes with the run.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("svckit-serve-load-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
