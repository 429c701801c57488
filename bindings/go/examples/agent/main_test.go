package main

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	svckit "github.com/svckit/svckit/bindings/go"
)

const manifests = `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  clusterIP: 10.96.0.10
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
---
# nothing
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {name: a, namespace: shop, labels: {app: web}}
  spec: {containers: [{name: c, image: c}]}
  status:
    phase: Running
    podIP: 10.244.0.1
    podIPs: [{ip: 10.244.0.1}]
    conditions: [{type: Ready, status: "True"}]
`

// The plan names the Service and its endpoint, and nft can read it.
func TestPlan(t *testing.T) {
	objects, err := read("test", strings.NewReader(manifests))
	if err != nil || len(objects) != 2 {
		t.Fatal(objects, err)
	}
	text, findings, err := plan("n1", objects)
	if err != nil {
		t.Fatal(findings, err)
	}
	if !strings.Contains(text, "10.96.0.10") || !strings.Contains(text, "10.244.0.1") {
		t.Error(text)
	}
	nft := exec.Command("unshare", "--user", "--map-root-user", "--net", "nft", "-c", "-f", "-")
	nft.Stdin = strings.NewReader(text)
	if out, err := nft.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestWhatIsWrong(t *testing.T) {
	for name, text := range map[string]string{
		"a misspelt field": strings.Replace(manifests, "clusterIP", "clusterIp", 1),
		"no YAML":          "a: b: c",
		"a strange kind":   "apiVersion: v1\nkind: Servise\n",
	} {
		if objects, err := read("test", strings.NewReader(text)); err == nil {
			t.Error(name, "was read:", objects)
		}
	}
	objects, err := read("test", strings.NewReader(strings.Replace(manifests, "port: 80,", "port: 0,", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if _, findings, err := plan("n1", objects); !errors.Is(err, svckit.Refused) || len(findings) == 0 {
		t.Error(findings, err)
	}
}
