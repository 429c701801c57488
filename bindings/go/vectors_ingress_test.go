package svckit

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// runIngressPaths: which path and which host take a request, and what nginx makes of a path.
func runIngressPaths(t *testing.T, f face, document value) {
	each := func(section string, run func(*testing.T, value)) {
		for n, c := range document.get(section).list() {
			t.Run(caseName(section, n, c), func(t *testing.T) { run(t, c) })
		}
	}
	each("cases", func(t *testing.T, c value) {
		var paths [][2]string
		for _, path := range c.get("paths").list() {
			paths = append(paths, [2]string{path.text("path"), path.text("pathType")})
		}
		makeRoutes(t, f, rule("", paths...))
		came := taking(t, f, "any.example", c.text("request"))
		same(t, "match", came, c.get("expected_match").any)
	})
	each("host_cases", func(t *testing.T, c value) {
		makeRoutes(t, f, rule(c.text("rule_host"), [2]string{"/", "Prefix"}))
		came := f.ask(asked{Call: "route", Method: "GET", Target: "/", Hosts: []string{c.text("request_host")}})
		if code := c.int("reject"); code != 0 {
			same(t, "refused", came.Code, code)
			return
		}
		same(t, "match", RouteAction(came.Action) == RouteResource, c.is("match"))
	})
	each("host_precedence_cases", func(t *testing.T, c value) {
		var rules []object
		for _, text := range c.get("rules").texts() {
			host, words, found := strings.Cut(text, " (")
			if !found {
				words = "/)"
			}
			var paths [][2]string
			for word := range strings.FieldsSeq(strings.TrimRight(words, ")")) {
				if strings.HasPrefix(word, "/") {
					paths = append(paths, [2]string{strings.TrimRight(word, ","), "Prefix"})
				}
			}
			rules = append(rules, rule(host, paths...))
		}
		makeRoutes(t, f, rules...)
		target := c.text("request_path")
		if target == "" {
			target = "/"
		}
		told := f.ask(asked{Call: "explain", Method: "GET", Target: target, Hosts: []string{c.text("request_host")}})
		explanation := parse(t, told.Answer)
		var came any
		if explanation.text("outcome") == "route" {
			came = explanation.get("candidates").at(0).get("host").any
		}
		wanted := c.get("expected").any
		if strings.HasPrefix(c.text("expected"), "default backend") {
			wanted = nil
		}
		same(t, "host", came, wanted)
	})
	each("path_normalisation_nginx_measured", func(t *testing.T, c value) {
		came := inquire(t, f, "nginx-uri", object{"target": c.text("raw")}).get("uri")
		same(t, "uri", came.any, c.get("nginx_uri").any)
		same(t, "refused", came.any == nil, c.int("nginx_status") == 400)
	})
}

// rule is a rule whose paths lead to an object that nobody has to have.
func rule(host string, paths ...[2]string) object {
	var all []object
	for _, path := range paths {
		made := object{"pathType": path[1], "backend": object{
			"resource": object{"apiGroup": "example.com", "kind": "Bucket", "name": "any"},
		}}
		if made["path"] = path[0]; path[0] == "" {
			// What is ImplementationSpecific may leave its path out; others would be refused.
			made["path"] = "/"
		}
		all = append(all, made)
	}
	made := object{"http": object{"paths": all}}
	if host != "" {
		made["host"] = strings.ToLower(host)
	}
	return made
}

// makeRoutes makes the routes of one Ingress with these rules.
func makeRoutes(t *testing.T, f face, rules ...object) {
	t.Helper()
	ingress := object{
		"apiVersion": networking, "kind": "Ingress", "metadata": object{"name": "case", "namespace": "conform"},
		"spec": object{"rules": rules},
	}
	if made := f.ask(asked{Call: "cluster", Objects: written(ingress)}); made.Status != 0 {
		t.Fatal(made)
	}
}

// taking is the path and type of the rule that takes a request; nil for none.
func taking(t *testing.T, f face, host, target string) any {
	t.Helper()
	method := "GET"
	if target == "*" {
		method = "OPTIONS"
	}
	told := f.ask(asked{Call: "explain", Method: method, Target: target, Hosts: []string{host}})
	explanation := parse(t, told.Answer)
	if told.Status != 0 || explanation.text("outcome") != "route" {
		return nil
	}
	first := explanation.get("candidates").at(0)
	return object{"path": first.text("path"), "pathType": first.text("pathType")}
}

// runIngressConformance asks for decisions; who serves them is up to the program. What an expectation says about headers
// of answers, and about what goes over the wire, is that program's.
func runIngressConformance(t *testing.T, f face, document value) {
	class := object{
		"apiVersion": networking, "kind": "IngressClass", "spec": object{"controller": "svckit.example/conform"},
		"metadata": object{
			"name": "conformance", "annotations": object{"ingressclass.kubernetes.io/is-default-class": "true"},
		},
	}
	for n, c := range document.get("scenarios").list() {
		t.Run(caseName("scenarios", n, c), func(t *testing.T) {
			objects := []object{class}
			for _, service := range document.get("services").list() {
				objects = append(objects, object{
					"apiVersion": "v1", "kind": "Service", "spec": object{"ports": service.get("ports").any},
					"metadata": object{"name": service.text("name"), "namespace": service.text("namespace")},
				})
			}
			var ingresses []value
			for _, name := range c.get("ingresses").texts() {
				ingress := document.get("objects").get(name)
				ingresses = append(ingresses, ingress)
				objects = append(objects, ingress.any.(object))
			}
			made := f.ask(asked{Call: "cluster", Settings: written(object{"serviceCIDRs": "10.96.0.0/16"}), Objects: listOf(objects)})
			if made.Status != 0 {
				t.Fatal(made)
			}
			playScenario(t, f, c, ingresses)
		})
	}
}

func playScenario(t *testing.T, f face, c value, ingresses []value) {
	expect := c.get("expect")
	if expect.has("routes_served") {
		served := false
		for _, ingress := range ingresses {
			for _, rule := range ingress.get("spec").get("rules").list() {
				for _, path := range rule.get("http").get("paths").list() {
					came := f.ask(asked{Call: "route", Method: "GET", Target: path.text("path"), Hosts: []string{rule.text("host")}})
					served = served || came.Code != 404
				}
			}
		}
		same(t, "routes_served", served, expect.is("routes_served"))
	}
	request := c.get("request")
	if request.any == nil {
		return
	}
	host := request.text("host")
	if host == "" {
		host = "192.0.2.1"
	}
	came := f.ask(asked{
		Call: "route", Method: request.text("method"), Target: request.text("path"), Hosts: []string{host},
		Headers: headersOf(request),
	})
	status := came.Code
	if RouteAction(came.Action) == RouteForward {
		status = 200
	}
	if wanted := expect.int("status"); came.Status != 0 || (wanted != 0 && status != wanted) {
		t.Errorf("came %+v, wanted %s", came, expect.raw())
	}
	if service := expect.text("service"); service != "" {
		_, name, _ := strings.Cut(came.Service, "/")
		same(t, "service", name, service)
	}
	if sees := expect.get("backend_sees"); sees.has("path") {
		same(t, "path", came.Text, sees.text("path"))
	}
	if sees := expect.get("backend_sees"); sees.has("host") {
		same(t, "host", cmpOr(came.Host, host), sees.text("host"))
	}
}

func cmpOr(first, second string) string {
	if first != "" {
		return first
	}
	return second
}

// headersOf are a request's headers, by names in lower case and in order.
func headersOf(request value) [][2]string {
	var all [][2]string
	headers := request.get("headers").fields()
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		all = append(all, [2]string{strings.ToLower(name), headers[name].str()})
	}
	return all
}

const infra = "gateway-conformance-infra"

// Objects are written without spec and metadata; they are put into the form of manifests.
func runGateway(t *testing.T, f face, document value) {
	for _, test := range document.get("tests").list() {
		t.Run(test.text("test"), func(t *testing.T) {
			gateways, objects := gatewayWorld(test)
			if made := f.ask(asked{Call: "gateways", Objects: listOf(objects)}); made.Status != 0 {
				t.Fatal(made)
			}
			for n, c := range test.get("cases").list() {
				t.Run(fmt.Sprint(n), func(t *testing.T) { playGateway(t, f, c, gateways) })
			}
		})
	}
}

// listener is a port of a Gateway, and whether it ends TLS.
type listener struct {
	namespace, name string
	port            uint16
	tls             bool
}

func gatewayWorld(test value) ([]listener, []object) {
	var listeners []listener
	var objects []object
	for _, version := range []string{"v1", "v2", "v3"} {
		objects = append(objects, object{
			"apiVersion": "v1", "kind": "Service", "metadata": object{"name": "infra-backend-" + version, "namespace": infra},
			"spec": object{"clusterIP": "10.96.0.1", "clusterIPs": []string{"10.96.0.1"}, "ports": []object{{"port": 8080}}},
		})
	}
	add := func(given value) {
		spec, metadata := object{}, object{}
		for key, field := range given.fields() {
			switch key {
			case "kind":
			case "name", "namespace", "creationTimestamp":
				metadata[key] = field.any
			default:
				spec[key] = field.any
			}
		}
		objects = append(objects, object{
			"apiVersion": "gateway.networking.k8s.io/v1", "kind": given.text("kind"), "metadata": metadata, "spec": spec,
		})
		if given.text("kind") != "Gateway" {
			return
		}
		for _, each := range given.get("listeners").list() {
			made := listener{given.text("namespace"), given.text("name"), uint16(each.int("port")), each.text("protocol") == "HTTPS"}
			if !slices.Contains(listeners, made) {
				listeners = append(listeners, made)
			}
		}
	}
	for _, given := range test.get("objects").list() {
		add(given)
	}
	if listeners == nil {
		add(value{object{
			"kind": "Gateway", "namespace": infra, "name": "same-namespace",
			"listeners": []any{object{"name": "http", "port": 80.0, "protocol": "HTTP"}},
		}})
	}
	return listeners, objects
}

func playGateway(t *testing.T, f face, c value, listeners []listener) {
	request := c.get("request")
	q := asked{
		Call: "gateway", Method: cmpOr(request.text("method"), "GET"), Target: cmpOr(request.text("path"), "/"),
		Hosts: []string{cmpOr(request.text("host"), "192.0.2.1")}, Headers: headersOf(request), ServerName: request.text("sni"),
	}
	// All Gateways of a test share one address: the first that has a route answers.
	var came *told
	for _, each := range listeners {
		if each.tls != (q.ServerName != "") {
			continue
		}
		q.Namespace, q.Name, q.Port = each.namespace, each.name, each.port
		if answer := f.ask(q); came == nil || (came.Code == 404 && answer.Code != 404) {
			came = &answer
		}
	}
	if came == nil || came.Status != 0 {
		t.Fatalf("came %+v", came)
	}
	compareGateway(t, came, c.get("expect"), q)
}

func compareGateway(t *testing.T, came *told, expect value, q asked) {
	forwards := RouteAction(came.Action) == RouteForward
	for key, wanted := range expect.fields() {
		switch key {
		case "status":
			status := came.Code
			if forwards {
				status = 200
			}
			same(t, key, status, wanted.any)
		case "backend":
			_, name, _ := strings.Cut(came.Service, "/")
			same(t, key, forwards, true)
			same(t, key, name, wanted.any)
		case "backend_sees":
			backendSees(t, came, wanted, q)
		case "redirect":
			redirected(t, came.Text, wanted)
		case "response_headers", "response_absent_headers":
			response(t, came, expect)
		default:
			t.Errorf("expect.%s can't be read", key)
		}
	}
}

func backendSees(t *testing.T, came *told, wanted value, q asked) {
	headers := changed(q.Headers, came.Changes, false)
	for key, wanted := range wanted.fields() {
		switch key {
		case "path":
			same(t, key, came.Text, wanted.any)
		case "host":
			same(t, key, came.Host, wanted.any)
		case "headers":
			have(t, headers, wanted)
		case "absent_headers":
			lack(t, headers, wanted)
		default:
			t.Errorf("backend_sees.%s can't be read", key)
		}
	}
}

// changed is headers after changes.
func changed(headers [][2]string, changes []toldChange, response bool) [][2]string {
	headers = slices.Clone(headers)
	for _, change := range changes {
		if change.Response != response {
			continue
		}
		if HeaderOperation(change.Operation) != HeaderAdd {
			headers = slices.DeleteFunc(headers, func(each [2]string) bool { return strings.EqualFold(each[0], change.Name) })
		}
		if HeaderOperation(change.Operation) != HeaderRemove {
			headers = append(headers, [2]string{change.Name, change.Value})
		}
	}
	return headers
}

// What a pod answered before headers were changed is not told, so it is taken to be what the expectation leaves room
// for: each header that is added to was there already with the rest of its value, what shall be gone was there.
func response(t *testing.T, came *told, expect value) {
	added, set := map[string]string{}, map[string]bool{}
	for _, change := range came.Changes {
		name := strings.ToLower(change.Name)
		switch _, known := added[name]; {
		case !change.Response:
		case HeaderOperation(change.Operation) == HeaderAdd && !known:
			added[name] = change.Value
		case HeaderOperation(change.Operation) == HeaderSet:
			set[name] = true
		}
	}
	var headers [][2]string
	for name, wanted := range expect.get("response_headers").fields() {
		before := wanted.str()
		if value, ok := added[strings.ToLower(name)]; ok {
			rest, fits := strings.CutSuffix(before, value)
			if before = strings.TrimRight(rest, ","); !fits {
				before = ""
			}
		} else if set[strings.ToLower(name)] {
			before = "before"
		}
		if before != "" {
			headers = append(headers, [2]string{name, before})
		}
	}
	for _, name := range expect.get("response_absent_headers").texts() {
		headers = append(headers, [2]string{name, "there"})
	}
	headers = changed(headers, came.Changes, true)
	have(t, headers, expect.get("response_headers"))
	lack(t, headers, expect.get("response_absent_headers"))
}

// have compares headers with their values; several of one name are one list.
func have(t *testing.T, headers [][2]string, wanted value) {
	for name, wanted := range wanted.fields() {
		var values []string
		for _, each := range headers {
			if strings.EqualFold(each[0], name) {
				values = append(values, each[1])
			}
		}
		same(t, name, strings.Join(values, ","), wanted.any)
	}
}

func lack(t *testing.T, headers [][2]string, gone value) {
	for _, name := range gone.texts() {
		if slices.ContainsFunc(headers, func(each [2]string) bool { return strings.EqualFold(each[0], name) }) {
			t.Errorf("%s is still there", name)
		}
	}
}

// redirected compares parts of Location.
func redirected(t *testing.T, location string, wanted value) {
	scheme, rest, _ := strings.Cut(location, "://")
	authority, path := rest, ""
	if at := strings.IndexByte(rest, '/'); at >= 0 {
		authority, path = rest[:at], rest[at:]
	}
	host, port, _ := strings.Cut(authority, ":")
	parts := map[string]string{"scheme": scheme, "host": host, "port": port, "path": path}
	for key, wanted := range wanted.fields() {
		came, ok := parts[key]
		if !ok {
			t.Errorf("redirect.%s can't be read", key)
		}
		same(t, key, came, wanted.any)
	}
}
