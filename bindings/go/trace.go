package svckit

/*
#include <svckit.h>
*/
import "C"

import "net/netip"

// Verdict is what is done with a packet.
type Verdict uint8

// The verdicts.
const (
	Pass    Verdict = C.SVCKIT_VERDICT_PASS   // it is none of a proxy's business
	DNAT    Verdict = C.SVCKIT_VERDICT_DNAT   // it goes to any one of the endpoints
	Reject  Verdict = C.SVCKIT_VERDICT_REJECT // it is refused
	Discard Verdict = C.SVCKIT_VERDICT_DROP   // it vanishes
)

// String is the word for the verdict: pass, dnat, reject or drop.
func (v Verdict) String() string {
	words := [...]string{"pass", "dnat", "reject", "drop"}
	if int(v) >= len(words) {
		return "pass"
	}
	return words[v]
}

// SNAT is whether a packet's source becomes the node's.
type SNAT uint8

// What becomes of the source.
const (
	Never   SNAT = C.SVCKIT_SNAT_NEVER   // the source stays
	Hairpin SNAT = C.SVCKIT_SNAT_HAIRPIN // only if the packet goes back to its own sender
	Always  SNAT = C.SVCKIT_SNAT_ALWAYS  // wherever it goes
)

// Trace is what becomes of a packet, and why.
type Trace struct {
	Verdict Verdict
	SNAT    SNAT
	// Masquerades is whether the source is rewritten wherever the packet goes.
	Masquerades bool
	// Port is the service port it was for, if it was for one.
	Port ServicePort
	// Endpoints are where it may go.
	Endpoints []netip.AddrPort
	// Steps are what led there, for people.
	Steps []string
}

// Trace says what the node does with the first packet of a flow, and why.
func (c *Cluster) Trace(flow Flow) (*Trace, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var question C.svckit_flow
	flow.put(&question)
	var ptr *C.svckit_trace
	if err := check(C.svckit_cluster_trace(c.ptr, &question, &ptr)); err != nil {
		return nil, err
	}
	defer C.svckit_trace_free(ptr)
	var d C.svckit_decision
	if err := check(C.svckit_trace_decision(ptr, &d)); err != nil {
		return nil, err
	}
	trace := &Trace{
		Verdict: Verdict(d.verdict), SNAT: SNAT(d.snat), Masquerades: bool(d.masquerades),
		Port: ServicePort{Namespace: copied(d.service_namespace), Service: copied(d.service_name), Port: copied(d.port_name)},
	}
	if trace.Port.Service != "" {
		trace.Port.Protocol = flow.Protocol
	}
	list, err := grown(int(d.endpoints), func(buf *C.svckit_endpoint, capacity C.size_t, n *C.size_t) C.svckit_status {
		return C.svckit_trace_endpoints(ptr, buf, capacity, n)
	})
	if err != nil {
		return nil, err
	}
	for _, each := range list {
		trace.Endpoints = append(trace.Endpoints, netip.AddrPortFrom(fromC(&each.ip), uint16(each.port)))
	}
	for i := range C.size_t(d.steps) {
		var step C.svckit_text
		if err := check(C.svckit_trace_step(ptr, i, &step)); err != nil {
			return nil, err
		}
		trace.Steps = append(trace.Steps, copied(step))
	}
	return trace, nil
}
