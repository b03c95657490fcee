"""Optimizers: one solver a file. None of them has heard of steganography."""
