//! One pod: its addresses and the servers behind its ports.

use serde_json::Value;
use std::net::IpAddr;
use svckit_adapters::serve::pod::{PodPort, Pods};

use super::{
    ip::{Batch, has_v6},
    layout::LabPod,
    role::Parent,
};
use crate::exit::{Exit, Stop};

/// The node's address on every pod's link; of the range that no router forwards.
pub(super) const GATEWAY: &str = "169.254.1.1";
/// The same for IPv6.
pub(super) const GATEWAY_V6: &str = "fe80::1";

/// Sets up what the node hands us, and serves until the lab ends.
pub(super) fn run() -> Result<Exit, Stop> {
    let line = Parent::here()?;
    let pod: Value =
        serde_json::from_str(&line).map_err(|error| Stop::system(error.to_string()))?;
    let pod = LabPod::of(&pod).ok_or_else(|| Stop::system("the node handed over no pod"))?;
    link(&pod.addresses)?;
    serve(pod.ports(&pod.addresses), Parent::ready)
}

/// Opens the ports, tells that they are open, and serves them until the process is killed.
///
/// `open` is called inside the runtime, and what it returns is kept.
pub(super) fn serve<T>(
    ports: Vec<PodPort>,
    open: impl FnOnce() -> Result<T, Stop>,
) -> Result<Exit, Stop> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Stop::system(error.to_string()))?;
    runtime.block_on(async {
        let mut pods = Pods::default();
        for (port, error) in pods.reconcile(ports) {
            let protocol = port.protocol.as_str();
            eprintln!("pod {}: {}/{protocol}: {error}", port.identity.pod, port.listen);
        }
        let _kept = open()?;
        std::future::pending::<()>().await;
        Ok(Exit::Done)
    })
}

/// The pod's end of the link: nobody else is on it, so all traffic goes to the node.
fn link(addresses: &[IpAddr]) -> Result<(), Stop> {
    let mut batch = Batch::default();
    batch.up("lo").up("eth0");
    for addr in addresses.iter().filter(|addr| addr.is_ipv4() || has_v6()) {
        if addr.is_ipv4() {
            batch
                .address("eth0", *addr, 32)
                .add(format!("route add {GATEWAY} dev eth0 scope link"));
            batch.add(format!("route add default via {GATEWAY} dev eth0"));
        } else {
            batch
                .address("eth0", *addr, 128)
                .add(format!("route add default via {GATEWAY_V6} dev eth0"));
        }
    }
    batch.run()
}
