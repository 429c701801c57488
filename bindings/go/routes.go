package svckit

/*
#include <svckit.h>
*/
import "C"

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"time"
	"unsafe"
)

// RouteAction is what to do with a request.
type RouteAction uint8

// The actions.
const (
	// RouteRefuse: answer with Status; Text says why.
	RouteRefuse RouteAction = C.SVCKIT_ANSWER_REFUSE
	// RouteForward: send it to the service port, with Text as its path; the query stays.
	RouteForward RouteAction = C.SVCKIT_ANSWER_FORWARD
	// RouteRedirect: answer with Status and Text as Location.
	RouteRedirect RouteAction = C.SVCKIT_ANSWER_REDIRECT
	// RoutePreflight: answer with 204 and the CORS headers.
	RoutePreflight RouteAction = C.SVCKIT_ANSWER_PREFLIGHT
	// RouteResource: behind the route is an object that only you know; its group, kind and name stand in Port.
	RouteResource RouteAction = C.SVCKIT_ANSWER_RESOURCE
)

// Request is a request as it arrived.
type Request struct {
	Method string
	// Target is "/path?query", or one of the other forms.
	Target string
	// Hosts are the values of all Host headers.
	Hosts []string
	// Header has what options ask for, by names in lower case.
	Header map[string]string
	// Client is who asks.
	Client netip.Addr
	// BodyLen is the octets of its body; negative: not known.
	BodyLen int64
	// HTTPS is whether it came encrypted, as far as that can be trusted.
	HTTPS bool
	// HTTP10 is whether it may leave the host out.
	HTTP10 bool
}

// RequestOf is the request that a server of net/http has read.
func RequestOf(r *http.Request) Request {
	request := Request{
		Method: r.Method, Target: r.RequestURI, Hosts: []string{r.Host}, BodyLen: r.ContentLength,
		HTTPS: r.TLS != nil, HTTP10: r.ProtoMajor == 1 && r.ProtoMinor == 0, Header: map[string]string{},
	}
	if from, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		request.Client = from.Addr()
	}
	for name, values := range r.Header {
		if len(values) > 0 {
			request.Header[strings.ToLower(name)] = values[0]
		}
	}
	return request
}

// Answer is what to do with a request.
type Answer struct {
	Action RouteAction
	// Status is the status to answer with; 0 when the request is sent on.
	Status int
	// Text depends on the action.
	Text string
	// Port is the service port it goes to.
	Port ServicePort
	// IngressNamespace and IngressName are the Ingress that takes the request, IngressPath its path.
	IngressNamespace, IngressName, IngressPath string
	// UpstreamHost is the Host that pods see, if it is another one.
	UpstreamHost string
	// ForwardedPrefix is the value of X-Forwarded-Prefix.
	ForwardedPrefix string
	// MaxBody is the octets of a body that are let through; negative: all.
	MaxBody int64
	// Connect, Read and Send are times to wait for pods; negative: as you like.
	Connect, Read, Send time.Duration
	// CORS is what browsers may do from other sites.
	CORS CORS
}

// CORS is what browsers may do from other sites; empty fields are headers that are not sent.
type CORS struct {
	Origin, Methods, Headers, Expose string
	MaxAge                           time.Duration
	Credentials                      bool
}

// Routes is where requests go in one state of a cluster. It never changes.
type Routes struct {
	handle[*C.svckit_routes]
}

// Routes takes the routes of what the cluster holds now. Findings are what is wrong with Ingresses, none of which keeps
// another one out.
func (c *Cluster) Routes() (*Routes, Findings, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ptr *C.svckit_routes
	var findings *C.svckit_findings
	status := C.svckit_cluster_routes(c.ptr, &findings, &ptr)
	all := found(findings)
	if err := check(status); err != nil {
		return nil, all, err
	}
	r := new(Routes)
	r.own(ptr, func(ptr *C.svckit_routes) { C.svckit_routes_free(ptr) })
	return r, all, nil
}

// Len is how many routes there are; 0 after Close.
func (r *Routes) Len() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var n C.size_t
	_ = check(C.svckit_routes_len(r.ptr, &n))
	return int(n)
}

// Answer says what to do with a request. What can't be read in one way only is refused with 400.
func (r *Routes) Answer(request Request) (Answer, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var pins runtime.Pinner
	defer pins.Unpin()
	c := request.c(&pins)
	var answer C.svckit_answer
	text, err := grown(256, func(buf *C.uint8_t, capacity C.size_t, n *C.size_t) C.svckit_status {
		return C.svckit_routes_answer(r.ptr, &c, &answer, buf, capacity, n)
	})
	if err != nil {
		return Answer{}, err
	}
	return answerOf(&answer, textOf(text)), nil
}

// Candidate is a route that might have taken a request.
type Candidate struct {
	// Host is empty when it stands for all.
	Host     string `json:"host"`
	Path     string `json:"path"`
	PathType string `json:"pathType"`
	// Ingress is "namespace/name".
	Ingress string `json:"ingress"`
	// Verdict is "takes", "less-specific", "shadowed", "other-host" or "no-match".
	Verdict string `json:"verdict"`
}

// Explanation is who takes a request, and who else might have.
type Explanation struct {
	// Outcome is "route", "default", "none", or "refused" for what can't be read in one way only.
	Outcome    string      `json:"outcome"`
	Candidates []Candidate `json:"candidates"`
}

// Explain says who takes a request and who else might have, for people. Costs all routes of the hosts that fit.
func (r *Routes) Explain(request Request) (Explanation, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var pins runtime.Pinner
	defer pins.Unpin()
	c := request.c(&pins)
	var explanation Explanation
	text, err := grown(1024, func(buf *C.uint8_t, capacity C.size_t, n *C.size_t) C.svckit_status {
		return C.svckit_routes_explain(r.ptr, &c, buf, capacity, n)
	})
	if err == nil {
		err = json.Unmarshal([]byte(textOf(text)), &explanation)
	}
	return explanation, err
}

// pinned is a text that C may read while it is pinned.
func pinned(text string, pins *runtime.Pinner) C.svckit_text {
	data := unsafe.StringData(text)
	if len(text) > 0 {
		pins.Pin(data)
	}
	return C.svckit_text{data: (*C.uint8_t)(data), len: C.size_t(len(text))}
}

func (r *Request) c(pins *runtime.Pinner) C.svckit_request {
	hosts := make([]C.svckit_text, len(r.Hosts))
	for i, host := range r.Hosts {
		hosts[i] = pinned(host, pins)
	}
	headers := make([]C.svckit_header, 0, len(r.Header))
	for name, value := range r.Header {
		headers = append(headers, C.svckit_header{name: pinned(name, pins), value: pinned(value, pins)})
	}
	c := C.svckit_request{
		method: pinned(r.Method, pins), target: pinned(r.Target, pins),
		hosts_len: C.size_t(len(hosts)), headers_len: C.size_t(len(headers)),
		body_len: C.SVCKIT_BODY_UNKNOWN, entropy: C.uint64_t(rand.Uint64()),
		https: C.bool(r.HTTPS), http_1_0: C.bool(r.HTTP10), client: toC(r.Client),
	}
	if len(hosts) > 0 {
		pins.Pin(&hosts[0])
		c.hosts = &hosts[0]
	}
	if len(headers) > 0 {
		pins.Pin(&headers[0])
		c.headers = &headers[0]
	}
	if r.BodyLen >= 0 {
		c.body_len = C.uint64_t(r.BodyLen)
	}
	return c
}

func answerOf(c *C.svckit_answer, text string) Answer {
	limit := func(n C.uint64_t) int64 { return int64(n) }
	return Answer{
		Action: RouteAction(c.action), Status: int(c.status), Text: text,
		Port: ServicePort{
			Namespace: copied(c.service_namespace), Service: copied(c.service_name), Port: copied(c.port_name), Protocol: TCP,
		},
		IngressNamespace: copied(c.ingress_namespace), IngressName: copied(c.ingress_name),
		IngressPath: copied(c.ingress_path), UpstreamHost: copied(c.upstream_host),
		ForwardedPrefix: copied(c.forwarded_prefix), MaxBody: limit(c.max_body),
		Connect: time.Duration(limit(c.connect_ns)), Read: time.Duration(limit(c.read_ns)),
		Send: time.Duration(limit(c.send_ns)),
		CORS: CORS{
			Origin: copied(c.cors_origin), Methods: copied(c.cors_methods), Headers: copied(c.cors_headers),
			Expose: copied(c.cors_expose), MaxAge: time.Duration(c.cors_max_age) * time.Second,
			Credentials: bool(c.cors_credentials),
		},
	}
}
