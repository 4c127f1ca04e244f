-- The embedded store. Times are microseconds since 1970, UTC. The first byte of every stored body names the key it is
-- sealed with; 0 is plain.

-- Patients by a small number, so that index rows stay short. A number is never used again.
CREATE TABLE patient (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id     TEXT NOT NULL UNIQUE
) STRICT;

-- Current versions. The bytes behind the first are the bytes served.
CREATE TABLE resource (
    row     INTEGER PRIMARY KEY,
    kind    TEXT NOT NULL,
    id      TEXT NOT NULL,
    version INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0,
    bytes   BLOB NOT NULL,
    UNIQUE (kind, id)
) STRICT;

-- Earlier versions. A withheld one is never shown again (a laboratory took it back as another person's).
CREATE TABLE history (
    kind     TEXT NOT NULL,
    id       TEXT NOT NULL,
    version  INTEGER NOT NULL,
    updated  INTEGER NOT NULL,
    deleted  INTEGER NOT NULL DEFAULT 0,
    withheld INTEGER NOT NULL DEFAULT 0,
    bytes    BLOB NOT NULL,
    PRIMARY KEY (kind, id, version)
) STRICT;

-- Whom a current version is about. A row that is about nobody who can be named has no line here and is never found.
CREATE TABLE subject (
    patient INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    row     INTEGER NOT NULL,
    PRIMARY KEY (patient, kind, row)
) STRICT, WITHOUT ROWID;
CREATE INDEX subject_row ON subject (row);

-- The search index. Every table leads with the patient; 0 stands for what has no patient of its own (Practitioner,
-- Organization, Provenance and the like). `param` is `Type.name`.
CREATE TABLE token (
    patient INTEGER NOT NULL,
    param   TEXT NOT NULL,
    code    TEXT NOT NULL,
    system  TEXT NOT NULL, -- empty: none
    row     INTEGER NOT NULL,
    PRIMARY KEY (patient, param, code, system, row)
) STRICT, WITHOUT ROWID;
CREATE INDEX token_row ON token (row, param);
CREATE INDEX token_patient_identifier ON token (code, system, row) WHERE param = 'Patient.identifier';

CREATE TABLE text (
    patient INTEGER NOT NULL,
    param   TEXT NOT NULL,
    folded  TEXT NOT NULL,
    exact   TEXT NOT NULL,
    row     INTEGER NOT NULL,
    PRIMARY KEY (patient, param, folded, exact, row)
) STRICT, WITHOUT ROWID;
CREATE INDEX text_row ON text (row, param);

CREATE TABLE date (
    patient INTEGER NOT NULL,
    param   TEXT NOT NULL,
    low     INTEGER NOT NULL,
    high    INTEGER NOT NULL,
    row     INTEGER NOT NULL,
    PRIMARY KEY (patient, param, low, high, row)
) STRICT, WITHOUT ROWID;
CREATE INDEX date_row ON date (row, param);

CREATE TABLE reference (
    patient INTEGER NOT NULL,
    param   TEXT NOT NULL,
    kind    TEXT NOT NULL,
    id      TEXT NOT NULL,
    row     INTEGER NOT NULL,
    PRIMARY KEY (patient, param, kind, id, row)
) STRICT, WITHOUT ROWID;
CREATE INDEX reference_row ON reference (row, param);
CREATE INDEX reference_target ON reference (kind, id, param, patient, row);

-- Every local reference anywhere in a record, and every attachment's address: what lets a Practitioner or a Binary be seen.
CREATE TABLE link (
    patient INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    id      TEXT NOT NULL,
    row     INTEGER NOT NULL,
    PRIMARY KEY (patient, kind, id, row)
) STRICT, WITHOUT ROWID;
CREATE INDEX link_row ON link (row, kind, id);

-- Sensitivity labels, so that a barred record is passed over when evidence is sought.
CREATE TABLE label (
    row  INTEGER NOT NULL,
    code TEXT NOT NULL,
    PRIMARY KEY (row, code)
) STRICT, WITHOUT ROWID;

-- Messages from legacy systems, exactly as they came, and what became of each.
CREATE TABLE journal (
    sequence            INTEGER PRIMARY KEY AUTOINCREMENT,
    link                TEXT NOT NULL,
    sending_application BLOB,
    sending_facility    BLOB,
    control_id          BLOB,
    fingerprint         BLOB,
    received            INTEGER NOT NULL,
    conflicts_with      INTEGER,
    ending              TEXT, -- applied, quarantined, refused; NULL while under way
    answered            INTEGER NOT NULL DEFAULT 0,
    answer_now          BLOB,
    answer_later        BLOB,
    told                INTEGER NOT NULL DEFAULT 0,
    raw                 BLOB NOT NULL
) STRICT;
CREATE INDEX journal_key ON journal (link, control_id, sending_application, sending_facility, sequence);
CREATE INDEX journal_ending ON journal (ending, sequence);

-- Which business key of a link became which resource. Two keys never share one id.
CREATE TABLE crosswalk (
    link     TEXT NOT NULL,
    key      TEXT NOT NULL,
    kind     TEXT NOT NULL,
    id       TEXT NOT NULL,
    standing TEXT NOT NULL, -- JSON
    members  TEXT NOT NULL, -- JSON
    PRIMARY KEY (link, key),
    UNIQUE (kind, id)
) STRICT;

-- Whose an order number is known to be.
CREATE TABLE order_number (
    link      TEXT NOT NULL,
    role      TEXT NOT NULL,
    authority TEXT NOT NULL,
    value     TEXT NOT NULL,
    patient   TEXT NOT NULL,
    PRIMARY KEY (link, role, authority, value, patient)
) STRICT, WITHOUT ROWID;

-- Small documents of the authorization server. Every write makes a new revision, and none is used twice.
CREATE TABLE document (
    revision  INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace TEXT NOT NULL,
    key       TEXT NOT NULL,
    json      TEXT NOT NULL,
    UNIQUE (namespace, key)
) STRICT;

-- Things that are used once or end by themselves. The key itself is not kept, only its SHA-256.
CREATE TABLE ticket (
    namespace TEXT NOT NULL,
    key_hash  BLOB NOT NULL,
    json      TEXT NOT NULL,
    expires   INTEGER NOT NULL, -- seconds since 1970
    PRIMARY KEY (namespace, key_hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX ticket_expires ON ticket (expires);
