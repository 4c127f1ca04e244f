-- The stored bytes are the served bytes, behind one byte that names the key they are sealed by (0: plain).
CREATE TABLE resource (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    updated_us INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE TABLE history (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (kind, id, version)
) WITHOUT ROWID;
-- Whom a resource is about: many to many. Searches begin here.
CREATE TABLE subject (
    patient TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (patient, kind, id)
) WITHOUT ROWID;
CREATE INDEX subject_of ON subject (kind, id);
-- What a resource refers to: the way to shared resources, to a Binary's owner, and from a target to its Provenance.
CREATE TABLE reference (
    to_kind TEXT NOT NULL,
    to_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (to_kind, to_id, kind, id)
) WITHOUT ROWID;
CREATE INDEX reference_from ON reference (kind, id);
-- Patients by identifier, for laboratories' messages.
CREATE TABLE identifier (
    system TEXT NOT NULL,
    value TEXT NOT NULL,
    patient TEXT NOT NULL,
    PRIMARY KEY (system, value, patient)
) WITHOUT ROWID;
-- The authorization server's documents and one-time tickets.
CREATE TABLE document (
    space TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (space, key)
) WITHOUT ROWID;
CREATE TABLE ticket (
    space TEXT NOT NULL,
    key TEXT NOT NULL,
    expires_s INTEGER NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (space, key)
) WITHOUT ROWID;
CREATE INDEX ticket_ends ON ticket (expires_s);
-- Messages received, exactly as they came.
CREATE TABLE message (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    link TEXT NOT NULL,
    key BLOB,
    fingerprint BLOB,
    key_json TEXT,
    received_us INTEGER NOT NULL,
    raw BLOB NOT NULL,
    conflicts_with INTEGER,
    ending TEXT,
    answer TEXT,
    told INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX message_key ON message (link, key);
CREATE INDEX message_open ON message (sequence) WHERE ending IS NULL;
-- Legacy keys and what they became.
CREATE TABLE crosswalk (
    link TEXT NOT NULL,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    standing TEXT NOT NULL,
    members TEXT NOT NULL,
    PRIMARY KEY (link, key)
) WITHOUT ROWID;
CREATE UNIQUE INDEX crosswalk_id ON crosswalk (kind, id);
-- Whose order a number is.
CREATE TABLE order_owner (
    link TEXT NOT NULL,
    role TEXT NOT NULL,
    authority TEXT NOT NULL,
    value TEXT NOT NULL,
    patient TEXT NOT NULL,
    PRIMARY KEY (link, role, authority, value)
) WITHOUT ROWID;
