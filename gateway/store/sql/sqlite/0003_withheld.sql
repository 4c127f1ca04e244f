-- Records of a server behind us whose earlier versions are never shown again. Those of the embedded store say it in `history`.
CREATE TABLE withheld (
    kind TEXT NOT NULL,
    id   TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
