//! What calls answer.

use std::ffi::{CStr, c_char};
use svckit::alloc::AllocError;

/// How a call went.
///
/// A number never changes its meaning and is never used again for another one. Later versions may answer numbers
/// that are not in this list; all but `SVCKIT_STATUS_OK` are failures.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum svckit_status {
    /// The call did what it says.
    Ok = 0,
    /// A required pointer was NULL. Nothing happened.
    NullPointer = 1,
    /// An input does not parse, or is not one of the values it may have. Nothing happened.
    InvalidArgument = 2,
    /// Somebody else holds the address or port. Nothing happened.
    Taken = 3,
    /// Nothing is left. Nothing happened.
    Exhausted = 4,
    /// The address or port is in no range. Nothing happened.
    OutOfRange = 5,
    /// The range has more addresses than can be counted. Nothing happened.
    TooLarge = 6,
    /// It is there already. Nothing happened.
    Exists = 7,
    /// There is no such thing. Nothing happened.
    NotFound = 8,
    /// It is still in use. Nothing happened.
    InUse = 9,
    /// The buffer is too small; the length it needs was written. Nothing else happened.
    BufferTooSmall = 10,
    /// At least one of the objects was refused, and changes nothing; the others were taken in. The findings say why.
    Refused = 11,
    /// Refused for a reason this header has no number for. Nothing happened.
    Other = 97,
    /// A bug in svckit. This handle now answers `SVCKIT_STATUS_POISONED`; others are unharmed.
    Panic = 98,
    /// An earlier call on this handle ended in `SVCKIT_STATUS_PANIC`. Only `_free` is left.
    Poisoned = 99,
}

impl svckit_status {
    const ALL: [Self; 15] = [
        Self::Ok,
        Self::NullPointer,
        Self::InvalidArgument,
        Self::Taken,
        Self::Exhausted,
        Self::OutOfRange,
        Self::TooLarge,
        Self::Exists,
        Self::NotFound,
        Self::InUse,
        Self::BufferTooSmall,
        Self::Refused,
        Self::Other,
        Self::Panic,
        Self::Poisoned,
    ];

    const fn text(self) -> &'static CStr {
        match self {
            Self::Ok => c"ok",
            Self::NullPointer => c"a required pointer is null",
            Self::InvalidArgument => c"invalid argument",
            Self::Taken => c"already allocated",
            Self::Exhausted => c"nothing is left",
            Self::OutOfRange => c"out of range",
            Self::TooLarge => c"the range is too large",
            Self::Exists => c"it is there already",
            Self::NotFound => c"there is no such thing",
            Self::InUse => c"still in use",
            Self::BufferTooSmall => c"the buffer is too small",
            Self::Refused => c"some objects were refused",
            Self::Other => c"refused",
            Self::Panic => c"a bug in svckit",
            Self::Poisoned => c"an earlier call on this handle met a bug in svckit",
        }
    }
}

impl From<AllocError> for svckit_status {
    fn from(error: AllocError) -> Self {
        match error {
            AllocError::AddressOutOfRange { .. } | AllocError::PortOutOfRange { .. } => {
                Self::OutOfRange
            }
            AllocError::AddressTaken { .. } | AllocError::PortTaken { .. } => Self::Taken,
            AllocError::AddressesExhausted { .. } | AllocError::PortsExhausted { .. } => {
                Self::Exhausted
            }
            AllocError::NoRange { .. } | AllocError::RangeUnknown { .. } => Self::NotFound,
            AllocError::RangeTooLarge { .. } => Self::TooLarge,
            AllocError::RangeKnown { .. } => Self::Exists,
            AllocError::RangeInUse { .. } => Self::InUse,
            _ => Self::Other,
        }
    }
}

/// What a status means, in English: lower case, no full stop, closed by a NUL.
///
/// Never NULL, even for numbers of later versions. The text lives as long as the process; do not free it.
#[unsafe(no_mangle)]
pub extern "C" fn svckit_status_text(status: i32) -> *const c_char {
    let known = svckit_status::ALL.into_iter().find(|known| *known as i32 == status);
    known.map_or(c"an unknown status", svckit_status::text).as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_own_text() {
        let text = |status: i32| {
            // SAFETY: never NULL, closed by a NUL, and static.
            unsafe { CStr::from_ptr(svckit_status_text(status)) }
        };
        let texts: std::collections::BTreeSet<_> =
            svckit_status::ALL.into_iter().map(|status| text(status as i32)).collect();
        assert_eq!(texts.len(), svckit_status::ALL.len());
        assert_eq!(text(-1), c"an unknown status");
    }
}
