"""The whole product at work on one machine: a local workspace, people, photos, answers."""
