package io.github.sioemit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.sioemit.Listener.Binary;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.AbstractMap;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.msgpack.core.MessageBufferPacker;

/** What a value becomes: as Jackson has it, but for bytes. */
@NullUnmarked
@SuppressWarnings({"ArrayRecordComponent", "UnnecessaryStringBuilder"})
class ValuesTest {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  record Order(int id, Instant paid, byte[] photo) {}

  record Renamed(@JsonProperty("other_name") int name) {}

  record Self(List<Object> list) {}

  enum Colour {
    RED
  }

  static class Bean {
    public int size = 1;
    public byte[] photo = {1, 2};
    public Float ratio = 0.1f;
    public List<Bean> children = List.of();
  }

  private static byte[] encode(Function<Object, ?> converter, int maxAttachments, Object... args) {
    var out = new MessagePack();
    Encoder.event(
        out, "ev", args, new Encoder.Limits(maxAttachments, converter), Encoder.Binary.PACKED);
    return out.toByteArray();
  }

  private static Object arrives(Object value) {
    return arrives(value, null);
  }

  private static Object arrives(Object value, Function<Object, ?> converter) {
    List<?> data = (List<?>) Listener.decode(encode(converter, 10, value));
    assertEquals(2, data.size());
    assertEquals("ev", data.get(0));
    return data.get(1);
  }

  private static Object nested(int levels) {
    Object value = null;
    for (int i = 0; i < levels; i++) {
      value = Collections.singletonList(value);
    }
    return value;
  }

  private static Map<String, Object> ordered(Object... pairs) {
    Map<String, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < pairs.length; i += 2) {
      map.put((String) pairs[i], pairs[i + 1]);
    }
    return map;
  }

  static Stream<Arguments> values() {
    return Stream.of(
        Arguments.of(null, null),
        Arguments.of(1.0, 1L),
        Arguments.of(-0.0, 0L),
        Arguments.of(0x1p53, 1L << 53),
        Arguments.of((1L << 53) + 1, 0x1p53),
        Arguments.of(Long.MIN_VALUE, -0x1p63),
        Arguments.of(BigInteger.TWO.pow(70), 0x1p70),
        Arguments.of(BigInteger.TEN, 10L),
        Arguments.of(new BigDecimal("19.99"), 19.99),
        Arguments.of(new BigDecimal("1.0"), 1L),
        Arguments.of(0.1f, 0.1),
        Arguments.of(0.1, 0.1),
        Arguments.of((byte) -1, -1L),
        Arguments.of((short) 300, 300L),
        Arguments.of(new AtomicInteger(5), 5L),
        Arguments.of(new AtomicLong(6), 6L),
        Arguments.of(new AtomicBoolean(true), true),
        Arguments.of('x', "x"),
        Arguments.of(new StringBuilder("sb"), "sb"),
        Arguments.of("h\u00e9\u20ac\ud83d\ude00", "h\u00e9\u20ac\ud83d\ude00"),
        Arguments.of("a\ud800b", "a\ufffdb"),
        Arguments.of("\udc00", "\ufffd"),
        Arguments.of(ordered("\ud800", 1), ordered("\ufffd", 1L)),
        Arguments.of("x".repeat(70_000), "x".repeat(70_000)),
        Arguments.of("\u00e9".repeat(70_000), "\u00e9".repeat(70_000)),
        Arguments.of(new char[] {'o', 'k'}, "ok"),
        Arguments.of(new int[] {1, 2}, List.of(1L, 2L)),
        Arguments.of(new double[] {0.5, 1}, List.of(0.5, 1L)),
        Arguments.of(new boolean[] {true}, List.of(true)),
        Arguments.of(new Object[] {"a", new String[] {"b"}}, List.of("a", List.of("b"))),
        Arguments.of(new byte[] {0, -1}, new Binary((byte) 0, (byte) -1)),
        Arguments.of(List.of(new byte[70_000]), List.of(new Binary(new byte[70_000]))),
        Arguments.of(ByteBuffer.wrap(new byte[] {1, 2, 3}, 1, 2), new Binary((byte) 2, (byte) 3)),
        Arguments.of(ByteBuffer.allocateDirect(1), new Binary((byte) 0)),
        Arguments.of(ordered("b", 1, "a", null), ordered("b", 1L, "a", null)),
        Arguments.of(new TreeMap<>(Map.of(2, "x", 1, "y")), ordered("1", "y", "2", "x")),
        Arguments.of(Map.of(Colour.RED, Colour.RED), ordered("RED", "RED")),
        Arguments.of(Map.of(true, new UUID(0, 1)), ordered("true", new UUID(0, 1).toString())),
        Arguments.of(Set.of(1), List.of(1L)),
        Arguments.of((Iterable<Integer>) () -> List.of(1, 2).iterator(), List.of(1L, 2L)),
        Arguments.of(
            (Iterable<Integer>) () -> IntStream.range(0, 20).iterator(),
            IntStream.range(0, 20).mapToObj(i -> (long) i).toList()),
        Arguments.of(URI.create("a:b"), "a:b"),
        Arguments.of(Optional.of(1), 1L),
        Arguments.of(Optional.empty(), null),
        Arguments.of(OptionalInt.of(3), 3L),
        Arguments.of(Instant.parse("2026-01-02T03:04:00Z"), "2026-01-02T03:04:00Z"),
        Arguments.of(Instant.parse("2026-01-02T03:04:05.060Z"), "2026-01-02T03:04:05.06Z"),
        Arguments.of(OffsetDateTime.parse("2026-01-02T03:04-03:30"), "2026-01-02T03:04:00-03:30"),
        Arguments.of(OffsetDateTime.parse("1890-01-02T03:04:00+00:00:30"), "1890-01-02T03:03:30Z"),
        Arguments.of(
            ZonedDateTime.of(2026, 1, 2, 3, 4, 5, 0, ZoneId.of("Asia/Kolkata")),
            "2026-01-02T03:04:05+05:30"),
        Arguments.of(Date.from(Instant.ofEpochMilli(1)), "1970-01-01T00:00:00.001Z"),
        Arguments.of(java.sql.Date.valueOf("2026-01-02"), "2026-01-02"),
        Arguments.of(LocalDate.of(2026, 1, 2), "2026-01-02"),
        Arguments.of(LocalDateTime.of(2026, 1, 2, 3, 4), "2026-01-02T03:04:00"),
        Arguments.of(LocalTime.of(3, 4, 5), "03:04:05"),
        Arguments.of(
            new Order(1, Instant.EPOCH, new byte[] {1}),
            ordered("id", 1L, "paid", "1970-01-01T00:00:00Z", "photo", new Binary((byte) 1))));
  }

  @ParameterizedTest
  @MethodSource("values")
  void arrive(Object value, Object want) {
    Object got = arrives(value);
    assertEquals(want, got);
    if (want instanceof Map<?, ?> members) {
      assertEquals(new ArrayList<>(members.keySet()), new ArrayList<>(((Map<?, ?>) got).keySet()));
    }
  }

  @Test
  void bytesOfBufferStay() {
    ByteBuffer buffer = ByteBuffer.wrap(new byte[] {1, 2});
    arrives(buffer);
    assertEquals(2, buffer.remaining());
  }

  static Stream<Arguments> refusals() {
    return Stream.of(
        Arguments.of(Double.NaN, Reason.UNENCODABLE),
        Arguments.of(Float.NEGATIVE_INFINITY, Reason.UNENCODABLE),
        Arguments.of(BigInteger.TEN.pow(400), Reason.UNENCODABLE),
        Arguments.of(new BigDecimal("1e400"), Reason.UNENCODABLE),
        Arguments.of(new Object(), Reason.UNENCODABLE),
        Arguments.of(new Bean(), Reason.UNENCODABLE),
        Arguments.of(new LongAdder(), Reason.UNENCODABLE),
        Arguments.of(Path.of("/a/b"), Reason.UNENCODABLE),
        Arguments.of(MAPPER.createObjectNode().put("a", 1), Reason.UNENCODABLE),
        Arguments.of(MAPPER.createArrayNode().add("a"), Reason.UNENCODABLE),
        Arguments.of(Collections.singletonMap(null, 1), Reason.UNENCODABLE),
        Arguments.of(Map.of(List.of(), 1), Reason.UNENCODABLE),
        Arguments.of(Map.of(1.5, 1), Reason.UNENCODABLE),
        Arguments.of(OffsetDateTime.MAX, Reason.UNENCODABLE),
        Arguments.of(nested(1001), Reason.TOO_DEEP),
        Arguments.of(nested(100_000), Reason.TOO_DEEP),
        Arguments.of(Collections.nCopies(11, new byte[0]), Reason.UNENCODABLE),
        Arguments.of(ordered("__proto__", 1), Reason.UNENCODABLE),
        Arguments.of(List.of(new byte[0], ordered("_placeholder", true)), Reason.UNENCODABLE),
        Arguments.of(List.of(new byte[0], ordered("_placeholder", List.of())), Reason.UNENCODABLE),
        Arguments.of(List.of(new byte[0], ordered("hasOwnProperty", null)), Reason.UNENCODABLE));
  }

  @ParameterizedTest
  @MethodSource("refusals")
  void areRefused(Object value, Reason reason) {
    var e = assertThrows(SioemitException.class, () -> arrives(value));
    assertEquals(reason, e.reason());
    assertTrue(e.getMessage().startsWith("argument 1 of event \"ev\": "), e.getMessage());
  }

  @Test
  void trapNamesItsArgument() {
    Object[] args = {new byte[0], 1, ordered("hasOwnProperty", 1)};
    var e = assertThrows(SioemitException.class, () -> encode(null, 10, args));
    assertTrue(e.getMessage().startsWith("argument 3 "), e.getMessage());
  }

  @Test
  void whatIsHarmlessIsSent() {
    for (Object value :
        List.of(
            ordered("_placeholder", true, "num", 0L),
            ordered("hasOwnProperty", 1L),
            List.of(ordered("_placeholder", false), new Binary()))) {
      Object given = value instanceof List<?> list ? List.of(list.get(0), new byte[0]) : value;
      assertEquals(value, arrives(given));
    }
  }

  @Test
  void cycleIsRefusedAndTheSameTwiceIsNot() {
    List<Object> cycle = new ArrayList<>();
    cycle.add(Map.of("a", new Self(cycle)));
    var e = assertThrows(SioemitException.class, () -> arrives(cycle));
    assertEquals(Reason.UNENCODABLE, e.reason());
    assertTrue(e.getMessage().contains("holds itself"), e.getMessage());
    List<Integer> twice = List.of(1);
    assertEquals(List.of(List.of(1L), List.of(1L)), arrives(List.of(twice, twice)));
    Object deep = twice;
    for (int i = 0; i < 40; i++) {
      deep = List.of(deep, twice, twice);
    }
    arrives(deep);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 15, 16, 17, 999, 1000})
  void deepValuesAreSent(int levels) {
    byte[] packed = encode(null, 10, nested(levels));
    byte[] want = new byte[1 + 3 + levels + 1];
    Arrays.fill(want, (byte) 0x91);
    want[0] = (byte) 0x92;
    System.arraycopy(new byte[] {(byte) 0xa2, 'e', 'v'}, 0, want, 1, 3);
    want[want.length - 1] = (byte) 0xc0;
    assertEquals(Arrays.toString(want), Arrays.toString(packed));
  }

  /** A stack that ends, here in the converter, is a refusal, and no end of the thread. */
  @Test
  void stackThatEnds() {
    Function<Object, ?> endless =
        value -> {
          throw new StackOverflowError();
        };
    var e = assertThrows(SioemitException.class, () -> arrives(new Object(), endless));
    assertEquals(Reason.TOO_DEEP, e.reason());
  }

  /** A map that tells another size than it has, as one does that another thread changes. */
  @Test
  void changedWhileItIsWritten() {
    for (int told : new int[] {0, 5, 15, 16, 40, 70_000}) {
      for (int size : new int[] {0, 1, 15, 16, 17}) {
        Map<String, Object> real = new LinkedHashMap<>();
        for (int i = 0; i < size; i++) {
          real.put("k" + i, (long) i);
        }
        Map<String, Object> lying =
            new AbstractMap<>() {
              @Override
              public Set<Entry<String, Object>> entrySet() {
                return real.entrySet();
              }

              @Override
              public int size() {
                return told;
              }
            };
        assertEquals(List.of(real, "end"), arrives(List.of(lying, "end")), told + " " + size);
      }
    }
  }

  @Test
  void bytesAreThoseOfMessagePackCore() throws Exception {
    try (MessageBufferPacker want = org.msgpack.core.MessagePack.newDefaultBufferPacker()) {
      var got = new MessagePack();
      for (int shift = 0; shift < 63; shift++) {
        for (long near = -1; near <= 1; near++) {
          long number = (1L << shift) + near;
          got.integer(number);
          want.packLong(number);
          got.integer(-number);
          want.packLong(-number);
        }
      }
      for (int size : new int[] {0, 15, 16, 31, 32, 255, 256, 65_535, 65_536}) {
        got.text("x".repeat(size));
        want.packString("x".repeat(size));
        got.text("\u00e9".repeat(size));
        want.packString("\u00e9".repeat(size));
        got.array(size);
        want.packArrayHeader(size);
        got.map(size);
        want.packMapHeader(size);
        got.binary(ByteBuffer.wrap(new byte[size]));
        want.packBinaryHeader(size).writePayload(new byte[size]);
      }
      assertEquals(Arrays.toString(want.toByteArray()), Arrays.toString(got.toByteArray()));
    }
  }

  @Test
  void jsonIsWhatJacksonReads() throws Exception {
    Object value =
        ordered(
            "text", "q\"b\\n\n\u0001\u00e9\ud83d\ude00",
            "numbers", List.of(0, -1, 127, 128, 40_000, 70_000, -200, -40_000, -70_000),
            "large", List.of(1L << 40, -(1L << 40), 0.5, 1e300, 1e-7),
            "rest", Arrays.asList(true, false, null, Map.of(), List.of()),
            "long", Collections.nCopies(20, "x".repeat(300)),
            "map", new TreeMap<>(Map.of("k".repeat(40), "v".repeat(70_000))));
    var out = new MessagePack();
    Encoder.event(
        out, "ev", new Object[] {value}, new Encoder.Limits(10, null), Encoder.Binary.PACKED);
    assertEquals(
        MAPPER.readTree(MAPPER.writeValueAsBytes(List.of("ev", value))),
        MAPPER.readTree(JsonText.of(out)));
  }

  @Test
  void jacksonConverts() {
    Function<Object, ?> jackson = value -> MAPPER.convertValue(value, Object.class);
    assertEquals(
        ordered(
            "size",
            1L,
            "photo",
            new Binary((byte) 1, (byte) 2),
            "ratio",
            0.1,
            "children",
            List.of()),
        arrives(new Bean(), jackson));
    assertEquals(List.of(ordered("other_name", 5L)), arrives(List.of(new Renamed(5)), jackson));
    ObjectNode node = MAPPER.createObjectNode().put("a", 1).put("b", new byte[] {3});
    assertEquals(ordered("a", 1L, "b", new Binary((byte) 3)), arrives(node, jackson));
    assertEquals("1970-01-01T00:00:00Z", arrives(Instant.EPOCH, jackson));
    Bean cycle = new Bean();
    cycle.children = List.of(cycle);
    var e = assertThrows(SioemitException.class, () -> arrives(cycle, jackson));
    assertEquals(Reason.UNENCODABLE, e.reason());
  }

  @Test
  void converterNamesEnumsThatAreKeys() {
    Function<Object, ?> jackson = value -> MAPPER.convertValue(value, Object.class);
    assertEquals(ordered("light", 1L), arrives(Map.of(Named.LIGHT, 1), jackson));
    assertEquals(ordered("LIGHT", 1L), arrives(Map.of(Named.LIGHT, 1), value -> value));
    assertEquals(ordered("LIGHT", 1L), arrives(Map.of(Named.LIGHT, 1), value -> 7));
  }

  private enum Named {
    @JsonProperty("light")
    LIGHT
  }

  /** What is converted is no level of what arrives. */
  @Test
  void conversionsAreNoLevels() {
    Function<Object, ?> unwrap = value -> value instanceof Self self ? self.list() : value;
    Object value = null;
    for (int i = 0; i < 1000; i++) {
      value = new Self(Collections.singletonList(value));
    }
    assertArrayEquals(encode(null, 10, nested(1000)), encode(unwrap, 10, value));
    Object deeper = Collections.singletonList(value);
    var e = assertThrows(SioemitException.class, () -> encode(unwrap, 10, deeper));
    assertEquals(Reason.TOO_DEEP, e.reason());
  }

  @Test
  void converter() {
    assertEquals("thing", arrives(new Object(), value -> "thing"));
    assertEquals("RED", arrives(Colour.RED, value -> value));
    assertThrows(SioemitException.class, () -> arrives(new Object(), value -> value));
    var e =
        assertThrows(SioemitException.class, () -> arrives(new Object(), value -> new Object()));
    assertEquals(Reason.TOO_DEEP, e.reason());
    var thrown = new IllegalStateException("no");
    e =
        assertThrows(
            SioemitException.class,
            () ->
                arrives(
                    new Object(),
                    value -> {
                      throw thrown;
                    }));
    assertEquals(thrown, e.getCause());
    assertFalse(e.getMessage().isEmpty());
  }
}
