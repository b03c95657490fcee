"""Channels: one file format a file."""
