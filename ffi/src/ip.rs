//! IP addresses as C has them.

use crate::{
    guard::{Buffer, Out, catch, one, text},
    svckit_status,
};
use std::net::{IpAddr, Ipv6Addr};

/// An IP address: 16 bytes in network order. An IPv4 address is the IPv6 address `::ffff:a.b.c.d`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct svckit_ip {
    /// In network order.
    pub bytes: [u8; 16],
}

impl From<IpAddr> for svckit_ip {
    fn from(addr: IpAddr) -> Self {
        let bytes = match addr {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
            IpAddr::V6(v6) => v6.octets(),
        };
        Self { bytes }
    }
}

impl From<svckit_ip> for IpAddr {
    fn from(ip: svckit_ip) -> Self {
        Ipv6Addr::from(ip.bytes).to_canonical()
    }
}

/// Reads an address such as `10.96.0.1` or `fd00::1`.
///
/// `SVCKIT_STATUS_INVALID_ARGUMENT`: the text is no address.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_ip_parse(
    text_utf8: *const u8,
    text_len: usize,
    ip_out: *mut svckit_ip,
) -> svckit_status {
    catch(|| {
        // SAFETY: the header asks for room for one address, and for `text_len` readable bytes.
        let (out, text) = unsafe { (Out::new(ip_out)?, text(text_utf8, text_len)?) };
        let addr: IpAddr = text.parse().map_err(|_| svckit_status::InvalidArgument)?;
        out.set(addr.into());
        Ok(())
    })
}

/// Writes an address as text, without a closing NUL; 39 bytes are always enough.
///
/// `SVCKIT_STATUS_BUFFER_TOO_SMALL`: `*len_out` is the capacity it takes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_ip_print(
    ip: *const svckit_ip,
    buf: *mut u8,
    cap: usize,
    len_out: *mut usize,
) -> svckit_status {
    catch(|| {
        // SAFETY: the header asks for a readable address, and for room for `cap` bytes and one length.
        let (ip, buffer) = unsafe { (one(ip)?, Buffer::new(buf, cap, len_out)?) };
        buffer.print(&IpAddr::from(ip).to_string())
    })
}
