package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// checkConnection reports whether Redis answers.
func (p *patient) checkConnection(ctx context.Context) bool {
	// Some of the time is kept for finding out why.
	deadline, _ := ctx.Deadline()
	half, cancel := context.WithTimeout(ctx, time.Until(deadline)/2)
	defer cancel()
	address := addressOf(p.client)
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
		if len(p.sentinels) > 0 {
			if address = p.checkSentinels(ctx); address == "" {
				return false
			}
			o.Network, o.Addr = "tcp", address
		}
		if isClosed(err) {
			if why := refusal(ctx, &o); why != nil {
				err = why
			}
		}
	}
	text, advice, flags := p.unreachable(ctx, address, err)
	p.fail("redis", text, advice, flags...)
	return false
}

// newNode is a client of doctor's own.
func newNode(options *redis.Options) *redis.Client {
	client := redis.NewClient(options)
	client.AddHook(authReplies{})
	return client
}

// isAlive reports whether an error is the answer to PING on a connection that
// is ready for commands: a user may not be allowed to ping, and a Redis that
// cannot save refuses it, but takes events.
func (p *patient) isAlive(ctx context.Context, err error) bool {
	if text, _ := trouble("", err); text != "" || !isReply(err) {
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
	probe := newNode(&options)
	defer probe.Close()
	return isReply(probe.Ping(ctx).Err()) && ready
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
	if text, advice := trouble(address, err); text != "" {
		return sentence(text), sentence(advice), nil
	}
	if dial := dialError(err); dial != nil && !isTimeout(err) {
		return fmt.Sprintf("No Redis answers at %s: %v.", address, dial.Err), "Is Redis running there? Check the address in " + urlSources + ".", nil
	}
	if isReply(err) {
		return fmt.Sprintf("Redis at %s refuses: %s.", address, reason(err)), "Check " + urlSources + ".", nil
	}
	if client, ok := p.client.(*redis.Client); ok && !isSentinel(client) && client.Options().Network == "tcp" {
		if text, advice, flags := p.otherProtocol(ctx, *client.Options()); text != "" {
			return text, advice, flags
		}
	}
	var noTLS tls.RecordHeaderError
	switch {
	case errors.As(err, &noTLS):
		return fmt.Sprintf("What answers at %s is no Redis with TLS.", address), "Check host and port in " + urlSources + ".", nil
	case isTimeout(err):
		return fmt.Sprintf("Redis at %s does not answer.", address), "A firewall, a stopped process or a wrong port does this. Check " + urlSources + ".", nil
	case isClosed(err) && tlsOf(p.client) != nil:
		return fmt.Sprintf("Redis at %s closes the connection.", address), "It may want a certificate of the client: add --tls-cert FILE and --tls-key FILE.", nil
	}
	return fmt.Sprintf("Redis at %s cannot be used: %s.", address, reason(err)), "Check " + urlSources + ".", nil
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
	case isClosed(err), isTimeout(err):
		return nil // nothing said
	}
	return err
}

// sentence makes a sentence of one.
func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] + "." }

// trouble says what an error of Redis, or from the way there, means and what to
// do; nothing when that needs more than the error.
func trouble(address string, err error) (text, advice string) {
	var dns *net.DNSError
	if isFromSentinels(err) {
		if text, advice = sentinelTrouble(address, err); text != "" {
			return text, advice
		}
	}
	switch message := err.Error(); {
	case strings.Contains(message, "NOAUTH"):
		return fmt.Sprintf("redis at %s wants a password", address), "put it into the URL: redis://:PASSWORD@HOST, or redis://USER:PASSWORD@HOST"
	case strings.Contains(message, "WRONGPASS"), strings.Contains(message, "invalid password"):
		return fmt.Sprintf("redis at %s refuses the user or the password", address), "check both in " + urlSources + "; " + passwordHint
	case strings.Contains(message, "without any password configured"), strings.Contains(message, "AUTH, but no password is set"):
		return fmt.Sprintf("redis at %s has no password", address), "leave the password out of the URL"
	case errors.Is(err, errNotTaken):
		return fmt.Sprintf("redis at %s does not take AUTH with this user and password", address), "leave the user out of the URL, or both"
	case strings.Contains(message, "DENIED"):
		return fmt.Sprintf("redis at %s is in protected mode: it answers its own machine only", address), "set a password on that Redis, or a bind address"
	case strings.Contains(message, "max number of clients"):
		return fmt.Sprintf("redis at %s has as many clients as it takes", address), "raise maxclients on that Redis, or close clients: CLIENT LIST shows them"
	case strings.Contains(message, "DB index is out of range"):
		return fmt.Sprintf("redis at %s has no database of that number", address), "use a smaller one at the end of the URL, or none"
	case strings.Contains(message, "LOADING"):
		return fmt.Sprintf("redis at %s is still loading its data", address), "try again when it has finished"
	case strings.Contains(message, "redis: invalid reply"), strings.Contains(message, "redis: can't parse"), strings.Contains(message, "redis: invalid line"):
		return fmt.Sprintf("what answers at %s is no Redis", address), "check host and port in " + urlSources
	case errors.As(err, &dns):
		return fmt.Sprintf("there is no host %s", dns.Name), "check the host of " + urlSources
	}
	return untrusted(address, err)
}

// passwordHint is for passwords in a URL.
const passwordHint = "there, the characters # / ? @ : & % of a password are written %23 %2F %3F %40 %3A %26 %25"

// noSentinel is what go-redis says before it repeats what Sentinels have said.
const noSentinel = "all sentinels specified in configuration are unreachable"

// isFromSentinels reports whether no Sentinel could tell where Redis is.
func isFromSentinels(err error) bool {
	return strings.Contains(err.Error(), noSentinel)
}

// sentinelTrouble is trouble of Sentinels at an address. They have users and
// passwords of their own.
func sentinelTrouble(address string, err error) (text, advice string) {
	switch message := err.Error(); {
	case strings.Contains(message, "NOAUTH"):
		return "the Sentinels want a password", "add &sentinel_password=PASSWORD to the URL, and &sentinel_username=USER if they have users"
	case strings.Contains(message, "WRONGPASS"), strings.Contains(message, "invalid password"):
		return "the Sentinels refuse sentinel_username or sentinel_password of the URL", "check both; " + passwordHint
	case strings.Contains(message, "'auth'"):
		return "the Sentinels do not take AUTH with this user and password", "leave sentinel_username out of the URL, or sentinel_password, too"
	case strings.Contains(message, "unknown command"):
		return fmt.Sprintf("what answers at %s is no Sentinel", address), "leave master_name out of the URL, or name the port of a Sentinel"
	case errors.Is(err, redis.Nil):
		return "the Sentinels know no master of the name in the URL", "check master_name: SENTINEL MASTERS there lists them"
	case isReply(err): // which is not repeated: a password may be in it
		return "the Sentinels refuse", "check sentinel_username and sentinel_password of the URL"
	}
	return "", ""
}

// dialError is the error of a connection that could not be opened.
func dialError(err error) *net.OpError {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return dial
	}
	return nil
}

// isClosed reports whether the other side closed the connection.
func isClosed(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// urlSources is where the URL comes from.
const urlSources = "--redis, $SIOEMIT_REDIS_URL or $REDIS_URL"

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// untrusted explains errors about certificates.
func untrusted(address string, err error) (text, advice string) {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &authority):
		signer := "somebody"
		if authority.Cert != nil && authority.Cert.Issuer.CommonName != "" {
			signer = fmt.Sprintf("%q", authority.Cert.Issuer.CommonName)
		}
		return fmt.Sprintf("the certificate of Redis at %s is signed by %s, whom this machine does not trust", address, signer),
			"add --tls-ca FILE, with the certificate of that authority"
	case errors.As(err, &host):
		return fmt.Sprintf("the certificate of Redis at %s is for another host: %v", address, host), "use in the URL a name that the certificate holds"
	case errors.As(err, &invalid):
		return fmt.Sprintf("the certificate of Redis at %s is not valid: %v", address, invalid), "renew the certificate, and check the clock of this machine"
	case isAlert(err) && (strings.Contains(err.Error(), "certificate") || strings.Contains(err.Error(), "handshake failure")):
		return fmt.Sprintf("redis at %s wants a certificate of the client, or one that it trusts", address), "add --tls-cert FILE and --tls-key FILE"
	}
	return "", ""
}

// isAlert reports whether the other side refused in the words of TLS.
func isAlert(err error) bool {
	var remote *net.OpError
	return errors.As(err, &remote) && remote.Op == "remote error"
}

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
		return fmt.Sprintf("The port at %s speaks TLS, and the URL says redis://.", o.Addr), advice, flags
	}
	if !speaksRedis(ctx, o.Addr) {
		return "", "", nil
	}
	o.TLSConfig = nil
	flags, advice = p.otherURL(o, "")
	return fmt.Sprintf("The port at %s speaks no TLS, and the URL says rediss://.", o.Addr), advice, flags
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
	return isAlert(err)
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
