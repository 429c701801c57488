//! Plans and routes as text or bytes, still pure: adapters only carry them.

pub mod iptables;
pub mod ipvs;
mod kernel;
pub mod nft;
pub mod nginx;

pub use kernel::Kernel;
