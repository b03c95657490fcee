"""Measurements and figures: what the documentation's tables and pictures come from."""
