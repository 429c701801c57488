//! Carries plans to kernels, and configurations to other programs.

pub mod conntrack;
pub mod iptables;
pub mod nft;
pub mod nginx;
pub mod skydns;
