package svckit

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// expectation is what a validation case says about its findings.
type expectation struct {
	ID, Description string
	Gates           map[string]bool
	Valid           *bool
	ErrorCount      *int
	Errors          []struct{ Type, Field string }
	Field           *string
	Fields          []string
}

// compare checks findings against everything that the case says; warnings refuse nothing and don't count.
func (e *expectation) compare(t *testing.T, findings Findings, err error) {
	t.Helper()
	if err != nil && !errors.Is(err, Refused) {
		t.Fatal(err, findings)
	}
	errs := slices.DeleteFunc(findings, func(f Finding) bool { return !f.Refused })
	if e.Valid == nil || *e.Valid != (len(errs) == 0) || (e.ErrorCount != nil && *e.ErrorCount != len(errs)) {
		t.Fatalf("came %v, wanted %+v", errs, e)
	}
	var came, wanted []string
	for _, f := range errs {
		came = append(came, f.Kind.String()+" "+f.Path)
	}
	for _, each := range e.Errors {
		wanted = append(wanted, each.Type+" "+each.Field)
	}
	if e.Errors == nil {
		// Only paths, each of which may have several errors.
		for i := range came {
			_, came[i], _ = strings.Cut(came[i], " ")
		}
		wanted = e.Fields
		if e.Field != nil {
			wanted = []string{*e.Field}
		}
		if wanted == nil {
			return
		}
		slices.Sort(came)
		came = slices.Compact(came)
	}
	slices.Sort(came)
	slices.Sort(wanted)
	if !slices.Equal(came, wanted) {
		t.Errorf("came %v, wanted %v", came, wanted)
	}
}

func (e *expectation) name(n int) string {
	if e.ID != "" {
		return e.ID
	}
	return fmt.Sprintf("%d %s", n, e.Description)
}

func gatesText(gates map[string]bool) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(gates)) {
		pairs = append(pairs, fmt.Sprintf("%s=%v", name, gates[name]))
	}
	return strings.Join(pairs, ",")
}

func TestServiceValidation(t *testing.T) {
	type validation struct {
		expectation
		Object, Old, New json.RawMessage
	}
	var file map[string]json.RawMessage
	vectors(t, "service-validation.json", &file)
	for _, section := range []string{"create", "externalTrafficPolicy", "update"} {
		var cases []validation
		if err := json.Unmarshal(file[section], &cases); err != nil || len(cases) == 0 {
			t.Fatal(section, err)
		}
		for n, c := range cases {
			t.Run(section+"/"+c.name(n), func(t *testing.T) {
				gates := map[string]bool{
					"StrictIPCIDRValidation": true, "RelaxedServiceNameValidation": false,
					"PreferSameTrafficDistribution": section == "update",
				}
				maps.Copy(gates, c.Gates)
				object := c.Object
				if section == "update" {
					object = c.New
				}
				findings, err := ValidateObject(object, c.Old, gatesText(gates))
				if section == "externalTrafficPolicy" {
					findings = slices.DeleteFunc(findings, func(f Finding) bool {
						return f.Path != "spec.externalTrafficPolicy" && f.Path != "spec.healthCheckNodePort"
					})
				}
				c.compare(t, findings, err)
			})
		}
	}
}

// otherCase is a case of any section of other-validation; each section uses some of the fields.
type otherCase struct {
	expectation
	API, Name, Path, PathType, Controller, Change  string
	Object, Old, New, Parameters, ParentRef, CIDRs json.RawMessage
	Expand                                         map[string]int
}

// typed puts version and kind in front of an object.
func typed(version, kind string, object json.RawMessage) []byte {
	rest := strings.TrimSpace(string(object))
	rest = strings.TrimPrefix(rest, "{")
	if !strings.HasPrefix(strings.TrimSpace(rest), "}") {
		rest = "," + rest
	}
	return fmt.Appendf(nil, `{"apiVersion":%q,"kind":%q%s`, version, kind, rest)
}

func (c *otherCase) ingress(object json.RawMessage) []byte {
	version := "networking.k8s.io/v1"
	if c.API != "" {
		version = "networking.k8s.io/" + c.API
	}
	return typed(version, "Ingress", object)
}

func class(name, controller string, parameters json.RawMessage) []byte {
	if parameters == nil {
		parameters = json.RawMessage("null")
	}
	return typed("networking.k8s.io/v1", "IngressClass", fmt.Appendf(nil,
		`{"metadata":{"name":%q,"resourceVersion":"1"},"spec":{"controller":%q,"parameters":%s}}`, name, controller, parameters))
}

func ranges(cidrs json.RawMessage) []byte {
	return typed("networking.k8s.io/v1", "ServiceCIDR", fmt.Appendf(nil,
		`{"metadata":{"name":"test-name","resourceVersion":"1"},"spec":{"cidrs":%s}}`, cidrs))
}

// objects are the new and the old object of a case; ok is whether the section is one of these.
func (c *otherCase) objects(section string) (object, old []byte, ok bool) {
	const discovery = "discovery.k8s.io/v1"
	controller := func(side json.RawMessage) []byte {
		var s struct {
			Controller string
			Parameters json.RawMessage
		}
		_ = json.Unmarshal(side, &s)
		return class("test123", s.Controller, s.Parameters)
	}
	switch section {
	case "endpointSlice":
		return typed(discovery, "EndpointSlice", c.Object), nil, c.Expand == nil
	case "endpointSliceUpdate":
		return typed(discovery, "EndpointSlice", c.New), typed(discovery, "EndpointSlice", c.Old), true
	case "ingress", "ingressCreate", "ingressTLS":
		return c.ingress(c.Object), nil, true
	case "ingressUpdate":
		return c.ingress(c.New), c.ingress(c.Old), true
	case "ingressPath":
		return c.ingress(fmt.Appendf(nil, `{"metadata":{"name":"web","namespace":"shop"},"spec":{"rules":[{"host":`+
			`"example.com","http":{"paths":[{"path":%q,"pathType":%q,"backend":{"service":{"name":"web","port":`+
			`{"number":80}}}}]}}]}}`, c.Path, c.PathType)), nil, true
	case "ingressClass":
		return class(c.Name, c.Controller, c.Parameters), nil, true
	case "ingressClassUpdate":
		return controller(c.New), controller(c.Old), true
	case "ipAddress":
		return typed("networking.k8s.io/v1", "IPAddress", fmt.Appendf(nil,
			`{"metadata":{"name":%q},"spec":{"parentRef":%s}}`, c.Name, orNull(c.ParentRef))), nil, true
	case "serviceCIDR":
		return ranges(c.CIDRs), nil, true
	case "serviceCIDRUpdate":
		return ranges(c.New), ranges(c.Old), true
	}
	return nil, nil, false
}

func orNull(text json.RawMessage) json.RawMessage {
	if text == nil {
		return json.RawMessage("null")
	}
	return text
}

func TestOtherValidation(t *testing.T) {
	var file map[string]json.RawMessage
	vectors(t, "other-validation.json", &file)
	ran := 0
	for _, section := range slices.Sorted(maps.Keys(file)) {
		var cases []otherCase
		if json.Unmarshal(file[section], &cases) != nil {
			continue
		}
		for n, c := range cases {
			object, old, ok := c.objects(section)
			if !ok {
				continue
			}
			ran++
			t.Run(section+"/"+c.name(n), func(t *testing.T) {
				findings, err := ValidateObject(object, old, "")
				c.compare(t, findings, err)
			})
		}
	}
	if ran < 70 {
		t.Error("only", ran, "cases")
	}
}

func TestSyntax(t *testing.T) {
	type lists struct {
		Valid, Invalid []any
		NonCanonical   map[string]string
	}
	type levels struct {
		Value                      string
		Canonical, Strict, Lenient bool
	}
	forms := map[string]string{
		"rfc1123Label": "rfc1123-label", "rfc1123Subdomain": "rfc1123-subdomain", "rfc1035Label": "rfc1035-label",
		"wildcardSubdomain": "wildcard-subdomain", "portName": "port-name", "portNumber": "port-number",
		"labelKeyOrQualifiedName": "label-key", "labelValue": "label-value",
		"fullyQualifiedDomain": "fully-qualified-domain", "domainPrefixedPath": "domain-prefixed-path",
		"interfaceAddress": "interface-address",
	}
	check := func(form, value string, want bool) {
		t.Run(fmt.Sprintf("%s/%q", form, value), func(t *testing.T) {
			findings, err := CheckSyntax(form, value)
			if (err == nil) != want || (err != nil && !errors.Is(err, Refused)) {
				t.Error(findings, err)
			}
		})
	}
	var file map[string]json.RawMessage
	vectors(t, "syntax.json", &file)
	for section, form := range forms {
		var cases lists
		if err := json.Unmarshal(file[section], &cases); err != nil || len(cases.Valid) == 0 {
			t.Fatal(section, err)
		}
		for _, value := range cases.Valid {
			check(form, fmt.Sprint(value), true)
		}
		for _, value := range cases.Invalid {
			check(form, fmt.Sprint(value), false)
		}
		for value, canonical := range cases.NonCanonical {
			check(form, value, false)
			check(form, canonical, true)
		}
	}
	for _, section := range []string{"ip", "cidr"} {
		var cases []levels
		if err := json.Unmarshal(file[section], &cases); err != nil || len(cases) == 0 {
			t.Fatal(section, err)
		}
		for _, c := range cases {
			check(section+"-canonical", c.Value, c.Canonical)
			check(section+"-strict", c.Value, c.Strict)
			check(section+"-lenient", c.Value, c.Lenient)
		}
	}
}

func TestSelectorVectors(t *testing.T) {
	type selectorCase struct {
		Selector, Canonical string
		Text                string
		LabelSelector       json.RawMessage
		Valid, Match        bool
		Labels, Set         map[string]string
	}
	var file map[string]json.RawMessage
	vectors(t, "selectors.json", &file)
	ran := map[string]int{}
	for _, section := range []string{"parse", "ownParse", "match", "ownMatch", "matchSet", "labelSelectorAsSelector"} {
		var cases []selectorCase
		if err := json.Unmarshal(file[section], &cases); err != nil || len(cases) == 0 {
			t.Fatal(section, err)
		}
		for n, c := range cases {
			// A NUL byte ends a text for the reference; here it is refused.
			if strings.ContainsRune(c.Selector, 0) {
				continue
			}
			ran[section]++
			t.Run(fmt.Sprintf("%s/%d", section, n), func(t *testing.T) {
				switch section {
				case "parse", "ownParse":
					selector, findings, err := ParseSelector(c.Selector)
					if (err == nil) != c.Valid || (err != nil) != (len(findings) > 0) {
						t.Fatal(findings, err)
					}
					if err == nil && c.Canonical != "" && selector.String() != c.Canonical {
						t.Errorf("%q, wanted %q", selector.String(), c.Canonical)
					}
				case "match", "ownMatch":
					selector, findings, err := ParseSelector(c.Selector)
					matchesAre(t, selector, findings, err, c.Labels, c.Match)
				case "matchSet":
					set, _ := json.Marshal(map[string]any{"matchLabels": c.Set})
					selector, findings, err := ParseLabelSelector(set)
					matchesAre(t, selector, findings, err, c.Labels, c.Match)
				case "labelSelectorAsSelector":
					var written []byte
					if string(c.LabelSelector) != "null" {
						written = c.LabelSelector
					}
					if _, findings, err := ParseLabelSelector(written); (err == nil) != c.Valid {
						t.Error(findings, err)
					}
				}
			})
		}
	}
	if ran["parse"] < 25 || ran["match"] < 10 {
		t.Error(ran)
	}
}

func matchesAre(t *testing.T, selector *Selector, findings Findings, err error, labels map[string]string, want bool) {
	t.Helper()
	if err != nil {
		t.Fatal(findings, err)
	}
	made, err := NewLabels(labels)
	if err != nil {
		t.Fatal(err)
	}
	if matches, err := selector.Matches(made); matches != want || err != nil {
		t.Errorf("%v: %v (%v)", labels, matches, err)
	}
}
