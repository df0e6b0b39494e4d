import io.github.sioemit.Emitter;
import io.github.sioemit.JedisPublisher;
import java.util.Map;
import redis.clients.jedis.RedisClient;

/**
 * Tells one user, everyone but the muted, and the servers, and says how many servers listen.
 *
 * <p>With the jars of sioemit and Jedis on the class path: java Notify.java redis://HOST:PORT
 */
public class Notify {
  public static void main(String[] args) {
    String url = args.length > 0 ? args[0] : "redis://localhost:6379";
    try (RedisClient redis = RedisClient.create(url)) {
      Emitter io = new Emitter(new JedisPublisher(redis));
      io.to("user:7").emit("order:paid", Map.of("id", 12345, "total", 19.99));
      io.except("muted").emit("news", "The shop is open");
      io.serverSideEmit("reload-config");
      System.out.println(io.serverCount() + " servers listen");
    }
  }
}
