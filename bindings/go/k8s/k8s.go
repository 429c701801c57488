// Package k8s feeds svckit with the objects of k8s.io/api, as informers and clients hold them.
//
// It is a module of its own, so that programs without Kubernetes' Go modules don't carry them.
package k8s

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"

	svckit "github.com/svckit/svckit/bindings/go"
)

// Scheme knows the kinds that svckit has a use for.
var Scheme = scheme()

func scheme() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, appsv1.AddToScheme, discoveryv1.AddToScheme, networkingv1.AddToScheme,
	} {
		if err := add(s); err != nil {
			panic(err) // Two kinds of one name: the modules themselves are wrong.
		}
	}
	return s
}

// Encode writes objects as svckit reads them: JSON with version and kind, which objects of informers don't have, and
// without what svckit has no use for.
func Encode(objects ...runtime.Object) ([]byte, error) {
	var out bytes.Buffer
	for _, object := range objects {
		kinds, _, err := Scheme.ObjectKinds(object)
		if err != nil {
			return nil, err
		}
		object = object.DeepCopyObject()
		object.GetObjectKind().SetGroupVersionKind(kinds[0])
		if accessor, err := meta.Accessor(object); err == nil {
			accessor.SetManagedFields(nil)
		}
		if err := json.NewEncoder(&out).Encode(object); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

// Apply takes in objects that are new or have changed, as [svckit.Cluster.Apply] does.
func Apply(cluster *svckit.Cluster, now time.Duration, objects ...runtime.Object) (svckit.Findings, error) {
	text, err := Encode(objects...)
	if err != nil {
		return nil, err
	}
	return cluster.Apply(text, now)
}

// Delete takes objects away. Those that weren't there are gone already.
func Delete(cluster *svckit.Cluster, now time.Duration, objects ...runtime.Object) error {
	for _, object := range objects {
		kinds, _, err := Scheme.ObjectKinds(object)
		if err != nil {
			return err
		}
		accessor, err := meta.Accessor(object)
		if err != nil {
			return err
		}
		kind := kinds[0].Kind
		err = cluster.Delete(kind, accessor.GetNamespace(), accessor.GetName(), now)
		if err != nil && !errors.Is(err, svckit.NotFound) {
			return fmt.Errorf("%s %s/%s: %w", kind, accessor.GetNamespace(), accessor.GetName(), err)
		}
	}
	return nil
}
