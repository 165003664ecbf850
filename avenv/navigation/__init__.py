"""Where a body can be and how it gets there: walkable grid, geodesics, motion."""
