//! Carries plans to kernels.

pub mod nft;
