"""Where a cover comes from, seen in its elements: decoded, stretched, interpolated, resampled.

A cover with a past has values and patterns that a change can contradict. The sender looks for them
before hiding; detectors look for contradictions. Nothing here is part of the format.
"""
