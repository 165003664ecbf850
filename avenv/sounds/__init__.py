"""Dry sounds: synthesised kinds, sound sets and files."""
