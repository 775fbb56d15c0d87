"""Every table, every SQL statement, migrations: SQLite and PostgreSQL, one schema."""
