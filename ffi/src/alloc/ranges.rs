//! What a range has to offer, as plain numbers.

use super::cluster_ips::parse;
use crate::{
    guard::{Out, catch, text},
    svckit_ip, svckit_status,
};
use svckit::{
    Seed,
    alloc::{AddressRange, PortRange},
};

/// The figures of a range of service addresses.
///
/// The dynamic band is drawn from first; the static band is left to people who choose themselves. If a band has no
/// address, both its ends are zero.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct svckit_address_range {
    /// How many service addresses there are.
    pub usable: u64,
    /// How many of them are the static band.
    pub static_len: u64,
    /// The network address, never handed out.
    pub network: svckit_ip,
    /// The last address of the range. In IPv4 that is the broadcast address, which is never handed out.
    pub broadcast: svckit_ip,
    /// The ends of the static band.
    pub static_first: svckit_ip,
    /// See `static_first`.
    pub static_last: svckit_ip,
    /// The ends of the dynamic band; its last address is the last one of all.
    pub dynamic_first: svckit_ip,
    /// See `dynamic_first`.
    pub dynamic_last: svckit_ip,
}

/// The figures of a range of node ports. If there is no static band, both its ends are 0.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct svckit_port_range {
    /// How many ports there are.
    pub size: u32,
    /// How many of them are the static band.
    pub static_len: u32,
    /// The lowest port.
    pub first: u16,
    /// The highest port.
    pub last: u16,
    /// The ends of the static band.
    pub static_first: u16,
    /// See `static_first`.
    pub static_last: u16,
    /// The ends of the dynamic band.
    pub dynamic_first: u16,
    /// See `dynamic_first`.
    pub dynamic_last: u16,
}

/// Works out the figures of a range such as `10.96.0.0/12`.
///
/// With `bitmap_mode`, only the first 65,536 addresses of an IPv6 range count, as in API servers without the
/// `IPAddress` API. `SVCKIT_STATUS_TOO_LARGE`: else an IPv6 range may be a /64 at most.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_address_range_parse(
    cidr: *const u8,
    cidr_len: usize,
    bitmap_mode: bool,
    range_out: *mut svckit_address_range,
) -> svckit_status {
    catch(|| {
        // SAFETY: the header asks for room for one range and for `cidr_len` readable bytes.
        let (out, cidr) = unsafe { (Out::new(range_out)?, parse(cidr, cidr_len)?) };
        let seed = Seed([0; 4]);
        let range = if bitmap_mode {
            AddressRange::in_bitmap_mode(cidr, seed)?
        } else {
            AddressRange::new(cidr, seed)?
        };
        let ends = |band: Option<std::ops::RangeInclusive<_>>| match band {
            Some(band) => (svckit_ip::from(*band.start()), svckit_ip::from(*band.end())),
            None => Default::default(),
        };
        let (static_first, static_last) = ends(range.static_band());
        let (dynamic_first, dynamic_last) = ends(range.dynamic_band());
        out.set(svckit_address_range {
            usable: range.usable(),
            static_len: range.static_band_len(),
            network: range.cidr().network().into(),
            broadcast: range.cidr().broadcast().into(),
            static_first,
            static_last,
            dynamic_first,
            dynamic_last,
        });
        Ok(())
    })
}

/// Works out the figures of a range of ports: `30000-32767`, or `30000+2767` for the same.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn svckit_port_range_parse(
    range: *const u8,
    range_len: usize,
    range_out: *mut svckit_port_range,
) -> svckit_status {
    catch(|| {
        // SAFETY: the header asks for room for one range and for `range_len` readable bytes.
        let (out, range) = unsafe { (Out::new(range_out)?, port_range(range, range_len)?) };
        let (low, high) = (range.static_band(), range.dynamic_band());
        out.set(svckit_port_range {
            size: range.size(),
            static_len: range.static_band_len() as u32,
            first: range.first().get(),
            last: range.last().get(),
            static_first: low.as_ref().map_or(0, |band| band.start().get()),
            static_last: low.as_ref().map_or(0, |band| band.end().get()),
            dynamic_first: high.start().get(),
            dynamic_last: high.end().get(),
        });
        Ok(())
    })
}

/// # Safety
///
/// `range` is NULL, or points to `len` readable bytes that nobody writes during the call.
pub(super) unsafe fn port_range(range: *const u8, len: usize) -> Result<PortRange, svckit_status> {
    // SAFETY: promised by the caller.
    let range = unsafe { text(range, len) }?;
    range.parse().map_err(|_| svckit_status::InvalidArgument)
}
