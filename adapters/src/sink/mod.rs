//! Carries plans to kernels, and configurations to other programs.

pub mod nft;
pub mod nginx;
