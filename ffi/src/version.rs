//! Which svckit this is.

/// The version that this program runs with, in the form of `SVCKIT_VERSION`, which is the one it was compiled with.
#[unsafe(no_mangle)]
pub extern "C" fn svckit_version() -> u32 {
    const VERSION: u32 = part(env!("CARGO_PKG_VERSION_MAJOR")) << 16
        | part(env!("CARGO_PKG_VERSION_MINOR")) << 8
        | part(env!("CARGO_PKG_VERSION_PATCH"));
    VERSION
}

const fn part(text: &str) -> u32 {
    match u32::from_str_radix(text, 10) {
        Ok(number) => number,
        Err(_) => 0,
    }
}
