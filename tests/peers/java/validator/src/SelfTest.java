// Judges folders of resources: proof that the validator finds what is wrong and leaves alone what is right.
//
// broken/*.json must each be refused, for the reason the row of its name in broken/reasons.tsv gives, and for no other;
// good/*.json must each pass. A validator that finds nothing may be checking nothing.

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

final class SelfTest {
  private SelfTest() {}

  /** Where the fault stands and a word of what the validator must say about it. */
  private record Reason(String at, String says) {
    boolean fits(Validator.Issue issue) {
      return issue.at().startsWith(at) && issue.message().contains(says);
    }
  }

  /** True when every judgement is as it should be; each wrong one is printed. */
  static boolean run(Validator validator, Path folder, PrintStream out) throws IOException {
    Map<String, Reason> reasons = reasons(folder.resolve("broken/reasons.tsv"));
    List<Path> broken = resources(folder.resolve("broken"));
    List<Path> good = resources(folder.resolve("good"));
    int wrong = 0;
    for (Path file : broken) {
      List<Validator.Issue> refusals = refusals(validator, file);
      Reason reason = reasons.remove(file.getFileName().toString());
      boolean right = reason != null && !refusals.isEmpty() && refusals.stream().allMatch(reason::fits);
      if (!right) wrong += tell(out, reason == null ? "has no reason" : "is not refused for its reason alone", file, refusals);
    }
    for (Path file : good) {
      List<Validator.Issue> refusals = refusals(validator, file);
      if (!refusals.isEmpty()) wrong += tell(out, "is refused though good", file, refusals);
    }
    for (String name : reasons.keySet()) {
      wrong += tell(out, "has a reason but is not there", Path.of(name), List.of());
    }
    boolean enough = broken.size() >= 20 && !good.isEmpty();
    out.printf("%d broken, %d good, %d wrong judgements%s%n", broken.size(), good.size(), wrong, enough ? "" : "; too few resources");
    return wrong == 0 && enough;
  }

  /** Prints how many resources of the folder are refused, and why; judges nothing. */
  static void report(Validator validator, Path folder, PrintStream out) throws IOException {
    int refused = 0;
    List<Path> files = resources(folder);
    for (Path file : files) {
      List<Validator.Issue> refusals = refusals(validator, file);
      if (!refusals.isEmpty()) refused += tell(out, "is refused", file, refusals);
    }
    out.printf("%d of %d refused%n", refused, files.size());
  }

  private static int tell(PrintStream out, String what, Path file, List<Validator.Issue> issues) {
    out.println(file.getFileName() + " " + what);
    for (Validator.Issue issue : issues) {
      out.println("    " + issue.severity() + " " + issue.at() + ": " + issue.message());
    }
    return 1;
  }

  private static List<Validator.Issue> refusals(Validator validator, Path file) throws IOException {
    return validator.judge(Files.readString(file), List.of()).stream().filter(Validator.Issue::refuses).toList();
  }

  private static List<Path> resources(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return new ArrayList<>(files.filter(file -> file.toString().endsWith(".json")).sorted().toList());
    }
  }

  private static Map<String, Reason> reasons(Path table) throws IOException {
    Map<String, Reason> reasons = new HashMap<>();
    for (String row : Files.readAllLines(table)) {
      String[] cells = row.split("\t", -1);
      if (cells.length == 3 && !row.startsWith("#")) reasons.put(cells[0], new Reason(cells[1], cells[2]));
    }
    return reasons;
  }
}
