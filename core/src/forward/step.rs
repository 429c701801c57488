//! Why a packet met its fate, in steps that people can read.

use core::{fmt, net::SocketAddr};

use super::{FrontendKey, Hints, Refusal, Role};
use crate::model::TrafficPolicy;

/// One thing that was found out on the way to a [`super::Decision`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// The packet's family isn't forwarded, or its two addresses are not of one family.
    OtherFamily,
    /// It is for a loopback address, but comes from somewhere else.
    Martian,
    /// It is for a service port, at an address of this kind.
    At(Role, FrontendKey),
    /// It is for a port of the node that leads to a pod.
    HostPort(SocketAddr),
    /// The service lists who may come.
    SourceRange {
        /// Whether the source is on the list.
        inside: bool,
    },
    /// This set of endpoints is used.
    Set(TrafficPolicy),
    /// What topology hints did to the cluster set.
    Hints(Hints),
    /// External policy Local, but a pod asks: the cluster set, as if it had come through the load balancer.
    ShortCircuitPod,
    /// External policy Local, but the node itself asks: the cluster set.
    ShortCircuitNode,
    /// The source isn't a pod, so the answer must come back through this node.
    NotAPod,
    /// The set is empty.
    Empty(Refusal),
    /// The address is a cluster IP, but no service port of this protocol and number.
    UnknownPort,
    /// The address lies in a service range, and nobody has it.
    UnallocatedAddress,
    /// Neither a service address nor a port of this node that leads anywhere.
    NotOurs,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherFamily => f.write_str("the family is not forwarded here"),
            Self::Martian => f.write_str("a loopback address, but not from here: dropped"),
            Self::At(role, key) => write!(f, "{role} of {key}"),
            Self::HostPort(pod) => write!(f, "host port of the pod port {pod}"),
            Self::SourceRange { inside: true } => f.write_str("the source is in an allowed range"),
            Self::SourceRange { inside: false } => {
                f.write_str("the source is in none of the allowed ranges")
            }
            Self::Set(TrafficPolicy::Cluster) => f.write_str("endpoints of the whole cluster"),
            Self::Set(TrafficPolicy::Local) => f.write_str("only endpoints on this node"),
            Self::Hints(hints) => hints.fmt(f),
            Self::ShortCircuitPod => f.write_str(
                "a pod asks: endpoints of the whole cluster, as if through the load balancer",
            ),
            Self::ShortCircuitNode => {
                f.write_str("the node itself asks: endpoints of the whole cluster, masqueraded")
            }
            Self::NotAPod => f.write_str("the source is no pod: masqueraded"),
            Self::Empty(Refusal::Reject) => f.write_str("no endpoint anywhere: refused"),
            Self::Empty(Refusal::Drop) => {
                f.write_str("endpoints, but none that this traffic may reach: dropped")
            }
            Self::UnknownPort => f.write_str("a cluster IP without such a port: refused"),
            Self::UnallocatedAddress => {
                f.write_str("a service range's address that nobody has: dropped")
            }
            Self::NotOurs => f.write_str("no service address: left alone"),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClusterIp => "cluster IP",
            Self::Vip => "load balancer address",
            Self::ExternalIp => "external IP",
            Self::NodePort => "node port",
        })
    }
}
