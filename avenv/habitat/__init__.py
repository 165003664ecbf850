"""Bridges to Habitat and SoundSpaces: their files of episodes, and results as they want them."""

from avenv.habitat.soundspaces import challenge_data, read_episodes

__all__ = ["challenge_data", "read_episodes"]
