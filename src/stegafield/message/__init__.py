"""Bytes to uniformly random-looking bits and back: keys, frames and error correction.

This package knows nothing of arrays or of media.
"""
