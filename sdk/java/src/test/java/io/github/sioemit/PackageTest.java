package io.github.sioemit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.jar.JarFile;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** What make package made can be installed into an empty project, and works. */
@ExtendWith(RedisExtension.class)
@NullUnmarked
class PackageTest {
  @TempDir Path directory;

  private String run(String input, String... command) throws Exception {
    Path said = directory.resolve("said");
    Path typed = Files.writeString(directory.resolve("typed"), input);
    int status =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectInput(typed.toFile())
            .redirectOutput(said.toFile())
            .start()
            .waitFor();
    String text = Files.readString(said, StandardCharsets.UTF_8);
    assertEquals(0, status, () -> String.join(" ", command) + "\n" + text);
    return text;
  }

  @Test
  void installedIntoAnEmptyProject(RedisServer server, Listener listener) throws Exception {
    Path empty = Files.createDirectories(directory.resolve("empty"));
    run("", "./installed", empty.toString());
    var brought = new TreeSet<String>();
    Path ours = null;
    for (String word : Files.readString(empty.resolve("classpath")).split(File.pathSeparator, -1)) {
      Path jar = Path.of(word);
      String name = jar.getFileName().toString().replaceAll("-[0-9].*", "");
      brought.add(name);
      ours = name.equals("sioemit") ? jar : ours;
    }
    assertTrue(brought.contains("jedis"), brought::toString);
    for (String unwanted :
        List.of("lettuce-core", "jspecify", "msgpack-core", "jackson-databind")) {
      assertFalse(brought.contains(unwanted), brought::toString);
    }
    assertTrue(ours.startsWith(empty), ours::toString);
    for (String kind : List.of("-sources", "-javadoc")) {
      String other = ours.getFileName().toString().replace(".jar", kind + ".jar");
      assertTrue(Files.exists(ours.resolveSibling(other)), other);
    }
    try (var jar = new JarFile(ours.toFile())) {
      var attributes = jar.getManifest().getMainAttributes();
      assertEquals("io.github.sioemit", attributes.getValue("Automatic-Module-Name"));
      assertNotNull(jar.getEntry("META-INF/LICENSE"));
    }
    String program =
        """
        import io.github.sioemit.*;
        try (var client = redis.clients.jedis.RedisClient.create("127.0.0.1", %d)) {
          new Emitter(new JedisPublisher(client)).emit("installed", new byte[] {1});
        }
        """;
    String said = run(program.formatted(server.port), empty.resolve("run").toString());
    assertEquals("", said);
    assertEquals(List.of("installed", new Listener.Binary((byte) 1)), listener.next().data());
  }
}
