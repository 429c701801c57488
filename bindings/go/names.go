package svckit

/*
#include <svckit.h>
*/
import "C"

import (
	"encoding/json"
	"runtime"
	"unsafe"
)

// Names are the names of a cluster with settings of their own, for DNS servers that get their objects elsewhere,
// admitted and with addresses. A [Cluster] has names too.
type Names struct {
	handle[*C.svckit_names]
}

// Serials count how often each kind of zone has changed.
type Serials struct {
	Cluster, External, Multicluster uint32
}

// NewNames makes names without objects. Options are JSON; the header says under svckit_names_new which there are.
func NewNames(options []byte, seed Seed) (*Names, Findings, error) {
	words := seed.c()
	text, length := lendBytes(options)
	var ptr *C.svckit_names
	var findings *C.svckit_findings
	status := C.svckit_names_new(text, length, &words, &findings, &ptr)
	all := found(findings)
	if err := check(status); err != nil {
		return nil, all, err
	}
	n := new(Names)
	n.own(ptr, func(ptr *C.svckit_names) { C.svckit_names_free(ptr) })
	return n, all, nil
}

// Apply takes in objects in JSON that are new or have changed: Services, EndpointSlices, Pods, Namespaces and
// ServiceImports. The error is [Refused] when some can't be read.
func (n *Names) Apply(objects []byte) (Findings, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	text, length := lendBytes(objects)
	var findings *C.svckit_findings
	status := C.svckit_names_apply(n.ptr, text, length, &findings)
	return found(findings), check(status)
}

// Delete takes an object away; what isn't there is no failure.
func (n *Names) Delete(kind, namespace, name string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	k, kLen := lend(kind)
	ns, nsLen := lend(namespace)
	text, length := lend(name)
	return check(C.svckit_names_delete(n.ptr, k, kLen, ns, nsLen, text, length))
}

// Sync says that everything there is has been told once: until then missing names answer SERVFAIL.
func (n *Names) Sync() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return check(C.svckit_names_sync(n.ptr))
}

// SetSerials sets what the next change counts on from; a server that restarts gives those that it had.
func (n *Names) SetSerials(serials Serials) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := C.svckit_serials{
		cluster: C.uint32_t(serials.Cluster), external: C.uint32_t(serials.External),
		multicluster: C.uint32_t(serials.Multicluster),
	}
	return check(C.svckit_names_set_serials(n.ptr, &c))
}

// Zone takes the zone of what the names are now. Costs what has changed.
func (n *Names) Zone() (*Zone, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var ptr *C.svckit_zone
	if err := check(C.svckit_names_zone(n.ptr, &ptr)); err != nil {
		return nil, err
	}
	return zoneOf(ptr), nil
}

// Serials are those of the zone.
func (z *Zone) Serials() (Serials, error) {
	z.mu.RLock()
	defer z.mu.RUnlock()
	var c C.svckit_serials
	err := check(C.svckit_zone_serials(z.ptr, &c))
	return Serials{uint32(c.cluster), uint32(c.external), uint32(c.multicluster)}, err
}

// Next is what has to be asked elsewhere before a reply is whole.
type Next struct {
	// Target is the name, without a final dot; empty when nothing has to be asked.
	Target string
	// Type is the type to ask for.
	Type uint16
}

// Continue answers a message whose answer may lead through several names that are somebody else's, one after the other.
// Replies are what was said of those so far, in order; nil stands for nobody. While the action is [Upstream], next is
// what to ask for; add what is said of it and call again.
func (z *Zone) Continue(message []byte, peer Peer, replies [][]byte, buf []byte) (reply []byte, action Action, next Next, err error) {
	z.mu.RLock()
	defer z.mu.RUnlock()
	var pins runtime.Pinner
	defer pins.Unpin()
	texts := make([]C.svckit_text, len(replies))
	for i, each := range replies {
		data, length := lendBytes(each)
		if length > 0 {
			pins.Pin(data)
		}
		texts[i] = C.svckit_text{data: data, len: length}
	}
	text, length := lendBytes(message)
	room, capacity := lendBytes(buf)
	who := peer.c()
	var answer C.svckit_reply
	target, err := grown(256, func(name *C.uint8_t, nameCap C.size_t, n *C.size_t) C.svckit_status {
		return C.svckit_zone_continue(z.ptr, text, length, &who, unsafe.SliceData(texts), C.size_t(len(texts)),
			room, capacity, &answer, name, nameCap, n)
	})
	if err != nil {
		return nil, Drop, Next{}, err
	}
	return buf[:answer.len], Action(answer.action), Next{textOf(target), uint16(answer.qtype)}, nil
}

// Nameservers are the records that name this server in a zone, those of the Services behind which its addresses stand:
// owner, type and data of each.
func (z *Zone) Nameservers(zone string) ([][3]string, error) {
	z.mu.RLock()
	defer z.mu.RUnlock()
	name, length := lend(zone)
	text, err := grown(1024, func(buf *C.uint8_t, capacity C.size_t, n *C.size_t) C.svckit_status {
		return C.svckit_zone_nameservers(z.ptr, name, length, buf, capacity, n)
	})
	if err != nil {
		return nil, err
	}
	var records [][3]string
	return records, json.Unmarshal([]byte(textOf(text)), &records)
}

// Transfer answers a message that asks for a whole zone, with all messages of the transfer, each behind its length in
// two octets, as they go over TCP. The error is [NotFound] when the zone isn't served here, or the message asks for
// something else. It is up to the caller who may ask.
func (z *Zone) Transfer(message []byte) ([]byte, error) {
	z.mu.RLock()
	defer z.mu.RUnlock()
	text, length := lendBytes(message)
	all, err := grown(1<<16, func(buf *C.uint8_t, capacity C.size_t, n *C.size_t) C.svckit_status {
		return C.svckit_zone_transfer(z.ptr, text, length, buf, capacity, n)
	})
	return []byte(textOf(all)), err
}

// SkyDNS is names made of SkyDNS records, as kube2sky wrote them to etcd.
type SkyDNS struct {
	handle[*C.svckit_skydns]
}

// NewSkyDNS makes names without records. Options are JSON; the header says under svckit_skydns_new which there are.
func NewSkyDNS(options []byte) (*SkyDNS, error) {
	text, length := lendBytes(options)
	var ptr *C.svckit_skydns
	if err := check(C.svckit_skydns_new(text, length, &ptr)); err != nil {
		return nil, err
	}
	s := new(SkyDNS)
	s.own(ptr, func(ptr *C.svckit_skydns) { C.svckit_skydns_free(ptr) })
	return s, nil
}

// Put puts a record under a key, in place of what was there; value is its JSON, and leaseSeconds what its lease has
// left, 0 for none. The error is [InvalidArgument] for a value that can't be read, [OutOfRange] for a key that is no
// name's.
func (s *SkyDNS) Put(key string, value []byte, leaseSeconds uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, kLen := lend(key)
	text, length := lendBytes(value)
	return check(C.svckit_skydns_put(s.ptr, k, kLen, text, length, C.uint32_t(leaseSeconds)))
}

// Remove takes the record under a key away. The error is [NotFound] when there is none.
func (s *SkyDNS) Remove(key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, kLen := lend(key)
	return check(C.svckit_skydns_remove(s.ptr, k, kLen))
}

// Sync says that all records have been put once: until then missing names answer SERVFAIL.
func (s *SkyDNS) Sync() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return check(C.svckit_skydns_sync(s.ptr))
}

// Answer answers a DNS message into a buffer, as [Zone.Answer]; names that lead elsewhere are not followed.
func (s *SkyDNS) Answer(message []byte, peer Peer, buf []byte) (reply []byte, action Action, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	text, length := lendBytes(message)
	room, capacity := lendBytes(buf)
	who := peer.c()
	var answer C.svckit_reply
	if err := check(C.svckit_skydns_answer(s.ptr, text, length, &who, room, capacity, &answer)); err != nil {
		return nil, Drop, err
	}
	return buf[:answer.len], Action(answer.action), nil
}
