// The official FHIR validator as a process that stays: a line in, a line out.
//
// It exists because our own profile checks need a judge that we did not write. It holds R4 and one version of US Core,
// is given the raw text (a parsed resource would have lost duplicate keys and unknown elements), and asks no network.
//
//   in    {"id":"1","profiles":["http://..."],"resource":"<raw JSON as a string>"}      profiles may be absent
//   out   {"ready":true} once, then {"id":"1","issues":[{"severity":"error","at":"Patient.name[0]","message":"..."}]}
//
// Arguments: --us-core PACKAGE.tgz, and for a run over our own examples --self-test DIR or --judge DIR (see SelfTest).

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.SingleValidationMessage;
import ca.uhn.fhir.validation.ValidationOptions;
import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.utilities.npm.NpmPackage;

public final class Validator {
  /** One thing the validator has to say; severity is fatal, error, warning or information. */
  record Issue(String severity, String at, String message) {
    boolean refuses() {
      return severity.equals("error") || severity.equals("fatal");
    }
  }

  /** Known to US Core and used by its examples, but defined only in a later package of extensions. */
  private static final String TARGET_ELEMENT = "http://hl7.org/fhir/StructureDefinition/targetElement";

  private final FhirValidator engine;

  Validator(Path usCore) throws IOException {
    FhirContext r4 = FhirContext.forR4();
    Terminology chain = new Terminology(
        new DefaultProfileValidationSupport(r4),
        new CommonCodeSystemsTerminologyService(r4),
        definitions(r4, usCore),
        new InMemoryTerminologyServerValidationSupport(r4));
    FhirInstanceValidator rules = new FhirInstanceValidator(chain);
    rules.setAssumeValidRestReferences(true);
    rules.setAnyExtensionsAllowed(false);
    rules.setCustomExtensionDomains(TARGET_ELEMENT);
    rules.setErrorForUnknownProfiles(true);
    engine = r4.newValidator();
    engine.registerValidatorModule(rules);
  }

  /** Profiles, value sets and code systems of the package, and the value sets of ours that stand for absent ones. */
  private static PrePopulatedValidationSupport definitions(FhirContext r4, Path usCore) throws IOException {
    PrePopulatedValidationSupport known = new PrePopulatedValidationSupport(r4);
    try (InputStream tgz = new FileInputStream(usCore.toFile())) {
      NpmPackage content = NpmPackage.fromPackage(tgz);
      for (String name : content.list("package")) {
        if (name.matches("(StructureDefinition|ValueSet|CodeSystem)-.*\\.json")) {
          try (InputStream text = content.load("package", name)) {
            known.addResource(r4.newJsonParser().parseResource(text));
          }
        }
      }
    }
    AbsentValueSets.all().forEach(known::addValueSet);
    return known;
  }

  /** What the validator says of the raw text; text it cannot read at all is one fatal issue. */
  List<Issue> judge(String raw, List<String> profiles) {
    ValidationOptions options = new ValidationOptions();
    profiles.forEach(options::addProfile);
    List<Issue> issues = new ArrayList<>();
    try {
      for (SingleValidationMessage said : engine.validateWithResult(raw, options).getMessages()) {
        issues.add(new Issue(said.getSeverity().getCode(), at(said), said.getMessage()));
      }
    } catch (RuntimeException | StackOverflowError unreadable) {
      issues.add(new Issue("fatal", "", "cannot be read: " + unreadable));
    }
    return issues;
  }

  private static String at(SingleValidationMessage said) {
    return said.getLocationString() == null ? "" : said.getLocationString();
  }

  private void serve(PrintStream out) throws IOException {
    Gson gson = new Gson();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    out.println("{\"ready\":true}");
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonObject question = gson.fromJson(line, JsonObject.class);
      List<String> profiles = new ArrayList<>();
      JsonArray asked = question.getAsJsonArray("profiles");
      if (asked != null) {
        for (JsonElement profile : asked) profiles.add(profile.getAsString());
      }
      JsonObject answer = new JsonObject();
      answer.add("id", question.get("id"));
      answer.add("issues", gson.toJsonTree(judge(question.get("resource").getAsString(), profiles)));
      out.println(gson.toJson(answer));
    }
  }

  /** Loads what the first question would otherwise wait for, so that "ready" means ready. */
  private void warmUp() {
    judge("{\"resourceType\":\"Patient\"}", List.of("http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"));
  }

  public static void main(String[] arguments) throws IOException {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err); // libraries print; the protocol's stream is ours alone
    Path usCore = null;
    Path selfTest = null;
    Path sample = null;
    for (int i = 0; i + 1 < arguments.length; i += 2) {
      Path value = Path.of(arguments[i + 1]);
      switch (arguments[i]) {
        case "--us-core" -> usCore = value;
        case "--self-test" -> selfTest = value;
        case "--judge" -> sample = value;
        default -> throw new IllegalArgumentException("unknown argument " + arguments[i]);
      }
    }
    if (usCore == null || arguments.length % 2 != 0) {
      System.err.println("usage: --us-core PACKAGE.tgz [--self-test DIR | --judge DIR]");
      System.exit(2);
    }
    Validator validator = new Validator(usCore);
    if (selfTest != null) {
      System.exit(SelfTest.run(validator, selfTest, out) ? 0 : 1);
    } else if (sample != null) {
      SelfTest.report(validator, sample, out);
    } else {
      validator.warmUp();
      validator.serve(out);
    }
  }
}
