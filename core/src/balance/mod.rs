//! balance: to be written.
