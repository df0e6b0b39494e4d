package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/settings"
)

// otherURL returns the flags that lead to a Redis, and the advice to use them. A
// password is never printed: then there are no flags. With the name of a master,
// the options are those of a Sentinel.
func (d *diagnosis) otherURL(o redis.Options, master string) (flags []string, advice string) {
	u := url.URL{Scheme: schemeOf(&o), Host: o.Addr}
	if o.Network == "unix" {
		u = url.URL{Scheme: "unix", Path: o.Addr}
	}
	query := make(url.Values)
	if master != "" {
		query.Set("master_name", master)
	}
	switch {
	case o.DB == 0:
	case o.Network == "unix":
		query.Set("db", strconv.Itoa(o.DB))
	default:
		u.Path = "/" + strconv.Itoa(o.DB)
	}
	u.RawQuery = query.Encode()
	switch {
	case o.Password != "":
		u.User = url.UserPassword(o.Username, "PASSWORD")
	case o.Username != "":
		u.User = url.User(o.Username)
	}
	flags = []string{"--redis", u.String()}
	advice = d.addFlags(flags)
	if o.Password != "" {
		return nil, advice
	}
	return flags, advice
}

func schemeOf(o *redis.Options) string {
	if o.TLSConfig != nil {
		return "rediss"
	}
	return "redis"
}

// checkServer finds out what kind of Redis it is, and reports whether there is
// any use in looking further.
func (p *patient) checkServer(ctx context.Context) bool {
	cluster, isCluster := p.client.(*redis.ClusterClient)
	if isCluster {
		node, err := cluster.MasterForKey(ctx, p.Key)
		if err != nil {
			p.clusterFailed(err)
			return false
		}
		p.node = node
	} else if p.node, _ = p.client.(*redis.Client); p.node == nil {
		return true
	}
	text, err := p.node.Info(ctx).Result()
	if err != nil {
		p.warn("version", fmt.Sprintf("Version and role of this Redis are not known: %s.", reason(err)), "")
		return true
	}
	info := parseInfo(text)
	p.checkVersion(info)
	switch mode := cmp.Or(info["redis_mode"], info["server_mode"]); {
	case mode == "sentinel":
		p.itIsSentinel(ctx)
		return false
	case mode == "cluster" && !isCluster:
		return p.becomeCluster(ctx)
	case mode == "standalone" && isCluster:
		p.clusterFailed(nil)
		return false
	}
	p.replica = info["role"] == "slave" && !isCluster
	p.master = net.JoinHostPort(info["master_host"], info["master_port"])
	if !isCluster {
		p.replicas = replicasIn(info)
	}
	return true
}

// replicasIn returns the addresses of the replicas that a master names.
func replicasIn(info map[string]string) (addresses []string) {
	for i := 0; ; i++ {
		line, ok := info["slave"+strconv.Itoa(i)]
		if !ok {
			return addresses
		}
		fields := make(map[string]string)
		for field := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(field, "=")
			fields[name] = value
		}
		addresses = append(addresses, net.JoinHostPort(fields["ip"], fields["port"]))
	}
}

// parseInfo reads the reply of INFO.
func parseInfo(text string) map[string]string {
	info := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	return info
}

func (p *patient) checkVersion(info map[string]string) {
	name, version := "Redis", info["redis_version"]
	if info["valkey_version"] != "" {
		name, version = "Valkey", info["valkey_version"]
	}
	if major, _, ok := strings.Cut(info["redis_version"], "."); ok {
		p.major, _ = strconv.Atoi(major) // 0 means not known
	}
	switch {
	case p.major == 0:
		p.warn("version", "The version of this Redis is not known.", "")
	case p.onShards() && p.major < 7:
		p.fail("version", fmt.Sprintf("This is %s %s, which has no sharded pub/sub.", name, version),
			"Servers with sharded pub/sub need Redis 7: they must use another Redis, or another adapter.")
	case p.Adapter == settings.Streams && p.major < 5:
		p.fail("version", fmt.Sprintf("This is %s %s, which has no streams.", name, version), "Streams need Redis 5: the servers must use another Redis.")
	default:
		p.ok("version", fmt.Sprintf("This is %s %s.", name, version))
	}
}

// becomeCluster says that --cluster is missing and goes on as if it had been
// given: one node alone knows its own subscribers only.
func (p *patient) becomeCluster(ctx context.Context) bool {
	flags := []string{"--cluster"}
	text := "This Redis is one node of a Redis Cluster."
	if p.Adapter == settings.Classic {
		p.warn("role", text+" Events go out, but the servers cannot be counted.", p.addFlags(flags), flags...)
	} else {
		p.fail("role", text+" It takes only a part of what is sent.", p.addFlags(flags), flags...)
	}
	o := p.node.Options()
	cluster := redis.NewClusterClient(&redis.ClusterOptions{
		Dialer: o.Dialer, Addrs: []string{o.Addr}, Username: o.Username, Password: o.Password, TLSConfig: o.TLSConfig, Protocol: o.Protocol,
		MaxRetries: -1, DialerRetries: 1, DialTimeout: o.DialTimeout, ReadTimeout: o.ReadTimeout, WriteTimeout: o.WriteTimeout,
		ContextTimeoutEnabled: true, DisableIdentity: true, MaintNotificationsConfig: connect.NoMaintenance(),
	})
	cluster.OnNewNode(func(node *redis.Client) { node.AddHook(connect.AuthReplies()) })
	p.client, p.own = cluster, cluster
	if !p.checkAnnounced(ctx, cluster) {
		return false
	}
	node, err := cluster.MasterForKey(ctx, p.Key)
	if err != nil {
		p.clusterFailed(err)
		return false
	}
	p.node = node
	return true
}

// clusterFailed says why a Redis Cluster does not work as one.
func (p *patient) clusterFailed(err error) {
	if err == nil || strings.Contains(err.Error(), "cluster support disabled") {
		f := finding{Status: failure, Check: "role", Text: "This Redis is not a Redis Cluster.", Advice: "Give only one --redis."}
		switch {
		case slices.Contains(p.given, "--cluster"):
			f.Advice, f.Remove = "Leave out --cluster, and give only one --redis.", []string{"--cluster"}
		case p.redis.Cluster: // a variable says so
			f.Advice, f.Flags = "Add --cluster=false, and give only one --redis.", []string{"--cluster=false"}
		}
		p.add(f)
		return
	}
	p.fail("role", fmt.Sprintf("The Redis Cluster cannot be used: %s.", reason(err)), "See CLUSTER INFO and CLUSTER SHARDS there.")
}

// checkReplica judges a connection to a replica by whether servers are there,
// too, or may be.
func (p *patient) checkReplica(listeners bool) {
	if !p.replica {
		return
	}
	o := *p.node.Options()
	o.Network, o.Addr = "tcp", p.master
	flags, advice := p.otherURL(o, "")
	switch {
	case p.Adapter == settings.Streams:
		p.fail("role", "This Redis is a replica: it takes no stream entries.", advice, flags...)
	case listeners:
		p.warn("role", "This Redis is a replica: what is published here reaches only servers that subscribe here.", advice, flags...)
	default:
		p.fail("role", "This Redis is a replica: what is published here does not reach servers that subscribe elsewhere.", advice, flags...)
	}
}

// reason is an error as a part of a sentence.
func reason(err error) string {
	text := connect.ErrorText(err)
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "it took too long"
	case connect.IsUnknownCommand(err): // what Redis repeats of it says nothing more
		text, _, _ = strings.Cut(text, ", with args")
	case strings.Contains(text, "NOPERM"):
		_, text, _ = strings.Cut(text, "NOPERM ")
		return strings.Replace(strings.TrimSuffix(text, "."), "this user has no permissions", "this user has no permission", 1)
	}
	return strings.TrimSuffix(text, ".")
}
