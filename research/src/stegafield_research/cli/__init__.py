"""The commands `bench`, `paper` and `train-baseline`."""
