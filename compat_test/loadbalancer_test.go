package compat_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sioemit/sioemit/internal/harness"
)

// balancer is a row: a load balancer, as examples/cluster sets it up.
type balancer struct {
	name   string // of the subtest
	title  string // for people
	file   string // in examples/cluster
	sticky string // by what, for docs/load-balancers.md
	npm    string // the npm package that makes it sticky; "" for a server from Debian

	// Servers from Debian only.
	command []string // %CONF% is the configuration, %DIR% a temporary folder
	version []string // prints the version
	marks   []string // the lines that make it sticky start so
	cookies bool     // clients have to keep cookies

	// loses tells why a client may have to connect twice, or "".
	loses string
}

const debianPackages = "nginx apache2 haproxy"

var balancers = []balancer{
	{
		name: "nginx", title: "nginx", file: "nginx.conf", sticky: "the client's address (`ip_hash`)",
		command: []string{"nginx", "-p", "%DIR%/", "-c", "%CONF%", "-e", "stderr", "-g", "daemon off; pid %DIR%/nginx.pid;"},
		version: []string{"nginx", "-v"},
		marks:   []string{"ip_hash;"},
	},
	{
		name: "httpd", title: "Apache httpd", file: "httpd.conf", sticky: "a cookie (mod_proxy_balancer)",
		command: []string{"apache2", "-DFOREGROUND", "-f", "%CONF%",
			"-C", "DefaultRuntimeDir %DIR%", "-c", "PidFile %DIR%/httpd.pid"},
		version: []string{"apache2", "-v"},
		marks:   []string{"ProxySet stickysession=", "ProxySet stickysession="},
		cookies: true,
	},
	{
		name: "haproxy", title: "HAProxy", file: "haproxy.cfg", sticky: "a cookie (`cookie insert`)",
		command: []string{"haproxy", "-db", "-f", "%CONF%"},
		version: []string{"haproxy", "-v"},
		marks:   []string{"cookie SERVERID insert"},
		cookies: true,
	},
	{
		name: "node-cluster-sticky", title: "Node's cluster", file: "node-cluster-sticky.js",
		sticky: "the session id", npm: "@socket.io/sticky",
		loses: "@socket.io/sticky 2.0.1 may lose what a client sends while its connection is handed over",
	},
	{
		name: "node-cluster-sticky-session", title: "Node's cluster", file: "node-cluster-sticky-session.js",
		sticky: "the client's address", npm: "sticky-session",
	},
	{
		name: "node-cluster-socketio-sticky-session", title: "Node's cluster",
		file: "node-cluster-socketio-sticky-session.js", sticky: "the client's address", npm: "socketio-sticky-session",
	},
}

// TestLoadBalancers puts three Socket.IO nodes behind each load balancer, connects clients through it and emits to
// them. Then it takes away what makes the load balancer sticky and sees polling fail.
func TestLoadBalancers(t *testing.T) {
	harness.NeedServers(t)
	var rows []string
	keep := func(row string) { rows = append(rows, row) }

	t.Run("debian", func(t *testing.T) {
		r := startRedis(t)
		nodes := startNodes(t, r)
		for _, b := range balancers {
			if b.npm == "" {
				t.Run(b.name, func(t *testing.T) { keep(b.runDebian(t, r, nodes)) })
			}
		}
		t.Run("haproxy-prefix", func(t *testing.T) { runPrefix(t, r, nodes) })
		t.Run("nginx-hash", func(t *testing.T) { runHash(t, nodes) })
	})
	for _, b := range balancers {
		if b.npm != "" {
			t.Run(b.name, func(t *testing.T) { keep(b.runNode(t)) })
		}
	}
	t.Run("node-cluster-socketio-sticky-session-proxy", func(t *testing.T) { keep(runForwardedFor(t)) })
	t.Run("node-cluster-without-sticky", func(t *testing.T) { keep(runWithoutSticky(t)) })

	switch want := len(balancers) + 2; {
	case t.Failed():
	case len(rows) == want:
		checkBalancersPage(t, rows)
	case *update || !filtered():
		t.Errorf("%d rows of %d were seen, so the page is not compared or written", len(rows), want)
	}
}

// runDebian tests nginx, httpd or HAProxy, and returns the row for the documentation.
func (b balancer) runDebian(t *testing.T, r *harness.Redis, nodes []int) string {
	version := serverVersion(t, b.version)
	text := readExample(t, b.file)
	p := b.startDebian(t, text, nodes)
	checkSticky(t, p.URL)
	seen := checkEvents(t, r, b, p.URL)

	without := b.startDebian(t, removeLines(t, b.file, text, b.marks), nodes)
	checkNotSticky(t, without.URL)

	lbReport("%s %s, %s, sticky by %s: %s; without it, polling fails: HTTP 400 Session ID unknown",
		b.title, version, b.file, b.sticky, seen)
	return docRow(b.title, b.file, b.sticky, lbWorks, lbFails)
}

// runPrefix backs what docs/load-balancers.md says about "cookie io prefix", which many set-ups have: with a server
// that sets no such cookie, as it is by default since version 3, HAProxy is not sticky. With cookie: true it is.
func runPrefix(t *testing.T, r *harness.Redis, nodes []int) {
	b := balancerOf(t, "haproxy")
	text := replaceLine(t, b.file, "cookie SERVERID insert indirect nocache httponly\n", "cookie io prefix indirect nocache\n")
	checkNotSticky(t, b.startDebian(t, text, nodes).URL)

	setting := make([]int, len(nodes))
	for i := range setting {
		setting[i] = harness.NodeFor(t, harness.NodeConfig{
			Server: harness.V4.Server, Adapter: harness.RedisAdapter8.With("key", "with cookies"), Redis: r.Conn(), Options: map[string]any{"cookie": true},
		}).Port
	}
	// These nodes have no /health.
	text = removeLines(t, b.file, text, []string{"option httpchk", "http-check expect"})
	checkSticky(t, b.startDebian(t, text, setting).URL)
	lbReport(`HAProxy with "cookie io prefix" instead of "cookie SERVERID insert": polling fails: HTTP 400 Session ID unknown; ` +
		"with the server's option cookie: true it is sticky")
}

// runHash backs what docs/load-balancers.md says about addresses: clients whose addresses differ in the fourth number
// alone share a node with nginx's ip_hash, and do not with hash $remote_addr.
func runHash(t *testing.T, nodes []int) {
	b := balancerOf(t, "nginx")
	const hash = "hash $remote_addr consistent;\n"
	ipHash := b.startDebian(t, readExample(t, b.file), nodes).URL
	address := b.startDebian(t, replaceLine(t, b.file, "ip_hash;\n", hash), nodes).URL
	checkSticky(t, address)
	clients := harness.ClientsFor(t, harness.V4)
	reached := func(url string) int {
		seen := make(map[string]bool)
		for i := range 20 {
			c, err := clients.Connect(withDeadline(t), harness.ConnectOptions{
				URL: url, Transports: []string{"websocket"}, LocalAddress: fmt.Sprintf("127.0.0.%d", i+1),
			})
			if err != nil {
				t.Fatal(err)
			}
			seen[nodeOf(t, c)] = true
		}
		return len(seen)
	}
	one, several := reached(ipHash), reached(address)
	if one != 1 || several < 2 {
		t.Errorf("20 clients of 127.0.0.x are on %d nodes with ip_hash, and on %d by their addresses", one, several)
	}
	lbReport("nginx with ip_hash has 20 clients of 127.0.0.x on %d node, with %q on %d", one, strings.TrimSpace(hash), several)
}

func balancerOf(t *testing.T, name string) balancer {
	t.Helper()
	i := slices.IndexFunc(balancers, func(b balancer) bool { return b.name == name })
	if i < 0 {
		t.Fatalf("there is no %s", name)
	}
	return balancers[i]
}

// replaceLine returns an example with another line in the place of one that must be there.
func replaceLine(t *testing.T, file, line, other string) string {
	t.Helper()
	before, after, ok := strings.Cut(readExample(t, file), line)
	if !ok {
		t.Fatalf("examples/cluster/%s has no line %q", file, line)
	}
	return before + other + after
}

func (b balancer) startDebian(t *testing.T, text string, nodes []int) *harness.Program {
	return harness.ProgramFor(t, harness.ProgramConfig{
		Name:    b.title,
		Package: debianPackages,
		Command: func(port int, dir string) ([]string, error) {
			conf := filepath.Join(dir, b.file)
			text, err := fillIn(b.file, text, port, nodes)
			if err != nil {
				return nil, err
			}
			// The temporary folder is the owner's alone; servers read their configuration before they drop root.
			if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
				return nil, err
			}
			var args []string
			for _, arg := range b.command {
				args = append(args, strings.NewReplacer("%CONF%", conf, "%DIR%", dir).Replace(arg))
			}
			return args, nil
		},
	})
}

// runNode tests a program that balances by itself, with Node's cluster.
func (b balancer) runNode(t *testing.T) string {
	r := startRedis(t)
	p := startScript(t, filepath.Join(examplesDir(t), b.file), "REDIS_URL="+r.URL())
	awaitNodes(t, r, 3)
	if b.loses == "" {
		checkSticky(t, p.URL)
	} else {
		checkStickyMostly(t, p.URL)
	}
	seen := checkEvents(t, r, b, p.URL)

	pkg := npmPackage(t, b.npm)
	lbReport("%s (Node.js %s, %s), %s, sticky by %s: %s", b.title, serverVersion(t, []string{"node", "-v"}), pkg,
		b.file, b.sticky, seen)
	return docRow(b.title+", "+pkg, b.file, b.sticky, lbWorks, "see the last row")
}

// runForwardedFor shows that socketio-sticky-session cannot do what it is known for on a current Node: routing by
// X-Forwarded-For.
func runForwardedFor(t *testing.T) string {
	const file = "node-cluster-socketio-sticky-session.js"
	r := startRedis(t)
	p := startScript(t, filepath.Join(examplesDir(t), file), "REDIS_URL="+r.URL(), "PROXY=1")
	awaitNodes(t, r, 3)

	const requests = 10
	for i := range requests {
		s := newPollingSession(p.URL, "127.0.0.1")
		s.header = http.Header{"X-Forwarded-For": {fmt.Sprintf("192.0.2.%d", i+1)}}
		answer, err := s.handshake(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if answer.status == http.StatusOK {
			t.Fatalf("a handshake with X-Forwarded-For succeeded: socketio-sticky-session works again, "+
				"make it a row of balancers: %s", answer)
		}
		if answer.status != http.StatusBadRequest {
			t.Fatalf("handshake with X-Forwarded-For: want HTTP 400, got %s", answer)
		}
	}
	// The worker's own words come by another way than the answers.
	const why = "HPE_INVALID_METHOD"
	lbAwait(t, "the workers to say "+why, func() bool { return strings.Count(p.Stderr(), why) == requests })

	pkg := npmPackage(t, "socketio-sticky-session")
	said, _, _ := strings.Cut(p.Stderr(), "\n")
	lbReport("%s (Node.js %s, %s), %s with PROXY=1: DOES NOT WORK: %d of %d requests with X-Forwarded-For answered "+
		"with HTTP 400, %q (the package calls an internal function of Node that changed before Node 12)",
		"Node's cluster", serverVersion(t, []string{"node", "-v"}), pkg, file, requests, requests, said)
	return docRow("Node's cluster, "+pkg, file+"`, `PROXY=1", "the `X-Forwarded-For` header",
		"**does not work**: HTTP 400 to every request, `"+why+"`", "-")
}

// runWithoutSticky is the counter-check of the rows with Node's cluster.
func runWithoutSticky(t *testing.T) string {
	script, err := filepath.Abs(filepath.Join("testdata", "cluster-without-sticky.js"))
	if err != nil {
		t.Fatal(err)
	}
	r := startRedis(t)
	p := startScript(t, script, "REDIS_URL="+r.URL(), "APP="+filepath.Join(examplesDir(t), "app.js"))
	awaitNodes(t, r, 3)
	checkNotSticky(t, p.URL)
	lbReport("Node's cluster (Node.js %s) without a sticky package: polling fails: HTTP 400 Session ID unknown",
		serverVersion(t, []string{"node", "-v"}))
	return docRow("Node's cluster, no package", "", "nothing", "only WebSocket clients connect", lbFails)
}

// startNodes starts examples/cluster/server.js three times, and returns the ports.
func startNodes(t *testing.T, r *harness.Redis) []int {
	nodes := make([]int, 3)
	for i := range nodes {
		nodes[i] = startScript(t, filepath.Join(examplesDir(t), "server.js"), "REDIS_URL="+r.URL()).Port
	}
	awaitNodes(t, r, len(nodes))
	return nodes
}

// startScript starts a Node program that listens on $PORT.
func startScript(t *testing.T, path string, env ...string) *harness.Program {
	modules, err := harness.NodeModules()
	if err != nil {
		t.Fatal(err)
	}
	return harness.ProgramFor(t, harness.ProgramConfig{
		Name:    filepath.Base(path),
		Package: "nodejs",
		Command: func(int, string) ([]string, error) { return []string{"node", path}, nil },
		Env:     append(env, "NODE_PATH="+filepath.Join(modules, "node_modules")),
	})
}

var versionNumber = regexp.MustCompile(`\d+\.\d+\.\d+`)

// serverVersion runs a program that prints its version.
func serverVersion(t *testing.T, command []string) string {
	t.Helper()
	output, err := harness.Output(t.Context(), debianPackages, command...)
	if err != nil {
		t.Fatal(err)
	}
	version := versionNumber.FindString(output)
	if version == "" {
		t.Fatalf("%q printed no version: %s", command, output)
	}
	return version
}

// npmPackage returns name and version of the installed package, after checking that examples/cluster/package.json
// names the same version.
func npmPackage(t *testing.T, name string) string {
	t.Helper()
	_, version, err := harness.PackageVersion(name)
	if err != nil {
		t.Fatal(err)
	}
	if want := exampleDependencies(t)[name]; want != version {
		t.Errorf("examples/cluster/package.json has %s %q, the tests ran with %q", name, want, version)
	}
	return name + " " + version
}

// TestExampleClusterDependencies checks that people who copy examples/cluster get the versions that were tested.
func TestExampleClusterDependencies(t *testing.T) {
	harness.NeedServers(t) // their packages
	for name := range exampleDependencies(t) {
		npmPackage(t, name)
	}
}

// lbAwait polls a condition of another process that does not announce itself.
func lbAwait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), deadline, errors.New("waited in vain for "+what))
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatal(context.Cause(ctx))
		case <-time.After(3 * time.Millisecond):
		}
	}
}

// lbReport prints the line of a row, also without -v.
func lbReport(format string, args ...any) {
	fmt.Printf("load balancer: "+format+"\n", args...)
}

// fillIn replaces the addresses that the file was written with by those of this run.
func fillIn(name, text string, port int, nodes []int) (string, error) {
	replace := []string{"127.0.0.1:3000", "127.0.0.1:" + strconv.Itoa(port)}
	for i, node := range nodes {
		replace = append(replace, fmt.Sprintf("127.0.0.1:300%d", i+1), "127.0.0.1:"+strconv.Itoa(node))
	}
	for i := 0; i < len(replace); i += 2 {
		if !regexp.MustCompile(`(?m)^[^#\n]*` + regexp.QuoteMeta(replace[i]) + `\b`).MatchString(text) {
			return "", fmt.Errorf("examples/cluster/%s does not use %s", name, replace[i])
		}
	}
	return strings.NewReplacer(replace...).Replace(text), nil
}

// removeLines takes out the lines with the given beginnings, each of which must be there.
func removeLines(t *testing.T, name, text string, beginnings []string) string {
	t.Helper()
	lines := strings.SplitAfter(text, "\n")
	for _, beginning := range beginnings {
		found := false
		for i, line := range lines {
			if strings.HasPrefix(strings.TrimSpace(line), beginning) {
				lines[i] = ""
				found = true
				break
			}
		}
		if !found {
			t.Fatalf("examples/cluster/%s has no line %q", name, beginning)
		}
	}
	return strings.Join(lines, "")
}
