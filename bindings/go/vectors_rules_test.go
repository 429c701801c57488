package svckit

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// draws is how many addresses or ports are drawn from a range: all of a small one, some of a large one.
const draws = 1024

func runAllocatorBands(t *testing.T, f face, document value) {
	for _, c := range document.get("clusterIP").list() {
		t.Run(c.text("cidr"), func(t *testing.T) { addressBands(t, f, c) })
	}
	for _, c := range document.get("nodePort").list() {
		ends := c.get("range")
		first, _ := ends.at(0).number()
		last, _ := ends.at(1).number()
		text := fmt.Sprintf("%d-%d", int(first), int(last))
		t.Run(text, func(t *testing.T) { portBands(t, f, c, text) })
	}
}

func addressBands(t *testing.T, f face, c value) {
	came := f.ask(asked{Call: "address-range", Value: c.text("cidr")})
	if came.Status != 0 {
		t.Fatal(came.Status)
	}
	usable, static := uint64(c.int("usable")), uint64(c.int("offset"))
	if came.Numbers["usable"] != usable || came.Numbers["static"] != static {
		t.Errorf("came %v, wanted %d and %d", came.Numbers, usable, static)
	}
	first := came.Addresses["dynamicFirst"]
	if static > 0 {
		first = came.Addresses["staticFirst"]
	}
	for name, address := range map[string]string{
		"network": came.Addresses["network"], "broadcast": came.Addresses["broadcast"], "first": first,
		"last": came.Addresses["dynamicLast"],
	} {
		if c.has(name) && c.text(name) != address {
			t.Errorf("%s is %s, wanted %s", name, address, c.text(name))
		}
	}
	for _, band := range []string{"static", "dynamic"} {
		if c.has(band) && !slices.Equal(c.get(band).texts(), []string{came.Addresses[band+"First"], came.Addresses[band+"Last"]}) {
			t.Errorf("%s is %v", band, came.Addresses)
		}
	}
	// Draws come from the dynamic band as long as it lasts, and never are its ends.
	drawn := f.ask(asked{Call: "draw-addresses", Value: c.text("cidr"), Cap: draws})
	want := min(usable, draws)
	if uint64(len(drawn.Endpoints)) != want || (usable < draws) != (drawn.Status == Exhausted) {
		t.Fatalf("%d draws (%v)", len(drawn.Endpoints), drawn.Status)
	}
	for n, text := range drawn.Endpoints {
		band := "dynamic"
		if uint64(n) >= usable-static {
			band = "static"
		}
		address := netip.MustParseAddr(text)
		if address.Less(netip.MustParseAddr(came.Addresses[band+"First"])) ||
			netip.MustParseAddr(came.Addresses[band+"Last"]).Less(address) {
			t.Fatalf("draw %d is %s", n, text)
		}
	}
}

func portBands(t *testing.T, f face, c value, text string) {
	came := f.ask(asked{Call: "port-range", Value: text})
	if came.Status != 0 {
		t.Fatal(came.Status)
	}
	size, static := uint64(c.int("size")), uint64(c.int("offset"))
	if came.Numbers["size"] != size || came.Numbers["static"] != static {
		t.Errorf("came %v, wanted %d and %d", came.Numbers, size, static)
	}
	for _, band := range []string{"static", "dynamic"} {
		ends := c.get(band)
		first, _ := ends.at(0).number()
		last, _ := ends.at(1).number()
		if c.has(band) && (came.Numbers[band+"First"] != uint64(first) || came.Numbers[band+"Last"] != uint64(last)) {
			t.Errorf("%s is %v, wanted %v", band, came.Numbers, ends)
		}
	}
	drawn := f.ask(asked{Call: "draw-ports", Value: text, Cap: draws})
	if uint64(len(drawn.Counts)) != min(size, draws) || (size < draws) != (drawn.Status == Exhausted) {
		t.Fatalf("%d draws (%v)", len(drawn.Counts), drawn.Status)
	}
	for n, port := range drawn.Counts {
		dynamic := uint64(port) >= came.Numbers["dynamicFirst"] && uint64(port) <= came.Numbers["dynamicLast"]
		if dynamic != (uint64(n) < size-static) {
			t.Fatalf("draw %d is %d", n, port)
		}
	}
}

// compare checks findings against everything that a validation case says; warnings refuse nothing and don't count.
func compareFindings(t *testing.T, c value, came told, only ...string) {
	t.Helper()
	if came.Status != 0 && came.Status != Refused {
		t.Fatal(came.Status)
	}
	var pairs []string
	for _, each := range came.Findings {
		if each.Refused && (len(only) == 0 || slices.Contains(only, each.Path)) {
			pairs = append(pairs, FindingKind(each.Kind).String()+" "+each.Path)
		}
	}
	if !c.has("valid") {
		t.Fatal("the case does not say whether it is valid")
	}
	if count, ok := c.get("errorCount").number(); c.is("valid") != (len(pairs) == 0) || (ok && int(count) != len(pairs)) {
		t.Fatalf("came %v, wanted %s", pairs, c.raw())
	}
	var wanted []string
	if c.has("errors") {
		for _, each := range c.get("errors").list() {
			wanted = append(wanted, each.text("type")+" "+each.text("field"))
		}
	} else {
		// Only paths, each of which may have several errors.
		switch {
		case c.has("fields"):
			wanted = c.get("fields").texts()
		case c.has("field"):
			wanted = []string{c.text("field")}
		default:
			return
		}
		for i := range pairs {
			_, pairs[i], _ = strings.Cut(pairs[i], " ")
		}
		slices.Sort(pairs)
		pairs = slices.Compact(pairs)
		slices.Sort(wanted)
		wanted = slices.Compact(wanted)
	}
	slices.Sort(pairs)
	slices.Sort(wanted)
	if !slices.Equal(pairs, wanted) {
		t.Errorf("came %v, wanted %v", pairs, wanted)
	}
}

// caseName is a case's id, or its description, or its number.
func caseName(section string, n int, c value) string {
	if id := c.text("id"); id != "" {
		return section + "/" + id
	}
	return fmt.Sprintf("%s/%d %s", section, n, c.text("description"))
}

// described are the fields of a vector file that are no sections.
var described = []string{"kind", "schema", "about", "source"}

// eachCase runs the cases of all sections; a section that nobody knows fails.
func eachCase(t *testing.T, document value, run func(section string) func(*testing.T, value)) {
	for section, cases := range document.fields() {
		if slices.Contains(described, section) {
			continue
		}
		one := run(section)
		if one == nil {
			t.Errorf("there is no section %s", section)
			continue
		}
		for n, c := range cases.list() {
			t.Run(caseName(section, n, c), func(t *testing.T) { one(t, c) })
		}
	}
}

func runServiceValidation(t *testing.T, f face, document value) {
	eachCase(t, document, func(section string) func(*testing.T, value) {
		if !slices.Contains([]string{"create", "externalTrafficPolicy", "update"}, section) {
			return nil
		}
		return func(t *testing.T, c value) {
			gates := map[string]bool{
				"StrictIPCIDRValidation": true, "RelaxedServiceNameValidation": false,
				"PreferSameTrafficDistribution": section == "update",
			}
			for name := range c.get("gates").fields() {
				gates[name] = c.get("gates").is(name)
			}
			var pairs []string
			for _, name := range slices.Sorted(maps.Keys(gates)) {
				pairs = append(pairs, fmt.Sprintf("%s=%v", name, gates[name]))
			}
			q := asked{Call: "validate", Object: typed("v1", "Service", c.get("object")), Gates: strings.Join(pairs, ",")}
			if section == "update" {
				q.Object, q.Old = typed("v1", "Service", c.get("new")), typed("v1", "Service", c.get("old"))
			}
			var only []string
			if section == "externalTrafficPolicy" {
				only = []string{"spec.externalTrafficPolicy", "spec.healthCheckNodePort"}
			}
			compareFindings(t, c, f.ask(q), only...)
		}
	})
}

// typed is an object with version and kind.
func typed(version, kind string, v value) []byte {
	fields, _ := v.any.(object)
	all := maps.Clone(fields)
	if all == nil {
		all = object{}
	}
	all["apiVersion"], all["kind"] = version, kind
	return written(all)
}

const networking = "networking.k8s.io/v1"

// versioned is an Ingress of the version that the case names; paths and tolerance depend on it.
func versioned(c value, key string) []byte {
	version := networking
	if api := c.text("api"); api != "" {
		version = "networking.k8s.io/" + api
	}
	return typed(version, "Ingress", c.get(key))
}

func classOf(c value) []byte {
	name := c.text("name")
	if name == "" {
		name = "test123"
	}
	spec := object{"controller": c.text("controller"), "parameters": c.get("parameters").any}
	return typed(networking, "IngressClass", value{object{
		"metadata": object{"name": name, "resourceVersion": "1"}, "spec": spec,
	}})
}

func rangesOf(cidrs value) []byte {
	return typed(networking, "ServiceCIDR", value{object{
		"metadata": object{"name": "test-name", "resourceVersion": "1"}, "spec": object{"cidrs": cidrs.any},
	}})
}

func runOtherValidation(t *testing.T, f face, document value) {
	update := func(make func(c value, key string) []byte) func(*testing.T, value) {
		return func(t *testing.T, c value) {
			compareFindings(t, c, f.ask(asked{Call: "validate", Object: make(c, "new"), Old: make(c, "old")}))
		}
	}
	one := func(make func(c value) []byte) func(*testing.T, value) {
		return func(t *testing.T, c value) {
			compareFindings(t, c, f.ask(asked{Call: "validate", Object: make(c)}))
		}
	}
	slice := func(c value, key string) []byte { return typed("discovery.k8s.io/v1", "EndpointSlice", c.get(key)) }
	ingress := one(func(c value) []byte { return versioned(c, "object") })
	sections := map[string]func(*testing.T, value){
		"endpointSlice": func(t *testing.T, c value) {
			expanded := value{expand(t, c)}
			compareFindings(t, c, f.ask(asked{Call: "validate", Object: typed("discovery.k8s.io/v1", "EndpointSlice", expanded)}))
		},
		"endpointSliceUpdate": update(slice),
		"ingress":             ingress,
		"ingressCreate":       ingress,
		"ingressTLS":          ingress,
		"ingressUpdate":       update(versioned),
		"ingressPath":         one(ingressWithPath),
		"ingressStatus": func(t *testing.T, c value) {
			status := func(addresses any) []byte {
				return typed(networking, "Ingress", value{object{
					"metadata": object{"name": "web", "namespace": "shop", "resourceVersion": "1"},
					"status":   object{"loadBalancer": object{"ingress": addresses}},
				}})
			}
			compareFindings(t, c, f.ask(asked{
				Call: "validate-status", Object: status(c.get("ingress").any), Old: status([]any{}),
			}))
		},
		"ingressClass":       one(classOf),
		"ingressClassUpdate": update(func(c value, key string) []byte { return classOf(c.get(key)) }),
		"ipAddress": one(func(c value) []byte {
			return typed(networking, "IPAddress", value{object{
				"metadata": object{"name": c.text("name")}, "spec": object{"parentRef": c.get("parentRef").any},
			}})
		}),
		"ipAddressUpdate":   update(changedAddress),
		"serviceCIDR":       one(func(c value) []byte { return rangesOf(c.get("cidrs")) }),
		"serviceCIDRUpdate": update(func(c value, key string) []byte { return rangesOf(c.get(key)) }),
	}
	eachCase(t, document, func(section string) func(*testing.T, value) { return sections[section] })
}

func ingressWithPath(c value) []byte {
	path := object{
		"path": c.text("path"), "pathType": c.text("pathType"),
		"backend": object{"service": object{"name": "web", "port": object{"number": 80}}},
	}
	return typed(networking, "Ingress", value{object{
		"metadata": object{"name": "web", "namespace": "shop"},
		"spec": object{"rules": []any{object{
			"host": "example.com", "http": object{"paths": []any{path}},
		}}},
	}})
}

// changedAddress is an IPAddress, of which the new form has one field changed.
func changedAddress(c value, key string) []byte {
	parent := object{"group": "", "resource": "services", "name": "foo", "namespace": "bar"}
	spec := object{"parentRef": parent}
	metadata := object{"name": "192.168.1.1", "resourceVersion": "1"}
	change := c.text("change")
	if key == "new" && !slices.Contains([]string{"", "none", "nothing"}, change) {
		if change == "parentRef" {
			spec["parentRef"] = nil
		} else if field, ok := strings.CutPrefix(change, "parentRef."); ok {
			parent[field] = "other"
		} else if field, ok := strings.CutPrefix(change, "metadata."); ok {
			metadata[field] = "other"
		}
	}
	return typed(networking, "IPAddress", value{object{"metadata": metadata, "spec": spec}})
}

// expand is the object of a case, with the lists that the case only counts.
func expand(t *testing.T, c value) object {
	slice := object{}
	maps.Copy(slice, c.get("object").any.(object))
	for list, count := range c.get("expand").fields() {
		n, _ := count.number()
		var items []any
		fields := object{}
		for i := range int(n) {
			address := fmt.Sprintf("10.1.2.%d", i%255)
			switch list {
			case "endpoints":
				items = append(items, object{"addresses": []any{address}})
			case "addresses":
				items = append(items, address)
			case "ports":
				items = append(items, object{"name": fmt.Sprintf("http-%d", i), "protocol": "TCP"})
			case "deprecatedTopology":
				fields[fmt.Sprintf("topology-%d", i)] = "example"
			default:
				t.Fatal("can't expand", list)
			}
		}
		switch list {
		case "endpoints", "ports":
			slice[list] = items
		default:
			endpoints := slices.Clone(slice["endpoints"].([]any))
			first := maps.Clone(endpoints[0].(object))
			if first[list] = any(items); list == "deprecatedTopology" {
				first[list] = fields
			}
			endpoints[0] = first
			slice["endpoints"] = endpoints
		}
	}
	return slice
}

func runSyntax(t *testing.T, f face, document value) {
	forms := map[string]string{
		"rfc1123Label": "rfc1123-label", "rfc1123Subdomain": "rfc1123-subdomain", "rfc1035Label": "rfc1035-label",
		"wildcardSubdomain": "wildcard-subdomain", "portName": "port-name", "portNumber": "port-number",
		"labelKeyOrQualifiedName": "label-key", "labelValue": "label-value",
		"fullyQualifiedDomain": "fully-qualified-domain", "domainPrefixedPath": "domain-prefixed-path",
		"interfaceAddress": "interface-address",
	}
	check := func(form string, v value, want bool) {
		text := v.str()
		if number, ok := v.number(); ok {
			form, text = "port-number", strconv.FormatInt(int64(number), 10)
		}
		t.Run(fmt.Sprintf("%s/%q", form, text), func(t *testing.T) {
			came := f.ask(asked{Call: "syntax", Form: form, Value: text})
			if (came.Status == 0) != want || (came.Status != 0 && came.Status != Refused) {
				t.Error(came)
			}
		})
	}
	for section, content := range document.fields() {
		form, ok := forms[section]
		switch {
		case slices.Contains(described, section):
		case section == "ip" || section == "cidr":
			for _, c := range content.list() {
				for _, level := range []string{"canonical", "strict", "lenient"} {
					check(section+"-"+level, c.get("value"), c.is(level))
				}
			}
		case !ok:
			t.Errorf("there is no form %s", section)
		default:
			for _, v := range content.get("valid").list() {
				check(form, v, true)
			}
			for _, v := range content.get("invalid").list() {
				check(form, v, false)
			}
			for text, canonical := range content.get("nonCanonical").fields() {
				check(form, value{text}, false)
				check(form, canonical, true)
			}
		}
	}
}

func runFamilies(t *testing.T, f face, document value) {
	for n, c := range document.get("cases").list() {
		t.Run(fmt.Sprintf("%d %v %v %v %v %v", n, c.get("cluster"), c.get("clusterIPs"), c.get("selector"),
			c.get("ipFamilyPolicy"), c.get("ipFamilies")), func(t *testing.T) {
			spec := object{"clusterIPs": c.get("clusterIPs").any, "ipFamilies": c.get("ipFamilies").any}
			if first := c.get("clusterIPs").at(0); first.any != nil {
				spec["clusterIP"] = first.any
			}
			if c.has("ipFamilyPolicy") && c.get("ipFamilyPolicy").any != nil {
				spec["ipFamilyPolicy"] = c.get("ipFamilyPolicy").any
			}
			if c.is("selector") {
				spec["selector"] = object{"app": "web"}
			}
			came := inquire(t, f, "service-families", object{"families": c.get("cluster").any, "service": object{"spec": spec}})
			errs := came.get("errors").list()
			if c.is("ok") != (len(errs) == 0) {
				t.Fatalf("came %s, wanted %s", came.raw(), c.raw())
			}
			if !c.is("ok") {
				var paths, wanted []string
				for _, each := range errs {
					paths = append(paths, each.text("path"))
				}
				for _, each := range c.get("errors").list() {
					wanted = append(wanted, each.text("field"))
				}
				slices.Sort(paths)
				slices.Sort(wanted)
				if !slices.Equal(paths, wanted) {
					t.Errorf("came %v, wanted %v", paths, wanted)
				}
				return
			}
			filled := came.get("service").get("spec")
			if filled.text("ipFamilyPolicy") != c.text("resultPolicy") ||
				!slices.Equal(filled.get("ipFamilies").texts(), c.get("resultFamilies").texts()) {
				t.Errorf("came %s, wanted %s", filled.raw(), c.raw())
			}
		})
	}
}

func runTopology(t *testing.T, f face, document value) {
	for _, section := range []string{"cases", "derived"} {
		for _, c := range document.get(section).list() {
			t.Run(c.text("id"), func(t *testing.T) { topology(t, f, c.get("input"), c.get("expect")) })
		}
	}
}

func topology(t *testing.T, f face, input, expect value) {
	endpoints := []object{}
	for _, e := range input.get("endpoints").list() {
		hints := func(key string) []string { return append([]string{}, e.get(key).texts()...) }
		endpoints = append(endpoints, object{
			"addr": e.text("addr"), "local": e.is("local"), "ready": e.is("ready"), "serving": e.is("serving"),
			"terminating": e.is("terminating"), "zoneHints": hints("zone_hints"), "nodeHints": hints("node_hints"),
		})
	}
	service := input.get("service")
	came := inquire(t, f, "topology", object{
		"node": input.text("node_name"), "zone": input.text("node_zone"), "nodeHints": input.is("node_hints_enabled"),
		"internal": service.text("internal_policy"), "external": service.text("external_policy"),
		"exposed": service.is("externally_accessible"), "endpoints": endpoints,
	})
	for mine, theirs := range map[string]string{"cluster": "cluster", "local": "local", "reachable": "all_reachable"} {
		a, b := came.get(mine).texts(), expect.get(theirs).texts()
		slices.Sort(a)
		slices.Sort(b)
		if !slices.Equal(a, b) {
			t.Errorf("%s: came %v, wanted %v", mine, a, b)
		}
	}
	if came.is("hasAny") != expect.is("has_any_endpoints") || came.text("hints") != expect.text("hint_mode") {
		t.Errorf("came %s, wanted %s", came.raw(), expect.raw())
	}
}
