//! table: to be written.
