package k8s

import (
	"errors"
	"net/netip"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	svckit "github.com/svckit/svckit/bindings/go"
)

func objects() (*corev1.Service, *discoveryv1.EndpointSlice) {
	port, name := int32(8080), ""
	return &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{
				Name: "web", Namespace: "shop", ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "me"}},
			},
			Spec: corev1.ServiceSpec{
				ClusterIP: "10.96.0.10", Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8080)}},
			},
		}, &discoveryv1.EndpointSlice{
			ObjectMeta: metav1.ObjectMeta{
				Name: "web-1", Namespace: "shop", Labels: map[string]string{discoveryv1.LabelServiceName: "web"},
			},
			AddressType: discoveryv1.AddressTypeIPv4,
			Ports:       []discoveryv1.EndpointPort{{Name: &name, Port: &port}},
			Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{"10.244.0.1"}}},
		}
}

func TestTypedObjects(t *testing.T) {
	cluster, _, err := svckit.NewCluster(nil, svckit.Seed{1})
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	service, slice := objects()
	if findings, err := Apply(cluster, 0, service, slice); err != nil {
		t.Fatal(findings, err)
	}
	if service.Kind != "" || service.ManagedFields == nil {
		t.Error("the informer's object was changed")
	}
	flow := svckit.Flow{
		Source: netip.MustParseAddrPort("192.0.2.1:5000"), Destination: netip.MustParseAddrPort("10.96.0.10:80"),
		Protocol: svckit.TCP,
	}
	check := func(want svckit.Outcome) {
		t.Helper()
		table, err := cluster.Table()
		if err != nil {
			t.Fatal(err)
		}
		defer table.Close()
		if pick, err := table.Pick(flow); pick.Outcome != want || err != nil {
			t.Error(pick, err)
		}
	}
	check(svckit.Backend)
	for range 2 {
		if err := Delete(cluster, 0, service, slice); err != nil {
			t.Error(err)
		}
	}
	check(svckit.NotAService)
	service.Spec.Ports[0].Port = 0
	if findings, err := Apply(cluster, 0, service); !errors.Is(err, svckit.Refused) || len(findings) == 0 {
		t.Error(findings, err)
	}
	if _, err := Encode(&runtime.Unknown{}); err == nil {
		t.Error("encoded what nobody knows")
	}
}
