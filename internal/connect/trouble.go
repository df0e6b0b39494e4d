package connect

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
)

// Trouble says what an error of Redis, or from the way there, means and what to
// do; nothing when that needs more than the error.
func Trouble(address string, err error) (text, advice string) {
	var dns *net.DNSError
	if isFromSentinels(err) {
		if text, advice = SentinelTrouble(address, err); text != "" {
			return text, advice
		}
	}
	switch message := err.Error(); {
	case strings.Contains(message, "NOAUTH"):
		return fmt.Sprintf("redis at %s wants a password", address), "put it into the URL: redis://:PASSWORD@HOST, or redis://USER:PASSWORD@HOST"
	case strings.Contains(message, "WRONGPASS"), strings.Contains(message, "invalid password"):
		return fmt.Sprintf("redis at %s refuses the user or the password", address), "check both in " + settings.URLSources + "; " + passwordHint
	case strings.Contains(message, "without any password configured"), strings.Contains(message, "AUTH, but no password is set"):
		return fmt.Sprintf("redis at %s has no password", address), "leave the password out of the URL"
	case errors.Is(err, errNotTaken):
		return fmt.Sprintf("redis at %s does not take AUTH with this user and password", address), "leave the user out of the URL, or both"
	case strings.Contains(message, "DENIED"):
		return fmt.Sprintf("redis at %s is in protected mode: it answers only its own machine", address), "set a password on that Redis, or a bind address"
	case strings.Contains(message, "max number of clients"):
		return fmt.Sprintf("redis at %s has reached its maximum number of clients", address), "raise maxclients on that Redis, or close clients: CLIENT LIST shows them"
	case strings.Contains(message, "DB index is out of range"):
		return fmt.Sprintf("redis at %s has no database with that number", address), "use a smaller one at the end of the URL, or none"
	case strings.Contains(message, "LOADING"):
		return fmt.Sprintf("redis at %s is still loading its data", address), "try again when it has finished"
	case strings.Contains(message, "redis: invalid reply"), strings.Contains(message, "redis: can't parse"), strings.Contains(message, "redis: invalid line"):
		return fmt.Sprintf("what answers at %s is not Redis", address), "check host and port in " + settings.URLSources
	case errors.As(err, &dns):
		return fmt.Sprintf("there is no host %s", dns.Name), "check the host of " + settings.URLSources
	}
	return Untrusted(address, err)
}

// passwordHint is for passwords in a URL.
const passwordHint = "there, the characters # / ? @ : & % of a password are written %23 %2F %3F %40 %3A %26 %25"

// noSentinel is what go-redis says before it repeats what Sentinels have said.
const noSentinel = "all sentinels specified in configuration are unreachable"

// isFromSentinels reports whether no Sentinel could tell where Redis is.
func isFromSentinels(err error) bool {
	return strings.Contains(err.Error(), noSentinel)
}

// SentinelTrouble is Trouble of Sentinels at an address. They have users and
// passwords of their own.
func SentinelTrouble(address string, err error) (text, advice string) {
	switch message := err.Error(); {
	case strings.Contains(message, "NOAUTH"):
		return "the Sentinels want a password", "add &sentinel_password=PASSWORD to the URL, and &sentinel_username=USER if they have users"
	case strings.Contains(message, "WRONGPASS"), strings.Contains(message, "invalid password"):
		return "the Sentinels refuse sentinel_username or sentinel_password of the URL", "check both; " + passwordHint
	case strings.Contains(message, "'auth'"):
		return "the Sentinels do not take AUTH with this user and password", "leave sentinel_username out of the URL, or sentinel_password, too"
	case strings.Contains(message, "unknown command"):
		return fmt.Sprintf("what answers at %s is not a Sentinel", address), "leave master_name out of the URL, or name the port of a Sentinel"
	case errors.Is(err, redis.Nil):
		return "the Sentinels know no master of the name in the URL", "check master_name: SENTINEL MASTERS there lists them"
	case IsReply(err): // which is not repeated: a password may be in it
		return "the Sentinels refuse", "check sentinel_username and sentinel_password of the URL"
	}
	return "", ""
}

// DialError is the error of a connection that could not be opened.
func DialError(err error) *net.OpError {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return dial
	}
	return nil
}

// IsClosed reports whether the other side closed the connection.
func IsClosed(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func IsTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// Untrusted explains errors about certificates.
func Untrusted(address string, err error) (text, advice string) {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &authority):
		signer := "somebody"
		if authority.Cert != nil && authority.Cert.Issuer.CommonName != "" {
			signer = fmt.Sprintf("%q", authority.Cert.Issuer.CommonName)
		}
		return fmt.Sprintf("the certificate of Redis at %s is signed by %s, which this machine does not trust", address, signer),
			"add --tls-ca FILE, with the certificate of that authority"
	case errors.As(err, &host):
		return fmt.Sprintf("the certificate of Redis at %s is for another host: %v", address, host), "in the URL, use a name that the certificate has"
	case errors.As(err, &invalid):
		return fmt.Sprintf("the certificate of Redis at %s is not valid: %v", address, invalid), "renew the certificate, and check the clock of this machine"
	case IsAlert(err) && (strings.Contains(err.Error(), "certificate") || strings.Contains(err.Error(), "handshake failure")):
		return fmt.Sprintf("redis at %s requires a client certificate that it trusts", address), "add --tls-cert FILE and --tls-key FILE"
	}
	return "", ""
}

// IsAlert reports whether the other side refused in the words of TLS.
func IsAlert(err error) bool {
	var remote *net.OpError
	return errors.As(err, &remote) && remote.Op == "remote error"
}

// IsReply reports whether an error is what Redis answered, and not one of the
// connection.
func IsReply(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply)
}

// ErrorText is an error as stderr gets it: in one line, and without what
// Sentinels say, who may repeat a password. What they say is known to
// SentinelTrouble, or is not shown.
func ErrorText(err error) string {
	text := show.OneLine(err.Error())
	if at := strings.Index(text, noSentinel); at >= 0 {
		return text[:at] + "no Sentinel could be asked"
	}
	return text
}

// IsUnknownCommand reports whether Redis does not know a command, or not under
// that name.
func IsUnknownCommand(err error) bool {
	text := strings.ToLower(err.Error())
	return strings.Contains(text, "unknown command") || strings.Contains(text, "unknown subcommand")
}

// IsDenied reports whether Redis does not let this user do something, or cannot do it.
func IsDenied(err error) bool {
	var refusal redis.Error
	return errors.As(err, &refusal) && (strings.HasPrefix(refusal.Error(), "NOPERM") || IsUnknownCommand(refusal))
}
