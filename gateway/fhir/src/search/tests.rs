//! Searching, as sentences: the table against the specification, questions against faults, resources against questions.

use super::*;
use crate::tests::document;
use crate::{ElementPath, Id, Resource, ResourceType};
use proptest::prelude::*;
use std::collections::HashSet;

const BASE: &str = "https://here/fhir";

fn pairs(query: &str) -> Vec<(String, String)> {
    query.split('&').filter_map(|pair| pair.split_once('=')).map(|(n, v)| (n.to_string(), v.to_string())).collect()
}

fn ask(kind: ResourceType, query: &str) -> Result<Query, QueryFault> {
    Query::parse(kind, &pairs(query), Handling::Strict, BASE)
}

fn lenient(kind: ResourceType, query: &str) -> Result<Query, QueryFault> {
    Query::parse(kind, &pairs(query), Handling::Lenient, BASE)
}

fn finds(query: &str, resource: &str) -> bool {
    let document = document(resource);
    let resource = Resource::of(document.root()).unwrap();
    matches(&ask(resource.kind(), query).unwrap(), &resource)
}

mod table {
    use super::*;

    #[test]
    fn every_row_reads_elements_that_r4_has_in_its_own_type() {
        for kind in searchable() {
            let mut names = HashSet::new();
            for parameter in parameters(kind) {
                assert!(names.insert(parameter.name), "{kind} has {} twice", parameter.name);
                assert!(!parameter.paths.is_empty(), "{kind} {}", parameter.name);
                for path in parameter.paths {
                    let checked = ElementPath::check(path).unwrap();
                    assert_eq!(checked.kind(), kind, "{path}");
                    let reference = format!("{path}.reference");
                    let references = parameter.kind == ParameterKind::Reference;
                    assert!(!references || ElementPath::check(&reference).is_ok(), "{path} is no reference");
                }
                assert_eq!(
                    parameter.kind == ParameterKind::Reference,
                    !parameter.targets.is_empty(),
                    "{kind} {}",
                    parameter.name
                );
            }
        }
    }

    #[test]
    fn definitions_are_canonical_addresses() {
        let of = |kind, name| parameter(kind, name).unwrap().definition();
        assert_eq!(of(ResourceType::Observation, "code"), "http://hl7.org/fhir/SearchParameter/clinical-code");
        assert_eq!(
            of(ResourceType::CareTeam, "role"),
            "http://hl7.org/fhir/us/core/SearchParameter/us-core-careteam-role"
        );
        assert_eq!(of(ResourceType::CareTeam, "_id"), "http://hl7.org/fhir/SearchParameter/Resource-id");
        assert!(parameter(ResourceType::Binary, "_id").is_none() && parameters(ResourceType::Binary).is_empty());
    }

    /// Type, SHALL, SHOULD: single parameters and combinations of US Core 6.1.0's server CapabilityStatement.
    const US_CORE: &[(&str, &str, &str)] = &[
        ("AllergyIntolerance", "patient", "patient+clinical-status"),
        ("CarePlan", "patient+category", "patient+category+status patient+category+status+date patient+category+date"),
        ("CareTeam", "patient+status", "role patient+role"),
        (
            "Condition",
            "patient patient+category",
            "patient+recorded-date patient+asserted-date patient+category+clinical-status patient+onset-date patient+abatement-date patient+clinical-status patient+category+encounter patient+code",
        ),
        ("Coverage", "patient", ""),
        ("Device", "patient", "patient+type patient+status"),
        (
            "DiagnosticReport",
            "patient patient+category+date patient+category patient+code",
            "patient+code+date patient+status",
        ),
        (
            "DocumentReference",
            "_id patient patient+type patient+category+date patient+category",
            "patient+status patient+type+period",
        ),
        (
            "Encounter",
            "_id patient date+patient",
            "identifier patient+type class+patient patient+status patient+location patient+discharge-disposition",
        ),
        ("Goal", "patient", "patient+target-date patient+description patient+lifecycle-status"),
        ("Immunization", "patient", "patient+date patient+status"),
        ("Location", "name address", "address-city address-state address-postalcode"),
        ("MedicationDispense", "patient", "patient+status+type patient+status"),
        (
            "MedicationRequest",
            "patient+intent+status patient+intent",
            "patient+intent+encounter patient+intent+authoredon",
        ),
        (
            "Observation",
            "patient+category+date patient+category patient+code",
            "patient+code+date patient+category+status",
        ),
        ("Organization", "name address", ""),
        (
            "Patient",
            "_id identifier name birthdate+name gender+name",
            "birthdate+family family+gender death-date+family",
        ),
        ("Practitioner", "name identifier", "_id"),
        ("PractitionerRole", "specialty practitioner", ""),
        ("Procedure", "patient patient+date", "patient+code+date patient+status"),
        ("RelatedPerson", "_id", "patient name patient+name"),
        (
            "ServiceRequest",
            "patient _id patient+category+authored patient+category patient+code",
            "patient+status patient+code+authored",
        ),
        ("Specimen", "_id", "patient"),
    ];

    /// One resource of each type in which everything that US Core searches for is said.
    const SAMPLES: &[&str] = &[
        r#"{"resourceType":"AllergyIntolerance","id":"x","patient":{"reference":"Patient/1"},"clinicalStatus":{"coding":[{"system":"s","code":"active"}]}}"#,
        r#"{"resourceType":"CarePlan","id":"x","subject":{"reference":"Patient/1"},"category":[{"coding":[{"system":"s","code":"assess-plan"}]}],"status":"active","period":{"start":"2024-02"}}"#,
        r#"{"resourceType":"CareTeam","id":"x","subject":{"reference":"Patient/1"},"status":"active","participant":[{"role":[{"coding":[{"system":"s","code":"r"}]}]}]}"#,
        r#"{"resourceType":"Condition","id":"x","subject":{"reference":"Patient/1"},"category":[{"coding":[{"system":"s","code":"c"}]}],"clinicalStatus":{"coding":[{"code":"active"}]},
            "code":{"coding":[{"system":"s","code":"d"}]},"encounter":{"reference":"Encounter/e"},"onsetDateTime":"2020","abatementPeriod":{"end":"2021-01-01"},"recordedDate":"2020-02-03",
            "extension":[{"url":"http://hl7.org/fhir/StructureDefinition/condition-assertedDate","valueDateTime":"2020-02-02"}]}"#,
        r#"{"resourceType":"Coverage","id":"x","beneficiary":{"reference":"Patient/1"}}"#,
        r#"{"resourceType":"Device","id":"x","patient":{"reference":"Patient/1"},"type":{"coding":[{"system":"s","code":"t"}]},"status":"active"}"#,
        r#"{"resourceType":"DiagnosticReport","id":"x","subject":{"reference":"Patient/1"},"category":[{"coding":[{"code":"LAB"}]}],"code":{"coding":[{"code":"c"}]},"status":"final","effectivePeriod":{"start":"2024-01-01","end":"2024-01-02"}}"#,
        r#"{"resourceType":"DocumentReference","id":"x","subject":{"reference":"Patient/1"},"status":"current","type":{"coding":[{"code":"t"}]},"category":[{"coding":[{"code":"c"}]}],"date":"2024-01-01T00:00:00Z","context":{"period":{"start":"2024-01-01"}}}"#,
        r#"{"resourceType":"Encounter","id":"x","subject":{"reference":"Patient/1"},"identifier":[{"system":"s","value":"i"}],"class":{"system":"s","code":"AMB"},"period":{"start":"2024-01-01T00:00:00Z"},"type":[{"coding":[{"code":"t"}]}],
            "status":"finished","location":[{"location":{"reference":"Location/l"}}],"hospitalization":{"dischargeDisposition":{"coding":[{"code":"home"}]}}}"#,
        r#"{"resourceType":"Goal","id":"x","subject":{"reference":"Patient/1"},"lifecycleStatus":"active","description":{"coding":[{"code":"d"}],"text":"walk"},"target":[{"dueDate":"2025-05-05"}]}"#,
        r#"{"resourceType":"Immunization","id":"x","patient":{"reference":"Patient/1"},"status":"completed","occurrenceDateTime":"2024-03-03"}"#,
        r#"{"resourceType":"Location","id":"x","name":"Ward","address":{"line":["1 Main"],"city":"Albany","state":"NY","postalCode":"12207"}}"#,
        r#"{"resourceType":"MedicationDispense","id":"x","subject":{"reference":"Patient/1"},"status":"completed","type":{"coding":[{"code":"FF"}]}}"#,
        r#"{"resourceType":"MedicationRequest","id":"x","subject":{"reference":"Patient/1"},"status":"active","intent":"order","encounter":{"reference":"Encounter/e"},"authoredOn":"2024-04-04"}"#,
        r#"{"resourceType":"Observation","id":"x","subject":{"reference":"Patient/1"},"status":"final","category":[{"coding":[{"code":"laboratory"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"2339-0"}]},"effectiveDateTime":"2024-05-05T10:00:00-05:00"}"#,
        r#"{"resourceType":"Organization","id":"x","name":"Lab","address":[{"text":"1 Main, Albany"}]}"#,
        r#"{"resourceType":"Patient","id":"x","identifier":[{"system":"s","value":"7"}],"name":[{"family":"Okafor","given":["Amara"]}],"birthDate":"1980-01-01","gender":"female","deceasedDateTime":"2024-06-06"}"#,
        r#"{"resourceType":"Practitioner","id":"x","identifier":[{"system":"s","value":"7"}],"name":[{"text":"Dr Who"}]}"#,
        r#"{"resourceType":"PractitionerRole","id":"x","practitioner":{"reference":"Practitioner/p"},"specialty":[{"coding":[{"code":"s"}]}]}"#,
        r#"{"resourceType":"Procedure","id":"x","subject":{"reference":"Patient/1"},"status":"completed","code":{"coding":[{"code":"c"}]},"performedPeriod":{"start":"2024-07-07"}}"#,
        r#"{"resourceType":"RelatedPerson","id":"x","patient":{"reference":"Patient/1"},"name":[{"family":"Okafor"}]}"#,
        r#"{"resourceType":"ServiceRequest","id":"x","subject":{"reference":"Patient/1"},"status":"active","category":[{"coding":[{"code":"c"}]}],"code":{"coding":[{"code":"c"}]},"authoredOn":"2024-08-08"}"#,
        r#"{"resourceType":"Specimen","id":"x","subject":{"reference":"Patient/1"}}"#,
    ];

    /// A value that finds the sample by this parameter, as a client would write it.
    fn value(name: &str, terms: &[Term]) -> String {
        if name == "_id" {
            return "x".to_string();
        }
        match terms.iter().find(|term| term.param() == name) {
            Some(Term::Token { system: Some(system), code, .. }) => format!("{system}|{code}"),
            Some(Term::Token { system: None, code, .. }) => code.clone(),
            Some(Term::Text { exact, .. }) => exact.replace(',', "\\,"),
            Some(Term::Date { .. }) => "ge1900,lt2100".to_string(),
            Some(Term::Reference { kind, id, .. }) => format!("{kind}/{id}"),
            None => panic!("the sample says nothing for {name}"),
        }
    }

    #[test]
    fn whatever_us_core_must_and_should_search_for_finds_its_record_and_none_without_it() {
        for (kind, shall, should) in US_CORE {
            let sample =
                document(SAMPLES.iter().find(|text| text.contains(&format!("\"resourceType\":\"{kind}\""))).unwrap());
            let sample = Resource::of(sample.root()).unwrap();
            let bare = document(&format!(r#"{{"resourceType":"{kind}","id":"y"}}"#));
            let bare = Resource::of(bare.root()).unwrap();
            let terms = terms(&sample);
            for combination in shall.split(' ').chain(should.split(' ')).filter(|names| !names.is_empty()) {
                let asked: Vec<_> =
                    combination.split('+').map(|name| (name.to_string(), value(name, &terms))).collect();
                let query = Query::parse(sample.kind(), &asked, Handling::Strict, BASE).unwrap();
                assert!(matches(&query, &sample), "{kind} by {combination}");
                assert!(!matches(&query, &bare), "{kind} without {combination}");
            }
        }
    }
}

mod questions {
    use super::*;
    use crate::search::criterion::escape;
    use ResourceType::{MedicationRequest, Observation, Patient};

    #[test]
    fn the_parts_of_a_question_are_read() {
        let query = ask(Observation, "patient=1&code=http://loinc.org|2339-0,x&date=ge2024&_sort=-date,code&_count=20&_id=a,b&_total=accurate&_revinclude=Provenance:target").unwrap();
        assert_eq!(query.filters.len(), 3);
        let patient = Criterion::Reference { kind: Some(Patient), id: Id::parse("1").unwrap() };
        assert_eq!(query.filters[0].values, [patient]);
        let loinc =
            Criterion::Token { system: SystemMatch::Is("http://loinc.org".into()), code: Some("2339-0".into()) };
        assert_eq!(
            query.filters[1].values,
            [loinc, Criterion::Token { system: SystemMatch::Any, code: Some("x".into()) }]
        );
        assert!(matches!(query.filters[2].values[..], [Criterion::Date { prefix: Prefix::Ge, .. }]));
        assert_eq!((query.sort.len(), query.sort[0].descending, query.sort[1].descending), (2, true, false));
        assert_eq!((query.count, query.total, query.ids.unwrap().len()), (Some(20), Total::Accurate, 2));
        assert_eq!((query.includes.len(), query.revincludes.len()), (0, 1));
        assert!(query.ignored.is_empty() && query.self_pairs.len() == 8);
    }

    #[test]
    fn a_large_count_is_cut_and_zero_stays_zero() {
        assert_eq!(ask(Patient, "_count=0").unwrap().count, Some(0));
        assert_eq!(ask(Patient, "_count=99999999999").unwrap().count, Some(COUNT_MAX));
        for bad in
            ["_count=", "_count=-1", "_count=1.5", "_count=x", "_count=1&_count=2", "_count=99999999999999999999"]
        {
            assert!(ask(Patient, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn repeated_ids_narrow_and_what_is_no_id_matches_nothing() {
        let ids = |query| ask(Patient, query).unwrap().ids.unwrap().iter().map(Id::to_string).collect::<Vec<_>>();
        assert_eq!(ids("_id=a,b&_id=b,c"), ["b"]);
        assert!(ids("_id=no/id").is_empty() && ids("_id=a&_id=b").is_empty());
        assert!(
            !finds("_id=no/id", r#"{"resourceType":"Patient"}"#) && !finds("_id=a", r#"{"resourceType":"Patient"}"#)
        );
    }

    #[test]
    fn what_looks_at_other_records_is_refused_whatever_the_handling() {
        for query in [
            "_has:Observation:patient:code=x",
            "_filter=name eq x",
            "_query=x",
            "_list=1",
            "_contained=true",
            "_include=*",
            "_include=Observation:patient",
            "_include:iterate=MedicationRequest:medication",
            "_revinclude=Observation:patient",
            "_revinclude:iterate=Provenance:target",
            "_revinclude=Provenance:target:Patient",
            "_revinclude=provenance:target",
            "general-practitioner.name=x",
            "general-practitioner:Practitioner.name=x",
            "subject.name=x",
            "_has=x",
            "_list:x=1",
            "_include=MedicationRequest:medication",
        ] {
            for handling in [Handling::Strict, Handling::Lenient] {
                let fault = Query::parse(Patient, &pairs(query), handling, BASE).unwrap_err();
                assert!(matches!(fault, QueryFault::NeverAllowed { .. }), "{query}: {fault}");
            }
        }
        assert_eq!(
            ask(MedicationRequest, "_include=MedicationRequest:medication").unwrap().includes,
            [Include::MedicationRequestMedication]
        );
    }

    #[test]
    fn what_is_not_known_is_refused_by_name_or_left_out_in_sight() {
        for query in [
            "nam=x",
            "name:phonetic=x",
            "gender:not=male",
            "gender:missing=true",
            "identifier:text=x",
            "_text=x",
            "_content=x",
            "_security=R",
            "_tag=x",
            "_profile=x",
            "_source=x",
            "_id:not=a",
            "_lastUpdated:missing=true",
            "_sort=nobody",
            "_sort=general-practitioner",
            "general-practitioner:Patient=1",
            "general-practitioner:identifier=1",
            "Name=x",
            "name:Exact=x",
            "_sort:desc=name",
            "_count:x=1",
            "_total:x=none",
            "_format:x=json",
        ] {
            assert!(ask(Patient, query).is_err(), "{query}");
            let left = lenient(Patient, &format!("{query}&family=x")).unwrap();
            assert_eq!((left.ignored.len(), left.filters.len(), left.self_pairs.len()), (1, 1, 1), "{query}");
            assert!(left.sort.is_empty());
        }
        let fault = ask(Patient, "nam=x").unwrap_err();
        assert!(fault.to_string().contains("birthdate") && fault.to_string().contains("_lastUpdated"), "{fault}");
        assert_eq!(fault.parameter(), Some("nam"));
    }

    #[test]
    fn what_only_shapes_the_answer_is_left_out_in_sight() {
        let query =
            ask(Patient, "_elements=id&_summary=true&_pretty=true&_totalMethod=count&_foo=1&_format=json&name=x")
                .unwrap();
        assert_eq!(query.ignored, ["_elements", "_summary", "_pretty", "_totalMethod", "_foo"]);
        assert_eq!(query.self_url(), "https://here/fhir/Patient?_format=json&name=x");
        assert_eq!(ask(Patient, "_format=xml"), Err(QueryFault::NotJson));
    }

    #[test]
    fn values_that_cannot_be_read_are_refused_in_either_handling() {
        for query in [
            "birthdate=x",
            "birthdate=2024-13",
            "birthdate=gt",
            "birthdate=xx2024",
            "identifier=a|b|c",
            "identifier=|",
            "name=",
            "name=a,,b",
            "name=,",
            "identifier=a\\x",
            "identifier=a\\",
            "organization=Practitioner/1",
            "organization=https://elsewhere/fhir/Organization/1",
            "organization=a/b/c",
            "organization=urn:uuid:1",
            "organization=Organization/1/_history/2",
            "name=\u{301}",
            "_total=many",
            "organization:Organization=Patient/1",
            "_sort=",
            "_sort=name,name,name,name,name",
            "_sort=name&_sort=family",
            "_total=none&_total=none",
        ] {
            assert!(ask(Patient, query).is_err() && lenient(Patient, query).is_err(), "{query}");
        }
        assert_eq!(ask(ResourceType::Binary, "_id=1"), Err(QueryFault::NotSearchable(ResourceType::Binary)));
    }

    #[test]
    fn everything_a_stranger_can_send_is_bounded() {
        let many = vec![("name".to_string(), "x".to_string()); PARAMETERS_MAX + 1];
        assert_eq!(Query::parse(Patient, &many, Handling::Strict, BASE), Err(QueryFault::TooManyParameters));
        assert_eq!(
            ask(Patient, &format!("name={}", vec!["x"; VALUES_MAX + 1].join(","))),
            Err(QueryFault::TooManyValues("name".into()))
        );
        assert!(ask(Patient, &format!("name={}", vec!["x"; VALUES_MAX].join(","))).is_ok());
        assert_eq!(
            ask(Patient, &format!("name={}", "x".repeat(VALUE_BYTES_MAX + 1))),
            Err(QueryFault::TooLong("name".into()))
        );
        let half = vec!["x"; VALUES_MAX / 2].join(",");
        assert!(ask(Patient, &format!("name={half}&family={half}")).is_ok());
        assert_eq!(
            ask(Patient, &format!("name={half}&family={half}&given=x")),
            Err(QueryFault::TooManyValues("given".into()))
        );
        let long = format!("name={}", vec!["x".repeat(VALUE_BYTES_MAX); 16].join(","));
        assert_eq!(ask(Patient, &long), Err(QueryFault::TooLongAltogether));
        assert!(ask(Patient, "name=a\0b").is_err() && ask(Patient, "_id=a\nb").is_err());
        for name in ["x".repeat(65), "Amara Okafor".into(), "é".into(), "a\n".into()] {
            let fault = Query::parse(Patient, &[(name.clone(), "1".into())], Handling::Lenient, BASE).unwrap_err();
            assert!(fault == QueryFault::BadName && !fault.to_string().contains(&name), "{name}");
        }
    }

    #[test]
    fn leniency_is_a_preference_among_others() {
        assert_eq!(Handling::of_prefer("return=minimal, handling=lenient"), Handling::Lenient);
        assert_eq!(Handling::of_prefer("handling=strict"), Handling::Strict);
        assert_eq!(Handling::of_prefer("xhandling=lenient"), Handling::Strict);
    }

    #[test]
    fn the_self_link_says_what_was_asked() {
        let asked = [("name:exact", "M\u{fc}ller & Co+"), ("identifier", "http://s|a b,c")]
            .map(|(n, v)| (n.to_string(), v.to_string()));
        let query = Query::parse(Patient, &asked, Handling::Strict, BASE).unwrap();
        assert_eq!(
            query.self_url(),
            "https://here/fhir/Patient?name:exact=M%C3%BCller%20%26%20Co%2B&identifier=http://s|a%20b,c"
        );
        assert_eq!(ask(Patient, "").unwrap().self_url(), "https://here/fhir/Patient");
    }

    proptest! {
        #[test]
        fn alternatives_written_and_read_again_are_the_same(values in prop::collection::vec(("[a,|$\\\\ ]{0,6}", "[b,|$\\\\]{1,6}", 0..3), 1..6)) {
            let expected: Vec<Criterion> = values.iter().map(|(system, code, how)| Criterion::Token {
                system: match how { 0 => SystemMatch::Any, 1 => SystemMatch::Absent, _ => SystemMatch::Is(format!("s{system}")) },
                code: Some(code.clone()),
            }).collect();
            let written: Vec<String> = expected.iter().map(Criterion::to_string).collect();
            let query = Query::parse(Patient, &[("identifier".into(), written.join(","))], Handling::Strict, BASE).unwrap();
            prop_assert_eq!(&query.filters[0].values, &expected);
        }

        #[test]
        fn text_written_and_read_again_is_the_same(texts in prop::collection::vec("[a-zA-Z,|$\\\\ \u{e9}]{0,10}x", 1..6)) {
            let written: Vec<String> = texts.iter().map(|text| escape(text)).collect();
            let query = Query::parse(Patient, &[("name".into(), written.join(","))], Handling::Strict, BASE).unwrap();
            let read: Vec<&str> = query.filters[0].values.iter().map(|value| match value {
                Criterion::Text { exact, .. } => exact.as_str(),
                Criterion::Token { .. } | Criterion::Date { .. } | Criterion::Reference { .. } => "",
            }).collect();
            prop_assert_eq!(read, texts);
        }

        #[test]
        fn no_question_makes_it_panic(kind in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), modifier in "(:[A-Za-z]{0,8})?", value in "\\PC{0,40}|[a-z0-9|,\\\\:/-]{0,20}") {
            let kind = searchable().nth(kind.index(searchable().count())).unwrap();
            let all = parameters(kind);
            let name = format!("{}{modifier}", all[at.index(all.len())].name);
            let asked = [(name, value)];
            if let Ok(query) = Query::parse(kind, &asked, Handling::Strict, BASE) {
                prop_assert_eq!(query.filters.len(), 1);
            }
        }
    }
}

mod answers {
    use super::*;

    const PATIENT: &str = r#"{"resourceType":"Patient","id":"p","meta":{"lastUpdated":"2024-05-01T12:00:00Z"},"active":true,
        "identifier":[{"system":"urn:mrn","value":"12,3|4"},{"value":"bare"}],
        "name":[{"family":"Müller","given":["José","Ann"],"prefix":["Dr"]},{"text":"Joe the Third"}],
        "telecom":[{"system":"phone","value":"555-1"},{"system":"email","value":"a@b"}],
        "gender":"male","birthDate":"1980-02-03","address":[{"line":["1 Main St"],"city":"Albany"}],
        "generalPractitioner":[{"reference":"Practitioner/g"},{"reference":"https://here/fhir/Organization/o"},{"reference":"https://there/Organization/t"}]}"#;

    #[test]
    fn a_token_is_compared_by_system_and_code() {
        for yes in [
            "identifier=urn:mrn|12\\,3\\|4",
            "identifier=12\\,3\\|4",
            "identifier=urn:mrn|",
            "identifier=|bare",
            "identifier=x,bare",
            "gender=male",
            "gender=http://hl7.org/fhir/administrative-gender|male",
            "active=true",
            "phone=555-1",
            "email=a@b",
            "telecom=|555-1",
        ] {
            assert!(finds(yes, PATIENT), "{yes}");
        }
        for no in [
            "identifier=urn:mrn|bare",
            "identifier=|12\\,3\\|4",
            "identifier=BARE",
            "identifier=urn:mr|",
            "gender=Male",
            "gender=http://x|male",
            "active=false",
            "phone=a@b",
            "telecom=phone|555-1",
            "identifier=12",
        ] {
            assert!(!finds(no, PATIENT), "{no}");
        }
    }

    #[test]
    fn text_is_compared_from_its_start_without_case_and_accents() {
        for yes in [
            "name=mull",
            "family=MÜLLER",
            "given=jose",
            "given=an",
            "name=dr",
            "name=jose ann muller",
            "name=muller jose",
            "name=joe the",
            "name:exact=José",
            "name:contains=hird",
            "address=albany",
            "address=1 main",
            "address-city=Alb",
            "name=zz,mul",
            "name=muller\\, j",
        ] {
            assert!(finds(yes, PATIENT), "{yes}");
        }
        for no in [
            "name=uller",
            "family=jose",
            "name:exact=jose",
            "name:exact=Jos",
            "name:contains=fourth",
            "address=main",
            "address-city=12207",
        ] {
            assert!(!finds(no, PATIENT), "{no}");
        }
    }

    #[test]
    fn a_reference_is_compared_by_type_and_id_on_this_server_alone() {
        for yes in [
            "general-practitioner=g",
            "general-practitioner=Practitioner/g",
            "general-practitioner:Practitioner=g",
            "general-practitioner=o",
            "general-practitioner=https://here/fhir/Practitioner/g",
        ] {
            assert!(finds(yes, PATIENT), "{yes}");
        }
        for no in [
            "general-practitioner=Organization/g",
            "general-practitioner:Organization=g",
            "general-practitioner=t",
            "general-practitioner=G",
        ] {
            assert!(!finds(no, PATIENT), "{no}");
        }
    }

    #[test]
    fn ids_and_times_of_change_are_filters_too() {
        for yes in [
            "_id=p",
            "_id=a,p",
            "_lastUpdated=2024-05",
            "_lastUpdated=ge2024-05-01T12:00:00Z",
            "_lastUpdated=gt2024-04&_id=p",
        ] {
            assert!(finds(yes, PATIENT), "{yes}");
        }
        for no in ["_id=q", "_lastUpdated=gt2024-05-01T12:00:00Z", "_lastUpdated=2023", "_id=p&_lastUpdated=2023"] {
            assert!(!finds(no, PATIENT), "{no}");
        }
    }

    #[test]
    fn dates_are_compared_as_stretches() {
        let day = r#"{"resourceType":"Observation","effectiveDateTime":"2024-03-10"}"#;
        let open = r#"{"resourceType":"Observation","effectivePeriod":{"start":"2024-03-10"}}"#;
        let events = r#"{"resourceType":"Observation","effectiveTiming":{"event":["2024-03-10","2024-04-10"]}}"#;
        for (query, expected) in [
            ("date=2024-03-10", [true, false, false]),
            ("date=2024-03", [true, false, false]),
            ("date=2024", [true, false, true]),
            ("date=2024-03-10T12:00Z", [false, false, false]),
            ("date=ne2024-03-10", [false, true, true]),
            ("date=gt2024-03-10", [false, true, true]),
            ("date=ge2024-03-10", [true, true, true]),
            ("date=lt2024-03-10", [false, false, false]),
            ("date=le2024-03-10", [true, false, false]),
            ("date=sa2024-03-09", [true, true, true]),
            ("date=sa2024-03-10", [false, false, false]),
            ("date=eb2024-03-11", [true, false, false]),
            ("date=ap2024-03-11", [true, true, true]),
            ("date=ap2023-03-10", [false, false, false]),
            ("date=ge2024-03-01&date=lt2024-04-01", [true, true, true]),
            ("date=lt2024-03-10T12:00:00Z", [true, true, true]),
        ] {
            let told = [day, open, events].map(|resource| finds(query, resource));
            assert_eq!(told, expected, "{query}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_found_by_it() {
        for (query, resource) in [
            ("date=gt1900", r#"{"resourceType":"Observation","effectiveDateTime":"yesterday"}"#),
            ("date=gt1900", r#"{"resourceType":"Observation","effectivePeriod":{"start":"2024","end":"?"}}"#),
            ("patient=1", r#"{"resourceType":"Observation","subject":{"reference":"Group/1"}}"#),
            ("patient=1", r#"{"resourceType":"Observation","subject":{"identifier":{"value":"1"}}}"#),
            ("code=x", r#"{"resourceType":"Observation","code":{"text":"x"}}"#),
            (
                "code=x",
                r#"{"resourceType":"Observation","contained":[{"resourceType":"Observation","code":{"coding":[{"code":"x"}]}}]}"#,
            ),
        ] {
            assert!(!finds(query, resource), "{query} {resource}");
        }
        assert!(!matches(
            &ask(ResourceType::Patient, "_id=p").unwrap(),
            &Resource::of(document(r#"{"resourceType":"Basic","id":"p"}"#).root()).unwrap()
        ));
    }

    #[test]
    fn rows_are_ordered_by_what_comes_first_in_the_direction_asked() {
        let document = document(PATIENT);
        let resource = Resource::of(document.root()).unwrap();
        let value =
            |sort: &str| sort_value(&resource, &ask(ResourceType::Patient, &format!("_sort={sort}")).unwrap().sort[0]);
        assert_eq!(value("given"), Some(SortValue::Text("ann".into())));
        assert_eq!(value("-given"), Some(SortValue::Text("jose".into())));
        assert_eq!(value("_id"), Some(SortValue::Text("p".into())));
        assert!(value("-_lastUpdated") == value("_lastUpdated") && value("death-date").is_none());
        assert!(value("birthdate") < value("-birthdate"));
    }

    fn stretch() -> impl Strategy<Value = (i64, i64)> {
        (-50i64..50, 0i64..20).prop_map(|(low, width)| (low, low + width))
    }

    proptest! {
        /// The rules of R4 that tie the prefixes together.
        #[test]
        fn prefixes_agree_with_one_another(row in stretch(), asked in stretch()) {
            let holds = |prefix: Prefix| prefix.holds(row, asked);
            prop_assert_eq!(holds(Prefix::Ne), !holds(Prefix::Eq));
            prop_assert_eq!(holds(Prefix::Ge), holds(Prefix::Eq) || holds(Prefix::Gt));
            prop_assert_eq!(holds(Prefix::Le), holds(Prefix::Eq) || holds(Prefix::Lt));
            prop_assert!(!holds(Prefix::Sa) || holds(Prefix::Gt) && !holds(Prefix::Ap));
            prop_assert!(!holds(Prefix::Eb) || holds(Prefix::Lt) && !holds(Prefix::Ap));
            prop_assert!(!holds(Prefix::Eq) || holds(Prefix::Ap));
            prop_assert!(holds(Prefix::Ge) || holds(Prefix::Le));
        }

        #[test]
        fn one_more_filter_never_finds_more_and_one_more_alternative_never_less(a in "[a-c]{1,2}", b in "[a-c]{1,2}", family in "[a-c]{1,3}", given in "[a-c]{1,3}") {
            let row = format!(r#"{{"resourceType":"Patient","name":[{{"family":"{family}","given":["{given}"]}}]}}"#);
            let (one, other) = (finds(&format!("name={a}"), &row), finds(&format!("name={b}"), &row));
            prop_assert_eq!(finds(&format!("name={a}&name={b}"), &row), one && other);
            prop_assert_eq!(finds(&format!("name={a},{b}"), &row), one || other);
        }

        #[test]
        fn no_resource_makes_it_panic(json in "[a-z]{0,5}") {
            let row = format!(r#"{{"resourceType":"Observation","code":"{json}","subject":"{json}","effectiveDateTime":["{json}",[7]],"category":{{"coding":{{"code":null}}}},"performer":[[]]}}"#);
            let document = document(&row);
            let terms = terms(&Resource::of(document.root()).unwrap());
            prop_assert!(terms.iter().all(|term| matches!(term, Term::Token { .. })), "{terms:?}");
        }
    }
}
