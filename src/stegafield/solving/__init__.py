"""What optimizers and differentiable extractors share.

Batches, rounds, CUDA graphs and convolutions.
"""
