package io.github.sioemit;

import io.micrometer.observation.ObservationRegistry;
import io.micrometer.tracing.handler.DefaultTracingObservationHandler;
import io.micrometer.tracing.otel.bridge.OtelCurrentTraceContext;
import io.micrometer.tracing.otel.bridge.OtelTracer;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.jspecify.annotations.NullUnmarked;

/** What a program gets to know of its Redis client: spans of OpenTelemetry, and logs. */
@NullUnmarked
final class Observed implements AutoCloseable {
  final ObservationRegistry observations = ObservationRegistry.create();
  final BlockingQueue<SpanData> spans = new LinkedBlockingQueue<>();
  final List<String> logs = new CopyOnWriteArrayList<>();

  private final SdkTracerProvider provider;
  private final Logger logger = Logger.getLogger("io.lettuce");
  private final Level level = logger.getLevel();
  private final Handler handler =
      new Handler() {
        @Override
        public void publish(LogRecord one) {
          logs.add(one.getMessage());
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
      };

  Observed(Level least) {
    SpanExporter exporter =
        new SpanExporter() {
          @Override
          public CompletableResultCode export(Collection<SpanData> more) {
            spans.addAll(more);
            return CompletableResultCode.ofSuccess();
          }

          @Override
          public CompletableResultCode flush() {
            return CompletableResultCode.ofSuccess();
          }

          @Override
          public CompletableResultCode shutdown() {
            return CompletableResultCode.ofSuccess();
          }
        };
    provider =
        SdkTracerProvider.builder().addSpanProcessor(SimpleSpanProcessor.create(exporter)).build();
    var tracer = new OtelTracer(provider.get("test"), new OtelCurrentTraceContext(), event -> {});
    observations
        .observationConfig()
        .observationHandler(new DefaultTracingObservationHandler(tracer));
    logger.addHandler(handler);
    logger.setLevel(least);
  }

  @Override
  public void close() {
    logger.removeHandler(handler);
    logger.setLevel(level);
    provider.close();
  }
}
