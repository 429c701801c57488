//! What the benches share: generated clusters of any size.
