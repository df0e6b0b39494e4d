package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/harness"
)

// authority signs certificates, each for one host.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	a.cert, a.key = a.sign(t, "ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

// sign writes NAME.pem and NAME.key.
func (a *authority) sign(t *testing.T, name string, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber, template.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: name}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{name + ".pem": {Type: "CERTIFICATE", Bytes: der}, name + ".key": {Type: "EC PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(a.file(file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// args make a redis-server listen on a host, and use TLS there with a
// certificate for nothing but certFor.
func (a *authority) args(t *testing.T, host, certFor string) []string {
	t.Helper()
	name := strings.ReplaceAll(certFor, ":", "_")
	if _, err := os.Stat(a.file(name + ".pem")); err != nil {
		template := &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
		if ip := net.ParseIP(certFor); ip != nil {
			template.IPAddresses = []net.IP{ip}
		} else {
			template.DNSNames = []string{certFor}
		}
		a.sign(t, name, template)
	}
	bind := []string{"--bind", "127.0.0.1"}
	if host != "127.0.0.1" {
		bind = append(bind, host)
	}
	return append(bind, "--tls-cert-file", a.file(name+".pem"), "--tls-key-file", a.file(name+".key"), "--tls-ca-cert-file", a.file("ca.pem"))
}

// tlsCluster starts a Redis Cluster of three masters on hosts of their own, which
// speak TLS to each other and announce these hosts.
func tlsCluster(t *testing.T, a *authority, certFor func(host string) string) (urls []string) {
	t.Helper()
	const masters, slots = 3, 16384
	var nodes []*harness.Redis
	for i := range masters {
		host := fmt.Sprintf("127.0.0.%d", i+1)
		_, bus, err := net.SplitHostPort(closedPort(t))
		if err != nil {
			t.Fatal(err)
		}
		node := harness.RedisFor(t, harness.RedisConfig{TLS: true, Args: append(a.args(t, host, certFor(host)),
			"--cluster-enabled", "yes", "--cluster-port", bus, "--tls-cluster", "yes", "--cluster-announce-ip", host)})
		_, port, _ := strings.Cut(node.TLSAddr, ":")
		nodes, urls = append(nodes, node), append(urls, "rediss://"+net.JoinHostPort(host, port))
		if err := node.Client().ClusterAddSlotsRange(t.Context(), slots*i/masters, slots*(i+1)/masters-1).Err(); err != nil {
			t.Fatal(err)
		}
		if err := node.Client().Do(t.Context(), "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err(); err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			_, first, _ := strings.Cut(nodes[0].TLSAddr, ":")
			firstBus := nodes[0].Client().ConfigGet(t.Context(), "cluster-port").Val()["cluster-port"]
			if err := node.Client().Do(t.Context(), "CLUSTER", "MEET", "127.0.0.1", first, firstBus).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, node := range nodes {
		await(t, func() bool {
			info, err := node.Client().ClusterInfo(t.Context()).Result()
			return err == nil && strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3\r\n")
		})
	}
	return urls
}

// closedPort is an address of 127.0.0.1 on which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// await waits until a condition holds.
func await(t *testing.T, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(time.Minute)
	for !holds() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatal("it did not come to that within a minute")
		}
	}
}

// TestTLSCluster has a certificate for each host of a Redis Cluster, and one for
// the name in the URL. It sends to every node.
func TestTLSCluster(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	each := tlsCluster(t, a, func(host string) string { return host })
	named := tlsCluster(t, a, func(string) string { return "localhost" })
	localhost := strings.Replace(named[0], "127.0.0.1", "localhost", 1)
	for name, test := range map[string]struct{ url, text string }{
		"a certificate for each host":  {each[0], ""},
		"all hosts named":              {strings.Join(each, " "), ""},
		"the name of the URL":          {localhost, ""},
		"neither":                      {named[0], "is for another host"},
		"another authority":            {each[0], "which this machine does not trust"},
		"not checked":                  {named[0] + "?skip_verify=true", ""},
		"the second host, by its name": {strings.Replace(each[1], "127.0.0.2", "localhost", 1), "is for another host"},
	} {
		words := []string{"--cluster", "--tls-ca", a.file("ca.pem")}
		if name == "another authority" {
			words[2] = newAuthority(t).file("ca.pem")
		}
		env := []string{"SIOEMIT_REDIS_URL=" + test.url}
		for _, command := range []string{"servers", "emit x --adapter sharded --room a", "emit x --adapter sharded --room b", "emit x --adapter sharded --room c", "emit x --adapter streams", "pipe --adapter sharded", "listen --for 1ms --count 1 --adapter sharded --room a --room b --room c"} {
			r := sioemit(t, env, `{"event":"x","rooms":["a"]}`+"\n"+`{"event":"x","rooms":["b"]}`+"\n"+`{"event":"x","rooms":["c"]}`, append(strings.Fields(command), words...)...)
			switch {
			case test.text != "" && (r.status != commandline.StatusFailed || !strings.Contains(r.stderr, test.text)) && !strings.HasPrefix(command, "listen"):
				t.Errorf("%s, %s: %+v", name, command, r)
			case test.text == "" && r.status == commandline.StatusFailed:
				t.Errorf("%s, %s: %+v", name, command, r)
			}
		}
		if test.text == "" {
			h := startListen(t, test.url, append(words, "--adapter", "sharded", "--room", "a", "--room", "b", "--room", "c")...)
			for _, room := range []string{"a", "b", "c"} {
				if r := sioemit(t, env, "", append(words, "--adapter", "sharded", "emit", "x", "--room", room, "--quiet")...); r != (result{}) {
					t.Errorf("%s: %+v", name, r)
				}
				if got := h.next(t); !strings.Contains(got, `"`+room+`"`) {
					t.Errorf("%s: %s", name, got)
				}
			}
		}
	}
	// The certificate of the node that is dialled is the one that is named.
	r := sioemit(t, []string{"SIOEMIT_REDIS_URL=" + named[0]}, "", "servers", "--cluster", "--tls-ca", a.file("ca.pem"))
	r.oneLine(t, "certificate of Redis at 127.0.0.1:", "is for another host")
}

// TestTLSSentinel has a certificate for the Sentinel's host and another for that
// of Redis.
func TestTLSSentinel(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	master := harness.RedisFor(t, harness.RedisConfig{TLS: true, Args: a.args(t, "127.0.0.2", "127.0.0.2")})
	_, port, _ := strings.Cut(master.TLSAddr, ":")
	sentinel := func(certFor string) string {
		args := a.args(t, "127.0.0.1", certFor)
		program := harness.ProgramFor(t, harness.ProgramConfig{Name: "sentinel", Package: "redis-server", Command: func(tlsPort int, dir string) ([]string, error) {
			config := fmt.Sprintf("port 0\nbind 127.0.0.1\ntls-port %d\ntls-replication yes\ntls-auth-clients no\ndir %s\n", tlsPort, dir)
			for i := len(args) - 6; i < len(args); i += 2 {
				config += strings.TrimPrefix(args[i], "--") + " " + args[i+1] + "\n"
			}
			config += "sentinel monitor main 127.0.0.2 " + port + " 1\nsentinel down-after-milliseconds main 60000\n"
			path := filepath.Join(dir, "sentinel.conf")
			return []string{"redis-server", path, "--sentinel"}, os.WriteFile(path, []byte(config), 0o600)
		}})
		return "127.0.0.1:" + strconv.Itoa(program.Port)
	}
	own, named := sentinel("127.0.0.1"), sentinel("localhost")
	for name, test := range map[string]struct{ url, text string }{
		"each its own":                  {"rediss://" + own + "?master_name=main", ""},
		"the Sentinel's is for a name":  {"rediss://" + strings.Replace(named, "127.0.0.1", "localhost", 1) + "?master_name=main", ""},
		"the Sentinel's is for another": {"rediss://" + named + "?master_name=main", "is for another host"},
	} {
		received := listenOn(t, master.Client(), "/")
		for _, command := range []string{"emit x --quiet", "pipe --quiet", "servers", "doctor --timeout 5s"} {
			if strings.HasPrefix(command, "doctor") && test.text == "" { // whose questions come there, too
				received.next(t)
				received.next(t)
			}
			r := sioemit(t, []string{"REDIS_URL=" + test.url}, `{"event":"x"}`, append(strings.Fields(command), "--tls-ca", a.file("ca.pem"))...)
			if strings.HasPrefix(command, "doctor") {
				if answers := strings.Contains(r.stdout, "Redis answers at"); answers != (test.text == "") || !answers && !strings.Contains(strings.Join(strings.Fields(r.stdout), " "), test.text) {
					t.Errorf("%s, %s: %+v", name, command, r)
				}
			} else if (r.status == 0) != (test.text == "") || !strings.Contains(r.stderr, test.text) {
				t.Errorf("%s, %s: %+v", name, command, r)
			}
		}
	}
}
