//! Carries svckit's decisions to the world, and the world's state to svckit.
//!
//! [`source`] reads objects (files), [`sink`] writes rules to kernels, [`serve`] answers on sockets. Whatever an
//! adapter decides is a bug: decisions belong to the `svckit` crate, where they are pure and tested.

pub mod clock;
pub mod etcd;
pub mod netlink;
pub mod serve;
pub mod sink;
pub mod source;
pub mod store;
