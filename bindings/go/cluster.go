package svckit

/*
#include <svckit.h>
*/
import "C"

import "time"

// Cluster is a cluster as one node sees it: objects, and all that follows from them.
//
// It makes tables, zones, routes and plans, which are values of their own: they never change and live on when the
// cluster changes or is closed.
type Cluster struct {
	handle[*C.svckit_cluster]
}

// NewCluster makes a cluster without objects. Settings are JSON with the keys of a settings file, such as
// {"serviceCIDRs": "10.96.0.0/12", "node": "n1"}; nil for the defaults. The error is [Refused] when a setting can't be
// used; the findings say which.
func NewCluster(settings []byte, seed Seed) (*Cluster, Findings, error) {
	c := new(Cluster)
	words := seed.c()
	json, length := lendBytes(settings)
	var ptr *C.svckit_cluster
	var findings *C.svckit_findings
	status := C.svckit_cluster_new(json, length, &words, &findings, &ptr)
	all := found(findings)
	if err := check(status); err != nil {
		return nil, all, err
	}
	c.own(ptr, func(ptr *C.svckit_cluster) { C.svckit_cluster_free(ptr) })
	return c, all, nil
}

// Apply takes in objects that are new or have changed; the others stay. Costs what these objects cost.
//
// Objects are JSON: one object, a List, or several documents that follow one another. Feed all objects there are with
// the first call: after it the cluster counts as complete. The error is [Refused] when some were refused and changed
// nothing; the others were taken in.
func (c *Cluster) Apply(objects []byte, now time.Duration) (Findings, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	json, length := lendBytes(objects)
	var findings *C.svckit_findings
	status := C.svckit_cluster_apply(c.ptr, json, length, C.uint64_t(now), &findings)
	return found(findings), check(status)
}

// Replace makes the cluster hold these objects and no others. Otherwise as Apply.
func (c *Cluster) Replace(objects []byte, now time.Duration) (Findings, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	json, length := lendBytes(objects)
	var findings *C.svckit_findings
	status := C.svckit_cluster_replace(c.ptr, json, length, C.uint64_t(now), &findings)
	return found(findings), check(status)
}

// Delete takes an object away; namespace is empty for kinds that have none. The error is [NotFound] when it wasn't
// there, and [InvalidArgument] for a kind that svckit does not know.
func (c *Cluster) Delete(kind, namespace, name string, now time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, kLen := lend(kind)
	ns, nsLen := lend(namespace)
	n, nLen := lend(name)
	return check(C.svckit_cluster_delete(c.ptr, k, kLen, ns, nsLen, n, nLen, C.uint64_t(now)))
}

// Len is how many objects the cluster holds, as they were fed; 0 after Close.
func (c *Cluster) Len() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var n C.size_t
	_ = check(C.svckit_cluster_len(c.ptr, &n))
	return int(n)
}

// Balance sets how connections to a Service are balanced in tables that are taken from now on: "round-robin" (the
// default), "random", "least-connections", "two-choices", "maglev" or "rendezvous".
func (c *Cluster) Balance(namespace, name, method string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	ns, nsLen := lend(namespace)
	n, nLen := lend(name)
	m, mLen := lend(method)
	return check(C.svckit_cluster_balance(c.ptr, ns, nsLen, n, nLen, m, mLen))
}
