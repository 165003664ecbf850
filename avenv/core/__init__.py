"""What every other room stands on: frames, bands, errors, hashing, caches, threads, kernels."""
