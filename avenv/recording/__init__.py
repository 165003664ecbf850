"""Video with sound and top-down maps."""
