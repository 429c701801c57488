// Command agent is what runs on a node: it reads manifests with the types of k8s.io/api and prints what the node's
// kernel has to be told, as input for nft.
//
//	agent -node n1 manifests/*.yaml | nft -f -
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"

	svckit "github.com/svckit/svckit/bindings/go"
	"github.com/svckit/svckit/bindings/go/k8s"
)

// read decodes all documents of a file, Lists taken apart.
func read(path string, in io.Reader) ([]runtime.Object, error) {
	decoder := serializer.NewCodecFactory(k8s.Scheme, serializer.EnableStrict).UniversalDeserializer()
	documents := yaml.NewYAMLOrJSONDecoder(in, 4096)
	var objects []runtime.Object
	for {
		var document runtime.RawExtension
		if err := documents.Decode(&document); errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if document.Raw = bytes.TrimSpace(document.Raw); len(document.Raw) == 0 || bytes.Equal(document.Raw, []byte("null")) {
			continue
		}
		object, _, err := decoder.Decode(document.Raw, nil, nil)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		list, ok := object.(*corev1.List)
		if !ok {
			objects = append(objects, object)
			continue
		}
		for _, item := range list.Items {
			object, _, err := decoder.Decode(item.Raw, nil, nil)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			objects = append(objects, object)
		}
	}
}

// plan is what the kernel of a node has to be told about objects, and what is wrong with them.
func plan(node string, objects []runtime.Object) (string, svckit.Findings, error) {
	settings, err := json.Marshal(map[string]string{"node": node})
	if err != nil {
		return "", nil, err
	}
	cluster, findings, err := svckit.NewCluster(settings, svckit.RandomSeed())
	if err != nil {
		return "", findings, err
	}
	defer cluster.Close()
	findings, err = k8s.Apply(cluster, 0, objects...)
	if err != nil && !errors.Is(err, svckit.Refused) {
		return "", findings, err
	}
	steps, planErr := cluster.Plan()
	if planErr != nil {
		return "", findings, planErr
	}
	return steps.NFT, findings, err
}

func main() {
	node := flag.String("node", "localhost", "the node's name")
	flag.Parse()
	var objects []runtime.Object
	for _, path := range flag.Args() {
		file, err := os.Open(path)
		if err != nil {
			fail(err)
		}
		some, err := read(path, file)
		_ = file.Close()
		if err != nil {
			fail(err)
		}
		objects = append(objects, some...)
	}
	text, findings, err := plan(*node, objects)
	for _, finding := range findings {
		fmt.Fprintln(os.Stderr, finding)
	}
	fmt.Print(text)
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "agent:", err)
	os.Exit(1)
}
