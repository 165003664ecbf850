"""The rasteriser: from triangle clusters to shaded pixels."""
