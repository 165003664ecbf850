"""Light that is baked once per scene and switched afterwards."""
