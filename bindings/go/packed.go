package svckit

/*
#include <svckit.h>
*/
import "C"

import (
	"math/rand/v2"
	"net/netip"
	"time"
	"unsafe"
)

// PackedFlow is a [Flow] in the form in which it crosses to the library: arrays of them cross without being looked at.
// Addresses are 16 bytes, an IPv4 address as ::ffff:a.b.c.d, as [netip.Addr.As16] gives them.
type PackedFlow struct {
	Source, Address  [16]byte
	SourcePort, Port uint16
	Protocol         Protocols
	_                uint8
}

// PackedPick is a [Pick] in the form in which it crosses from the library.
type PackedPick struct {
	// Address and Port are where; zero unless the outcome is Backend.
	Address [16]byte
	// ServicePort is whose endpoint it is: a number for [Table.ServicePort].
	ServicePort uint32
	// EndpointID is which endpoint of the service port.
	EndpointID uint32
	Port       uint16
	// Outcome is what the table says.
	Outcome Outcome
	_       uint8
}

// Both have the library's layout, field by field; the compiler refuses anything else.
var (
	_ = [1]struct{}{}[unsafe.Sizeof(PackedFlow{})-unsafe.Sizeof(C.svckit_flow{})]
	_ = [1]struct{}{}[unsafe.Offsetof(PackedFlow{}.Address)-unsafe.Offsetof(C.svckit_flow{}.address)]
	_ = [1]struct{}{}[unsafe.Offsetof(PackedFlow{}.SourcePort)-unsafe.Offsetof(C.svckit_flow{}.source_port)]
	_ = [1]struct{}{}[unsafe.Offsetof(PackedFlow{}.Port)-unsafe.Offsetof(C.svckit_flow{}.port)]
	_ = [1]struct{}{}[unsafe.Offsetof(PackedFlow{}.Protocol)-unsafe.Offsetof(C.svckit_flow{}.protocol)]
	_ = [1]struct{}{}[unsafe.Sizeof(PackedPick{})-unsafe.Sizeof(C.svckit_pick{})]
	_ = [1]struct{}{}[unsafe.Offsetof(PackedPick{}.ServicePort)-unsafe.Offsetof(C.svckit_pick{}.service_port)]
	_ = [1]struct{}{}[unsafe.Offsetof(PackedPick{}.EndpointID)-unsafe.Offsetof(C.svckit_pick{}.endpoint)]
	_ = [1]struct{}{}[unsafe.Offsetof(PackedPick{}.Port)-unsafe.Offsetof(C.svckit_pick{}.port)]
	_ = [1]struct{}{}[unsafe.Offsetof(PackedPick{}.Outcome)-unsafe.Offsetof(C.svckit_pick{}.outcome)]
)

// Packed is the flow in packed form.
func (f *Flow) Packed() PackedFlow {
	return PackedFlow{
		Source: f.Source.Addr().As16(), SourcePort: f.Source.Port(),
		Address: f.Destination.Addr().As16(), Port: f.Destination.Port(), Protocol: f.Protocol,
	}
}

// Endpoint is where the flow goes; not valid unless the outcome is Backend.
func (p *PackedPick) Endpoint() netip.AddrPort {
	if p.Outcome != Backend {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(netip.AddrFrom16(p.Address).Unmap(), p.Port)
}

// Pick is the pick in Go's types.
func (p *PackedPick) Pick() Pick {
	return Pick{p.Endpoint(), p.ServicePort, p.EndpointID, p.Outcome}
}

// PickPacked says where flows go; picks has room for as many. It is the cheapest form of [Table.PickMany]: all of them
// cross at once, nothing is copied and nothing allocated. A client that is there several times, at a service port with
// session affinity, is sent to one endpoint.
func (t *Table) PickPacked(flows []PackedFlow, picks []PackedPick) error {
	if len(picks) < len(flows) {
		return BufferTooSmall
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return check(C.svckit_table_pick_many(t.ptr, (*C.svckit_flow)(unsafe.Pointer(unsafe.SliceData(flows))),
		C.size_t(len(flows)), C.uint64_t(rand.Uint64()), (*C.svckit_pick)(unsafe.Pointer(unsafe.SliceData(picks)))))
}

// PickPacked is the cheapest form of [Affinity.PickMany], as [Table.PickPacked] is.
func (a *Affinity) PickPacked(table *Table, flows []PackedFlow, picks []PackedPick, now time.Duration) error {
	if len(picks) < len(flows) {
		return BufferTooSmall
	}
	table.mu.RLock()
	defer table.mu.RUnlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	return check(C.svckit_affinity_pick_many(a.ptr, table.ptr,
		(*C.svckit_flow)(unsafe.Pointer(unsafe.SliceData(flows))), C.size_t(len(flows)), C.uint64_t(now),
		C.uint64_t(rand.Uint64()), (*C.svckit_pick)(unsafe.Pointer(unsafe.SliceData(picks)))))
}
