//! Carries plans to kernels.

pub mod conntrack;
pub mod iptables;
pub mod nft;
