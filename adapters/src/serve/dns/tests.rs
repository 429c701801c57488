use super::*;
use std::process::Command;
use svckit::{
    Seed,
    dns::{Name, Options, Zone},
    model::{Affinity, Change, ClusterIps, Exposure, NamespacedName, Service, TrafficPolicy},
};

fn service(name: &str, exposure: Exposure) -> Change {
    Change::Service(Arc::new(Service {
        key: NamespacedName::new("shop", name),
        exposure,
        ports: Vec::new(),
        selector: None,
        affinity: None::<Affinity>,
        external_traffic: TrafficPolicy::Cluster,
        internal_traffic: TrafficPolicy::Cluster,
        external_ips: Vec::new(),
        publish_not_ready: false,
        traffic_distribution: None,
        proxy_name: None,
        annotations: Vec::new(),
    }))
}

fn zone(domain: &str, services: &[Change]) -> Arc<ArcSwap<Snapshot>> {
    let mut zone = Zone::new(Options::new(domain.parse::<Name>().unwrap()), Seed([3; 4]));
    services.iter().for_each(|service| zone.apply(service));
    zone.apply(&Change::Synced);
    Arc::new(ArcSwap::from_pointee(zone.snapshot()))
}

fn dig(server: SocketAddr, arguments: &[&str]) -> String {
    let output = Command::new("dig")
        .arg(format!("@{}", server.ip()))
        .args(["-p", &server.port().to_string(), "+tries=1", "+time=5"])
        .args(arguments)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dig_gets_answers() {
    if Command::new("dig").arg("-v").output().is_err() {
        eprintln!("skipped: there is no dig");
        return;
    }
    let cart = Exposure::ClusterIp(ClusterIps::single([10, 96, 0, 7].into()));
    let bank = Exposure::ClusterIp(ClusterIps::single([192, 0, 2, 1].into()));
    let alias = Exposure::ExternalName("bank.shop.svc.bank.test".into());
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let bank = zone("bank.test", &[service("bank", bank)]);
    let upstream = Server::bind(any, bank, Upstream::None).unwrap();
    let ours = zone("cluster.local", &[service("cart", cart), service("pay", alias)]);
    let to = Upstream::Addresses(vec![upstream.local_addr()]);
    let secondaries = vec![[127, 0, 0, 1].into()];
    let server = Server::bind_with_secondaries(any, ours, to, secondaries).unwrap();
    let at = server.local_addr();
    let cases: &[(&str, &[&str], &str)] = &[
        ("udp", &["+short", "cart.shop.svc.cluster.local"], "10.96.0.7\n"),
        ("tcp", &["+short", "+tcp", "cart.shop.svc.cluster.local"], "10.96.0.7\n"),
        ("cookie", &["+short", "+cookie", "cart.shop.svc.cluster.local"], "10.96.0.7\n"),
        (
            "alias",
            &["+short", "pay.shop.svc.cluster.local"],
            "bank.shop.svc.bank.test.\n192.0.2.1\n",
        ),
        ("relayed", &["+short", "bank.shop.svc.bank.test"], "192.0.2.1\n"),
        ("relayed tcp", &["+short", "+tcp", "bank.shop.svc.bank.test"], "192.0.2.1\n"),
        ("missing", &["cart.none.svc.cluster.local"], "status: NXDOMAIN"),
        ("foreign", &["example.com"], "status: REFUSED"),
        ("transfer", &["AXFR", "cluster.local"], "cart.shop.svc.cluster.local. 5 IN A 10.96.0.7"),
    ];
    for (name, arguments, want) in cases {
        let came = dig(at, arguments).replace('\t', " ");
        assert!(came.contains(want), "{name}: {came}");
    }
    server.stop().await;
    upstream.stop().await;
}
