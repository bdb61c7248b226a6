"""records.db: TinyDB's tables on SQLite rows."""
