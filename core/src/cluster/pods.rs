//! Pods and their addresses: what kubelets do, as far as Services can tell.

use core::net::IpAddr;
use hashbrown::HashMap;
use ipnet::IpNet;
use std_alloc::{
    string::{String, ToString},
    vec::Vec,
};

use crate::{
    Seed, Time,
    alloc::{AllocError, ClusterIpRanges},
    api::{Condition, Pod, PodIp},
    model::NamespacedName,
};

/// Gives pods without an address one of each family, and remembers it.
///
/// A pod that names its address keeps it; one on the host network has the node's.
#[derive(Debug)]
pub(super) struct PodAddresses {
    ranges: ClusterIpRanges,
    held: HashMap<NamespacedName, Vec<IpAddr>, ahash::RandomState>,
}

impl PodAddresses {
    pub(super) fn new(ranges: &[IpNet], seed: Seed) -> Result<Self, AllocError> {
        let ranges = ClusterIpRanges::new(ranges, seed)?;
        Ok(Self { ranges, held: HashMap::with_hasher(seed.derive(0x90d5).hasher()) })
    }

    /// Keeps addresses from an earlier life for this pod; those that are taken or out of range are forgotten.
    pub(super) fn remember(&mut self, pod: NamespacedName, addresses: &[IpAddr]) {
        let kept = addresses.iter().copied().filter(|addr| self.ranges.reserve(*addr).is_ok());
        let kept: Vec<IpAddr> = kept.collect();
        self.held.insert(pod, kept);
    }

    /// The addresses this book gave to a pod.
    pub(super) fn of(&self, pod: &NamespacedName) -> &[IpAddr] {
        self.held.get(pod).map_or(&[], Vec::as_slice)
    }

    /// Fills in what the manifest leaves open: addresses, phase, readiness, the node.
    pub(super) fn place(
        &mut self,
        pod: &mut Pod,
        key: &NamespacedName,
        node: &str,
        node_addresses: &[IpAddr],
        now: Time,
    ) -> Result<(), AllocError> {
        if pod.spec.node_name.is_empty() {
            pod.spec.node_name = node.into();
        }
        if pod.status.phase.is_empty() {
            pod.status.phase = "Running".into();
        }
        if !pod.status.conditions.iter().any(|condition| condition.r#type == "Ready") {
            let running = pod.status.phase == "Running";
            let status = if running { "True" } else { "False" };
            let ready =
                Condition { r#type: "Ready".into(), status: status.into(), ..Condition::default() };
            pod.status.conditions.reserve_exact(1);
            pod.status.conditions.push(ready);
        }
        let named = !pod.status.pod_ip.is_empty() || !pod.status.pod_ips.is_empty();
        if named || pod.status.phase != "Running" {
            self.release(key, now);
            return Ok(());
        }
        let addresses = if pod.spec.host_network { node_addresses } else { self.hold(key, now)? };
        pod.status.pod_ip = addresses.first().map(IpAddr::to_string).unwrap_or_default();
        pod.status.pod_ips = addresses.iter().map(|addr| PodIp { ip: addr.to_string() }).collect();
        Ok(())
    }

    /// Gives the pod's addresses back.
    pub(super) fn release(&mut self, pod: &NamespacedName, now: Time) {
        for addr in self.held.remove(pod).unwrap_or_default() {
            self.ranges.release(addr, now);
        }
    }

    /// The pod's addresses, one of each family that there are ranges of.
    fn hold(&mut self, pod: &NamespacedName, now: Time) -> Result<&[IpAddr], AllocError> {
        let held = self.held.entry(pod.clone()).or_default();
        for family in self.ranges.families() {
            if !held.iter().any(|addr| crate::model::Family::of(*addr) == family) {
                held.push(self.ranges.allocate(family, now)?);
            }
        }
        Ok(held)
    }
}

/// The message for a pod that got no address.
pub(super) fn no_address(error: &AllocError) -> String {
    std_alloc::format!("the pod gets no address: {error}; widen podCIDRs")
}
