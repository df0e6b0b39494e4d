package settings

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
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
const URLSources = "--redis, $SIOEMIT_REDIS_URL or $REDIS_URL"

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

// parseRedis takes apart the URLs of --redis or, separated by spaces, of the
// environment.
func (f *Flags) parseRedis() (Redis, error) {
	r := Redis{Cluster: f.cluster, Timeout: f.timeout}
	urls := f.redis.Value()
	for _, name := range []string{"SIOEMIT_REDIS_URL", "REDIS_URL"} {
		if len(urls) == 0 {
			urls = strings.Fields(os.Getenv(name))
		}
	}
	if len(urls) == 0 {
		urls = []string{DefaultURL}
	}
	for _, raw := range urls {
		u, err := parseURL(raw)
		if err == nil {
			err = f.setTLS(u)
		}
		if err != nil {
			return r, err
		}
		r.URLs = append(r.URLs, u)
	}
	if r.Timeout <= 0 {
		return r, errors.New("--timeout must be more than 0")
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

// setTLS loads the files of the --tls flags for a URL.
func (f *Flags) setTLS(t *URL) error {
	ca, cert, key := f.tlsCA, f.tlsCert, f.tlsKey
	if ca == "" && cert == "" && key == "" {
		return nil
	}
	config := t.Options.TLSConfig
	if config == nil {
		return fmt.Errorf("--tls-ca, --tls-cert and --tls-key need a rediss:// URL, not %s", t.Shown)
	}
	if (cert == "") != (key == "") {
		return errors.New("--tls-cert and --tls-key go together")
	}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return fmt.Errorf("--tls-ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("--tls-ca: %s holds no PEM certificate", ca)
		}
	}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return fmt.Errorf("--tls-cert: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return nil
}
