package svckit

/*
#include <svckit.h>
*/
import "C"

// CheckObject checks an object as its author wrote it, in JSON: warnings, and everything that would refuse it once it
// has its defaults. Gates are Kubernetes' feature gates that differ from their defaults, such as
// "StrictIPCIDRValidation=false", separated by commas. The error is [Refused] when the object is.
func CheckObject(object []byte, gates string) (Findings, error) {
	json, jsonLen := lendBytes(object)
	switches, switchesLen := lend(gates)
	var findings *C.svckit_findings
	status := C.svckit_object_check(json, jsonLen, switches, switchesLen, &findings)
	return found(findings), check(status)
}

// ValidateObject checks an object that has its defaults, without warnings. With an old one, which may be nil, the rules
// on changes hold too.
func ValidateObject(object, old []byte, gates string) (Findings, error) {
	json, jsonLen := lendBytes(object)
	before, beforeLen := lendBytes(old)
	switches, switchesLen := lend(gates)
	var findings *C.svckit_findings
	status := C.svckit_object_validate(json, jsonLen, before, beforeLen, switches, switchesLen, &findings)
	return found(findings), check(status)
}

// ValidateStatus checks what a controller writes to the status of an Ingress; old is the object as it was. The error is
// [InvalidArgument] for objects whose status has no rules here.
func ValidateStatus(object, old []byte, gates string) (Findings, error) {
	json, jsonLen := lendBytes(object)
	before, beforeLen := lendBytes(old)
	switches, switchesLen := lend(gates)
	var findings *C.svckit_findings
	status := C.svckit_object_validate_status(json, jsonLen, before, beforeLen, switches, switchesLen, &findings)
	return found(findings), check(status)
}

// DefaultObject is an object with everything that its author left out, as JSON.
func DefaultObject(object []byte) ([]byte, Findings, error) {
	json, jsonLen := lendBytes(object)
	var all Findings
	text, err := grown(2*len(object)+512, func(buf *C.uint8_t, capacity C.size_t, n *C.size_t) C.svckit_status {
		var findings *C.svckit_findings
		status := C.svckit_object_default(json, jsonLen, &findings, buf, capacity, n)
		all = found(findings)
		return status
	})
	return []byte(textOf(text)), all, err
}

// CheckSyntax checks a text by the rules of a form, such as "rfc1123-label" or "ip-strict"; the header names them all.
// The error is [Refused] when the text is not of this form, and [InvalidArgument] when there is no such form.
func CheckSyntax(form, value string) (Findings, error) {
	f, fLen := lend(form)
	v, vLen := lend(value)
	var findings *C.svckit_findings
	status := C.svckit_syntax_check(f, fLen, v, vLen, &findings)
	return found(findings), check(status)
}

// Get is one object as JSON: a Service as it was admitted, a Pod with its addresses, an EndpointSlice of a controller or
// of your own; other kinds as they were fed. The error is [NotFound] when there is none.
func (c *Cluster) Get(kind, namespace, name string) ([]byte, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	k, kLen := lend(kind)
	ns, nsLen := lend(namespace)
	n, nLen := lend(name)
	text, err := grown(2048, func(buf *C.uint8_t, capacity C.size_t, length *C.size_t) C.svckit_status {
		return C.svckit_cluster_get(c.ptr, k, kLen, ns, nsLen, n, nLen, buf, capacity, length)
	})
	return []byte(textOf(text)), err
}

// List is all objects of a kind, as a JSON list of what Get says.
func (c *Cluster) List(kind string) ([]byte, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	k, kLen := lend(kind)
	text, err := grown(1<<14, func(buf *C.uint8_t, capacity C.size_t, length *C.size_t) C.svckit_status {
		return C.svckit_cluster_list(c.ptr, k, kLen, buf, capacity, length)
	})
	return []byte(textOf(text)), err
}
