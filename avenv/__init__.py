"""avenv: audio-visual environments for embodied agents."""
