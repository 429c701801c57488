//! IP addresses as C has them.

use crate::{
    guard::{Buffer, Out, catch, one, text},
    svckit_status,
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An IP address: 16 bytes in network order. An IPv4 address is the IPv6 address `::ffff:a.b.c.d`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct svckit_ip {
    /// In network order.
    pub bytes: [u8; 16],
}

/// What stands before an IPv4 address.
const MAPPED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

impl svckit_ip {
    /// The IPv4 address, if it is one. Two comparisons: a look at each byte would cost as much as a look-up.
    #[inline]
    pub(crate) fn v4(&self) -> Option<Ipv4Addr> {
        let (before, address) = self.bytes.split_last_chunk::<4>()?;
        (before == MAPPED).then_some(Ipv4Addr::from_octets(*address))
    }
}

impl From<Ipv4Addr> for svckit_ip {
    #[inline]
    fn from(addr: Ipv4Addr) -> Self {
        let [a, b, c, d] = addr.octets();
        Self { bytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d] }
    }
}

impl From<IpAddr> for svckit_ip {
    #[inline]
    fn from(addr: IpAddr) -> Self {
        match addr {
            IpAddr::V4(v4) => v4.into(),
            IpAddr::V6(v6) => Self { bytes: v6.octets() },
        }
    }
}

impl From<svckit_ip> for IpAddr {
    #[inline]
    fn from(ip: svckit_ip) -> Self {
        ip.v4().map_or_else(|| Self::V6(Ipv6Addr::from(ip.bytes)), Self::V4)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_back() {
        for text in ["10.96.0.1", "0.0.0.0", "255.255.255.255", "::", "fd00::1", "::ffff:0:a60:1"] {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(IpAddr::from(svckit_ip::from(address)), address, "{text}");
        }
        let mapped: Ipv6Addr = "::ffff:10.96.0.1".parse().unwrap();
        let plain = IpAddr::from(svckit_ip { bytes: mapped.octets() });
        assert_eq!(plain.to_string(), "10.96.0.1");
    }
}
