//! What a write would do, found out without doing it.
//!
//! ```text
//! written object ─▶ prepare ─▶ rules ─▶ claims ─▶ draws ─▶ Plan ─▶ carry out ─▶ commit
//!                   defaults,   all      what is   what is          only this touches the pool,
//!                   families    at once  asked for left open        and it undoes itself
//! ```
//!
//! What was asked for by number comes before what is left open, for all of a Service's addresses and ports together:
//! so a draw never takes a number that a later port of the same Service asks for, and nothing is drawn for an object
//! that is refused.

use super::{
    Allocation, Registry,
    claim::{self, Claim},
    ports,
};
use crate::{
    admit::{
        field::{Field, Notes, SPEC},
        service::{self, LOAD_BALANCER, is_headless, needs_cluster_ip, needs_health_check},
    },
    alloc::Protocols,
    api::{ObjectMeta, Service},
    finding::{Finding, Kind},
    model::{Family, Port, Protocol, ServiceKey},
};
use std_alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

/// What a write would do.
#[derive(Debug)]
#[must_use = "a plan does nothing until it is carried out"]
pub(super) struct Plan {
    pub(super) key: ServiceKey,
    /// Complete but for the draws.
    pub(super) object: Service,
    /// Numbers that were asked for and that the Service does not hold yet.
    pub(super) takes: Vec<Claim>,
    pub(super) draws: Draws,
    /// The stored object is just so: there is nothing to do.
    pub(super) unchanged: bool,
}

/// What the author left to us.
#[derive(Debug, Default)]
pub(super) struct Draws {
    /// Positions in `clusterIPs`, and the family of each.
    pub(super) addresses: Vec<(usize, Family)>,
    /// Positions in `ports` that share one number, and their protocols.
    pub(super) ports: Vec<(Vec<usize>, Protocols)>,
    /// A health check port.
    pub(super) health: bool,
}

impl Registry {
    /// What writing `object` would do, or everything that refuses it. Costs O(log n) in the Services there are.
    pub(super) fn plan(&self, mut object: Service) -> Result<Plan, Vec<Finding>> {
        if object.metadata.namespace.is_empty() {
            object.metadata.namespace.push_str("default");
        }
        let meta = &object.metadata;
        let key = ServiceKey::new(meta.namespace.as_str(), meta.name.as_str());
        let result = self.plan_of(&key, object);
        result.map_err(|mut findings| {
            for finding in &mut findings {
                finding.object = format!("Service {key}");
            }
            findings
        })
    }

    fn plan_of(&self, key: &ServiceKey, mut object: Service) -> Result<Plan, Vec<Finding>> {
        let stored = self.services.get(key).map(|stored| &*stored.object);
        let old = stored.filter(|old| is_same_object(&object.metadata, &old.metadata));
        let held = self.allocation(key).unwrap_or_default();
        let mut findings = self.prepare(&mut object, old);
        recall(&mut object, &held);
        let draws = self.draws(&mut object, key, &held);
        if findings.is_empty() && draws.is_empty() && stored == Some(&object) {
            // What was accepted once and is as it was needs no second look.
            let key = key.clone();
            return Ok(Plan { key, object, takes: Vec::new(), draws, unchanged: true });
        }
        for finding in self.rules(&object, old) {
            if !findings.contains(&finding) && !draws.answers(&finding) {
                findings.push(finding);
            }
        }
        let mut notes = Notes(findings);
        let takes = self.takes(&object, key, &mut notes);
        if !notes.0.is_empty() {
            return Err(notes.0);
        }
        Ok(Plan { key: key.clone(), object, takes, draws, unchanged: false })
    }

    /// Defaults, what the stored object has, and families.
    fn prepare(&self, object: &mut Service, old: Option<&Service>) -> Vec<Finding> {
        service::default(object);
        let gates = &self.settings.gates;
        if object.spec.r#type != LOAD_BALANCER && !gates.allow_service_lb_status_on_non_lb {
            // An API server ignores the status of a written object; ours would have nobody else to say it.
            object.status.load_balancer = Default::default();
        }
        if let Some(old) = old {
            take_over(&mut object.metadata, &old.metadata);
            self.carry_over(object, old);
            service::drop_type_dependent(object, old);
        }
        service::normalize(object, old);
        service::fill_families(object, old, self.pool.families(), gates)
    }

    /// Takes over what the stored object has, but no number that its new protocol makes another Service's.
    fn carry_over(&self, object: &mut Service, old: &Service) {
        let said: Vec<bool> = object.spec.ports.iter().map(|port| port.node_port != 0).collect();
        service::carry_over(object, old);
        let key = ServiceKey::new(old.metadata.namespace.as_str(), old.metadata.name.as_str());
        for (port, said) in object.spec.ports.iter_mut().zip(said) {
            if !said
                && let Some((number, protocol)) = claim::node_port(port)
                && self.holder(Claim::Port(number, protocol), &key).is_some()
            {
                port.node_port = 0;
            }
        }
    }

    fn rules(&self, object: &Service, old: Option<&Service>) -> Vec<Finding> {
        let gates = &self.settings.gates;
        let mut findings = match old {
            Some(old) => service::validate_update(object, old, gates),
            None => service::validate(object, gates),
        };
        findings.extend(service::validate_status(object, old, gates));
        // We don't hand out versions; who has none needs none.
        findings.retain(|finding| finding.path != "metadata.resourceVersion");
        findings
    }

    /// Marks what is left open; numbers that ports can share are filled in right away.
    fn draws(&self, object: &mut Service, key: &ServiceKey, held: &Allocation) -> Draws {
        let spec = &mut object.spec;
        let addressed = needs_cluster_ip(spec) && !is_headless(spec);
        let families = if addressed { spec.ip_families.as_slice() } else { &[] };
        let open = families.iter().enumerate().skip(spec.cluster_ips.len());
        let addresses = open.filter_map(|(i, text)| Some((i, Family::parse(text)?))).collect();
        let free = |port: Port, protocol: Protocol| {
            let claim = Claim::Port(port, protocol);
            self.holder(claim, key).is_none()
                && (self.pool.contains(claim) || claim::claims(held).contains(&claim))
        };
        let ports = ports::open(spec, free);
        Draws {
            addresses,
            ports,
            health: needs_health_check(spec) && spec.health_check_node_port == 0,
        }
    }

    /// Who else has what is asked for. What is only remembered gives way to who asks for it by number.
    fn holder(&self, claim: Claim, key: &ServiceKey) -> Option<&ServiceKey> {
        let holder = self.holders.get(&claim)?;
        (holder != key && self.services.contains_key(holder)).then_some(holder)
    }

    /// The numbers that stand in the object and that the Service does not hold yet.
    fn takes(&self, object: &Service, key: &ServiceKey, notes: &mut Notes) -> Vec<Claim> {
        let spec = &object.spec;
        let mut takes = Vec::new();
        let list = SPEC.child("clusterIPs");
        if !is_headless(spec) {
            for (i, addr) in claim::addresses(spec).enumerate() {
                takes.extend(self.check(Claim::Address(addr), key, list.index(i), notes));
            }
        }
        let list = SPEC.child("ports");
        let ports = if claim::has_node_ports(spec) { spec.ports.as_slice() } else { &[] };
        for (i, port) in ports.iter().enumerate() {
            let Some((number, protocol)) = claim::node_port(port) else { continue };
            let at = list.index(i);
            takes.extend(self.check(
                Claim::Port(number, protocol),
                key,
                at.child("nodePort"),
                notes,
            ));
        }
        if let Some(port) = claim::health_port(spec) {
            let at = SPEC.child("healthCheckNodePort");
            let claim = Claim::Port(port, Protocol::Tcp);
            if ports.iter().filter_map(claim::node_port).any(|it| it == (port, Protocol::Tcp)) {
                notes.duplicate(at, port, "a port of the Service has this node port");
            } else {
                takes.extend(self.check(claim, key, at, notes));
            }
        }
        takes
    }

    /// `claim`, if the Service has yet to take it and nobody else has it.
    fn check(
        &self,
        claim: Claim,
        key: &ServiceKey,
        at: Field<'_>,
        notes: &mut Notes,
    ) -> Option<Claim> {
        if self.holders.get(&claim) == Some(key) {
            return None;
        }
        let value = match claim {
            Claim::Address(addr) => addr.to_string(),
            Claim::Port(port, _) => port.to_string(),
        };
        if let Some(holder) = self.holder(claim, key) {
            let message = format!("{claim} belongs to Service {holder}");
            notes.0.push(Finding::error(Kind::Conflict, at.to_string(), value, message));
        } else if !self.pool.hands_out(claim) {
            notes.invalid(at, value, &self.out_of_range(claim));
        } else {
            return Some(claim);
        }
        None
    }

    /// Why a number can't be handed out: names the ranges there are.
    fn out_of_range(&self, claim: Claim) -> String {
        match claim {
            Claim::Address(_) => {
                let ranges: Vec<String> =
                    self.pool.ranges().map(|range| range.to_string()).collect();
                format!("must be an address of a Service in {}", ranges.join(", "))
            }
            Claim::Port(..) => format!("must be in {}", self.pool.node_ports()),
        }
    }
}

impl Draws {
    fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.ports.is_empty() && !self.health
    }

    /// Whether a finding only says that something is missing which will be drawn.
    fn answers(&self, finding: &Finding) -> bool {
        self.health && finding.kind == Kind::Required && finding.path == "spec.healthCheckNodePort"
    }
}

/// Whether both are the same object, and not one that was made anew under the same name.
fn is_same_object(new: &ObjectMeta, old: &ObjectMeta) -> bool {
    new.uid.is_empty() || old.uid.is_empty() || new.uid == old.uid
}

/// What only the server knows and a manifest leaves out.
fn take_over(new: &mut ObjectMeta, old: &ObjectMeta) {
    for (new, old) in [(&mut new.uid, &old.uid), (&mut new.resource_version, &old.resource_version)]
    {
        if new.is_empty() {
            new.clone_from(old);
        }
    }
    if new.generation == 0 {
        new.generation = old.generation;
    }
    if new.creation_timestamp.is_none() {
        new.creation_timestamp.clone_from(&old.creation_timestamp);
    }
}

/// Fills open fields with what the Service held in an earlier life, as far as nobody asked for it since.
fn recall(object: &mut Service, held: &Allocation) {
    let spec = &mut object.spec;
    if needs_cluster_ip(spec) && !is_headless(spec) {
        for family in spec.ip_families.iter().skip(spec.cluster_ips.len()) {
            let Some(addr) = Family::parse(family).and_then(|family| held.address(family)) else {
                break;
            };
            spec.cluster_ips.push(addr.to_string());
        }
        if spec.cluster_ip.is_empty()
            && let Some(first) = spec.cluster_ips.first()
        {
            spec.cluster_ip.clone_from(first);
        }
    }
    ports::recall(spec, held);
    let health = held.health_check_port.filter(|_| needs_health_check(spec));
    if spec.health_check_node_port == 0
        && let Some(port) = health
    {
        spec.health_check_node_port = port.get().into();
    }
}
