"""Late sound: a field of energy in cells, traced once per source."""
