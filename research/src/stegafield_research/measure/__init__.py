"""What is measured: fidelity, speed, detection, laws."""
