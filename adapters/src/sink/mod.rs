//! Carries plans to kernels.

pub mod iptables;
pub mod nft;
