"""Extractors: one architecture a file."""
