package svckit

import (
	"errors"
	"testing"
)

func TestFindings(t *testing.T) {
	_, findings, err := NewCluster([]byte(`{"serviceCIDRs":"nonsense"}`), seed)
	if !errors.Is(err, Refused) || len(findings) != 1 || findings[0].Object != "settings" {
		t.Fatal(err, findings)
	}
	cluster := newCluster(t, shop)
	before := cluster.Len()
	tests := []struct {
		name, objects string
		err           error
		path          string
		kind          FindingKind
	}{
		{"misspelt", service("bad", "", `"ports":[{"prot":80}]`), Refused, "spec.ports[0].prot", KindUnknown},
		{"no ports", service("bad", "", `"selector":{"a":"b"}`), Refused, "spec.ports", KindRequired},
		{"taken", service("bad", "10.96.0.10", `"ports":[{"port":80}]`), Refused, "spec.clusterIPs[0]", KindConflict},
		{"not JSON", "{", InvalidArgument, "", KindInvalid},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			findings, err := cluster.Apply([]byte(test.objects), 0)
			if !errors.Is(err, test.err) || len(findings) == 0 {
				t.Fatal(err, findings)
			}
			if f := findings[0]; f.Path != test.path || f.Kind != test.kind || !f.Refused {
				t.Error(f)
			}
		})
	}
	if cluster.Len() != before {
		t.Error("something was taken in")
	}
	if findings, err := cluster.Replace(nil, 0); findings != nil || err != nil || cluster.Len() != 0 {
		t.Error(findings, err, cluster.Len())
	}
	if err := cluster.Delete("Pot", "", "a", 0); !errors.Is(err, InvalidArgument) {
		t.Error(err)
	}
	if err := cluster.Balance("shop", "web", "by-luck"); !errors.Is(err, InvalidArgument) {
		t.Error(err)
	}
	if err := cluster.Balance("shop", "web", "maglev"); err != nil {
		t.Error(err)
	}
}
