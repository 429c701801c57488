package svckit

/*
#include <svckit.h>
*/
import "C"

import (
	"iter"
	"net/netip"
	"time"
	"unsafe"
)

// Quarantine is how long a released address or port should rest, unless you know better.
const Quarantine time.Duration = C.SVCKIT_QUARANTINE_NS

// ClusterIPs hands out addresses of a cluster's service ranges.
type ClusterIPs struct {
	handle[*C.svckit_cluster_ips]
}

// NewClusterIPs makes an allocator without a range. An address that is released rests for quarantine before it is
// drawn again, unless nothing else is free.
func NewClusterIPs(seed Seed, quarantine time.Duration) (*ClusterIPs, error) {
	c := new(ClusterIPs)
	words := seed.c()
	var ptr *C.svckit_cluster_ips
	if err := check(C.svckit_cluster_ips_new(&words, C.uint64_t(quarantine), &ptr)); err != nil {
		return nil, err
	}
	c.own(ptr, func(ptr *C.svckit_cluster_ips) { C.svckit_cluster_ips_free(ptr) })
	return c, nil
}

// Add adds a range behind the others of its family. The first range's family is the cluster's default one.
func (c *ClusterIPs) Add(cidr netip.Prefix) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	text, length := lend(cidr.String())
	return check(C.svckit_cluster_ips_add(c.ptr, text, length))
}

// Drain draws nothing from a range any more. What is held stays held.
func (c *ClusterIPs) Drain(cidr netip.Prefix) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	text, length := lend(cidr.String())
	return check(C.svckit_cluster_ips_drain(c.ptr, text, length))
}

// Remove takes a draining range away, unless addresses are held that no other range has.
func (c *ClusterIPs) Remove(cidr netip.Prefix) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	text, length := lend(cidr.String())
	return check(C.svckit_cluster_ips_remove(c.ptr, text, length))
}

// Reserve takes this very address.
func (c *ClusterIPs) Reserve(addr netip.Addr) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	ip := toC(addr)
	return check(C.svckit_cluster_ips_reserve(c.ptr, &ip))
}

// Allocate takes any free address of a family.
func (c *ClusterIPs) Allocate(family Family, now time.Duration) (netip.Addr, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ip C.svckit_ip
	if err := check(C.svckit_cluster_ips_allocate(c.ptr, C.uint8_t(family), C.uint64_t(now), &ip)); err != nil {
		return netip.Addr{}, err
	}
	return fromC(&ip), nil
}

// Release gives an address back, to rest, and says whether it was held.
func (c *ClusterIPs) Release(addr netip.Addr, now time.Duration) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ip := toC(addr)
	var held C.bool
	err := check(C.svckit_cluster_ips_release(c.ptr, &ip, C.uint64_t(now), &held))
	return bool(held), err
}

// Cancel gives an address back that nobody has seen, as after a write that failed, and says whether it was held.
func (c *ClusterIPs) Cancel(addr netip.Addr) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ip := toC(addr)
	var held C.bool
	err := check(C.svckit_cluster_ips_cancel(c.ptr, &ip, &held))
	return bool(held), err
}

// IsHeld says whether somebody holds an address.
func (c *ClusterIPs) IsHeld(addr netip.Addr) (bool, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	ip := toC(addr)
	var held C.bool
	err := check(C.svckit_cluster_ips_is_held(c.ptr, &ip, &held))
	return bool(held), err
}

// Held goes through the addresses that were held when it began: what Restore takes.
func (c *ClusterIPs) Held() iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		held, _ := c.held()
		for _, ip := range held {
			if !yield(fromC(&ip)) {
				return
			}
		}
	}
}

func (c *ClusterIPs) held() ([]C.svckit_ip, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return grown(64, func(buf *C.svckit_ip, capacity C.size_t, length *C.size_t) C.svckit_status {
		return C.svckit_cluster_ips_held(c.ptr, buf, capacity, length)
	})
}

// Restore takes all of these addresses, and says how many of them could not be taken.
func (c *ClusterIPs) Restore(held iter.Seq[netip.Addr]) (refused int, err error) {
	var ips []C.svckit_ip
	for addr := range held {
		ips = append(ips, toC(addr))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var n C.size_t
	err = check(C.svckit_cluster_ips_restore(c.ptr, unsafe.SliceData(ips), C.size_t(len(ips)), &n))
	return int(n), err
}
