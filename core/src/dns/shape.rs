//! What the labels of a name below the cluster zone mean.
//!
//! ```text
//! left of the zone                  meaning
//! svc, pod                          the two classes
//! shop.svc                          a namespace
//! cart.shop.svc                     a Service
//! cart-0.cart.shop.svc              one endpoint
//! _http._tcp.cart.shop.svc          a port (SRV)
//! cart-0.west.cart.shop.svc         an endpoint of another cluster, in a multicluster zone
//! zone-a.pin._zone.cart.shop.svc    the endpoints of one topology zone
//! 10-244-0-7.shop.pod               a pod by address
//! ```
//!
//! Only the form is looked at here; nothing is looked up.

/// Which forms a zone knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    /// Endpoints carry their cluster's label.
    pub multicluster: bool,
    /// Names for topology zones; not in multicluster zones.
    pub zonal: bool,
}

/// What a name means; labels as they came.
///
/// ```
/// use svckit::dns::{Dialect, Left, Shape};
///
/// let labels: [&[u8]; 5] = [b"_http", b"_tcp", b"cart", b"shop", b"svc"];
/// let shape = Shape::read(&labels, Dialect::default()).ok_or("unknown form")?;
/// assert_eq!(shape.object, Some(&b"cart"[..]));
/// assert_eq!(shape.left, Left::Port { port: b"_http", protocol: b"_tcp" });
/// # Ok::<_, &str>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape<'n> {
    /// `svc` or `pod`; `None` for the zone itself.
    pub class: Option<Class>,
    /// The namespace's label.
    pub namespace: Option<&'n [u8]>,
    /// The Service's label, or the pod's.
    pub object: Option<&'n [u8]>,
    /// What stands left of that.
    pub left: Left<'n>,
}

/// The two halves of the zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Services.
    Svc,
    /// Pods by address.
    Pod,
}

/// What stands left of a Service's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left<'n> {
    /// Nothing.
    Nothing,
    /// One label: an endpoint.
    Endpoint(&'n [u8]),
    /// Two labels: a port and its protocol, with the underscores they came with.
    Port {
        /// `_http`.
        port: &'n [u8],
        /// `_tcp`.
        protocol: &'n [u8],
    },
    /// Two labels without underscore in a multicluster zone.
    Imported {
        /// The endpoint's label.
        endpoint: &'n [u8],
        /// The cluster it lives in.
        cluster: &'n [u8],
    },
    /// A topology zone.
    Zonal {
        /// How many labels, from the leftmost, name the zone.
        labels: usize,
        /// All endpoints stand in when the zone has none.
        prefer: bool,
    },
}

impl<'n> Shape<'n> {
    /// Reads labels from left to right, those of the zone itself left out. `None`: no name has this form.
    #[must_use]
    pub fn read(labels: &[&'n [u8]], dialect: Dialect) -> Option<Self> {
        Self::of(labels.len(), |index| labels.get(index).copied().unwrap_or_default(), dialect)
    }

    /// The same for `count` labels that `label` tells.
    pub(super) fn of(
        count: usize,
        label: impl Fn(usize) -> &'n [u8],
        dialect: Dialect,
    ) -> Option<Self> {
        let from_right = |n: usize| count.checked_sub(n).map(&label);
        let class = match from_right(1) {
            None => None,
            Some(b"svc") => Some(Class::Svc),
            Some(b"pod") => Some(Class::Pod),
            Some(_) => return None,
        };
        let zonal = dialect.zonal && class == Some(Class::Svc);
        let left = Left::of(count.saturating_sub(3), &label, Dialect { zonal, ..dialect })?;
        Some(Self { class, namespace: from_right(2), object: from_right(3), left })
    }
}

impl<'n> Left<'n> {
    /// What the leftmost `count` labels mean, if what follows them is a Service's label.
    #[inline]
    pub(super) fn of(
        count: usize,
        label: impl Fn(usize) -> &'n [u8],
        dialect: Dialect,
    ) -> Option<Self> {
        match count {
            0 => Some(Self::Nothing),
            1 => Some(Self::Endpoint(label(0))),
            2 => {
                let (first, second) = (label(0), label(1));
                let plain = !first.starts_with(b"_") && !second.starts_with(b"_");
                Some(if dialect.multicluster && plain {
                    Self::Imported { endpoint: first, cluster: second }
                } else {
                    Self::Port { port: first, protocol: second }
                })
            }
            count => {
                let prefer = match label(count - 2) {
                    b"pin" => false,
                    b"prefer" => true,
                    _ => return None,
                };
                let known = dialect.zonal && !dialect.multicluster && label(count - 1) == b"_zone";
                known.then_some(Self::Zonal { labels: count - 2, prefer })
            }
        }
    }
}

/// A label of an SRV name without its underscore.
#[must_use]
pub fn without_underscore(label: &[u8]) -> &[u8] {
    label.strip_prefix(b"_").unwrap_or(label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{format, string::String, vec::Vec};

    fn read(name: &str, dialect: Dialect) -> String {
        let labels: Vec<&[u8]> =
            name.split('.').filter(|label| !label.is_empty()).map(str::as_bytes).collect();
        let text = |label: &[u8]| String::from_utf8_lossy(label).into_owned();
        match Shape::read(&labels, dialect) {
            None => "none".into(),
            Some(Shape { left: Left::Nothing, .. }) => "plain".into(),
            Some(Shape { left: Left::Endpoint(label), .. }) => format!("endpoint {}", text(label)),
            Some(Shape { left: Left::Port { port, protocol }, .. }) => {
                format!("port {} {}", text(port), text(protocol))
            }
            Some(Shape { left: Left::Imported { endpoint, cluster }, .. }) => {
                format!("imported {} {}", text(endpoint), text(cluster))
            }
            Some(Shape { left: Left::Zonal { labels, prefer }, .. }) => {
                format!("zonal {labels} {prefer}")
            }
        }
    }

    #[test]
    fn forms() {
        let zonal = Dialect { zonal: true, multicluster: false };
        let multi = Dialect { zonal: false, multicluster: true };
        let both = Dialect { zonal: true, multicluster: true };
        for (name, dialect, want) in [
            ("", zonal, "plain"),
            ("svc", zonal, "plain"),
            ("web.shop.svc", zonal, "plain"),
            ("web.shop.pood", zonal, "none"),
            ("1-2-3-4.web.shop.svc", zonal, "endpoint 1-2-3-4"),
            ("_http._tcp.web.shop.svc", multi, "port _http _tcp"),
            ("e.c1.web.shop.svc", multi, "imported e c1"),
            ("e.c1.web.shop.svc", zonal, "port e c1"),
            ("a.pin._zone.web.shop.svc", zonal, "zonal 1 false"),
            ("a.b.c.prefer._zone.web.shop.svc", zonal, "zonal 3 true"),
            ("a._zone.web.shop.svc", zonal, "port a _zone"),
            ("a.florp._zone.web.shop.svc", zonal, "none"),
            ("a.pin._zone.web.shop.pod", zonal, "none"),
            ("a.pin._zone.web.shop.svc", Dialect::default(), "none"),
            ("a.pin._zone.web.shop.svc", both, "none"),
        ] {
            assert_eq!(read(name, dialect), want, "{name}");
        }
    }
}
