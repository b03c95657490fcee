"""Simulated adaptive methods: costs decide where a perfect code would change a picture."""
