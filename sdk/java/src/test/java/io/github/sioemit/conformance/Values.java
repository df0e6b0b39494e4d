package io.github.sioemit.conformance;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigInteger;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Values of cases as Java has them. */
final class Values {
  private Values() {}

  static Object of(JsonNode value) {
    return switch (value.getNodeType()) {
      case ARRAY -> {
        List<Object> items = new ArrayList<>();
        value.forEach(item -> items.add(of(item)));
        yield items;
      }
      case OBJECT -> {
        String first = value.isEmpty() ? "" : value.fieldNames().next();
        yield value.size() == 1 && first.startsWith("$")
            ? tagged(first, value.get(first))
            : members(value);
      }
      case STRING -> value.textValue();
      case NUMBER -> value.numberValue();
      case BOOLEAN -> value.booleanValue();
      case NULL -> null;
      default -> throw new IllegalArgumentException("no value for " + value.getNodeType());
    };
  }

  private static Map<String, Object> members(JsonNode object) {
    Map<String, Object> members = new LinkedHashMap<>();
    object.properties().forEach(member -> members.put(member.getKey(), of(member.getValue())));
    return members;
  }

  private static Object tagged(String tag, JsonNode value) {
    return switch (tag) {
      case "$binary" -> Base64.getDecoder().decode(value.textValue());
      case "$date" -> Instant.parse(value.textValue());
      case "$bigint" -> new BigInteger(value.textValue());
      case "$float" -> Double.valueOf(value.textValue());
      case "$literal" -> members(value);
      case "$cycle" -> cycle(value.textValue());
      case "$repeat" -> repeat(value, value.get("count").intValue());
      case "$object" -> {
        Map<String, Object> members = new LinkedHashMap<>();
        value.forEach(pair -> members.put(pair.get(0).textValue(), of(pair.get(1))));
        yield members;
      }
      default -> throw new IllegalArgumentException("no tag " + tag);
    };
  }

  private static Object cycle(String kind) {
    if (kind.equals("array")) {
      List<Object> items = new ArrayList<>();
      items.add(items);
      return items;
    }
    Map<String, Object> members = new LinkedHashMap<>();
    members.put("self", members);
    return members;
  }

  private static Object repeat(JsonNode what, int count) {
    if (what.has("nest")) {
      boolean arrays = what.get("nest").textValue().equals("array");
      Object nested = null;
      for (int i = 0; i < count; i++) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("a", nested);
        nested = arrays ? Arrays.asList(nested) : object;
      }
      return nested;
    }
    Object value = of(what.get("value"));
    if (value instanceof String text) {
      return text.repeat(count);
    }
    if (value instanceof byte[] bytes) {
      byte[] all = new byte[bytes.length * count];
      for (int i = 0; i < all.length; i++) {
        all[i] = bytes[i % bytes.length];
      }
      return all;
    }
    List<Object> items = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      items.addAll((List<?>) value);
    }
    return items;
  }
}
