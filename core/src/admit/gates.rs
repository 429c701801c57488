//! Feature gates that change which writes are accepted.

/// Kubernetes' feature gates, as far as they change which writes are accepted. The default is that of v1.36.
///
/// ```
/// use svckit::admit::Gates;
///
/// let mut gates = Gates::default();
/// assert!(gates.set("RelaxedServiceNameValidation", false));
/// assert!(!gates.set("NoSuchGate", true));
/// assert!(gates.strict_ip_cidr_validation && !gates.relaxed_service_name_validation);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gates {
    /// `StrictIPCIDRValidation` (KEP-4858): older fields refuse leading zeros, IPv4-mapped addresses and host bits.
    /// Default: on.
    pub strict_ip_cidr_validation: bool,
    /// `RelaxedServiceNameValidation` (KEP-5311): a Service's name may start with a digit. Default: on.
    pub relaxed_service_name_validation: bool,
    /// `PreferSameTrafficDistribution` (KEP-3015): `PreferSameZone` and `PreferSameNode` exist. Default: on.
    pub prefer_same_traffic_distribution: bool,
    /// `AllowServiceLBStatusOnNonLB`: any type may carry `status.loadBalancer.ingress`. Default: off.
    pub allow_service_lb_status_on_non_lb: bool,
}

impl Default for Gates {
    fn default() -> Self {
        Self {
            strict_ip_cidr_validation: true,
            relaxed_service_name_validation: true,
            prefer_same_traffic_distribution: true,
            allow_service_lb_status_on_non_lb: false,
        }
    }
}

impl Gates {
    /// The names that [`Gates::set`] knows.
    pub const NAMES: [&str; 4] = [
        "StrictIPCIDRValidation",
        "RelaxedServiceNameValidation",
        "PreferSameTrafficDistribution",
        "AllowServiceLBStatusOnNonLB",
    ];

    /// Switches a gate by Kubernetes' name; `false` when there is none of that name.
    pub fn set(&mut self, name: &str, on: bool) -> bool {
        let gate = match name {
            "StrictIPCIDRValidation" => &mut self.strict_ip_cidr_validation,
            "RelaxedServiceNameValidation" => &mut self.relaxed_service_name_validation,
            "PreferSameTrafficDistribution" => &mut self.prefer_same_traffic_distribution,
            "AllowServiceLBStatusOnNonLB" => &mut self.allow_service_lb_status_on_non_lb,
            _ => return false,
        };
        *gate = on;
        true
    }
}
