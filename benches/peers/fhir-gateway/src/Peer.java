package peer;

import com.auth0.jwt.JWT;
import com.auth0.jwt.algorithms.Algorithm;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.interfaces.RSAPrivateKey;
import java.security.interfaces.RSAPublicKey;
import java.time.Instant;
import java.util.Base64;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.web.servlet.ServletComponentScan;

/**
 * fhir-gateway with its checker for patients, and beside it the issuer of its tokens, which it asks once at its start.
 *
 * <p>Arguments: the issuer's port, how many patients (p0, p1, ...), and the file for their tokens, one line each. The gateway takes
 * its own settings from the environment: PROXY_TO, TOKEN_ISSUER, ACCESS_CHECKER, BACKEND_TYPE, SERVER_PORT.
 */
@SpringBootApplication(scanBasePackages = "com.google.fhir.gateway.plugin")
@ServletComponentScan(basePackages = "com.google.fhir.gateway")
public class Peer {
  public static void main(String[] arguments) throws Exception {
    int issuerPort = Integer.parseInt(arguments[0]);
    int patients = Integer.parseInt(arguments[1]);
    KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
    generator.initialize(2048);
    KeyPair keys = generator.generateKeyPair();
    String issuer = System.getenv("TOKEN_ISSUER");
    serve(issuerPort, Base64.getEncoder().encodeToString(keys.getPublic().getEncoded()));
    Algorithm signing = Algorithm.RSA256((RSAPublicKey) keys.getPublic(), (RSAPrivateKey) keys.getPrivate());
    StringBuilder tokens = new StringBuilder();
    for (int nth = 0; nth < patients; nth++) {
      String token =
          JWT.create()
              .withIssuer(issuer)
              .withExpiresAt(Instant.now().plusSeconds(3600))
              .withClaim("patient_id", "p" + nth)
              .withClaim("scope", "patient/*.read")
              .sign(signing);
      tokens.append(token).append('\n');
    }
    Path draft = Path.of(arguments[2] + ".draft");
    Files.writeString(draft, tokens);
    Files.move(draft, Path.of(arguments[2]));
    SpringApplication.run(Peer.class);
  }

  /** The issuer as fhir-gateway wants it: its address gives the key, and below it stands its discovery document. */
  private static void serve(int port, String key) throws IOException {
    HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    server.createContext(
        "/",
        exchange -> {
          byte[] said = ("{\"public_key\":\"" + key + "\"}").getBytes(StandardCharsets.UTF_8);
          exchange.getResponseHeaders().add("Content-Type", "application/json");
          exchange.sendResponseHeaders(200, said.length);
          exchange.getResponseBody().write(said);
          exchange.close();
        });
    server.setExecutor(null);
    server.start();
  }
}
