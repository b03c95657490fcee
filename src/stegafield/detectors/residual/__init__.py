"""Trained detectors on residuals: what neighbours do not predict is noise, and embedding changes its statistics."""
