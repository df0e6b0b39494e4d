// Command observability emits one event, and prints what traces, metrics and the
// log of a service say of it.
//
//	REDIS_URL=redis://localhost:6379 go run .
//
// It is a module of its own: whoever uses the library does not get OpenTelemetry
// along with it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"go.opentelemetry.io/otel/exporters/stdout/stdoutmetric"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"
)

func main() {
	if err := run(context.Background(), os.Stdout, os.Getenv("REDIS_URL")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, url string) (err error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return err
	}
	// A service has an exporter for its collector here, such as otlptracegrpc and
	// otlpmetricgrpc.
	toTraces, err := stdouttrace.New(stdouttrace.WithWriter(out), stdouttrace.WithPrettyPrint())
	if err != nil {
		return err
	}
	toMetrics, err := stdoutmetric.New(stdoutmetric.WithWriter(out), stdoutmetric.WithPrettyPrint())
	if err != nil {
		return err
	}
	traces := trace.NewTracerProvider(trace.WithBatcher(toTraces))
	metrics := metric.NewMeterProvider(metric.WithReader(metric.NewPeriodicReader(toMetrics)))
	// What they still hold is sent now.
	defer func() { err = errors.Join(err, traces.Shutdown(ctx), metrics.Shutdown(ctx)) }()

	rdb, err := newClient(options, traces, metrics)
	if err != nil {
		return err
	}
	defer rdb.Close()
	n := &notifier{emitter.New(rdb), traces.Tracer("orders"), slog.New(slog.NewTextHandler(out, nil))}
	return n.emit(ctx, "/", "customer:7", "order:paid", map[string]any{"id": 12345, "total": 19.99})
}
