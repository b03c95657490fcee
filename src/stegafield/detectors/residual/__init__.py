"""Trained detectors on residuals.

What neighbours do not predict is noise, and embedding changes its statistics.
"""
