//! nginx: what it matches on.

mod uri;

pub use uri::{BadUri, normalised_uri};
