package io.github.sioemit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.msgpack.core.MessagePack;

/** What is made of what servers answer, and of what only looks like it. */
@NullUnmarked
class ReplyTest {
  private static Object json(String packet) {
    String reply = "{\"type\":9,\"requestId\":\"q\",\"packet\":" + packet + "}";
    return Reply.of(reply.getBytes(UTF_8)).value();
  }

  /** Reads a value in MessagePack, given in hexadecimal. */
  private static Object packed(String packet) {
    var reply = new ByteArrayOutputStream();
    try (var packer = MessagePack.newDefaultPacker(reply)) {
      packer.packMapHeader(3);
      packer.packString("type").packInt(9);
      packer.packString("requestId").packString("q");
      packer.packString("packet");
      packer.addPayload(HexFormat.of().parseHex(packet));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
    Reply read = Reply.of(reply.toByteArray());
    return read == null ? Malformed.class : read.value();
  }

  @Test
  void json() {
    assertEquals("\u00e9\ud83d\ude00\n\"/", json("\"\u00e9\\ud83d\\ude00\\n\\\"\\/\""));
    assertEquals(
        Arrays.asList(1L, -5L, 1.5, 9007199254740992L, 1e300, true, false, null),
        json("[1, -5,1.5,9007199254740992,1e300,true,false , null]"));
    assertEquals(Map.of("b", Map.of(), "a", List.of()), json("{ \"b\" : {} ,\"a\": [ ] }"));
    assertArrayEquals(
        new byte[] {1, -1},
        assertInstanceOf(byte[].class, json("{\"type\":\"Buffer\",\"data\":[1,255]}")));
    assertEquals(
        Map.of("type", "Buffer", "data", List.of(256L)),
        json("{\"type\":\"Buffer\",\"data\":[256]}"));
    for (String wrong : List.of("[1 2]", "{1:2}", "tru", "1e999", "\"\\x\"", "\"\\u12\"", "[,]")) {
      assertThrows(Malformed.class, () -> json(wrong), wrong);
    }
  }

  @Test
  void messagePack() {
    assertEquals(
        Arrays.asList(1L, -1L, 255L, -129L, 1.5, 2.5, null, true, "hi"),
        packed("9901ffccffd1ff7fca3fc00000cb4004000000000000c0c3a26869"));
    assertEquals(1.8446744073709552e19, packed("cfffffffffffffffff"));
    assertNull(packed("cb7ff8000000000000"));
    assertArrayEquals(new byte[] {1, 2}, assertInstanceOf(byte[].class, packed("c4020102")));
    assertEquals("1970-01-01T00:00:01.000Z", packed("d70000000000000003e8"));
    assertEquals("1970-01-01T00:00:01.000Z", packed("d6ff00000001"));
    assertEquals(Map.of("b", 1L), packed("82a161d40000a16201")); // a is undefined
    for (String wrong : List.of("c1", "a5ff", "dfffffffff", "ddffffffff01", "c6ffffffff00")) {
      assertEquals(Malformed.class, packed(wrong), wrong);
    }
  }

  @Test
  void boundsAreKept() {
    assertInstanceOf(List.class, json("[".repeat(1000) + "]".repeat(1000)));
    assertThrows(Malformed.class, () -> json("[".repeat(1001) + "]".repeat(1001)));
    assertThrows(Malformed.class, () -> json("[".repeat(100_000) + "]".repeat(100_000)));
    String many =
        "[" + "{},".repeat(2_000_000) + "0]"; // which would become a hundred times as much
    var e = assertThrows(Malformed.class, () -> json(many));
    assertTrue(e.getMessage().contains("memory"), e.getMessage());
  }

  @Test
  void whatIsNoReply() {
    for (String none :
        List.of(
            "",
            "{}",
            "[]",
            "{\"requestId\":\"q\"",
            "{\"requestId\":1,\"sockets\":[]}",
            "{\"type\":8,\"clientCount\":1}",
            "{\"type\":6,\"uid\":\"x\",\"requestId\":\"q\",\"data\":[]}",
            "{\"type\":3,\"data\":{\"requestId\":\"q\"}}",
            "{\"requestId\":\"q\",\"type\":8}x")) {
      assertNull(Reply.of(none.getBytes(UTF_8)), none);
    }
    byte[] last =
        "{\"requestId\":\"a\",\"type\":8,\"requestId\":\"q\",\"clientCount\":2}".getBytes(UTF_8);
    assertEquals("q", Reply.of(last).requestId());
  }
}
