package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/redis/go-redis/extra/redisotel/v9"
	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/harness"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// secret is in every event here, and must be nowhere else.
const secret = "s3cr3t"

// service is a service that emits, with all that it says of itself.
type service struct {
	notifier
	server *harness.Redis
	rdb    *redis.Client
	spans  *tracetest.InMemoryExporter
	reader *metric.ManualReader
	said   bytes.Buffer
}

func startService(t *testing.T, config harness.RedisConfig, set func(*redis.Options)) *service {
	t.Helper()
	s := &service{server: harness.RedisFor(t, config), spans: tracetest.NewInMemoryExporter(), reader: metric.NewManualReader()}
	options, err := redis.ParseURL(s.server.URL())
	if err != nil {
		t.Fatal(err)
	}
	if set != nil {
		set(options)
	}
	traces := sdktrace.NewTracerProvider(sdktrace.WithSyncer(s.spans))
	if s.rdb, err = newClient(options, traces, metric.NewMeterProvider(metric.WithReader(s.reader))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.rdb.Close() })
	s.notifier = notifier{emitter.New(s.rdb), traces.Tracer("test"), slog.New(slog.NewTextHandler(&s.said, nil))}
	return s
}

// span returns the only span of that name.
func (s *service) span(t *testing.T, name string) tracetest.SpanStub {
	t.Helper()
	var found tracetest.SpanStubs
	var names []string
	for _, span := range s.spans.GetSpans() {
		if names = append(names, span.Name); span.Name == name {
			found = append(found, span)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d spans are called %q, of %q", len(found), name, names)
	}
	return found[0]
}

// connected makes a connection, for which go-redis has commands of its own, and
// returns what is timed then.
func (s *service) connected(t *testing.T) map[string]uint64 {
	t.Helper()
	if err := s.rdb.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	return s.timed(t)
}

// timed are how often commands and pipelines were timed, by what became of them.
func (s *service) timed(t *testing.T) map[string]uint64 {
	t.Helper()
	counts := make(map[string]uint64)
	for _, m := range s.metrics(t) {
		if m.Name != "db.client.connections.use_time" {
			continue
		}
		for _, point := range m.Data.(metricdata.Histogram[float64]).DataPoints {
			kind, _ := point.Attributes.Value("type")
			status, _ := point.Attributes.Value("status")
			counts[kind.AsString()+" "+status.AsString()] += point.Count
			if point.Sum <= 0 {
				t.Errorf("%s took no time", kind.AsString())
			}
		}
	}
	return counts
}

func (s *service) metrics(t *testing.T) (all []metricdata.Metrics) {
	t.Helper()
	var collected metricdata.ResourceMetrics
	if err := s.reader.Collect(t.Context(), &collected); err != nil {
		t.Fatal(err)
	}
	for _, scope := range collected.ScopeMetrics {
		all = append(all, scope.Metrics...)
	}
	return all
}

// keepsSecret looks for the event in everything that is said of it.
func (s *service) keepsSecret(t *testing.T) {
	t.Helper()
	var all strings.Builder
	write := func(attributes []attribute.KeyValue) {
		for _, a := range attributes {
			fmt.Fprintln(&all, a.Key, a.Value.Emit())
		}
	}
	for _, span := range s.spans.GetSpans() {
		fmt.Fprintln(&all, span.Name, span.Status)
		write(span.Attributes)
		for _, event := range span.Events {
			fmt.Fprintln(&all, event.Name)
			write(event.Attributes)
		}
	}
	for _, m := range s.metrics(t) {
		fmt.Fprintf(&all, "%+v\n", m)
	}
	all.WriteString(s.said.String())
	for _, text := range []string{secret, hex.EncodeToString([]byte(secret))} { // redisotel writes bytes in hex
		if strings.Contains(all.String(), text) {
			t.Errorf("what the event says is in\n%s", all.String())
		}
	}
}

func TestEvent(t *testing.T) {
	s := startService(t, harness.RedisConfig{}, nil)
	pubsub := s.server.Client().PSubscribe(t.Context(), "socket.io#*")
	defer pubsub.Close()
	if _, err := pubsub.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := s.connected(t)
	ctx, request := s.tracer.Start(t.Context(), "request")
	if err := s.emit(ctx, "/", "customer:7", "order:paid", secret); err != nil {
		t.Fatal(err)
	}
	request.End()
	if m, err := pubsub.ReceiveMessage(t.Context()); err != nil || !strings.Contains(m.Payload, secret) {
		t.Fatalf("%v, %v", m, err) // it is the event that has been looked for
	}

	emit, publish := s.span(t, "emit order:paid"), s.span(t, "publish")
	if emit.Parent.SpanID() != request.SpanContext().SpanID() || publish.Parent.SpanID() != emit.SpanContext.SpanID() {
		t.Errorf("request %v, emit in %v is %v, publish is in %v",
			request.SpanContext().SpanID(), emit.Parent.SpanID(), emit.SpanContext.SpanID(), publish.Parent.SpanID())
	}
	if publish.SpanContext.TraceID() != request.SpanContext().TraceID() {
		t.Error("publish is in another trace")
	}
	if publish.SpanKind != trace.SpanKindClient || !publish.EndTime.After(publish.StartTime) || publish.Status.Code != codes.Unset {
		t.Errorf("publish: %v, %v to %v, %v", publish.SpanKind, publish.StartTime, publish.EndTime, publish.Status)
	}
	if got := s.timed(t); got["command ok"] != before["command ok"]+1 {
		t.Errorf("the metrics were of %v, and are of %v", before, got)
	}
	for _, want := range []string{
		"level=INFO msg=emit event=order:paid namespace=/ room=customer:7 args=1", "trace=" + request.SpanContext().TraceID().String(), "error=<nil>",
	} {
		if !strings.Contains(s.said.String(), want) {
			t.Errorf("the log lacks %q: %s", want, &s.said)
		}
	}
	s.keepsSecret(t)
}

func TestPipeline(t *testing.T) {
	s := startService(t, harness.RedisConfig{}, nil)
	ctx, request := s.tracer.Start(t.Context(), "request")
	twice := func(io *emitter.Emitter) error {
		return errors.Join(io.Emit(ctx, "order:paid", secret), io.To("customer:7").Emit(ctx, "order:paid", secret))
	}
	if err := s.io.Pipelined(ctx, twice); err != nil {
		t.Fatal(err)
	}
	request.End()
	pipeline := s.span(t, "redis.pipeline publish")
	if pipeline.Parent.SpanID() != request.SpanContext().SpanID() {
		t.Errorf("the pipeline is in %v", pipeline.Parent.SpanID())
	}
	if got := s.timed(t); got["pipeline ok"] == 0 {
		t.Errorf("the metrics are of %v", got)
	}
	s.keepsSecret(t)
}

// TestRefused has a user who may not publish.
func TestRefused(t *testing.T) {
	s := startService(t, harness.RedisConfig{}, func(o *redis.Options) { o.Username, o.Password = "reader", "x" })
	if err := s.server.Client().Do(t.Context(), "ACL", "SETUSER", "reader", "on", ">x", "+@all", "-publish", "allchannels").Err(); err != nil {
		t.Fatal(err)
	}
	before := s.connected(t)
	if err := s.emit(t.Context(), "/", "customer:7", "order:paid", secret); err == nil {
		t.Fatal("it was sent")
	}
	for _, name := range []string{"publish", "emit order:paid"} {
		if span := s.span(t, name); span.Status.Code != codes.Error || !strings.Contains(span.Status.Description, "NOPERM") {
			t.Errorf("%s: %v", name, span.Status)
		}
	}
	if got := s.timed(t); got["command error"] != before["command error"]+1 {
		t.Errorf("the metrics were of %v, and are of %v", before, got)
	}
	if !strings.Contains(s.said.String(), "level=ERROR") || !strings.Contains(s.said.String(), "NOPERM") {
		t.Errorf("the log says %s", &s.said)
	}
	s.keepsSecret(t)
}

// TestUnknownCommand has a Redis that repeats what it was sent.
func TestUnknownCommand(t *testing.T) {
	s := startService(t, harness.RedisConfig{Args: []string{"--rename-command", "PUBLISH", ""}}, nil)
	if err := s.server.Client().Publish(t.Context(), "socket.io#/#", secret).Err(); err == nil || !strings.Contains(err.Error(), secret) {
		t.Fatalf("Redis repeats nothing any more: %v", err)
	}
	send := func(io *emitter.Emitter) error { return io.Emit(t.Context(), "order:paid", secret) }
	for name, err := range map[string]error{
		"emit": s.emit(t.Context(), "/", "customer:7", "order:paid", secret), "a pipeline": s.io.Pipelined(t.Context(), send),
	} {
		if err == nil || !strings.Contains(err.Error(), "unknown command") || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"publish", "redis.pipeline publish"} {
		if span := s.span(t, name); span.Status.Code != codes.Error || !strings.Contains(span.Status.Description, "unknown command") {
			t.Errorf("%s: %v", name, span.Status)
		}
	}
	s.keepsSecret(t)
}

// TestUnknownAuth has a Redis that repeats the password.
func TestUnknownAuth(t *testing.T) {
	config := harness.RedisConfig{Args: []string{"--rename-command", "HELLO", "", "--rename-command", "AUTH", ""}}
	s := startService(t, config, func(o *redis.Options) { o.Password = secret })
	if err := s.emit(t.Context(), "/", "customer:7", "order:paid"); err == nil {
		t.Fatal("it was sent")
	}
	if span := s.span(t, "publish"); span.Status.Code != codes.Error || !strings.Contains(span.Status.Description, "unknown command") {
		t.Errorf("publish: %v", span.Status)
	}
	s.keepsSecret(t)
}

// TestCluster has a Redis Cluster that repeats what it was sent, and the hooks
// where docs/service.md says.
func TestCluster(t *testing.T) {
	cluster := harness.ClusterFor(t, 3, 0, harness.RedisConfig{Args: []string{"--rename-command", "PUBLISH", ""}})
	rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{cluster.Nodes[0].Addr}})
	defer rdb.Close()
	s := &service{spans: tracetest.NewInMemoryExporter(), reader: metric.NewManualReader()}
	traces, metrics := redisotel.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(s.spans))),
		redisotel.WithMeterProvider(metric.NewMeterProvider(metric.WithReader(s.reader)))
	err := errors.Join(redisotel.InstrumentTracing(rdb, traces, redisotel.WithDBStatement(false)), redisotel.InstrumentMetrics(rdb, metrics))
	if err != nil {
		t.Fatal(err)
	}
	rdb.OnNewNode(func(node *redis.Client) { node.AddHook(quotes{}) })
	if err := emitter.New(rdb).Emit(t.Context(), "order:paid", secret); err == nil {
		t.Fatal("it was sent")
	}
	if span := s.span(t, "publish"); span.Status.Code != codes.Error || !strings.Contains(span.Status.Description, "unknown command") {
		t.Errorf("publish: %v", span.Status)
	}
	s.keepsSecret(t)
}

// TestRun runs the program.
func TestRun(t *testing.T) {
	server := harness.RedisFor(t, harness.RedisConfig{})
	var out bytes.Buffer
	if err := run(t.Context(), &out, server.URL()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"Name": "publish"`, `"Name": "emit order:paid"`, `"Name": "db.client.connections.use_time"`, "msg=emit event=order:paid"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not print %s:\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "19.99") {
		t.Errorf("it prints the event:\n%s", &out)
	}
}

// TestServicePage has docs/service.md show this code.
func TestServicePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/service.md")
	if err != nil {
		t.Fatal(err)
	}
	for file, start := range map[string]string{"client.go": "func newClient", "notify.go": "func (n *notifier) emit"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, code, found := strings.Cut(string(source), start)
		if code = start + code; !found || !strings.Contains(string(page), "```go\n"+code+"```\n") {
			t.Errorf("docs/service.md does not show\n%s", code)
		}
	}
}
