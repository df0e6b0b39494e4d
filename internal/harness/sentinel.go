package harness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// MasterName is the name under which the sentinels of StartSentinels watch their master.
const MasterName = "main"

// Sentinels are a master, its replicas, and the sentinels that watch over them.
type Sentinels struct {
	Nodes []*Redis // the first began as master
	Addrs []string // of the sentinels

	sentinels []*sentinel
}

type sentinel struct {
	addr string
	dir  string
	proc *process
}

// StartSentinels starts a master, so many replicas and so many sentinels, and returns once the replicas follow the
// master and every sentinel knows all the others. A master counts as down after so long without an answer that no busy
// machine makes it seem so; a test that kills it says SetDownAfter.
func StartSentinels(ctx context.Context, replicas, sentinels int, config RedisConfig) (*Sentinels, error) {
	s := &Sentinels{}
	fail := func(err error) (*Sentinels, error) {
		return nil, errors.Join(fmt.Errorf("start Redis with sentinels: %w", err), s.Close())
	}
	config.Args = append([]string{"--repl-diskless-sync-delay", "0"}, config.Args...)
	for i := range 1 + replicas {
		one := config
		if i > 0 {
			one.Args = append(append([]string{}, config.Args...), "--replicaof", "127.0.0.1 "+strconv.Itoa(s.Nodes[0].Port))
		}
		r, err := StartRedis(ctx, one)
		if err != nil {
			return fail(err)
		}
		s.Nodes = append(s.Nodes, r)
	}
	for _, r := range s.Nodes[1:] {
		if err := awaitInfo(ctx, r, "master_link_status:up"); err != nil {
			return fail(err)
		}
	}
	for range sentinels {
		one, err := startSentinel(ctx, s.Nodes[0].Port, sentinels/2+1, config.Password)
		if err != nil {
			return fail(err)
		}
		s.sentinels = append(s.sentinels, one)
		s.Addrs = append(s.Addrs, one.addr)
	}
	want := fmt.Sprintf("status=ok,address=127.0.0.1:%d,slaves=%d,sentinels=%d", s.Nodes[0].Port, replicas, sentinels)
	for _, one := range s.sentinels {
		client := redis.NewClient(&redis.Options{Addr: one.addr})
		defer client.Close()
		for {
			info, err := client.Info(ctx, "sentinel").Result()
			if err == nil && strings.Contains(info, want) {
				break
			}
			if perr := pause(ctx); perr != nil {
				return fail(errors.Join(fmt.Errorf("sentinel %s does not know all of it: %w\n%s", one.addr, perr, info), err))
			}
		}
	}
	return s, nil
}

func awaitInfo(ctx context.Context, r *Redis, text string) error {
	for {
		info, err := r.Client().Info(ctx, "replication").Result()
		if err == nil && strings.Contains(info, text) {
			return nil
		}
		if perr := pause(ctx); perr != nil {
			return errors.Join(fmt.Errorf("%s: no %s: %w\n%s", r.Addr, text, perr, info), err)
		}
	}
}

// startSentinel starts one sentinel and returns once it listens. The password is the master's.
func startSentinel(ctx context.Context, masterPort, quorum int, password string) (*sentinel, error) {
	dir, err := os.MkdirTemp("", "sioemit-sentinel-")
	if err != nil {
		return nil, err
	}
	// A port may be taken between the kernel naming it and the sentinel listening on it.
	for range 5 {
		var ports []int
		if ports, err = freePorts(1); err != nil {
			break
		}
		// A sentinel keeps what it learns in its configuration file.
		text := fmt.Sprintf(`port %d
bind 127.0.0.1
dir %s
sentinel monitor %s 127.0.0.1 %d %d
sentinel down-after-milliseconds %[3]s %[6]d
sentinel failover-timeout %[3]s 5000
`, ports[0], dir, MasterName, masterPort, quorum, patience.Milliseconds())
		if password != "" {
			text += fmt.Sprintf("sentinel auth-pass %s %s\n", MasterName, password)
		}
		path := filepath.Join(dir, "sentinel.conf")
		if err = os.WriteFile(path, []byte(text), 0o600); err != nil {
			break
		}
		one := &sentinel{addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[0])), dir: dir}
		if one.proc, err = startServer(ctx, "sentinel", "Sentinel ID is", path, "--sentinel"); err == nil {
			return one, nil
		}
		if !strings.Contains(err.Error(), "in use") {
			break
		}
	}
	os.RemoveAll(dir)
	return nil, err
}

// SetDownAfter sets how long a master may be silent before the sentinels take it for dead.
func (s *Sentinels) SetDownAfter(ctx context.Context, silence time.Duration) error {
	for _, addr := range s.Addrs {
		client := redis.NewSentinelClient(&redis.Options{Addr: addr})
		err := client.Set(ctx, MasterName, "down-after-milliseconds", strconv.FormatInt(silence.Milliseconds(), 10)).Err()
		client.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// Conn is how a Node is told to connect.
func (s *Sentinels) Conn() RedisConn {
	return RedisConn{Sentinels: s.Addrs, Master: MasterName, Package: "ioredis"}
}

// Master asks the sentinels which node is the master now. It fails when none of them answers.
func (s *Sentinels) Master(ctx context.Context) (*Redis, error) {
	var errs []error
	for _, addr := range s.Addrs {
		client := redis.NewSentinelClient(&redis.Options{Addr: addr})
		found, err := client.GetMasterAddrByName(ctx, MasterName).Result()
		client.Close()
		if err == nil && len(found) == 2 {
			for _, r := range s.Nodes {
				if strconv.Itoa(r.Port) == found[1] {
					return r, nil
				}
			}
			err = fmt.Errorf("unknown master %s", found)
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// Close ends the sentinels first, which would otherwise start a failover.
func (s *Sentinels) Close() error {
	var errs []error
	for _, one := range s.sentinels {
		errs = append(errs, one.proc.interrupt(syscall.SIGTERM), os.RemoveAll(one.dir))
	}
	for _, r := range s.Nodes {
		errs = append(errs, r.Close())
	}
	return errors.Join(errs...)
}
