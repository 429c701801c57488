//! From objects to the checked model: the only place where texts become values.
//!
//! Objects must have been admitted: defaulted, validated and, for Services, allocated. What can't be read is refused
//! with its path; nothing is guessed. Objects that nothing below has a use for (pods that have finished, slices of
//! domain names or of no Service) become `None`.

mod endpoint_slice;
mod endpoints;
mod http_route;
mod ingress;
mod ingress_class;
mod node;
mod pod;
mod read;
mod service;
mod timestamp;
mod tls_secret;

pub use endpoint_slice::{api_slice, controller_slice, endpoint_slice, mirrored_slice};
pub use endpoints::{MAX_MIRRORED, endpoints};
pub use http_route::{gateway, http_route, reference_grant};
pub use ingress::ingress;
pub use ingress_class::ingress_class;
pub use node::node;
pub use pod::pod;
pub use service::service;
pub use timestamp::seconds as unix_seconds;
pub use tls_secret::tls_secret;

#[cfg(test)]
mod tests;
