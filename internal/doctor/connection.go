package doctor

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/settings"
)

// checkConnection reports whether Redis answers.
func (p *patient) checkConnection(ctx context.Context) bool {
	// Some of the time is kept for finding out why.
	deadline, _ := ctx.Deadline()
	half, cancel := context.WithTimeout(ctx, time.Until(deadline)/2)
	defer cancel()
	address := p.redis.Place()
	if cluster, ok := p.client.(*redis.ClusterClient); ok && !p.checkAnnounced(half, cluster) {
		return false
	}
	err := p.client.Ping(half).Err()
	if err == nil || p.isAlive(half, err) {
		if tlsOf(p.client) != nil {
			address += ", with TLS"
		}
		p.ok("redis", fmt.Sprintf("Redis answers at %s.", address))
		return true
	}
	if _, ok := p.client.(*redis.ClusterClient); ok && strings.Contains(err.Error(), "cluster support disabled") {
		p.clusterFailed(nil)
		return false
	}
	if client, ok := p.client.(*redis.Client); ok {
		o := *client.Options()
		if p.redis.IsSentinel() {
			if address = p.checkSentinels(ctx); address == "" {
				return false
			}
			o.Network, o.Addr = "tcp", address
		}
		if connect.IsClosed(err) {
			if why := refusal(ctx, &o); why != nil {
				err = why
			}
		}
	}
	text, advice, flags := p.unreachable(ctx, address, err)
	p.fail("redis", text, advice, flags...)
	return false
}

// isAlive reports whether an error is the answer to PING on a connection that
// is ready for commands: a user may not be allowed to ping, and a Redis that
// cannot save refuses it, but takes events.
func (p *patient) isAlive(ctx context.Context, err error) bool {
	if text, _ := connect.Trouble("", err); text != "" || !connect.IsReply(err) {
		return false
	}
	client, ok := p.client.(*redis.Client)
	if !ok {
		return true
	}
	ready := false
	options := *client.Options()
	options.OnConnect = func(context.Context, *redis.Conn) error {
		ready = true // password, user and database were taken
		return nil
	}
	probe := connect.NewNode(&options)
	defer probe.Close()
	return connect.IsReply(probe.Ping(ctx).Err()) && ready
}

func tlsOf(client redis.UniversalClient) *tls.Config {
	switch client := client.(type) {
	case *redis.ClusterClient:
		return client.Options().TLSConfig
	case *redis.Client:
		return client.Options().TLSConfig
	}
	return nil
}

// unreachable explains why Redis cannot be used.
func (p *patient) unreachable(ctx context.Context, address string, err error) (text, advice string, flags []string) {
	if text, advice := connect.Trouble(address, err); text != "" {
		return sentence(text), sentence(advice), nil
	}
	if dial := connect.DialError(err); dial != nil && !connect.IsTimeout(err) {
		return fmt.Sprintf("No Redis answers at %s: %v.", address, dial.Err), "Is Redis running there? Check the address in " + settings.URLSources + ".", nil
	}
	if connect.IsReply(err) {
		return fmt.Sprintf("Redis at %s refuses: %s.", address, reason(err)), "Check " + settings.URLSources + ".", nil
	}
	if client, ok := p.client.(*redis.Client); ok && !p.redis.IsSentinel() && client.Options().Network == "tcp" {
		if text, advice, flags := p.otherProtocol(ctx, *client.Options()); text != "" {
			return text, advice, flags
		}
	}
	var noTLS tls.RecordHeaderError
	switch {
	case errors.As(err, &noTLS):
		return fmt.Sprintf("What answers at %s is not Redis with TLS.", address), "Check host and port in " + settings.URLSources + ".", nil
	case connect.IsTimeout(err):
		return fmt.Sprintf("Redis at %s does not answer.", address), "The cause may be a firewall, a stopped process or a wrong port. Check " + settings.URLSources + ".", nil
	case connect.IsClosed(err) && tlsOf(p.client) != nil:
		return fmt.Sprintf("Redis at %s closes the connection.", address), "It may require a client certificate: add --tls-cert FILE and --tls-key FILE.", nil
	}
	return fmt.Sprintf("Redis at %s cannot be used: %s.", address, reason(err)), "Check " + settings.URLSources + ".", nil
}

// probeTimeout is how long a port may take to show what it is.
const probeTimeout = time.Second

// refusal returns what Redis says before it closes a connection that it does
// not want: a client that writes first may see no more than that it is closed.
func refusal(ctx context.Context, o *redis.Options) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, o.Network, o.Addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return err
	}
	if o.TLSConfig != nil {
		conn = tls.Client(conn, o.TLSConfig)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	switch {
	case strings.HasPrefix(line, "-"):
		return errors.New(line[1:])
	case connect.IsClosed(err), connect.IsTimeout(err):
		return nil // nothing said
	}
	return err
}

// sentence makes a sentence of one.
func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] + "." }

// otherProtocol finds out whether the port speaks TLS although the URL says
// no, or the other way round.
func (p *patient) otherProtocol(ctx context.Context, o redis.Options) (text, advice string, flags []string) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	if o.TLSConfig == nil {
		if !speaksTLS(ctx, o.Addr) {
			return "", "", nil
		}
		o.TLSConfig = &tls.Config{}
		flags, advice = p.otherURL(o, "")
		return fmt.Sprintf("The port at %s speaks TLS, but the URL says redis://.", o.Addr), advice, flags
	}
	if !speaksRedis(ctx, o.Addr) {
		return "", "", nil
	}
	o.TLSConfig = nil
	flags, advice = p.otherURL(o, "")
	return fmt.Sprintf("The port at %s does not speak TLS, but the URL says rediss://.", o.Addr), advice, flags
}

// speaksTLS reports whether a TLS handshake gets an answer. Nothing is sent
// over that connection, so it does not matter whose certificate it is.
func speaksTLS(ctx context.Context, address string) bool {
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err == nil {
		conn.Close()
		return true
	}
	return connect.IsAlert(err)
}

// speaksRedis reports whether a PING in the clear gets an answer of Redis.
func speaksRedis(ctx context.Context, address string) bool {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return false
		}
	}
	if _, err := io.WriteString(conn, "PING\r\n"); err != nil {
		return false
	}
	reply := make([]byte, 1)
	_, err = io.ReadFull(conn, reply)
	return err == nil && (reply[0] == '+' || reply[0] == '-')
}
