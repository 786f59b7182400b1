"""What `make check` asks besides the linters: known vulnerabilities, and secrets in the files."""
