"""Generators beside what is real."""
