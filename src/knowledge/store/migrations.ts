// The tables of knowledge.db. Append only: a released step never changes.
//
// A passage's text is stored once, named by the hash of its content. An entry is a passage as one collection knows it;
// entries are what the index holds. Ids of entries and documents are `collection × 2³² + sequence`, so that a
// collection is one range of ids: FTS5 seeks to it, and nothing outside of it is ever looked at.

/** unicode61 breaks words at the vowel signs of Indic scripts unless marks belong to words. */
const WORD_CATEGORIES = "categories 'L* N* Co M*'";

export const KNOWLEDGE_MIGRATIONS: readonly string[] = [
  `CREATE TABLE collection (
     id INTEGER PRIMARY KEY,
     tenant TEXT NOT NULL,
     name TEXT NOT NULL,
     documents INTEGER NOT NULL DEFAULT 0,
     passages INTEGER NOT NULL DEFAULT 0,
     length INTEGER NOT NULL DEFAULT 0,
     next_document INTEGER NOT NULL DEFAULT 1,
     next_entry INTEGER NOT NULL DEFAULT 1,
     dimension INTEGER,
     UNIQUE (tenant, name)
   );
   CREATE TABLE document (
     id INTEGER PRIMARY KEY,
     key TEXT NOT NULL UNIQUE,
     collection INTEGER NOT NULL REFERENCES collection (id),
     source TEXT NOT NULL,
     title TEXT NOT NULL,
     mime_type TEXT NOT NULL,
     content_hash TEXT NOT NULL,
     attributes TEXT NOT NULL,
     passage_count INTEGER NOT NULL,
     length INTEGER NOT NULL,
     updated_at INTEGER NOT NULL
   );
   CREATE UNIQUE INDEX document_by_source ON document (collection, source);
   CREATE TABLE document_attribute (
     collection INTEGER NOT NULL,
     name TEXT NOT NULL,
     value TEXT NOT NULL,
     document INTEGER NOT NULL,
     PRIMARY KEY (collection, name, value, document)
   ) WITHOUT ROWID;
   CREATE INDEX document_attribute_by_document ON document_attribute (document);
   CREATE TABLE passage (
     id INTEGER PRIMARY KEY,
     hash BLOB NOT NULL UNIQUE,
     text TEXT NOT NULL,
     headings TEXT NOT NULL
   );
   CREATE TABLE entry (
     id INTEGER PRIMARY KEY,
     passage INTEGER NOT NULL REFERENCES passage (id),
     has_vector INTEGER NOT NULL DEFAULT 0
   );
   CREATE INDEX entry_by_passage ON entry (passage);
   CREATE TABLE document_passage (
     document INTEGER NOT NULL REFERENCES document (id),
     position INTEGER NOT NULL,
     entry INTEGER NOT NULL REFERENCES entry (id),
     start INTEGER NOT NULL,
     end INTEGER NOT NULL,
     page INTEGER,
     PRIMARY KEY (document, position)
   ) WITHOUT ROWID;
   CREATE INDEX document_passage_by_entry ON document_passage (entry);
   CREATE TABLE loose_entry (
     entry INTEGER PRIMARY KEY,
     since INTEGER NOT NULL
   );
   CREATE TABLE waiting_passage (
     passage INTEGER PRIMARY KEY,
     since INTEGER NOT NULL
   );
   CREATE VIEW entry_text (id, text, headings) AS
     SELECT entry.id, passage.text, passage.headings FROM entry JOIN passage ON passage.id = entry.passage;
   CREATE VIRTUAL TABLE entry_words USING fts5 (
     text, headings, content = 'entry_text', content_rowid = 'id',
     tokenize = "porter unicode61 remove_diacritics 2 ${WORD_CATEGORIES}"
   );
   CREATE VIRTUAL TABLE entry_grams USING fts5 (
     grams, content = '', contentless_delete = 1,
     tokenize = "unicode61 remove_diacritics 0 ${WORD_CATEGORIES}"
   );
   CREATE VIRTUAL TABLE document_words USING fts5 (
     title, source, content = 'document', content_rowid = 'id',
     tokenize = "porter unicode61 remove_diacritics 2 ${WORD_CATEGORIES}"
   );
   INSERT INTO entry_words (entry_words, rank) VALUES ('automerge', 8);
   INSERT INTO entry_grams (entry_grams, rank) VALUES ('automerge', 8);
   INSERT INTO document_words (document_words, rank) VALUES ('automerge', 8);`,
  // Documents that were changed here, until the change log has them. Numbers are never used twice: who settles up to one
  // must not settle a later change.
  `CREATE TABLE document_outbox (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     document TEXT NOT NULL UNIQUE
   );
   CREATE TABLE knowledge_state (
     name TEXT PRIMARY KEY,
     value TEXT NOT NULL
   ) WITHOUT ROWID;`,
  // Replaced texts wait for a day, so there may be many, and housekeeping looks for old ones after each write.
  'CREATE INDEX waiting_passage_by_age ON waiting_passage (since)',
];
