"""Optimizers: one solver a file. None of them knows of steganography."""
