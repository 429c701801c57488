//! From a plan to what is so.

use super::{Admitted, Registry, Stored, claim, claim::Claim, plan::Plan, pool::Pool};
use crate::{
    Time,
    admit::{
        field::{Field, SPEC},
        model as convert,
    },
    alloc::{AllocError, Protocols},
    api::Service,
    finding::{Finding, Kind},
    model::{self, Port, Protocol, ServiceKey},
};
use std_alloc::{
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};

/// A plan whose numbers are taken from the pool; only the books are left.
pub(super) struct Done {
    pub(super) key: ServiceKey,
    pub(super) object: Service,
    pub(super) model: model::Service,
}

/// Takes and draws what a plan needs; when something is missing, gives all of it back.
pub(super) fn carry_out(plan: Plan, pool: &mut Pool, now: Time) -> Result<Done, Vec<Finding>> {
    let Plan { key, mut object, takes, draws, unchanged: _ } = plan;
    let mut draw = Draw { pool, now, taken: Vec::new() };
    let result = draw
        .take(&takes)
        .and_then(|()| draw.fill(&mut object, &draws))
        .map_err(|finding| Vec::from([finding]))
        .and_then(|()| convert::service(&object));
    match result {
        Ok(model) => Ok(Done { key, object, model }),
        Err(mut findings) => {
            draw.undo();
            for finding in &mut findings {
                finding.object = format!("Service {key}");
            }
            Err(findings)
        }
    }
}

/// The numbers that one write has taken so far.
struct Draw<'a> {
    pool: &'a mut Pool,
    now: Time,
    taken: Vec<Claim>,
}

impl Draw<'_> {
    /// What was asked for by number. What is only remembered of another Service is taken already, and changes hands.
    fn take(&mut self, takes: &[Claim]) -> Result<(), Finding> {
        for claim in
            takes.iter().filter(|claim| !self.pool.is_taken(**claim)).copied().collect::<Vec<_>>()
        {
            self.pool.take(claim).map_err(|error| exhausted(SPEC, error))?;
            self.taken.push(claim);
        }
        Ok(())
    }

    fn fill(&mut self, object: &mut Service, draws: &super::plan::Draws) -> Result<(), Finding> {
        let spec = &mut object.spec;
        let list = SPEC.child("clusterIPs");
        for (i, family) in &draws.addresses {
            let addr = self
                .pool
                .draw_address(*family, self.now)
                .map_err(|error| exhausted(list.index(*i), error))?;
            self.taken.push(Claim::Address(addr));
            spec.cluster_ips.push(addr.to_string());
        }
        if spec.cluster_ip.is_empty()
            && let Some(first) = spec.cluster_ips.first()
        {
            spec.cluster_ip.clone_from(first);
        }
        let list = SPEC.child("ports");
        for (members, protocols) in &draws.ports {
            let first = list.index(members.first().copied().unwrap_or_default());
            let port = self.draw_port(*protocols, first.child("nodePort"))?;
            for i in members {
                if let Some(member) = spec.ports.get_mut(*i) {
                    member.node_port = port.get().into();
                }
            }
        }
        if draws.health {
            let at = SPEC.child("healthCheckNodePort");
            let port = self.draw_port(Protocol::Tcp.into(), at)?;
            spec.health_check_node_port = port.get().into();
        }
        Ok(())
    }

    fn draw_port(&mut self, protocols: Protocols, at: Field<'_>) -> Result<Port, Finding> {
        let port =
            self.pool.draw_port(protocols, self.now).map_err(|error| exhausted(at, error))?;
        self.taken.extend(protocols.iter().map(|protocol| Claim::Port(port, protocol)));
        Ok(port)
    }

    fn undo(self) {
        for claim in self.taken {
            self.pool.give_back(claim, self.now);
        }
    }
}

/// Everything there is belongs to others.
fn exhausted(at: Field<'_>, error: AllocError) -> Finding {
    Finding::error(Kind::Conflict, at.to_string(), String::new(), error.to_string())
}

impl Registry {
    /// The stored Service, if a plan has nothing to do.
    pub(super) fn unchanged(&self, plan: &Plan) -> Option<Admitted> {
        let Stored { object, model } = self.services.get(&plan.key).filter(|_| plan.unchanged)?;
        Some(Admitted { object: object.clone(), model: model.clone(), changed: false })
    }

    /// Writes down what was carried out. What the Service held and holds no more is given back.
    pub(super) fn commit(&mut self, done: Done, now: Time) -> Admitted {
        let Done { key, object, model } = done;
        let before = self.own_claims(&key);
        self.remembered.remove(&key);
        let after = claim::claims(&claim::allocation(&object.spec));
        for claim in &before {
            if after.binary_search(claim).is_err() {
                self.holders.remove(claim);
                self.pool.give_back(*claim, now);
            }
        }
        for claim in after {
            self.holders.insert(claim, key.clone());
        }
        let stored = Stored { object: Arc::new(object), model: Arc::new(model) };
        self.services.insert(key, stored.clone());
        Admitted { object: stored.object, model: stored.model, changed: true }
    }
}
