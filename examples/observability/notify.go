package main

import (
	"context"
	"log/slog"

	"github.com/sioemit/sioemit/emitter"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// notifier emits, and tells traces and the log what it sent to whom.
type notifier struct {
	io     *emitter.Emitter
	tracer trace.Tracer
	log    *slog.Logger
}

func (n *notifier) emit(ctx context.Context, namespace, room, event string, args ...any) error {
	ctx, span := n.tracer.Start(ctx, "emit "+event, trace.WithAttributes(
		attribute.String("sioemit.namespace", namespace), attribute.String("sioemit.room", room)))
	defer span.End()
	err := n.io.Of(namespace).To(room).Emit(ctx, event, args...) // what goes to Redis is a child of the span
	level := slog.LevelInfo
	if err != nil {
		level = slog.LevelError
		span.SetStatus(codes.Error, err.Error())
	}
	n.log.LogAttrs(ctx, level, "emit",
		slog.String("event", event), slog.String("namespace", namespace), slog.String("room", room),
		slog.Int("args", len(args)), // how many, and not what they are
		slog.String("trace", span.SpanContext().TraceID().String()), slog.Any("error", err))
	return err
}
