package svckit

/*
#include <svckit.h>
*/
import "C"

import "encoding/json"

// Slices is an EndpointSlice controller: Services, Pods and Nodes in, writes of EndpointSlices out.
type Slices struct {
	handle[*C.svckit_slices]
}

// SliceWrite is one write to the slices of a cluster.
type SliceWrite struct {
	// Write is "create", "update" or "delete".
	Write string
	// Slice is the EndpointSlice in JSON, unless it is deleted.
	Slice json.RawMessage
	// Namespace and Name say what is deleted.
	Namespace, Name string
}

// NewSlices makes a controller that knows nothing. Options are JSON; the header says under svckit_slices_new which there
// are.
func NewSlices(options []byte, seed Seed) (*Slices, error) {
	words := seed.c()
	text, length := lendBytes(options)
	var ptr *C.svckit_slices
	if err := check(C.svckit_slices_new(text, length, &words, &ptr)); err != nil {
		return nil, err
	}
	s := new(Slices)
	s.own(ptr, func(ptr *C.svckit_slices) { C.svckit_slices_free(ptr) })
	return s, nil
}

// Apply takes in objects in JSON that are new or have changed: Services, Pods, Nodes, and EndpointSlices that an earlier
// run has written. Costs what they touch. The error is [Refused] when some can't be read.
func (s *Slices) Apply(objects []byte) (Findings, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, length := lendBytes(objects)
	var findings *C.svckit_findings
	status := C.svckit_slices_apply(s.ptr, text, length, &findings)
	return found(findings), check(status)
}

// Delete takes an object away; what isn't there is no failure.
func (s *Slices) Delete(kind, namespace, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, kLen := lend(kind)
	ns, nsLen := lend(namespace)
	text, length := lend(name)
	return check(C.svckit_slices_delete(s.ptr, k, kLen, ns, nsLen, text, length))
}

// Take takes the writes that bring all touched Services to what they should have, in their order. What was taken is not
// told again.
func (s *Slices) Take() ([]SliceWrite, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, err := grown(1<<14, func(buf *C.uint8_t, capacity C.size_t, n *C.size_t) C.svckit_status {
		return C.svckit_slices_take(s.ptr, buf, capacity, n)
	})
	if err != nil {
		return nil, err
	}
	var writes []SliceWrite
	return writes, json.Unmarshal([]byte(textOf(text)), &writes)
}

// List is all slices as a JSON list.
func (s *Slices) List() ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	text, err := grown(1<<14, func(buf *C.uint8_t, capacity C.size_t, n *C.size_t) C.svckit_status {
		return C.svckit_slices_list(s.ptr, buf, capacity, n)
	})
	return []byte(textOf(text)), err
}
