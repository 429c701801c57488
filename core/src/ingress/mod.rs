//! ingress: to be written.
