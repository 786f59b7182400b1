"""PostgreSQL with pgvector: the only place that speaks SQL."""
