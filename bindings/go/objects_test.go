package svckit

import (
	"fmt"
	"strings"
	"testing"
)

// shop is a Service with two ready pods, one that remembers clients, and one without pods.
var shop = strings.Join([]string{
	service("web", "10.96.0.10", `"selector":{"app":"web"},"ports":[{"name":"http","port":80,"targetPort":8080}]`),
	service("sticky", "10.96.0.11",
		`"selector":{"app":"web"},"sessionAffinity":"ClientIP","ports":[{"port":80,"targetPort":8080}]`),
	service("empty", "10.96.0.12", `"selector":{"app":"none"},"ports":[{"port":80}]`),
	pod("a", "10.244.0.1"),
	pod("b", "10.244.0.2"),
	`{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"front","namespace":"shop"},` +
		`"spec":{"rules":[{"host":"shop.example","http":{"paths":[{"path":"/cart","pathType":"Prefix",` +
		`"backend":{"service":{"name":"web","port":{"name":"http"}}}}]}}]}}`,
}, "\n")

func service(name, ip, spec string) string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"Service","metadata":{"name":%q,"namespace":"shop"},`+
		`"spec":{"clusterIP":%q,%s}}`, name, ip, spec)
}

func pod(name, ip string) string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":%q,"namespace":"shop",`+
		`"labels":{"app":"web"}},"spec":{"containers":[{"name":"c"}]},"status":{"phase":"Running",`+
		`"podIP":%q,"podIPs":[{"ip":%q}],"conditions":[{"type":"Ready","status":"True"}]}}`, name, ip, ip)
}

// newCluster is a cluster that holds these objects.
func newCluster(t testing.TB, objects string) *Cluster {
	t.Helper()
	cluster, findings, err := NewCluster(nil, seed)
	if err != nil {
		t.Fatal(err, findings)
	}
	t.Cleanup(func() { _ = cluster.Close() })
	if findings, err := cluster.Apply([]byte(objects), 0); err != nil {
		t.Fatal(err, findings)
	}
	return cluster
}

// tableOf is its table.
func tableOf(t testing.TB, cluster *Cluster) *Table {
	t.Helper()
	table, err := cluster.Table()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = table.Close() })
	return table
}
