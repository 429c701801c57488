//! What answers on sockets.

pub mod pod;
