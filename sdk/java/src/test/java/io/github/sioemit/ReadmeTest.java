package io.github.sioemit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.sioemit.Listener.Binary;
import io.micrometer.observation.ObservationRegistry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.sdk.trace.data.SpanData;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.StringWriter;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.jetbrains.kotlin.cli.common.ExitCode;
import org.jetbrains.kotlin.cli.jvm.K2JVMCompiler;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import redis.clients.jedis.RedisClient;

/** The README's code, and the example, do what they say. */
@ExtendWith(RedisExtension.class)
@NullUnmarked
class ReadmeTest {
  private static final String CLASSPATH = System.getProperty("java.class.path");

  @TempDir Path directory;

  private static List<String> blocks(String language, RedisServer server) throws Exception {
    String readme = Files.readString(Path.of("README.md"));
    Matcher matcher =
        Pattern.compile("```" + language + "\n(.*?)```", Pattern.DOTALL).matcher(readme);
    List<String> blocks = new ArrayList<>();
    while (matcher.find()) {
      blocks.add(
          matcher
              .group(1)
              .replace("ofSeconds(2)", "ofSeconds(60)") // on a busy machine
              .replace("\"localhost\", 6379", "\"127.0.0.1\", " + server.port)
              .replace("redis://localhost:6379", server.url()));
    }
    return blocks;
  }

  /** Compiles a file with every warning, and returns what finds its classes. */
  private URLClassLoader compile(String name, String code) throws Exception {
    Path source = Files.createDirectories(directory.resolve("source")).resolve(name + ".java");
    Files.writeString(source, code);
    Path classes = Files.createDirectories(directory.resolve(name));
    var said = new ByteArrayOutputStream();
    String[] args = {
      "-Xlint:all", "-Werror", "-proc:none", "-cp", CLASSPATH, "-d", "" + classes, "" + source
    };
    int status = ToolProvider.getSystemJavaCompiler().run(null, said, said, args);
    assertEquals(0, status, () -> said.toString(UTF_8) + code);
    return new URLClassLoader(new URL[] {classes.toUri().toURL()});
  }

  /** Puts statements into a method, below their imports. */
  private static String program(String name, String block) {
    var imports = new StringBuilder("import io.github.sioemit.*;\n");
    var statements = new StringBuilder();
    for (String line : block.split("\n", -1)) {
      (line.startsWith("import ") ? imports : statements).append(line).append('\n');
    }
    return """
        %s
        public class %s {
          public static void run(Emitter io, Publisher publisher) {
            class Block {
              void run() {
                %s
              }
            }
            new Block().run();
          }
        }
        """
        .formatted(imports, name, statements);
  }

  @Test
  void java(RedisServer server, Listener listener) throws Exception {
    List<String> blocks = blocks("java", server);
    assertEquals(11, blocks.size());
    var out = new ByteArrayOutputStream();
    PrintStream was = System.out;
    try (var redis = RedisClient.create(server.url());
        var asked = new AskedServer(server.port)) {
      System.setOut(new PrintStream(out, true, UTF_8));
      var publisher = new JedisPublisher(redis);
      for (int i = 0; i < 9; i++) {
        try (URLClassLoader classes = compile("Block" + i, program("Block" + i, blocks.get(i)))) {
          classes
              .loadClass("Block" + i)
              .getMethod("run", Emitter.class, Publisher.class)
              .invoke(null, new Emitter(publisher), publisher);
        }
      }
      assertEquals(4, asked.asked.size());
    } finally {
      System.setOut(was);
    }
    var everyone = listener.next();
    assertEquals("socket.io#/#", everyone.channel());
    assertEquals(List.of("hello", "world"), everyone.data());
    var one = listener.next();
    assertEquals("socket.io#/#user:7#", one.channel());
    assertEquals(List.of("order:paid", Map.of("id", 12345L, "total", 19.99)), one.data());
    assertEquals(List.of("muted"), one.options().get("except"));
    var photo = listener.next();
    assertEquals("socket.io#/admin#", photo.channel());
    assertEquals(List.of("photo", new Binary((byte) 0xff, (byte) 0xd8)), photo.data());
    assertEquals(List.of(Map.of("id", 12345L)), listener.args());
    assertEquals(List.of("a"), listener.next().data());
    var volatileOne = listener.next();
    assertEquals(List.of("b"), volatileOne.data());
    assertEquals(Map.of("volatile", true), volatileOne.options().get("flags"));
    for (long n = 0; n < 1000; n++) {
      var tick = listener.next();
      assertEquals("socket.io#/#user:" + n + "#", tick.channel());
      assertEquals(List.of("tick", n), tick.data());
    }
    assertEquals("[hi]\n{name=Ada}\n1 servers have it\ntrue", out.toString(UTF_8).strip());
  }

  /** Returns the span of the event, once what the block says has been done. */
  private SpanData observe(String name, String block, Observed observed) throws Exception {
    String imports = block.replaceAll("(?m)^(?!import ).*\n", "");
    String code =
        """
        import io.github.sioemit.*;
        import io.micrometer.observation.ObservationRegistry;
        %s
        public class %s {
          public static RedisClient run(ObservationRegistry observations) {
            %s
            return client;
          }
        }
        """
            .formatted(imports, name, block.replaceAll("(?m)^import .*\n", ""));
    try (URLClassLoader classes = compile(name, code)) {
      var client =
          (io.lettuce.core.RedisClient)
              classes
                  .loadClass(name)
                  .getMethod("run", ObservationRegistry.class)
                  .invoke(null, observed.observations);
      SpanData span = observed.spans.take();
      while (!span.getName().equals("publish")) {
        span = observed.spans.take();
      }
      client.shutdown();
      client.getResources().shutdown().get();
      return span;
    }
  }

  @Test
  void observability(RedisServer server, Listener listener) throws Exception {
    String block = blocks("java", server).get(9).replace("12345", "\"S3cr3t\"");
    var statement = AttributeKey.stringKey("db.statement");
    try (var observed = new Observed(Level.FINE)) {
      SpanData span = observe("Spans", block, observed);
      assertEquals("PUBLISH", span.getAttributes().get(AttributeKey.stringKey("db.operation")));
      assertNull(span.getAttributes().get(statement));
      assertFalse(span.toString().contains("S3cr3t"), span::toString);
      assertFalse(observed.logs.isEmpty());
      assertFalse(observed.logs.toString().contains("S3cr3t"), observed.logs::toString);
    }
    // That is where events would be.
    try (var observed = new Observed(Level.FINEST)) {
      String all = block.replace("\"redis\")", "\"redis\", true)");
      SpanData span = observe("Statements", all, observed);
      assertTrue(span.getAttributes().get(statement).startsWith("PUBLISH "), span::toString);
      assertTrue(observed.logs.toString().contains("S3cr3t"), observed.logs::toString);
    }
    assertEquals(List.of("S3cr3t"), listener.args());
    assertEquals(List.of("S3cr3t"), listener.args());
  }

  @Test
  void spring(RedisServer server, Listener listener) throws Exception {
    String block = blocks("java", server).get(10);
    try (URLClassLoader classes = compile("SocketIoConfiguration", block);
        var context = new AnnotationConfigApplicationContext()) {
      context.setClassLoader(classes);
      context.registerBean(
          LettuceConnectionFactory.class,
          () -> new LettuceConnectionFactory("127.0.0.1", server.port));
      context.register(classes.loadClass("SocketIoConfiguration"));
      context.refresh();
      context.getBean(Emitter.class).to("r").emit("spring", new byte[] {-1});
    }
    assertEquals(List.of("spring", new Binary((byte) -1)), listener.next().data());
  }

  @Test
  void kotlin(RedisServer server, Listener listener) throws Exception {
    List<String> blocks = blocks("kotlin", server);
    assertEquals(1, blocks.size());
    String code = blocks.get(0).replace("val io =", "fun main() {\nval io =") + "}\n";
    Path source = Files.writeString(directory.resolve("readme.kt"), code);
    Path classes = Files.createDirectories(directory.resolve("kotlin"));
    var said = new ByteArrayOutputStream();
    ExitCode status =
        new K2JVMCompiler()
            .exec(
                new PrintStream(said, true, UTF_8),
                "-Werror",
                "-no-stdlib",
                "-no-reflect",
                "-jvm-target",
                "17",
                "-Xjspecify-annotations=strict",
                "-classpath",
                CLASSPATH,
                "-d",
                classes.toString(),
                source.toString());
    assertEquals(ExitCode.OK, status, () -> said.toString(UTF_8));
    try (var loader = new URLClassLoader(new URL[] {classes.toUri().toURL()})) {
      loader.loadClass("ReadmeKt").getMethod("main").invoke(null);
    }
    var paid = listener.next();
    assertEquals("socket.io#/#user:7#", paid.channel());
    assertTrue(((Map<?, ?>) paid.data().get(1)).containsKey("note"));
    var tick = listener.next();
    assertEquals(List.of(5L), tick.options().get("rooms"));
    assertEquals(List.of("muted"), tick.options().get("except"));
    assertEquals(List.of(List.of(1L, 2L)), listener.args());
    assertEquals(List.of("b"), listener.next().data());
  }

  @Test
  void example(RedisServer server, Listener listener) throws Exception {
    String code = Files.readString(Path.of("examples", "Notify.java"));
    var out = new ByteArrayOutputStream();
    PrintStream was = System.out;
    try (URLClassLoader classes = compile("Notify", code)) {
      System.setOut(new PrintStream(out, true, UTF_8));
      classes
          .loadClass("Notify")
          .getMethod("main", String[].class)
          .invoke(null, (Object) new String[] {server.url()});
    } finally {
      System.setOut(was);
    }
    var channels = new StringWriter();
    for (int i = 0; i < 3; i++) {
      channels.append(listener.next().channel()).append(' ');
    }
    assertEquals("socket.io#/#user:7# socket.io#/# socket.io-request#/# ", channels.toString());
    assertEquals("0 servers listen", out.toString(UTF_8).strip());
  }
}
