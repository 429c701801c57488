package svckit

/*
#include <svckit.h>

#cgo noescape svckit_selector_matches
#cgo nocallback svckit_selector_matches
*/
import "C"

import (
	"runtime"
	"unsafe"
)

// Labels are the labels of one object, ready to be matched. They never change.
type Labels struct {
	handle[*C.svckit_labels]
}

// NewLabels makes labels ready to be matched.
func NewLabels(labels map[string]string) (*Labels, error) {
	var pins runtime.Pinner
	defer pins.Unpin()
	pairs := make([]C.svckit_label, 0, len(labels))
	for key, value := range labels {
		pairs = append(pairs, C.svckit_label{key: pinned(key, &pins), value: pinned(value, &pins)})
	}
	l := new(Labels)
	var ptr *C.svckit_labels
	if err := check(C.svckit_labels_new(unsafe.SliceData(pairs), C.size_t(len(pairs)), &ptr)); err != nil {
		return nil, err
	}
	l.own(ptr, func(ptr *C.svckit_labels) { C.svckit_labels_free(ptr) })
	return l, nil
}

// Selector is what labels must be. It never changes.
type Selector struct {
	handle[*C.svckit_selector]
}

// ParseSelector reads a selector such as "app=web,tier in (front,back),!beta". The empty text matches everything. The
// findings say what is wrong with the text.
func ParseSelector(selector string) (*Selector, Findings, error) {
	text, length := lend(selector)
	var ptr *C.svckit_selector
	var findings *C.svckit_findings
	status := C.svckit_selector_parse(text, length, &findings, &ptr)
	return selectorOf(ptr, findings, status)
}

// ParseLabelSelector reads a LabelSelector in JSON. nil stands for no selector at all, which matches nothing; {} matches
// everything.
func ParseLabelSelector(selector []byte) (*Selector, Findings, error) {
	text, length := lendBytes(selector)
	var ptr *C.svckit_selector
	var findings *C.svckit_findings
	status := C.svckit_selector_from_json(text, length, &findings, &ptr)
	return selectorOf(ptr, findings, status)
}

func selectorOf(ptr *C.svckit_selector, findings *C.svckit_findings, status C.svckit_status) (*Selector, Findings, error) {
	all := found(findings)
	if err := check(status); err != nil {
		return nil, all, err
	}
	s := new(Selector)
	s.own(ptr, func(ptr *C.svckit_selector) { C.svckit_selector_free(ptr) })
	return s, all, nil
}

// Matches says whether labels are what the selector asks for. Allocates nothing.
func (s *Selector) Matches(labels *Labels) (bool, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	labels.mu.RLock()
	defer labels.mu.RUnlock()
	var matches C.bool
	err := check(C.svckit_selector_matches(s.ptr, labels.ptr, &matches))
	return bool(matches), err
}

// String is the selector in its canonical form, which can be read again; empty after Close.
func (s *Selector) String() string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	text, _ := grown(128, func(buf *C.uint8_t, capacity C.size_t, n *C.size_t) C.svckit_status {
		return C.svckit_selector_print(s.ptr, buf, capacity, n)
	})
	return textOf(text)
}

// SelectorIndex is selectors by numbers of yours, and which of them match.
type SelectorIndex struct {
	handle[*C.svckit_selector_index]
}

// NewSelectorIndex makes an index without selectors.
func NewSelectorIndex(seed Seed) (*SelectorIndex, error) {
	i := new(SelectorIndex)
	words := seed.c()
	var ptr *C.svckit_selector_index
	if err := check(C.svckit_selector_index_new(&words, &ptr)); err != nil {
		return nil, err
	}
	i.own(ptr, func(ptr *C.svckit_selector_index) { C.svckit_selector_index_free(ptr) })
	return i, nil
}

// Insert puts a selector in, in place of the one that was under this number.
func (i *SelectorIndex) Insert(number uint64, selector *Selector) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	selector.mu.RLock()
	defer selector.mu.RUnlock()
	return check(C.svckit_selector_index_insert(i.ptr, C.uint64_t(number), selector.ptr))
}

// Remove takes the selector under this number away, if there is one.
func (i *SelectorIndex) Remove(number uint64) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return check(C.svckit_selector_index_remove(i.ptr, C.uint64_t(number)))
}

// Matching is the numbers of the selectors that labels match, in order. Costs what matches.
func (i *SelectorIndex) Matching(labels *Labels) ([]uint64, error) {
	i.mu.RLock()
	defer i.mu.RUnlock()
	labels.mu.RLock()
	defer labels.mu.RUnlock()
	numbers, err := grown(16, func(buf *C.uint64_t, capacity C.size_t, n *C.size_t) C.svckit_status {
		return C.svckit_selector_index_matching(i.ptr, labels.ptr, buf, capacity, n)
	})
	if err != nil {
		return nil, err
	}
	return unsafe.Slice((*uint64)(unsafe.SliceData(numbers)), len(numbers)), nil
}
