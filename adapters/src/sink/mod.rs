//! sink: to be written.
