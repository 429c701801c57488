//! The ready endpoints of one Service.
//!
//! They stand in the order of their labels, so that endpoints that share one are neighbours, and a label is found
//! by bisection. Most labels are made of the address (`10-244-0-7`); those are not stored but written when needed.
//! A second order, by address, serves PTR questions.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std_alloc::{boxed::Box, collections::BTreeMap, sync::Arc, vec::Vec};

use super::{
    entry::PortRecord,
    label::{self, Label},
};
use crate::model::EndpointSlice;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Endpoints {
    /// By label, cluster and address.
    list: Box<[Record]>,
    /// Places in `list`, by address.
    by_address: Box<[u32]>,
    /// The distinct addresses.
    pub(super) v4: Box<[Ipv4Addr]>,
    pub(super) v6: Box<[Ipv6Addr]>,
    /// What records refer to: labels that were given, topology zones, clusters, and sets of ports.
    texts: Box<[Arc<str>]>,
    ports: Box<[Box<[PortRecord]>]>,
}

/// One endpoint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Record {
    pub(super) address: IpAddr,
    /// In `texts`, from 1; 0: the label is made of the address.
    host: u32,
    /// In `texts`, from 1.
    zone: u32,
    cluster: u32,
    ports: u32,
}

/// A slice, and the cluster it came from if it was imported.
pub(super) type Source<'s> = (&'s EndpointSlice, Option<&'s Arc<str>>);

impl Endpoints {
    /// The ready endpoints of these slices, each once; `None` when there are none.
    ///
    /// An endpoint that two slices have (it is moving from one to the other) counts once.
    pub(super) fn new(slices: &[Source<'_>], pod_names: bool) -> Option<Self> {
        let mut builder = Builder::default();
        for (slice, cluster) in slices {
            builder.slice(slice, *cluster, pod_names);
        }
        builder.build()
    }

    /// All of them, label after label.
    pub(super) fn list(&self) -> &[Record] {
        &self.list
    }

    /// The label of an endpoint.
    pub(super) fn label(&self, record: &Record) -> Label {
        match self.text(record.host) {
            Some(host) => Label::of_text(host),
            None => Label::of_address(record.address),
        }
    }

    /// Whether somebody gave the endpoint its label.
    pub(super) fn has_hostname(record: &Record) -> bool {
        record.host != 0
    }

    /// The cluster an imported endpoint lives in.
    pub(super) fn cluster(&self, record: &Record) -> Option<&str> {
        self.text(record.cluster)
    }

    /// Whether the endpoint is in this topology zone; case doesn't count.
    pub(super) fn in_zone(&self, record: &Record, zone: &[u8]) -> bool {
        self.text(record.zone).is_some_and(|name| name.as_bytes().eq_ignore_ascii_case(zone))
    }

    /// The ports of an endpoint.
    pub(super) fn ports(&self, record: &Record) -> &[PortRecord] {
        self.ports.get(record.ports as usize).map_or(&[], |ports| ports)
    }

    /// The sets of ports that some endpoints of a group have.
    pub(super) fn port_sets_of<'e>(
        &'e self,
        group: &'e [Record],
    ) -> impl Iterator<Item = &'e [PortRecord]> {
        self.ports.iter().enumerate().filter_map(|(number, ports)| {
            let used = group.iter().any(|record| record.ports as usize == number);
            used.then_some(&**ports)
        })
    }

    /// Every set of ports that some endpoint has.
    pub(super) fn port_sets(&self) -> impl Iterator<Item = &[PortRecord]> {
        self.ports.iter().map(|ports| &**ports)
    }

    /// The endpoints called `label` in the cluster named (or in none).
    pub(super) fn called(&self, label: &[u8], cluster: Option<&[u8]>) -> &[Record] {
        let key = |record: &Record| self.label(record).compare(label);
        let first = self.list.partition_point(|record| key(record).is_lt());
        let rest = self.list.get(first..).unwrap_or_default();
        let all =
            rest.get(..rest.partition_point(|record| key(record).is_eq())).unwrap_or_default();
        let at = |record: &Record| match (self.cluster(record), cluster) {
            (Some(has), Some(want)) => has.as_bytes().eq_ignore_ascii_case(want),
            (None, None) => true,
            _ => false,
        };
        let first = all.iter().position(at).unwrap_or(all.len());
        let rest = all.get(first..).unwrap_or_default();
        rest.get(..rest.iter().position(|record| !at(record)).unwrap_or(rest.len()))
            .unwrap_or_default()
    }

    /// Whether an endpoint lives in this cluster.
    pub(super) fn any_in_cluster(&self, cluster: &[u8]) -> bool {
        self.list.iter().any(|record| {
            self.cluster(record).is_some_and(|name| name.as_bytes().eq_ignore_ascii_case(cluster))
        })
    }

    /// The endpoints with this address.
    pub(super) fn at(&self, address: IpAddr) -> impl Iterator<Item = &Record> {
        let of = move |place: &u32| self.list.get(*place as usize);
        let first = self
            .by_address
            .partition_point(|place| of(place).is_some_and(|record| record.address < address));
        let rest = self.by_address.get(first..).unwrap_or_default();
        rest.iter().filter_map(of).take_while(move |record| record.address == address)
    }

    /// All of them by address.
    pub(super) fn by_address(&self) -> impl Iterator<Item = &Record> {
        self.by_address.iter().filter_map(|place| self.list.get(*place as usize))
    }

    /// The distinct addresses of both families.
    pub(super) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        let v4 = self.v4.iter().copied().map(IpAddr::V4);
        v4.chain(self.v6.iter().copied().map(IpAddr::V6))
    }

    /// Runs of endpoints that share label and cluster, starting at about `start` and going round.
    pub(super) fn groups(&self, start: usize) -> impl Iterator<Item = &[Record]> {
        let same = |a: &Record, b: &Record| self.same_name(a, b);
        // From a place inside a group on to the start of the next one.
        let from = (start..self.list.len()).find(|at| {
            match (at.checked_sub(1).and_then(|before| self.list.get(before)), self.list.get(*at)) {
                (Some(before), Some(here)) => !same(before, here),
                _ => true,
            }
        });
        let (head, tail) = self.list.split_at_checked(from.unwrap_or(0)).unwrap_or_default();
        tail.chunk_by(same).chain(head.chunk_by(same))
    }

    fn same_name(&self, a: &Record, b: &Record) -> bool {
        if a.cluster != b.cluster {
            return false;
        }
        match (a.host, b.host) {
            (0, 0) => a.address == b.address,
            (0, _) | (_, 0) => self.label(a).as_bytes() == self.label(b).as_bytes(),
            (a, b) => a == b,
        }
    }

    fn text(&self, number: u32) -> Option<&str> {
        let index = number.checked_sub(1)?;
        self.texts.get(index as usize).map(|text| &**text)
    }
}

/// Gathers what several slices say.
#[derive(Default)]
struct Builder {
    list: Vec<Record>,
    texts: BTreeMap<Arc<str>, u32>,
    ports: Vec<Box<[PortRecord]>>,
}

impl Builder {
    fn slice(&mut self, slice: &EndpointSlice, cluster: Option<&Arc<str>>, pod_names: bool) {
        // Ports that no ready endpoint has are nobody's.
        if !slice.endpoints.iter().any(|endpoint| endpoint.conditions.ready) {
            return;
        }
        let named = slice.ports.iter().filter_map(|port| {
            let (name, protocol) = (port.name.clone(), port.protocol);
            Some(PortRecord { name, protocol, port: port.port?.get() })
        });
        let set: Box<[PortRecord]> = named.collect();
        let ports = self.ports.iter().position(|known| *known == set).unwrap_or_else(|| {
            self.ports.push(set);
            self.ports.len() - 1
        });
        let cluster = self.text(cluster);
        for endpoint in slice.endpoints.iter().filter(|endpoint| endpoint.conditions.ready) {
            let host = self.text(label::given(endpoint, pod_names));
            let zone = self.text(endpoint.zone.as_ref());
            if let Some(address) = endpoint.addresses.first().copied() {
                self.list.push(Record { address, host, zone, cluster, ports: ports as u32 });
            }
        }
    }

    /// The number of a text.
    fn text(&mut self, text: Option<&Arc<str>>) -> u32 {
        let Some(text) = text else { return 0 };
        let next = self.texts.len() as u32 + 1;
        *self.texts.entry(text.clone()).or_insert(next)
    }

    fn build(self) -> Option<Endpoints> {
        let mut texts: Vec<_> = self.texts.into_iter().collect();
        texts.sort_unstable_by_key(|(_, number)| *number);
        let mut endpoints = Endpoints {
            texts: texts.into_iter().map(|(text, _)| text).collect(),
            ports: self.ports.into(),
            ..Endpoints::default()
        };
        let mut list: Vec<(Label, Record)> =
            self.list.into_iter().map(|record| (endpoints.label(&record), record)).collect();
        list.sort_unstable_by(|(a, x), (b, y)| {
            a.compare(b.as_bytes()).then(
                (x.cluster, x.address, x.ports, x.zone)
                    .cmp(&(y.cluster, y.address, y.ports, y.zone)),
            )
        });
        list.dedup_by(|(a, x), (b, y)| {
            a.as_bytes() == b.as_bytes()
                && (x.cluster, x.address, x.ports) == (y.cluster, y.address, y.ports)
        });
        endpoints.list = list.into_iter().map(|(_, record)| record).collect();
        let mut places: Vec<u32> = (0..endpoints.list.len() as u32).collect();
        let address =
            |place: &u32| endpoints.list.get(*place as usize).map(|record| record.address);
        places.sort_by_key(address);
        let mut addresses: Vec<IpAddr> = places.iter().filter_map(address).collect();
        addresses.dedup();
        endpoints.by_address = places.into();
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for address in addresses {
            match address {
                IpAddr::V4(address) => v4.push(address),
                IpAddr::V6(address) => v6.push(address),
            }
        }
        (endpoints.v4, endpoints.v6) = (v4.into(), v6.into());
        (!endpoints.list.is_empty()).then_some(endpoints)
    }
}
