package svckit

import (
	"encoding/binary"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
)

// question is a message that asks for the A records of a name.
func question(name string) []byte {
	message := []byte{0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}
	for label := range strings.SplitSeq(name, ".") {
		message = append(append(message, byte(len(label))), label...)
	}
	return append(message, 0, 0, 1, 0, 1)
}

func TestAnswer(t *testing.T) {
	cluster := newCluster(t, shop+`{"apiVersion":"v1","kind":"Service","metadata":{"name":"else","namespace":"shop"},`+
		`"spec":{"type":"ExternalName","externalName":"db.example.org"}}`)
	zone, err := cluster.Zone()
	if err != nil {
		t.Fatal(err)
	}
	defer zone.Close()
	tests := []struct {
		name           string
		action         Action
		rcode, answers int
	}{
		{"web.shop.svc.cluster.local", Send, 0, 1},
		{"nobody.shop.svc.cluster.local", Send, 3, 0},
		{"example.org", Foreign, 5, 0},
		{"else.shop.svc.cluster.local", Upstream, 0, 1},
	}
	var queries []Query
	for _, test := range tests {
		queries = append(queries, Query{Message: question(test.name), Buf: make([]byte, 512)})
	}
	if err := zone.AnswerMany(queries); err != nil {
		t.Fatal(err)
	}
	for i, test := range tests {
		reply, answers := queries[i].Reply, int(binary.BigEndian.Uint16(queries[i].Reply[6:]))
		if queries[i].Action != test.action || int(reply[3]&15) != test.rcode || answers != test.answers {
			t.Errorf("%s: %v, code %d, %d answers", test.name, queries[i].Action, reply[3]&15, answers)
		}
	}
	if address := queries[0].Reply[len(queries[0].Reply)-4:]; string(address) != "\x0a\x60\x00\x0a" {
		t.Error(address)
	}
	if target, err := zone.Target(queries[3].Message); target != "db.example.org" || err != nil {
		t.Error(target, err)
	}
	if _, err := zone.Target(queries[0].Message); !errors.Is(err, NotFound) {
		t.Error(err)
	}
	if reply, action, err := zone.Complete(queries[3].Message, Peer{}, nil, queries[3].Buf); len(reply) == 0 || action != Send || err != nil {
		t.Error(reply, action, err)
	}
	if _, _, err := zone.Complete(queries[0].Message, Peer{}, nil, queries[0].Buf); !errors.Is(err, InvalidArgument) {
		t.Error(err)
	}
	if reply, action, err := zone.Answer(nil, Peer{}, nil); len(reply) != 0 || action != Drop || err != nil {
		t.Error(reply, action, err)
	}
}

func TestAnswerAllocatesNothing(t *testing.T) {
	zone, err := newCluster(t, shop).Zone()
	if err != nil {
		t.Fatal(err)
	}
	defer zone.Close()
	message, buf := question("web.shop.svc.cluster.local"), make([]byte, 512)
	n := testing.AllocsPerRun(100, func() {
		if _, action, err := zone.Answer(message, Peer{}, buf); action != Send || err != nil {
			t.Error(action, err)
		}
	})
	if n != 0 {
		t.Errorf("allocates %v times", n)
	}
}

func TestRoutes(t *testing.T) {
	routes, findings, err := newCluster(t, shop).Routes()
	if err != nil || findings != nil {
		t.Fatal(findings, err)
	}
	defer routes.Close()
	if routes.Len() != 1 {
		t.Error(routes.Len())
	}
	tests := []struct {
		name, url string
		action    RouteAction
		status    int
	}{
		{"route", "http://shop.example/cart/1?x=y", RouteForward, 0},
		{"port and case", "http://Shop.Example:80/cart", RouteForward, 0},
		{"other path", "http://shop.example/other", RouteRefuse, 404},
		{"other host", "http://else.example/cart", RouteRefuse, 404},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answer, err := routes.Answer(RequestOf(httptest.NewRequest("GET", test.url, nil)))
			if err != nil || answer.Action != test.action || answer.Status != test.status {
				t.Fatal(answer, err)
			}
			if answer.Action == RouteForward && (answer.Port != ServicePort{"shop", "web", "http", TCP} || answer.IngressName != "front") {
				t.Error(answer)
			}
		})
	}
	for name, request := range map[string]Request{
		"no host":   {Method: "GET", Target: "/cart"},
		"two hosts": {Method: "GET", Target: "/cart", Hosts: []string{"shop.example", "else.example"}},
		"nothing":   {},
	} {
		if answer, err := routes.Answer(request); answer.Status != 400 || err != nil {
			t.Errorf("%s: %v (%v)", name, answer, err)
		}
	}
}
