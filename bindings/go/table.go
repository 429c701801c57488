package svckit

/*
#include <svckit.h>

#cgo noescape svckit_table_pick
#cgo nocallback svckit_table_pick
#cgo noescape svckit_table_pick_many
#cgo nocallback svckit_table_pick_many
#cgo noescape svckit_affinity_pick_many
#cgo nocallback svckit_affinity_pick_many
*/
import "C"

import (
	"math/rand/v2"
	"net/netip"
	"time"
)

// Flow is a new connection, or the first datagram of one.
type Flow struct {
	// Source is who connects.
	Source netip.AddrPort
	// Destination is what it connects to.
	Destination netip.AddrPort
	// Protocol is one protocol.
	Protocol Protocols
}

// Outcome is what a table says about a flow.
type Outcome uint8

// The outcomes.
const (
	NotAService Outcome = C.SVCKIT_OUTCOME_NOT_A_SERVICE // the address isn't a service port's
	Backend     Outcome = C.SVCKIT_OUTCOME_BACKEND       // it goes to the endpoint
	NoEndpoints Outcome = C.SVCKIT_OUTCOME_NO_ENDPOINTS  // refuse it: no endpoint can be used anywhere
	Dropped     Outcome = C.SVCKIT_OUTCOME_DROPPED       // say nothing: there are endpoints, but not for it here
)

// String is the outcome in a word or two.
func (o Outcome) String() string {
	switch o {
	case Backend:
		return "backend"
	case NoEndpoints:
		return "no endpoints"
	case Dropped:
		return "dropped"
	default:
		return "not a service"
	}
}

// Pick is where a flow goes.
type Pick struct {
	// Endpoint is where; not valid unless the outcome is Backend.
	Endpoint netip.AddrPort
	// ServicePort is whose endpoint it is: a number for [Table.ServicePort].
	ServicePort uint32
	// EndpointID is which endpoint of the service port.
	EndpointID uint32
	// Outcome is what the table says.
	Outcome Outcome
}

// ServicePort is the name of a service port.
type ServicePort struct {
	Namespace, Service string
	// Port is the port's name; empty for a Service's only port.
	Port     string
	Protocol Protocols
}

// Table is where connections go in one state of a cluster. It never changes, but for the turns of round robin.
type Table struct {
	handle[*C.svckit_table]
}

// Table takes the table of what the cluster holds now. Costs what has changed since the last one.
func (c *Cluster) Table() (*Table, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ptr *C.svckit_table
	if err := check(C.svckit_cluster_table(c.ptr, &ptr)); err != nil {
		return nil, err
	}
	t := new(Table)
	t.own(ptr, func(ptr *C.svckit_table) { C.svckit_table_free(ptr) })
	return t, nil
}

// Pick says where a flow goes; session affinity is not asked. Allocates nothing. Many flows at once cost less with
// [Table.PickMany].
func (t *Table) Pick(flow Flow) (pick Pick, err error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var question C.svckit_flow
	flow.put(&question)
	var answer C.svckit_pick
	if err := check(C.svckit_table_pick(t.ptr, &question, C.uint64_t(rand.Uint64()), &answer)); err != nil {
		return Pick{}, err
	}
	pick.take(&answer)
	return pick, nil
}

// batch is how many questions cross the border at once.
const batch = 64

// PickMany says where flows go; picks has room for as many. Allocates nothing.
func (t *Table) PickMany(flows []Flow, picks []Pick) error {
	if len(picks) < len(flows) {
		return BufferTooSmall
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return pickMany(nil, t.ptr, flows, picks, 0)
}

// pickMany asks in batches, which live on the stack. Affinity may be nil.
func pickMany(a *C.svckit_affinity, t *C.svckit_table, flows []Flow, picks []Pick, now C.uint64_t) error {
	var questions [batch]C.svckit_flow
	var answers [batch]C.svckit_pick
	for len(flows) > 0 {
		n := min(len(flows), batch)
		for i := range n {
			flows[i].put(&questions[i])
		}
		entropy := C.uint64_t(rand.Uint64())
		var status C.svckit_status
		if a == nil {
			status = C.svckit_table_pick_many(t, &questions[0], C.size_t(n), entropy, &answers[0])
		} else {
			status = C.svckit_affinity_pick_many(a, t, &questions[0], C.size_t(n), now, entropy, &answers[0])
		}
		if err := check(status); err != nil {
			return err
		}
		for i := range n {
			picks[i].take(&answers[i])
		}
		flows, picks = flows[n:], picks[n:]
	}
	return nil
}

// Endpoints are those that a flow may reach, in the order in which round robin visits them.
func (t *Table) Endpoints(flow Flow) ([]netip.AddrPort, Outcome, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var question C.svckit_flow
	flow.put(&question)
	var outcome C.uint8_t
	list, err := grown(16, func(buf *C.svckit_endpoint, capacity C.size_t, length *C.size_t) C.svckit_status {
		return C.svckit_table_endpoints(t.ptr, &question, &outcome, buf, capacity, length)
	})
	if err != nil {
		return nil, NotAService, err
	}
	endpoints := make([]netip.AddrPort, len(list))
	for i, each := range list {
		endpoints[i] = netip.AddrPortFrom(fromC(&each.ip), uint16(each.port))
	}
	return endpoints, Outcome(outcome), nil
}

// PickByName says where a connection to a service port goes, by name: as one to its cluster IP.
func (t *Table) PickByName(port ServicePort, source netip.AddrPort) (pick Pick, err error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	ns, nsLen := lend(port.Namespace)
	name, nameLen := lend(port.Service)
	p, pLen := lend(port.Port)
	from := C.svckit_endpoint{ip: toC(source.Addr()), port: C.uint16_t(source.Port())}
	var answer C.svckit_pick
	status := C.svckit_table_pick_by_name(t.ptr, ns, nsLen, name, nameLen, p, pLen, C.uint8_t(port.Protocol),
		&from, C.uint64_t(rand.Uint64()), &answer)
	if err := check(status); err != nil {
		return Pick{}, err
	}
	pick.take(&answer)
	return pick, nil
}

// ServicePort says which service port a number in a pick of this table stands for.
func (t *Table) ServicePort(number uint32) (ServicePort, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var c C.svckit_service_port
	if err := check(C.svckit_table_service_port(t.ptr, C.uint32_t(number), &c)); err != nil {
		return ServicePort{}, err
	}
	return ServicePort{
		Namespace: copied(c.service_namespace), Service: copied(c.service_name),
		Port: copied(c.port_name), Protocol: Protocols(c.protocol),
	}, nil
}

// Generation counts the states of a cluster: two tables of one number are the same. 0 after Close.
func (t *Table) Generation() uint64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var generation C.uint64_t
	_ = check(C.svckit_table_generation(t.ptr, &generation))
	return uint64(generation)
}

// Affinity remembers where clients went, for service ports with sessionAffinity ClientIP. It outlives tables: keep one
// for all of them.
type Affinity struct {
	handle[*C.svckit_affinity]
}

// NewAffinity makes a memory for at most limit clients; the one idle longest makes room.
func NewAffinity(limit int, seed Seed) (*Affinity, error) {
	a := new(Affinity)
	words := seed.c()
	var ptr *C.svckit_affinity
	if err := check(C.svckit_affinity_new(C.size_t(max(limit, 0)), &words, &ptr)); err != nil {
		return nil, err
	}
	a.own(ptr, func(ptr *C.svckit_affinity) { C.svckit_affinity_free(ptr) })
	return a, nil
}

// Len is how many clients are remembered; 0 after Close.
func (a *Affinity) Len(now time.Duration) int {
	a.mu.RLock()
	defer a.mu.RUnlock()
	var n C.size_t
	_ = check(C.svckit_affinity_len(a.ptr, C.uint64_t(now), &n))
	return int(n)
}

// PickMany says where flows go: to the endpoint that a client is remembered with, or else one by the Service's method,
// which is then remembered. Allocates nothing.
func (a *Affinity) PickMany(table *Table, flows []Flow, picks []Pick, now time.Duration) error {
	if len(picks) < len(flows) {
		return BufferTooSmall
	}
	table.mu.RLock()
	defer table.mu.RUnlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ptr == nil {
		return Closed
	}
	return pickMany(a.ptr, table.ptr, flows, picks, C.uint64_t(now))
}

// Pick says the same for one flow.
func (a *Affinity) Pick(table *Table, flow Flow, now time.Duration) (Pick, error) {
	flows, picks := [1]Flow{flow}, [1]Pick{}
	err := a.PickMany(table, flows[:], picks[:], now)
	return picks[0], err
}

// put writes the flow as C has it.
func (f *Flow) put(to *C.svckit_flow) {
	putC(&to.source, f.Source.Addr())
	putC(&to.address, f.Destination.Addr())
	to.source_port, to.port = C.uint16_t(f.Source.Port()), C.uint16_t(f.Destination.Port())
	to.protocol = C.uint8_t(f.Protocol)
}

// take makes the pick what C says.
func (p *Pick) take(c *C.svckit_pick) {
	p.ServicePort, p.EndpointID, p.Outcome = uint32(c.service_port), uint32(c.endpoint), Outcome(c.outcome)
	if p.Outcome == Backend {
		p.Endpoint = netip.AddrPortFrom(fromC(&c.ip), uint16(c.port))
	} else {
		p.Endpoint = netip.AddrPort{}
	}
}
