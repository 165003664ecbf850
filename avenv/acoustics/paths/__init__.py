"""Early sound: direct, mirrored and bent paths."""
