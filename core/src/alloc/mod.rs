//! alloc: to be written.
