"""From request to file, and from file to message."""
