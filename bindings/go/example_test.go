package svckit_test

import (
	"errors"
	"fmt"
	"net/netip"

	svckit "github.com/svckit/svckit/bindings/go"
)

const web = `{"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"shop"},
	"spec":{"clusterIP":"10.96.0.10","ports":[{"port":80}]}}
{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","addressType":"IPv4",
	"metadata":{"name":"web-1","namespace":"shop","labels":{"kubernetes.io/service-name":"web"}},
	"ports":[{"name":"","port":8080}],"endpoints":[{"addresses":["10.244.0.1"]}]}`

func ExampleTable_Pick() {
	cluster, _, err := svckit.NewCluster(nil, svckit.RandomSeed())
	if err != nil {
		panic(err)
	}
	defer cluster.Close()
	if findings, err := cluster.Apply([]byte(web), 0); err != nil {
		panic(findings)
	}
	table, err := cluster.Table()
	if err != nil {
		panic(err)
	}
	defer table.Close()
	pick, err := table.Pick(svckit.Flow{
		Source:      netip.MustParseAddrPort("192.0.2.1:5000"),
		Destination: netip.MustParseAddrPort("10.96.0.10:80"),
		Protocol:    svckit.TCP,
	})
	fmt.Println(pick.Outcome, pick.Endpoint, err)
	// Output: backend 10.244.0.1:8080 <nil>
}

func ExampleClusterIPs() {
	ips, err := svckit.NewClusterIPs(svckit.RandomSeed(), svckit.Quarantine)
	if err != nil {
		panic(err)
	}
	defer ips.Close()
	if err := ips.Add(netip.MustParsePrefix("10.96.0.0/30")); err != nil {
		panic(err)
	}
	for range 3 {
		_, err = ips.Allocate(svckit.IPv4, 0)
	}
	fmt.Println(errors.Is(err, svckit.Exhausted), err)
	// Output: true svckit: nothing is left
}

func ExampleCheckObject() {
	findings, err := svckit.CheckObject([]byte(`{"apiVersion":"v1","kind":"Service",
		"metadata":{"name":"web"},"spec":{"ports":[{"prot":80}]}}`), "")
	fmt.Println(errors.Is(err, svckit.Refused), findings[0].Path, findings[0].Message)
	// Output: true spec.ports[0].prot there is no such field; perhaps port?
}
