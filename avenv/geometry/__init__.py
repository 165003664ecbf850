"""Triangles, bounding volume hierarchy and ray queries."""
