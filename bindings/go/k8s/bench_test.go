package k8s

import (
	"fmt"
	"testing"

	svckit "github.com/svckit/svckit/bindings/go"
	"k8s.io/apimachinery/pkg/labels"
)

// How many selectors there are when the question is which of them match.
const selectors = 10_000

// Matching labels against one selector, by apimachinery and by svckit; and finding those of many selectors that match,
// which apimachinery's users do one by one.
func BenchmarkSelectors(b *testing.B) {
	const text = "app=web,tier in (front,back),!beta"
	set := map[string]string{"app": "web", "tier": "front", "pod-template-hash": "5d8f", "zone": "a"}
	theirs, err := labels.Parse(text)
	if err != nil {
		b.Fatal(err)
	}
	ours, _, err := svckit.ParseSelector(text)
	if err != nil {
		b.Fatal(err)
	}
	made, err := svckit.NewLabels(set)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("one/apimachinery", func(b *testing.B) {
		for b.Loop() {
			if !theirs.Matches(labels.Set(set)) {
				b.Fatal("no match")
			}
		}
	})
	b.Run("one/svckit", func(b *testing.B) {
		for b.Loop() {
			if matches, err := ours.Matches(made); !matches || err != nil {
				b.Fatal(matches, err)
			}
		}
	})
	var all []labels.Selector
	index, err := svckit.NewSelectorIndex(svckit.RandomSeed())
	if err != nil {
		b.Fatal(err)
	}
	defer index.Close()
	for n := range selectors {
		set := map[string]string{"app": fmt.Sprintf("app-%d", n), "tier": "front"}
		all = append(all, labels.SelectorFromSet(set))
		selector, _, err := svckit.ParseSelector(labels.FormatLabels(set))
		if err == nil {
			err = index.Insert(uint64(n), selector)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	wanted := map[string]string{"app": "app-777", "tier": "front", "pod-template-hash": "5d8f"}
	one, err := svckit.NewLabels(wanted)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("which of 10000/apimachinery", func(b *testing.B) {
		for b.Loop() {
			count := 0
			for _, selector := range all {
				if selector.Matches(labels.Set(wanted)) {
					count++
				}
			}
			if count != 1 {
				b.Fatal(count)
			}
		}
	})
	b.Run("which of 10000/svckit", func(b *testing.B) {
		for b.Loop() {
			if matching, err := index.Matching(one); len(matching) != 1 || err != nil {
				b.Fatal(matching, err)
			}
		}
	})
}
