//! admit: to be written.
