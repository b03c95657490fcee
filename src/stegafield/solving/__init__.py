"""What optimizers and differentiable extractors share: batches, rounds, CUDA graphs, convolutions."""
