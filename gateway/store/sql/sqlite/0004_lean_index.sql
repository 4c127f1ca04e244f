-- Lines that nothing is found by any more: whose a record is stands in `subject`, what combo-code finds under its parts, and of a
-- patient's record only those links count that lead to what has no patient.
DELETE FROM reference WHERE patient <> 0 AND kind = 'Patient'
    AND (param LIKE '%.patient' OR param LIKE '%.subject' OR param = 'Coverage.beneficiary');
DELETE FROM token WHERE param = 'Observation.combo-code';
DELETE FROM link WHERE patient <> 0
    AND kind NOT IN ('Binary', 'Location', 'Medication', 'Organization', 'Practitioner', 'PractitionerRole');
-- Who refers to a record is asked of these parameters alone, and of Provenance.target, whose lines stand under nobody.
DROP INDEX reference_target;
CREATE INDEX reference_role ON reference (kind, id, row) WHERE param = 'PractitionerRole.practitioner';
CREATE INDEX reference_care ON reference (kind, id, patient, row)
    WHERE param IN ('Encounter.participant', 'CareTeam.participant', 'Patient.general-practitioner');
