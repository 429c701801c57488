//! dns: to be written.
