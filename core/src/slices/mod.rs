//! slices: to be written.
