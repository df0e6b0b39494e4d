package compat_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/internal/harness"
)

// pollingSession speaks Socket.IO's HTTP long-polling by hand. Unlike a real client it can show an answer with its
// status and body, and it makes a new connection for every request, so that only stickiness brings them together.
type pollingSession struct {
	url    string
	header http.Header
	client *http.Client
}

// pollingAnswer is what came back.
type pollingAnswer struct {
	status int
	body   string
}

func (a pollingAnswer) String() string { return fmt.Sprintf("HTTP %d %s", a.status, a.body) }

// fine tells whether a node took a message of a session that it knows.
func (a pollingAnswer) fine() bool { return a.status == http.StatusOK && a.body == "ok" }

// unknown tells whether the request reached a node that does not know the session.
func (a pollingAnswer) unknown() bool {
	return a.status == http.StatusBadRequest && a.body == `{"code":1,"message":"Session ID unknown"}`
}

func newPollingSession(balancer, from string) *pollingSession {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // never: there are no options
	}
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	return &pollingSession{
		url: balancer + "/socket.io/?EIO=4&transport=polling",
		client: &http.Client{
			Jar:       jar,
			Timeout:   deadline,
			Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true},
		},
	}
}

func (s *pollingSession) request(ctx context.Context, method, body string) (pollingAnswer, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.url, strings.NewReader(body))
	if err != nil {
		return pollingAnswer{}, err
	}
	if s.header != nil {
		req.Header = s.header.Clone()
	}
	res, err := s.client.Do(req)
	if err != nil {
		return pollingAnswer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return pollingAnswer{res.StatusCode, string(text)}, err
}

// handshake opens the session; the requests after it carry its id.
func (s *pollingSession) handshake(ctx context.Context) (pollingAnswer, error) {
	answer, err := s.request(ctx, http.MethodGet, "")
	if err != nil || answer.status != http.StatusOK {
		return answer, err
	}
	var open struct{ SID string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(answer.body, "0")), &open); err != nil {
		return answer, fmt.Errorf("handshake answered %s: %w", answer, err)
	}
	s.url += "&sid=" + url.QueryEscape(open.SID)
	return answer, nil
}

// stickyRequests is how many requests follow the handshake: three nodes, drawn at random, would all be the right
// one in 1 of 500,000 sessions.
const stickyRequests = 12

// talk opens a session and sends events, each in a request of its own. It returns the first answer that is not "ok".
func (s *pollingSession) talk(ctx context.Context) (pollingAnswer, error) {
	answer, err := s.handshake(ctx)
	if err != nil || answer.status != http.StatusOK {
		return answer, err
	}
	messages := []string{"40"} // connects to the namespace "/"
	for range stickyRequests - 1 {
		messages = append(messages, `42["nobody listens to this"]`)
	}
	for _, message := range messages {
		answer, err = s.request(ctx, http.MethodPost, message)
		if err != nil || !answer.fine() {
			return answer, err
		}
	}
	// Goodbye, so that the node does not wait for a client that is gone.
	return s.request(ctx, http.MethodPost, "1")
}

const stickySessions = 3

// talks runs sessions from several addresses and returns the answer that ended each of them.
func talks(t *testing.T, balancer string) []pollingAnswer {
	t.Helper()
	var answers []pollingAnswer
	for i := range stickySessions {
		answer, err := newPollingSession(balancer, loopback(i)).talk(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, answer)
	}
	return answers
}

// checkSticky has sessions of many requests succeed.
func checkSticky(t *testing.T, balancer string) {
	t.Helper()
	for i, answer := range talks(t, balancer) {
		if !answer.fine() {
			t.Errorf("polling session from %s: not sticky: %s", loopback(i), answer)
		}
	}
}

// checkStickyMostly is checkSticky for a load balancer that learns of a session by a message that a fast client
// can overtake. One session of many requests is proof enough that they are not spread at random.
func checkStickyMostly(t *testing.T, balancer string) {
	t.Helper()
	answers := talks(t, balancer)
	for _, answer := range answers {
		if answer.fine() {
			return
		}
	}
	t.Errorf("polling sessions: not sticky: %v", answers)
}

// checkNotSticky is the counter-check: requests of one session reach different nodes, so polling fails, for a real
// client too, while a client that only uses WebSocket, a single request, connects.
func checkNotSticky(t *testing.T, balancer string) {
	t.Helper()
	for i, answer := range talks(t, balancer) {
		if !answer.unknown() {
			t.Errorf("polling session from %s, without stickiness: want HTTP 400 Session ID unknown, got %s",
				loopback(i), answer)
		}
	}

	clients := harness.ClientsFor(t, harness.V4)
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	// A client that is very lucky connects nevertheless. Six are never all lucky.
	var failed error
	for range 6 {
		_, err := clients.Connect(ctx, harness.ConnectOptions{URL: balancer, Transports: []string{"polling"}})
		failed = errors.Join(failed, err)
	}
	if failed == nil || !strings.Contains(failed.Error(), "xhr po") { // xhr poll error, xhr post error
		t.Errorf("polling clients without stickiness: want connect_error, got %v", failed)
	}
	c, err := clients.Connect(ctx, harness.ConnectOptions{URL: balancer, Transports: []string{"websocket"}})
	if err != nil {
		t.Fatalf("a client that only uses WebSocket needs no stickiness: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// loopback is the address that the i-th group of clients connects from. nginx's ip_hash looks at the first three
// numbers, so it is the third that differs.
func loopback(i int) string { return fmt.Sprintf("127.0.%d.1", i) }
