//! Seeds as C has them.

use crate::guard::one;
use crate::svckit_status;
use svckit::Seed;

/// Randomness: keys hash tables and starts searches, never used for secrets.
///
/// Take it from a good source such as `getrandom`: names and addresses are chosen by strangers, and a known key invites
/// collisions. Equal seeds and equal calls give equal results.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct svckit_seed {
    /// Any numbers.
    pub words: [u64; 4],
}

/// # Safety
///
/// `seed` is NULL, or readable and written by nobody during the call.
pub(crate) unsafe fn seed(seed: *const svckit_seed) -> Result<Seed, svckit_status> {
    // SAFETY: promised by the caller.
    unsafe { one(seed) }.map(|seed| Seed(seed.words))
}
