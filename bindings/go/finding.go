package svckit

/*
#include <svckit.h>
*/
import "C"

import (
	"fmt"
	"strings"
)

// FindingKind is a kind of mistake.
type FindingKind int32

// The kinds of mistakes; an API server's, and two of svckit's own.
const (
	KindOther        FindingKind = C.SVCKIT_FINDING_KIND_OTHER
	KindRequired     FindingKind = C.SVCKIT_FINDING_KIND_REQUIRED
	KindInvalid      FindingKind = C.SVCKIT_FINDING_KIND_INVALID
	KindNotSupported FindingKind = C.SVCKIT_FINDING_KIND_NOT_SUPPORTED
	KindDuplicate    FindingKind = C.SVCKIT_FINDING_KIND_DUPLICATE
	KindForbidden    FindingKind = C.SVCKIT_FINDING_KIND_FORBIDDEN
	KindTooLong      FindingKind = C.SVCKIT_FINDING_KIND_TOO_LONG
	KindTooMany      FindingKind = C.SVCKIT_FINDING_KIND_TOO_MANY
	KindUnknown      FindingKind = C.SVCKIT_FINDING_KIND_UNKNOWN
	KindConflict     FindingKind = C.SVCKIT_FINDING_KIND_CONFLICT
)

// String is the word for the kind in an API server's answers.
func (k FindingKind) String() string {
	words := [...]string{
		"Other", "Required", "Invalid", "NotSupported", "Duplicate",
		"Forbidden", "TooLong", "TooMany", "Unknown", "Conflict",
	}
	if k < 0 || int(k) >= len(words) {
		return "Other"
	}
	return words[k]
}

// Finding is one thing that is wrong with one object.
type Finding struct {
	// Object is kind, namespace and name as far as they are known: "Service shop/cart".
	Object string
	// Path is where in the object: "spec.ports[0].port". Empty when it is about the object as a whole.
	Path string
	// Value is what stands there, printed.
	Value string
	// Message is what is wrong and what to do.
	Message string
	// Kind is what kind of mistake it is.
	Kind FindingKind
	// Refused is whether the object was refused; else this is a warning.
	Refused bool
}

// String is the finding on one line.
func (f Finding) String() string {
	severity := "warning"
	if f.Refused {
		severity = "error"
	}
	parts := []string{severity}
	for _, part := range []string{f.Object, f.Path, f.Kind.String()} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if f.Value != "" {
		parts = append(parts, fmt.Sprintf("%q", f.Value))
	}
	return strings.Join(append(parts, f.Message), ": ")
}

// Findings are the findings of one call, in the order of its input.
type Findings []Finding

// String is one finding a line.
func (f Findings) String() string {
	lines := make([]string, len(f))
	for i, finding := range f {
		lines[i] = finding.String()
	}
	return strings.Join(lines, "\n")
}

// found copies findings and frees them.
func found(c *C.svckit_findings) Findings {
	defer C.svckit_findings_free(c)
	n := int(C.svckit_findings_len(c))
	if n == 0 {
		return nil
	}
	findings := make(Findings, 0, n)
	for i := range n {
		var each C.svckit_finding
		if check(C.svckit_findings_get(c, C.size_t(i), &each)) != nil {
			break
		}
		findings = append(findings, Finding{
			Object: copied(each.object), Path: copied(each.path), Value: copied(each.value),
			Message: copied(each.message), Kind: FindingKind(each.kind), Refused: bool(each.refused),
		})
	}
	return findings
}
