//! cluster: to be written.
