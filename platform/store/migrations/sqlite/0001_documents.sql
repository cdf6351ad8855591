-- Documents of every table. Keys compare as bytes (BINARY is SQLite's default collation); a version counts the writes of a key.
CREATE TABLE documents (
    tbl     TEXT    NOT NULL,
    key     TEXT    NOT NULL,
    value   BLOB    NOT NULL,
    version BIGINT  NOT NULL,
    PRIMARY KEY (tbl, key)
) WITHOUT ROWID;
