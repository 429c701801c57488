package svckit

/*
#include <svckit.h>
*/
import "C"

import (
	"net/http"
	"runtime"
	"time"
	"unsafe"
)

// Gateways are Gateways, HTTPRoutes, ReferenceGrants and the Services behind them.
type Gateways struct {
	handle[*C.svckit_gateways]
}

// GatewayRoutes is where requests to Gateways go in one state. It never changes.
type GatewayRoutes struct {
	handle[*C.svckit_gateway_routes]
}

// HeaderChange is one change to a header.
type HeaderChange struct {
	// Name is the header's, in any case.
	Name string
	// Value is empty when the header goes.
	Value string
	// Operation is what is done.
	Operation HeaderOperation
}

// HeaderOperation is what is done to a header.
type HeaderOperation uint8

// The operations.
const (
	HeaderSet    HeaderOperation = C.SVCKIT_HEADER_SET    // in place of what is there
	HeaderAdd    HeaderOperation = C.SVCKIT_HEADER_ADD    // beside what is there
	HeaderRemove HeaderOperation = C.SVCKIT_HEADER_REMOVE // gone
)

// Apply makes the change.
func (c *HeaderChange) Apply(header http.Header) {
	switch c.Operation {
	case HeaderSet:
		header.Set(c.Name, c.Value)
	case HeaderAdd:
		header.Add(c.Name, c.Value)
	case HeaderRemove:
		header.Del(c.Name)
	}
}

// GatewayAnswer is what to do with a request to a Gateway.
type GatewayAnswer struct {
	// Action is RouteRefuse, RouteForward or RouteRedirect.
	Action RouteAction
	// Status is the status to answer with; 0 when the request is sent on.
	Status int
	// Text is the path for the pod, the value of Location, or why the request is refused.
	Text string
	// Port is the service port it goes to.
	Port ServicePort
	// RouteNamespace and RouteName are the HTTPRoute that takes the request, Rule its rule from 0.
	RouteNamespace, RouteName string
	Rule                      int
	// UpstreamHost is the Host that pods see, if it is another one.
	UpstreamHost string
	// Request and Response are changes to headers, for the pod and for the client, to be made in this order.
	Request, Response []HeaderChange
	// Timeout is how long the whole may take, BackendTimeout one attempt; negative: as you like.
	Timeout, BackendTimeout time.Duration
}

// NewGateways makes Gateways without objects.
func NewGateways(seed Seed) (*Gateways, error) {
	words := seed.c()
	var ptr *C.svckit_gateways
	if err := check(C.svckit_gateways_new(&words, &ptr)); err != nil {
		return nil, err
	}
	g := new(Gateways)
	g.own(ptr, func(ptr *C.svckit_gateways) { C.svckit_gateways_free(ptr) })
	return g, nil
}

// Apply takes in objects in JSON that are new or have changed: Gateways, HTTPRoutes, ReferenceGrants, and Services that
// have their addresses. The error is [Refused] when some can't be read.
func (g *Gateways) Apply(objects []byte) (Findings, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	text, length := lendBytes(objects)
	var findings *C.svckit_findings
	status := C.svckit_gateways_apply(g.ptr, text, length, &findings)
	return found(findings), check(status)
}

// Delete takes an object away; what isn't there is no failure.
func (g *Gateways) Delete(kind, namespace, name string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	k, kLen := lend(kind)
	ns, nsLen := lend(namespace)
	text, length := lend(name)
	return check(C.svckit_gateways_delete(g.ptr, k, kLen, ns, nsLen, text, length))
}

// Routes takes the routes of what there is now. Findings are what is wrong with routes, none of which keeps another one
// out.
func (g *Gateways) Routes() (*GatewayRoutes, Findings, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var ptr *C.svckit_gateway_routes
	var findings *C.svckit_findings
	status := C.svckit_gateways_routes(g.ptr, &findings, &ptr)
	return gatewayRoutesOf(ptr, findings, status)
}

// GatewayRoutes takes the routes of the Gateways that the cluster holds; otherwise as [Gateways.Routes].
func (c *Cluster) GatewayRoutes() (*GatewayRoutes, Findings, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ptr *C.svckit_gateway_routes
	var findings *C.svckit_findings
	status := C.svckit_cluster_gateway_routes(c.ptr, &findings, &ptr)
	return gatewayRoutesOf(ptr, findings, status)
}

func gatewayRoutesOf(ptr *C.svckit_gateway_routes, findings *C.svckit_findings, status C.svckit_status) (*GatewayRoutes, Findings, error) {
	all := found(findings)
	if err := check(status); err != nil {
		return nil, all, err
	}
	r := new(GatewayRoutes)
	r.own(ptr, func(ptr *C.svckit_gateway_routes) { C.svckit_gateway_routes_free(ptr) })
	return r, all, nil
}

// Answer says what to do with a request that comes to a port of a Gateway. ServerName is the name that the client asked
// for in its TLS handshake, in lower case; empty without TLS.
func (r *GatewayRoutes) Answer(namespace, name string, port uint16, serverName string, request Request) (GatewayAnswer, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var pins runtime.Pinner
	defer pins.Unpin()
	c := request.c(&pins)
	ns, nsLen := lend(namespace)
	gateway, gatewayLen := lend(name)
	shown := pinned(serverName, &pins)
	var answer C.svckit_gateway_answer
	changes := make([]C.svckit_header_change, 16)
	var changesLen C.size_t
	text, err := grown(256, func(buf *C.uint8_t, capacity C.size_t, n *C.size_t) C.svckit_status {
		if int(changesLen) > len(changes) {
			changes = make([]C.svckit_header_change, changesLen)
		}
		return C.svckit_gateway_routes_answer(r.ptr, ns, nsLen, gateway, gatewayLen, C.uint16_t(port), &c, shown,
			&answer, unsafe.SliceData(changes), C.size_t(len(changes)), &changesLen, buf, capacity, n)
	})
	if err != nil {
		return GatewayAnswer{}, err
	}
	return gatewayAnswerOf(&answer, textOf(text), changes[:changesLen]), nil
}

func gatewayAnswerOf(c *C.svckit_gateway_answer, text string, changes []C.svckit_header_change) GatewayAnswer {
	answer := GatewayAnswer{
		Action: RouteAction(c.action), Status: int(c.status), Text: text,
		Port: ServicePort{
			Namespace: copied(c.service_namespace), Service: copied(c.service_name), Port: copied(c.port_name), Protocol: TCP,
		},
		RouteNamespace: copied(c.route_namespace), RouteName: copied(c.route_name), Rule: int(c.rule),
		UpstreamHost: copied(c.upstream_host),
		Timeout:      time.Duration(int64(c.timeout_ns)), BackendTimeout: time.Duration(int64(c.backend_timeout_ns)),
	}
	for _, each := range changes {
		change := HeaderChange{copied(each.name), copied(each.value), HeaderOperation(each.operation)}
		if each.response {
			answer.Response = append(answer.Response, change)
		} else {
			answer.Request = append(answer.Request, change)
		}
	}
	return answer
}
