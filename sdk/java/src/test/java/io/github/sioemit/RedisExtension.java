package io.github.sioemit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** Gives tests one redis-server for all of them, and each test that asks a listener of its own. */
final class RedisExtension implements ParameterResolver {
  private static final Namespace NAMESPACE = Namespace.create(RedisExtension.class);

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    Class<?> type = parameter.getParameter().getType();
    return type == RedisServer.class || type == Listener.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    RedisServer server =
        context
            .getRoot()
            .getStore(NAMESPACE)
            .getOrComputeIfAbsent("server", key -> start(), RedisServer.class);
    return parameter.getParameter().getType() == RedisServer.class
        ? server
        : context
            .getStore(NAMESPACE)
            .getOrComputeIfAbsent("listener", key -> new Listener(server.port), Listener.class);
  }

  private static RedisServer start() {
    try {
      return new RedisServer(Files.createTempDirectory("sioemit-redis"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
