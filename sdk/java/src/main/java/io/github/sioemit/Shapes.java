package io.github.sioemit;

import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.Arrays;

/** What the classes of values are like, looked up once for each. */
final class Shapes {
  private static final ClassValue<Method[]> COMPONENTS =
      new ClassValue<>() {
        @Override
        protected Method[] computeValue(Class<?> type) {
          return Arrays.stream(type.getRecordComponents())
              .map(RecordComponent::getAccessor)
              .toArray(Method[]::new);
        }
      };

  private static final ClassValue<Boolean> SEQUENCE =
      new ClassValue<>() {
        @Override
        protected Boolean computeValue(Class<?> type) {
          if (Path.class.isAssignableFrom(type)) {
            return false;
          }
          for (Class<?> c = type; c != null; c = c.getSuperclass()) {
            // Its iterator has the values of an object, and those of a text are none.
            if (c.getSimpleName().equals("JsonNode")) {
              return false;
            }
          }
          return true;
        }
      };

  private Shapes() {}

  /** Returns the accessors of a record, in the order of its components. */
  static Method[] componentsOf(Class<?> type) {
    return COMPONENTS.get(type);
  }

  /** Tells whether an Iterable is what its iterator has, and not a path or an object of Jackson. */
  static boolean isSequence(Class<?> type) {
    return SEQUENCE.get(type);
  }
}
