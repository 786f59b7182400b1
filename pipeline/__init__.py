"""Indexing and search of faces in shared photos; knows nothing of Slack."""
