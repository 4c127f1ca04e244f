// Five small value sets in place of five kept at VSAC, so that a wrong race, ethnicity or birth sex is an error again.
//
// The codes are those US Core 6.1.0 lists for these bindings (OMB categories in CDC's race and ethnicity system, HL7's
// administrative gender and null flavors), read in the guide's pages on its race, ethnicity and birth sex extensions.

import java.util.List;
import org.hl7.fhir.r4.model.Enumerations.PublicationStatus;
import org.hl7.fhir.r4.model.ValueSet;

final class AbsentValueSets {
  private static final String VSAC = "http://cts.nlm.nih.gov/fhir/ValueSet/";
  private static final String RACE_AND_ETHNICITY = "urn:oid:2.16.840.1.113883.6.238";
  private static final String NULL_FLAVOR = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor";
  private static final String GENDER = "http://terminology.hl7.org/CodeSystem/v3-AdministrativeGender";

  private AbsentValueSets() {}

  static List<ValueSet> all() {
    return List.of(
        // OMB race categories
        of("2.16.840.1.114222.4.11.836", RACE_AND_ETHNICITY, "1002-5", "2028-9", "2054-5", "2076-8", "2106-3"),
        // OMB ethnicity categories
        of("2.16.840.1.114222.4.11.837", RACE_AND_ETHNICITY, "2135-2", "2186-5"),
        // asked but unknown, unknown: beside the OMB categories
        of("2.16.840.1.113762.1.4.1021.102", NULL_FLAVOR, "ASKU", "UNK"),
        // birth sex
        of("2.16.840.1.113762.1.4.1", GENDER, "F", "M"),
        // asked but unknown, other, unknown: beside birth sex and the detailed codes
        of("2.16.840.1.113762.1.4.1021.103", NULL_FLAVOR, "ASKU", "OTH", "UNK"));
  }

  private static ValueSet of(String oid, String system, String... codes) {
    ValueSet set = new ValueSet();
    set.setUrl(VSAC + oid).setStatus(PublicationStatus.ACTIVE);
    ValueSet.ConceptSetComponent include = set.getCompose().addInclude().setSystem(system);
    for (String code : codes) include.addConcept().setCode(code);
    return set;
  }
}
