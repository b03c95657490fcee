"""Steganalysis, one method a file: `lsb` estimates how much LSB replacement there is, the others are trained."""
