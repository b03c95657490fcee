"""Bytes to uniformly random-looking bits and back. Knows keys and frames; has never heard of arrays of pixels."""
