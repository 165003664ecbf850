"""Light: baked once per scene for each lamp and the day, mixed and named afterwards."""
