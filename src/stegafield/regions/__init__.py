"""What is in a file: salt, header, payload. It mirrors docs/format.md."""
