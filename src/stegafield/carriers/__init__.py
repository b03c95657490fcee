"""Carriers: one medium a file."""
