package settings

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"
	"time"
)

// Redis says which Redis joins the servers, and how to get there.
type Redis struct {
	URLs    []*URL
	Cluster bool // --cluster
	Timeout time.Duration
}

// DefaultURL is that of a Redis which nobody names.
const DefaultURL = "redis://localhost:6379"

// URLSources is where the URL comes from.
const URLSources = "--redis, $SIOEMIT_REDIS_URL, $REDIS_URL or the profile"

// IsSentinel reports whether Sentinels say where Redis is.
func (r *Redis) IsSentinel() bool { return r.URLs[0].MasterName != "" }

// IsCluster reports whether it is to be a Redis Cluster.
func (r *Redis) IsCluster() bool { return !r.IsSentinel() && (len(r.URLs) > 1 || r.Cluster) }

// Addresses are those of the URLs, for people.
func (r *Redis) Addresses() string {
	addresses := make([]string, len(r.URLs))
	for i, u := range r.URLs {
		addresses[i] = u.Options.Addr
	}
	return strings.Join(addresses, ", ")
}

// Place is where the client connects to, for people.
func (r *Redis) Place() string {
	if r.IsSentinel() {
		return "the master that the Sentinels name"
	}
	return r.Addresses()
}

// urls are those of --redis or, separated by spaces, of the environment or the
// profile. The name is that of where they come from.
func (f *Flags) urls() (urls []string, from source, name string) {
	if urls := f.redis.Value(); len(urls) > 0 {
		return urls, fromFlag, "--redis"
	}
	for _, name := range []string{"SIOEMIT_REDIS_URL", "REDIS_URL"} {
		if urls := strings.Fields(os.Getenv(name)); len(urls) > 0 {
			return urls, fromVariable, name
		}
	}
	if urls := strings.Fields(f.profileRedis); len(urls) > 0 {
		return urls, fromProfile, f.inProfile("redis")
	}
	return []string{DefaultURL}, fromDefault, ""
}

// parseRedis takes apart what says where Redis is.
func (f *Flags) parseRedis(ctx context.Context) (Redis, error) {
	r := Redis{Cluster: f.cluster, Timeout: f.timeout}
	urls, from, _ := f.urls()
	for _, raw := range urls {
		u, err := parseURL(raw)
		if err == nil {
			err = f.setTLS(u, from)
		}
		if err != nil {
			return r, err
		}
		r.URLs = append(r.URLs, u)
	}
	if r.Timeout <= 0 {
		return r, fmt.Errorf("%s must be more than 0", f.nameOf("--timeout"))
	}
	if err := f.setPassword(ctx, r.URLs, from); err != nil {
		return r, err
	}
	if !r.IsCluster() {
		return r, nil
	}
	for _, u := range r.URLs {
		switch {
		case u.MasterName != "" || u.Options.Network == "unix":
			return r, fmt.Errorf("a Redis Cluster takes redis:// and rediss:// URLs only, not %s", u.Shown)
		case u.Options.DB != 0:
			return r, fmt.Errorf("%s: a Redis Cluster has database 0 only", u.Shown)
		}
	}
	return r, nil
}

// setTLS loads the files of the --tls flags for a URL, which comes from a source.
func (f *Flags) setTLS(t *URL, from source) error {
	ca, cert, key := f.nameOf("--tls-ca"), f.nameOf("--tls-cert"), f.nameOf("--tls-key")
	if f.tlsCA == "" && f.tlsCert == "" && f.tlsKey == "" {
		return nil
	}
	config := t.Options.TLSConfig
	if config == nil {
		if max(f.sourceOf("--tls-ca"), f.sourceOf("--tls-cert"), f.sourceOf("--tls-key")) < from {
			return nil // a weaker source has them for another URL
		}
		return fmt.Errorf("%s, %s and %s need a rediss:// URL, not %s", ca, cert, key, t.Shown)
	}
	if (f.tlsCert == "") != (f.tlsKey == "") {
		return fmt.Errorf("%s and %s go together", cert, key)
	}
	if f.tlsCA != "" {
		pem, err := os.ReadFile(f.tlsCA)
		if err != nil {
			return fmt.Errorf("%s: %w", ca, err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("%s: %s holds no PEM certificate", ca, f.tlsCA)
		}
	}
	if f.tlsCert != "" {
		pair, err := tls.LoadX509KeyPair(f.tlsCert, f.tlsKey)
		if err != nil {
			return fmt.Errorf("%s: %w", cert, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return nil
}
