//! forward: to be written.
