package svckit

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestPlan(t *testing.T) {
	cluster := newCluster(t, shop)
	first, err := cluster.Plan()
	if err != nil || !first.Full || !strings.Contains(first.NFT, "10.96.0.10") {
		t.Fatal(first, err)
	}
	if whole, err := cluster.Render("nft"); len(whole) != len(first.NFT) || err != nil {
		t.Error("a full plan and the whole differ in more than order", err)
	}
	if err := cluster.Commit(first.Generation + 1); !errors.Is(err, NotFound) {
		t.Error(err)
	}
	if err := cluster.Commit(first.Generation); err != nil {
		t.Error(err)
	}
	if plan, err := cluster.Plan(); plan != nil || err != nil {
		t.Error(plan, err)
	}
	if err := cluster.Delete("Pod", "shop", "a", 0); err != nil {
		t.Fatal(err)
	}
	if plan, err := cluster.Plan(); err != nil || plan == nil || plan.Full {
		t.Error(plan, err)
	}
	if err := cluster.Reset(); err != nil {
		t.Error(err)
	}
	if plan, err := cluster.Plan(); err != nil || plan == nil || !plan.Full {
		t.Error(plan, err)
	}
	if text, err := cluster.Render("iptables"); !strings.Contains(text, "KUBE-SERVICES") || err != nil {
		t.Error(text, err)
	}
	if text, err := cluster.Render("ipvs"); !strings.Contains(text, "-A -t 10.96.0.10:80") || err != nil {
		t.Error(text, err)
	}
	if _, err := cluster.Render("ipfw"); !errors.Is(err, InvalidArgument) {
		t.Error(err)
	}
}

func TestPlanNetlink(t *testing.T) {
	cluster := newCluster(t, shop)
	first, err := cluster.PlanNetlink(0)
	if err != nil || !first.Full || len(first.Netlink) == 0 || first.NFT != "" {
		t.Fatal(first, err)
	}
	if err := cluster.Commit(first.Generation); err != nil {
		t.Error(err)
	}
	if err := cluster.Delete("Pod", "shop", "a", 0); err != nil {
		t.Fatal(err)
	}
	next, err := cluster.PlanNetlink(IPv4Table | IPv6Table)
	if err != nil || next.Full || len(next.Netlink) != 1 || len(next.Netlink[0]) >= len(first.Netlink[0]) {
		t.Error(next, err)
	}
}

func TestTrace(t *testing.T) {
	cluster := newCluster(t, shop)
	tests := []struct {
		to      string
		verdict Verdict
		count   int
	}{
		{"10.96.0.10:80", DNAT, 2},
		{"10.96.0.12:80", Reject, 0},
		{"10.96.0.10:81", Reject, 0},
		{"198.51.100.1:80", Pass, 0},
	}
	for _, test := range tests {
		trace, err := cluster.Trace(flow(test.to))
		if err != nil || trace.Verdict != test.verdict || len(trace.Endpoints) != test.count || len(trace.Steps) == 0 {
			t.Error(test.to, trace, err)
		}
	}
	if _, err := cluster.Trace(Flow{}); !errors.Is(err, InvalidArgument) {
		t.Error(err)
	}
}

func TestObjects(t *testing.T) {
	cluster := newCluster(t, shop)
	text, err := cluster.Get("Service", "shop", "web")
	if err != nil || !strings.Contains(string(text), `"clusterIPs":["10.96.0.10"]`) {
		t.Error(string(text), err)
	}
	if _, err := cluster.Get("Service", "shop", "x"); !errors.Is(err, NotFound) {
		t.Error(err)
	}
	for kind, want := range map[string]int{"Service": 3, "Pod": 2, "EndpointSlice": 3, "Ingress": 1, "Node": 0} {
		var list []json.RawMessage
		text, err := cluster.List(kind)
		if err == nil {
			err = json.Unmarshal(text, &list)
		}
		if len(list) != want || err != nil {
			t.Error(kind, len(list), err)
		}
	}
	object := []byte(`{"apiVersion":"v1","kind":"Service","metadata":{"name":"1a"},"spec":{"ports":[{"port":80}]}}`)
	if findings, err := CheckObject(object, ""); findings != nil || err != nil {
		t.Error(findings, err)
	}
	if findings, err := CheckObject(object, "RelaxedServiceNameValidation=false"); !errors.Is(err, Refused) || len(findings) == 0 {
		t.Error(findings, err)
	}
	if filled, _, err := DefaultObject(object); !strings.Contains(string(filled), `"type":"ClusterIP"`) || err != nil {
		t.Error(string(filled), err)
	}
}

func TestSelectors(t *testing.T) {
	labels, err := NewLabels(map[string]string{"app": "web", "tier": "front", "empty": ""})
	if err != nil {
		t.Fatal(err)
	}
	defer labels.Close()
	index, _ := NewSelectorIndex(seed)
	defer index.Close()
	want := []uint64{}
	for i, test := range []struct {
		text    string
		matches bool
	}{{"app=web", true}, {"app in (web,api),tier", true}, {"app!=web", false}, {"!tier", false}, {"", true}, {"empty=", true}} {
		selector, findings, err := ParseSelector(test.text)
		if err != nil {
			t.Fatal(findings, err)
		}
		defer selector.Close()
		if matches, err := selector.Matches(labels); matches != test.matches || err != nil {
			t.Errorf("%q: %v (%v)", test.text, matches, err)
		}
		if err := index.Insert(uint64(i), selector); err != nil {
			t.Error(err)
		}
		if test.matches {
			want = append(want, uint64(i))
		}
	}
	got, err := index.Matching(labels)
	if len(got) != len(want) || err != nil {
		t.Error(got, err)
	}
	if err := index.Remove(4); err != nil {
		t.Error(err)
	}
	if got, _ := index.Matching(labels); len(got) != len(want)-1 {
		t.Error(got)
	}
	if _, findings, err := ParseSelector("a=b=c"); !errors.Is(err, InvalidArgument) || len(findings) != 1 {
		t.Error(findings, err)
	}
	for text, want := range map[string]bool{"": false, "{}": true, `{"matchLabels":{"app":"web"}}`: true} {
		selector, findings, err := ParseLabelSelector([]byte(text))
		if err != nil {
			t.Fatal(findings, err)
		}
		if matches, _ := selector.Matches(labels); matches != want {
			t.Errorf("%q: %v", text, matches)
		}
		_ = selector.Close()
	}
}
