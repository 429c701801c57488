//! Carries plans to kernels.

pub mod conntrack;
pub mod nft;
