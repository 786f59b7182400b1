"""The local workspace's page, driven by a real browser as a person would: `make test-browser`."""
