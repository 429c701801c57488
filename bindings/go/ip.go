package svckit

/*
#include <svckit.h>
*/
import "C"

import (
	"net/netip"
	"unsafe"
)

// toC is an address as C has it. The zero Addr becomes ::, which nobody has.
func toC(addr netip.Addr) C.svckit_ip {
	bytes := addr.As16()
	return *(*C.svckit_ip)(unsafe.Pointer(&bytes))
}

// fromC is an address of C's; IPv4 in its own form.
func fromC(ip C.svckit_ip) netip.Addr {
	return netip.AddrFrom16(*(*[16]byte)(unsafe.Pointer(&ip))).Unmap()
}
