// HAPI FHIR JPA R4, the kind of server that stands behind Sluice at a hospital, for tests that want the real thing.
//
//   --port P          listens on 127.0.0.1:P, 0 (the default) takes a free one
//   --ready-file F    writes {"base_url":"http://127.0.0.1:PORT/fhir"} to F once it serves
//   --database F      keeps the data in the file F.mv.db; without it they live in memory and die with the process
//
// Stops on SIGTERM. Knows no user and checks no token: it must be reached through Sluice or from a test only.

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.interceptor.api.IInterceptorService;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.dao.IFhirSystemDao;
import ca.uhn.fhir.jpa.provider.JpaCapabilityStatementProvider;
import ca.uhn.fhir.jpa.provider.JpaSystemProvider;
import ca.uhn.fhir.jpa.sched.BaseSchedulerServiceImpl;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.provider.ResourceProviderFactory;
import ca.uhn.fhir.rest.server.util.ISearchParamRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;

public final class Hapi {
  /** Rows a page holds when the client names no _count, and the most it may ask for. */
  private static final int PAGE_ROWS = 20;
  private static final int PAGE_ROWS_MAX = 500;

  private Hapi() {}

  public static void main(String[] arguments) throws Exception {
    int port = 0;
    Path readyFile = null;
    for (int i = 0; i + 1 < arguments.length; i += 2) {
      String value = arguments[i + 1];
      switch (arguments[i]) {
        case "--port" -> port = Integer.parseInt(value);
        case "--ready-file" -> readyFile = Path.of(value);
        case "--database" -> System.setProperty(Storage.DATABASE_FILE, Path.of(value).toAbsolutePath().toString());
        default -> throw new IllegalArgumentException("unknown argument " + arguments[i]);
      }
    }
    if (arguments.length % 2 != 0) throw new IllegalArgumentException(arguments[arguments.length - 1] + " needs a value");

    // Nothing runs by the clock: no CPU when idle. Reindex and export jobs stand still for it.
    System.setProperty(BaseSchedulerServiceImpl.SCHEDULING_DISABLED, "true");
    AnnotationConfigApplicationContext beans = new AnnotationConfigApplicationContext(Storage.class);
    Server server = new Server(new InetSocketAddress("127.0.0.1", port));
    ServletContextHandler root = new ServletContextHandler("/");
    root.addServlet(new ServletHolder(rest(beans)), "/fhir/*");
    server.setHandler(root);
    server.start();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(server, beans)));
    String base = "http://127.0.0.1:" + server.getURI().getPort() + "/fhir";
    announce(base, readyFile);
    server.join();
  }

  private static RestfulServer rest(AnnotationConfigApplicationContext beans) {
    RestfulServer rest = new RestfulServer(beans.getBean(FhirContext.class));
    rest.setInterceptorService(beans.getBean(IInterceptorService.class));
    rest.registerProviders(beans.getBean(ResourceProviderFactory.class).createProviders());
    rest.registerProvider(beans.getBean(JpaSystemProvider.class));
    DatabaseBackedPagingProvider paging = beans.getBean(DatabaseBackedPagingProvider.class);
    paging.setDefaultPageSize(PAGE_ROWS);
    paging.setMaximumPageSize(PAGE_ROWS_MAX);
    rest.setPagingProvider(paging);
    rest.setServerConformanceProvider(new JpaCapabilityStatementProvider(
        rest,
        beans.getBean(IFhirSystemDao.class),
        beans.getBean(JpaStorageSettings.class),
        beans.getBean(ISearchParamRegistry.class),
        beans.getBean(IValidationSupport.class)));
    return rest;
  }

  /** Written beside and moved, so that whoever sees the file can read it whole. */
  private static void announce(String base, Path readyFile) throws IOException {
    String ready = "{\"base_url\":\"" + base + "\"}";
    System.out.println(ready);
    if (readyFile == null) return;
    Path beside = readyFile.resolveSibling(readyFile.getFileName() + ".part");
    Files.writeString(beside, ready + "\n");
    Files.move(beside, readyFile, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  private static void stop(Server server, AnnotationConfigApplicationContext beans) {
    try {
      server.stop();
    } catch (Exception failure) {
      System.err.println("the listener did not stop cleanly: " + failure);
    } finally {
      beans.close();
    }
  }
}
