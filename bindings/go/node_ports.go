package svckit

/*
#include <svckit.h>
*/
import "C"

import (
	"iter"
	"time"
	"unsafe"
)

// Family is an IP family.
type Family uint8

// The families.
const (
	IPv4 Family = 4
	IPv6 Family = 6
)

// Protocols is a set of protocols; one of them is a protocol.
type Protocols uint8

// The protocols.
const (
	TCP  Protocols = C.SVCKIT_PROTOCOLS_TCP
	UDP  Protocols = C.SVCKIT_PROTOCOLS_UDP
	SCTP Protocols = C.SVCKIT_PROTOCOLS_SCTP
)

// NodePorts hands out the ports that nodes answer on. A port is free for each protocol by itself.
type NodePorts struct {
	handle[*C.svckit_node_ports]
}

// NewNodePorts makes an allocator for a range such as "30000-32767".
func NewNodePorts(ports string, seed Seed, quarantine time.Duration) (*NodePorts, error) {
	p := new(NodePorts)
	words := seed.c()
	text, length := lend(ports)
	var ptr *C.svckit_node_ports
	if err := check(C.svckit_node_ports_new(text, length, &words, C.uint64_t(quarantine), &ptr)); err != nil {
		return nil, err
	}
	p.own(ptr, func(ptr *C.svckit_node_ports) { C.svckit_node_ports_free(ptr) })
	return p, nil
}

// Reserve takes this very port for all of these protocols, or for none.
func (p *NodePorts) Reserve(port uint16, protocols Protocols) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return check(C.svckit_node_ports_reserve(p.ptr, C.uint16_t(port), C.uint8_t(protocols)))
}

// Allocate takes any port that is free for all of these protocols.
func (p *NodePorts) Allocate(protocols Protocols, now time.Duration) (uint16, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var port C.uint16_t
	err := check(C.svckit_node_ports_allocate(p.ptr, C.uint8_t(protocols), C.uint64_t(now), &port))
	return uint16(port), err
}

// Release gives a port back, to rest, and says for which of the protocols it was held.
func (p *NodePorts) Release(port uint16, protocols Protocols, now time.Duration) (Protocols, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var held C.uint8_t
	err := check(C.svckit_node_ports_release(p.ptr, C.uint16_t(port), C.uint8_t(protocols), C.uint64_t(now), &held))
	return Protocols(held), err
}

// Cancel gives a port back that nobody has seen, and says for which of the protocols it was held.
func (p *NodePorts) Cancel(port uint16, protocols Protocols) (Protocols, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var held C.uint8_t
	err := check(C.svckit_node_ports_cancel(p.ptr, C.uint16_t(port), C.uint8_t(protocols), &held))
	return Protocols(held), err
}

// Holds says for which protocols somebody holds a port.
func (p *NodePorts) Holds(port uint16) (Protocols, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	var held C.uint8_t
	err := check(C.svckit_node_ports_holds(p.ptr, C.uint16_t(port), &held))
	return Protocols(held), err
}

// Held goes through the ports that were held when it began, in order: what Restore takes.
func (p *NodePorts) Held() iter.Seq2[uint16, Protocols] {
	return func(yield func(uint16, Protocols) bool) {
		held, _ := p.held()
		for _, each := range held {
			if !yield(uint16(each.port), Protocols(each.protocols)) {
				return
			}
		}
	}
}

func (p *NodePorts) held() ([]C.svckit_held_port, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return grown(64, func(buf *C.svckit_held_port, capacity C.size_t, length *C.size_t) C.svckit_status {
		return C.svckit_node_ports_held(p.ptr, buf, capacity, length)
	})
}

// Restore takes all of these ports, and says how many of them could not be taken.
func (p *NodePorts) Restore(held iter.Seq2[uint16, Protocols]) (refused int, err error) {
	var ports []C.svckit_held_port
	for port, protocols := range held {
		ports = append(ports, C.svckit_held_port{port: C.uint16_t(port), protocols: C.uint8_t(protocols)})
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var n C.size_t
	err = check(C.svckit_node_ports_restore(p.ptr, unsafe.SliceData(ports), C.size_t(len(ports)), &n))
	return int(n), err
}
