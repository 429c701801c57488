package svckit

/*
#include <svckit.h>
*/
import "C"

import "net/netip"

// AddressRange is what a range of service addresses has to offer. Addresses of the dynamic band are drawn first; the
// static band is left to people who choose themselves. A band that is empty has no valid ends.
type AddressRange struct {
	Usable, StaticLen         uint64
	Network, Broadcast        netip.Addr
	StaticFirst, StaticLast   netip.Addr
	DynamicFirst, DynamicLast netip.Addr
}

// ParseAddressRange works out the figures of a range such as 10.96.0.0/12. In bitmap mode only the first 65,536
// addresses of an IPv6 range count, as in API servers without the IPAddress API.
func ParseAddressRange(cidr string, bitmapMode bool) (AddressRange, error) {
	text, length := lend(cidr)
	var c C.svckit_address_range
	if err := check(C.svckit_address_range_parse(text, length, C.bool(bitmapMode), &c)); err != nil {
		return AddressRange{}, err
	}
	r := AddressRange{
		Usable: uint64(c.usable), StaticLen: uint64(c.static_len),
		Network: fromC(&c.network), Broadcast: fromC(&c.broadcast),
	}
	if r.StaticLen > 0 {
		r.StaticFirst, r.StaticLast = fromC(&c.static_first), fromC(&c.static_last)
	}
	if r.Usable > 0 {
		r.DynamicFirst, r.DynamicLast = fromC(&c.dynamic_first), fromC(&c.dynamic_last)
	}
	return r, nil
}

// PortRange is what a range of node ports has to offer. If there is no static band, both its ends are 0.
type PortRange struct {
	Size, StaticLen                                                 uint32
	First, Last, StaticFirst, StaticLast, DynamicFirst, DynamicLast uint16
}

// ParsePortRange works out the figures of a range such as 30000-32767.
func ParsePortRange(ports string) (PortRange, error) {
	text, length := lend(ports)
	var c C.svckit_port_range
	if err := check(C.svckit_port_range_parse(text, length, &c)); err != nil {
		return PortRange{}, err
	}
	return PortRange{
		Size: uint32(c.size), StaticLen: uint32(c.static_len),
		First: uint16(c.first), Last: uint16(c.last),
		StaticFirst: uint16(c.static_first), StaticLast: uint16(c.static_last),
		DynamicFirst: uint16(c.dynamic_first), DynamicLast: uint16(c.dynamic_last),
	}, nil
}
