import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Answers with its greeting; on /heap with the largest heap it may use, in MiB; /fill fills it. */
public final class App {
	private static void answer(HttpServer server, String path, String text) {
		byte[] body = (text + "\n").getBytes(StandardCharsets.UTF_8);
		server.createContext(path, exchange -> {
			exchange.sendResponseHeaders(200, body.length);
			exchange.getResponseBody().write(body);
			exchange.close();
		});
	}

	public static void main(String[] arguments) throws Exception {
		int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "8080"));
		HttpServer server = HttpServer.create(new InetSocketAddress(port), 0);
		answer(server, "/", System.getProperty("greeting", "hello"));
		answer(server, "/heap", Long.toString(Runtime.getRuntime().maxMemory() >> 20));
		server.createContext("/fill", exchange -> {
			for (List<byte[]> all = new ArrayList<>();;) {
				all.add(new byte[1 << 20]);
			}
		});
		Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("goodbye")));
		server.start();
		System.out.println("listening on port " + port);
	}
}
