//! Texts that the library lends.

/// A text that svckit lends: UTF-8, not closed by a NUL.
///
/// It lives as long as what it was taken from; that text says how long. Do not free it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct svckit_text {
    /// The first byte; never NULL.
    pub data: *const u8,
    /// How many bytes.
    pub len: usize,
}

impl From<&str> for svckit_text {
    fn from(text: &str) -> Self {
        Self { data: text.as_ptr(), len: text.len() }
    }
}
