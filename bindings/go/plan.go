package svckit

/*
#include <svckit.h>
*/
import "C"

// Plan is the steps from what the kernel of a node holds to what it should hold.
type Plan struct {
	// Generation is what [Cluster.Commit] takes when all of it is in place.
	Generation uint64
	// Steps is how many pieces change: service ports, addresses, ports of the node.
	Steps int
	// Full is whether the plan is the whole of what should be there, and everything else goes.
	Full bool
	// NFT is the plan as input for nft -f -: one transaction, all or nothing. Empty in a plan of messages.
	NFT string
	// Netlink are the transactions of a plan of messages: each goes to a netlink socket as one datagram.
	Netlink [][]byte
}

// Tables are our tables that a kernel has.
type Tables uint8

// The tables; add them.
const (
	IPv4Table Tables = C.SVCKIT_TABLES_IPV4
	IPv6Table Tables = C.SVCKIT_TABLES_IPV6
	// KeepClients lets clients with session affinity be remembered on; kernels before 6.3 may refuse it.
	KeepClients Tables = C.SVCKIT_TABLES_KEEP_CLIENTS
)

// Plan takes the steps that the kernel of the node lacks; nil when nothing is left to do. The first plan is full,
// because nobody knows what an earlier run has left behind. What was not committed is planned again.
func (c *Cluster) Plan() (*Plan, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ptr *C.svckit_plan
	if err := check(C.svckit_cluster_plan(c.ptr, &ptr)); err != nil || ptr == nil {
		return nil, err
	}
	defer C.svckit_plan_free(ptr)
	plan, err := planOf(ptr)
	if err != nil {
		return nil, err
	}
	text, err := grown(0, func(buf *C.uint8_t, capacity C.size_t, n *C.size_t) C.svckit_status {
		return C.svckit_plan_nft(ptr, buf, capacity, n)
	})
	plan.NFT = textOf(text)
	return plan, err
}

// PlanNetlink takes the same as messages for a netlink socket, without the nft program. Tables are those that are there:
// a full plan takes their place in one transaction; without any, a large one comes in several, of which the last one
// takes effect.
func (c *Cluster) PlanNetlink(tables Tables) (*Plan, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ptr *C.svckit_plan
	if err := check(C.svckit_cluster_plan_netlink(c.ptr, C.uint8_t(tables), &ptr)); err != nil || ptr == nil {
		return nil, err
	}
	defer C.svckit_plan_free(ptr)
	plan, err := planOf(ptr)
	for number := C.size_t(0); err == nil; number++ {
		var bytes []C.uint8_t
		bytes, err = grown(0, func(buf *C.uint8_t, capacity C.size_t, n *C.size_t) C.svckit_status {
			return C.svckit_plan_netlink(ptr, number, buf, capacity, n)
		})
		if err == OutOfRange {
			return plan, nil
		}
		plan.Netlink = append(plan.Netlink, []byte(textOf(bytes)))
	}
	return nil, err
}

// planOf is what a plan is, without its steps.
func planOf(ptr *C.svckit_plan) (*Plan, error) {
	var info C.svckit_plan_info
	err := check(C.svckit_plan_describe(ptr, &info))
	return &Plan{Generation: uint64(info.generation), Steps: int(info.steps), Full: bool(info.full)}, err
}

// Commit says that all steps of a plan are in place. The error is [NotFound] when a later plan was taken since.
func (c *Cluster) Commit(generation uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return check(C.svckit_cluster_commit(c.ptr, C.uint64_t(generation)))
}

// Reset says that what the kernel holds is no longer known, as after a plan that failed: the next plan is a full one.
func (c *Cluster) Reset() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return check(C.svckit_cluster_reset(c.ptr))
}

// Render is everything that the node forwards, as input for other programs: "nft", "iptables", "ip6tables",
// "ipvs", "ipset", "ipvs-addresses", "ipvs6", "ipset6" or "ipvs6-addresses".
func (c *Cluster) Render(form string) (string, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	name, nameLen := lend(form)
	text, err := grown(1<<16, func(buf *C.uint8_t, capacity C.size_t, n *C.size_t) C.svckit_status {
		return C.svckit_cluster_render(c.ptr, name, nameLen, buf, capacity, n)
	})
	return textOf(text), err
}
