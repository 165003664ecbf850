"""A home to walk through for any client of the Model Context Protocol."""
