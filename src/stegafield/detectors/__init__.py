"""Steganalysis, one method a file.

`lsb` estimates the share of LSB replacement; the other detectors are trained.
"""
