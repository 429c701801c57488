// Package svckit is Kubernetes Services as a library: addresses and ports, lookups and picks, DNS answers, routes and
// data-plane plans, by the C face of svckit.
//
// The package links libsvckit, which pkg-config must find; see the README of the repository.
//
// Types that hold something have a Close method. Close may be called twice and beside any other call; what was not
// closed is freed when the garbage collector finds it. Calls after Close fail with [Closed]. All types are safe for
// concurrent use: calls that only look run side by side, the others one after another.
//
// Nothing in here reads a clock. Where time matters it is a [time.Duration] since a moment of the caller's, such as
// time.Since(start).
package svckit

/*
#cgo pkg-config: svckit
#include <svckit.h>
*/
import "C"

import (
	crand "crypto/rand"
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"unsafe"
)

// Version is the version of the library that the program runs with, such as "0.1.0".
func Version() string {
	v := uint32(C.svckit_version())
	return fmt.Sprintf("%d.%d.%d", v>>16, v>>8&0xff, v&0xff)
}

// Seed is randomness that keys hash tables and starts searches; never used for secrets. Equal seeds and equal calls
// give equal results.
type Seed [4]uint64

// RandomSeed takes a seed from the operating system.
func RandomSeed() Seed {
	var bytes [32]byte
	// Never fails: the program ends if the system has no randomness.
	_, _ = crand.Read(bytes[:])
	var s Seed
	for i := range s {
		s[i] = binary.NativeEndian.Uint64(bytes[i*8:])
	}
	return s
}

func (s Seed) c() C.svckit_seed {
	var c C.svckit_seed
	for i, word := range s {
		c.words[i] = C.uint64_t(word)
	}
	return c
}

// handle guards a C handle: calls that only look share it, all others have it for themselves, and nobody has it after
// Close. The unlocking that every call defers also keeps the handle from the garbage collector during the call.
type handle[P comparable] struct {
	mu      sync.RWMutex
	ptr     P
	free    func(P)
	cleanup runtime.Cleanup
}

// own takes a C handle over.
func (h *handle[P]) own(ptr P, free func(P)) {
	h.ptr, h.free = ptr, free
	h.cleanup = runtime.AddCleanup(h, free, ptr)
}

// Close frees what the value holds. The second call does nothing.
func (h *handle[P]) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var closed P
	if h.ptr != closed {
		h.cleanup.Stop()
		h.free(h.ptr)
		h.ptr = closed
	}
	return nil
}

// lend gives a text to C for one call, without a copy.
func lend(text string) (*C.uint8_t, C.size_t) {
	return (*C.uint8_t)(unsafe.StringData(text)), C.size_t(len(text))
}

// lendBytes does the same for bytes.
func lendBytes(bytes []byte) (*C.uint8_t, C.size_t) {
	return (*C.uint8_t)(unsafe.SliceData(bytes)), C.size_t(len(bytes))
}

// copied is a text of the library's as one of Go's.
func copied(text C.svckit_text) string {
	return C.GoStringN((*C.char)(unsafe.Pointer(text.data)), C.int(text.len))
}

// grown calls fill with larger buffers until its result fits.
func grown[T any](guess int, fill func(buf *T, capacity C.size_t, length *C.size_t) C.svckit_status) ([]T, error) {
	for capacity := guess; ; {
		buf := make([]T, capacity)
		var length C.size_t
		status := fill(unsafe.SliceData(buf), C.size_t(capacity), &length)
		if Status(status) != BufferTooSmall {
			return buf[:length], check(status)
		}
		capacity = int(length)
	}
}
