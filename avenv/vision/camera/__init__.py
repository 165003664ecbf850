"""Cameras: projections, pictures and their noise."""
