"""Egocentric pictures from a compiled scene: a software rasteriser."""
