//! Words for generated names.

use std_alloc::string::String;

/// Letters and digits of which Kubernetes makes names: none that could spell a word.
const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// A word of `length` letters that depends on `texts`, and on nothing else (FNV-1a).
pub(crate) fn word(texts: &[&str], length: usize) -> String {
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([0]));
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut rest = crate::seed::mix(hash);
    let letters = (0..length).filter_map(|_| {
        let letter = LETTERS.get((rest % 27) as usize).copied();
        rest /= 27;
        letter
    });
    letters.map(char::from).collect()
}
