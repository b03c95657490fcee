"""Estimators of LSB replacement: the share of samples whose last bit was overwritten. They need no training."""
