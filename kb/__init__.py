"""Documents to clauses, retrieval, and the criteria of certification as data."""
