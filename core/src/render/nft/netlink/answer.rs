//! What the kernel says about a transaction.

use super::buffer::HEADER;

/// The kind of an answer that is an error or an acknowledgement.
const ERROR: u16 = 2;
/// The kind of the message that ends a list.
const DONE: u16 = 3;

/// One message from the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// The message with this sequence number was carried out.
    Done {
        /// Whose it is.
        sequence: u32,
    },
    /// It was not.
    Refused {
        /// Whose it is.
        sequence: u32,
        /// The system's error number, positive.
        error: i32,
    },
    /// An item that was asked for.
    Item {
        /// The question's.
        sequence: u32,
        /// What it is.
        kind: u16,
        /// Its attributes.
        body: &'a [u8],
    },
    /// No more items.
    End {
        /// The question's.
        sequence: u32,
    },
}

/// Reads the messages in what a socket has received; stops at what is none.
#[derive(Clone, Debug)]
pub struct Answers<'a>(&'a [u8]);

impl<'a> Answers<'a> {
    /// The messages in these bytes.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
}

impl<'a> Iterator for Answers<'a> {
    type Item = Answer<'a>;

    fn next(&mut self) -> Option<Answer<'a>> {
        let length = u32::from_ne_bytes(array(self.0, 0)?) as usize;
        let kind = u16::from_ne_bytes(array(self.0, 4)?);
        let sequence = u32::from_ne_bytes(array(self.0, 8)?);
        let message = self.0.get(..length).filter(|message| message.len() >= 16)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(match kind {
            ERROR => {
                let error = i32::from_ne_bytes(array(message, 16)?);
                match error.checked_neg() {
                    Some(error) if error != 0 => Answer::Refused { sequence, error },
                    _ => Answer::Done { sequence },
                }
            }
            DONE => Answer::End { sequence },
            _ => Answer::Item { sequence, kind, body: message.get(HEADER..)? },
        })
    }
}

/// Some bytes of a message.
fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

/// The attributes in some bytes, as kind and value; kinds without the mark of those that hold others.
pub(super) fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    core::iter::from_fn(move || {
        let length = usize::from(u16::from_ne_bytes(array(bytes, 0)?));
        let kind = u16::from_ne_bytes(array(bytes, 2)?) & 0x3fff;
        let value = bytes.get(4..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// The first attribute of a kind.
pub(super) fn attribute(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    attributes(bytes).find(|(found, _)| *found == kind).map(|(_, value)| value)
}
