// What the validator knows of codes, and what it admits not to know.
//
// SNOMED CT, LOINC, RxNorm and the value sets kept at VSAC may not be shipped, and HAPI calls every code of an absent
// system or value set wrong. Here such a code passes as "not checked"; a code that can be decided is decided. It never
// passes a code whose definitions are all present without asking them.

import ca.uhn.fhir.context.support.ConceptValidationOptions;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.context.support.ValidationSupportContext;
import java.util.Set;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.instance.model.api.IBaseResource;
import org.hl7.fhir.r4.model.CanonicalType;
import org.hl7.fhir.r4.model.CodeSystem;
import org.hl7.fhir.r4.model.ValueSet;
import org.hl7.fhir.r4.model.ValueSet.ConceptSetComponent;

final class Terminology extends ValidationSupportChain {
  /** Checked by code rather than by a list of concepts: UCUM's grammar, language tags, media types, currencies, countries. */
  private static final Set<String> BY_GRAMMAR = Set.of(
      "http://unitsofmeasure.org", "urn:ietf:bcp:47", "urn:ietf:bcp:13", "urn:iso:std:iso:4217", "urn:iso:std:iso:3166");

  Terminology(IValidationSupport... sources) {
    super(sources);
  }

  @Override
  public CodeValidationResult validateCode(
      ValidationSupportContext context, ConceptValidationOptions options, String system, String code, String display, String valueSetUrl) {
    boolean decidable = valueSetUrl == null ? isKnown(system) : isDecidable(fetchValueSet(valueSetUrl), system, 0);
    return decidable ? super.validateCode(context, options, system, code, display, valueSetUrl) : notChecked(code);
  }

  @Override
  public CodeValidationResult validateCodeInValueSet(
      ValidationSupportContext context, ConceptValidationOptions options, String system, String code, String display, IBaseResource valueSet) {
    boolean decidable = isDecidable(valueSet, system, 0);
    return decidable ? super.validateCodeInValueSet(context, options, system, code, display, valueSet) : notChecked(code);
  }

  private static CodeValidationResult notChecked(String code) {
    return new CodeValidationResult().setCode(code);
  }

  /** Whether all that could put a code of this system into the value set, or take it out, is present. */
  private boolean isDecidable(IBaseResource valueSet, String system, int depth) {
    if (!(valueSet instanceof ValueSet set) || depth > 8) return false;
    if (!set.hasCompose()) return set.hasExpansion();
    for (ConceptSetComponent part : set.getCompose().getInclude()) {
      if (!isDecidable(part, system, depth)) return false;
    }
    for (ConceptSetComponent part : set.getCompose().getExclude()) {
      if (!isDecidable(part, system, depth)) return false;
    }
    return true;
  }

  private boolean isDecidable(ConceptSetComponent part, String system, int depth) {
    for (CanonicalType other : part.getValueSet()) {
      if (!isDecidable(fetchValueSet(other.getValue()), system, depth + 1)) return false;
    }
    boolean ofAnotherSystem = system != null && part.hasSystem() && !system.equals(part.getSystem());
    if (!part.hasSystem() || ofAnotherSystem || part.hasConcept()) return true;
    return part.hasFilter() ? isComplete(part.getSystem()) : isKnown(part.getSystem());
  }

  private boolean isKnown(String system) {
    return system == null || BY_GRAMMAR.contains(system) || isComplete(system);
  }

  private boolean isComplete(String system) {
    return fetchCodeSystem(system) instanceof CodeSystem held
        && held.getContent() == CodeSystem.CodeSystemContentMode.COMPLETE;
  }
}
