//! What the benches share: generated clusters of any size.

pub mod cluster;
