"""Simulated adaptive methods: costs decide where a perfect code changes a picture."""
