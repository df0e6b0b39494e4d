package main

import (
	"errors"

	"github.com/redis/go-redis/extra/redisotel/v9"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// newClient returns a client that reports each command to OpenTelemetry, but not
// what is in it: an event belongs to those whom it is for.
func newClient(options *redis.Options, traces trace.TracerProvider, metrics metric.MeterProvider) (*redis.Client, error) {
	rdb := redis.NewClient(options)
	err := errors.Join(
		redisotel.InstrumentTracing(rdb,
			redisotel.WithTracerProvider(traces),
			redisotel.WithDBStatement(false),   // or each span holds the whole command, and with it the event
			redisotel.WithCallerEnabled(false), // which is always the emitter
		),
		redisotel.InstrumentMetrics(rdb,
			redisotel.WithMeterProvider(metrics),
			redisotel.WithSemConvCompliantMetrics(true),
		),
	)
	rdb.AddHook(quotes{}) // after the others, so that it is the first to see what Redis answers
	return rdb, err
}
