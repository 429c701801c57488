package svckit

/*
#include <svckit.h>
*/
import "C"

import (
	"encoding/binary"
	"net/netip"
	"unsafe"
)

// mapped is what stands before an IPv4 address, in the last four of the eight bytes before it.
const mapped = 0xffff

// putC writes an address as C has it. The zero Addr becomes ::, which nobody has.
//
// It is written where it stays: bytes that are written in parts and then moved as a whole have to wait for the parts,
// and a batch would wait for each of its addresses.
func putC(to *C.svckit_ip, addr netip.Addr) {
	bytes := (*[16]byte)(unsafe.Pointer(to))
	if !addr.Is4() {
		*bytes = addr.As16()
		return
	}
	four := addr.As4()
	binary.BigEndian.PutUint64(bytes[:8], 0)
	binary.BigEndian.PutUint32(bytes[8:12], mapped)
	binary.BigEndian.PutUint32(bytes[12:], binary.BigEndian.Uint32(four[:]))
}

// toC is the same as a value.
func toC(addr netip.Addr) (ip C.svckit_ip) {
	putC(&ip, addr)
	return ip
}

// fromC is an address of C's; IPv4 in its own form.
func fromC(ip *C.svckit_ip) netip.Addr {
	bytes := (*[16]byte)(unsafe.Pointer(ip))
	if binary.BigEndian.Uint64(bytes[:8]) == 0 && binary.BigEndian.Uint32(bytes[8:12]) == mapped {
		return netip.AddrFrom4([4]byte(bytes[12:]))
	}
	return netip.AddrFrom16(*bytes)
}
