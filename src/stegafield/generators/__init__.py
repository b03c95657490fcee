"""Functions from coordinates to values, and distributions of such functions.

Nothing here knows of steganography.
"""
