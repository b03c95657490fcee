"""Estimators of LSB replacement: the share of elements whose last bit was overwritten.

They need no training.
"""
