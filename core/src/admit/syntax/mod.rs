//! The string formats of Kubernetes: names, labels, ports, addresses.
//!
//! Each function answers with [`Problems`], which is empty when the text is right, or with the parsed value. What
//! matters and can't be seen in the code: how many problems one text has is part of Kubernetes' behaviour (a name
//! that is too long *and* misspelt has two), and so is what is not checked: a label of a subdomain may be longer
//! than the 63 bytes that DNS allows.
//!
//! But for [`base64()`] nothing here allocates, and no function looks at a byte more than a few times.

mod address;
mod base64;
mod name;
mod problem;

pub use address::{
    InterfaceAddress, Level, cidr, cidr_warning, endpoint_address, interface_address, ip,
    ip_warning,
};
pub use base64::base64;
pub use name::{
    annotation_key, domain_prefixed_path, fully_qualified_domain, label_value, path_segment,
    port_name, port_number, qualified_name, rfc1035_label, rfc1123_label, rfc1123_subdomain,
    search_domain, wildcard_subdomain,
};
pub use problem::{Problem, Problems};

#[cfg(test)]
mod tests;
