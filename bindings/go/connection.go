package svckit

/*
#include <svckit.h>
*/
import "C"

import "time"

// Connection is one open connection to an endpoint, which counts until it is closed: least-connections, two-choices and
// peak-ewma choose by them.
type Connection struct {
	handle[*C.svckit_connection]
}

// Connect counts a connection that a pick has led to; flow is what was picked for. Close the result when the connection
// ends. The error is [NotFound] when the Service's method doesn't count, and then nothing has to be done.
func (t *Table) Connect(flow Flow, pick Pick) (*Connection, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var question C.svckit_flow
	flow.put(&question)
	var ptr *C.svckit_connection
	if err := check(C.svckit_table_connect(t.ptr, &question, C.uint32_t(pick.EndpointID), &ptr)); err != nil {
		return nil, err
	}
	c := new(Connection)
	c.own(ptr, func(ptr *C.svckit_connection) { C.svckit_connection_free(ptr) })
	return c, nil
}

// Connections is how many connections are open to an endpoint; the error is as with Connect.
func (t *Table) Connections(flow Flow, pick Pick) (int, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var question C.svckit_flow
	flow.put(&question)
	var n C.uint32_t
	err := check(C.svckit_table_connections(t.ptr, &question, C.uint32_t(pick.EndpointID), &n))
	return int(n), err
}

// Observe notes how long the endpoint took to answer on this connection.
func (c *Connection) Observe(took, now time.Duration) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return check(C.svckit_connection_observe(c.ptr, C.uint64_t(max(took, 0)), C.uint64_t(now)))
}
