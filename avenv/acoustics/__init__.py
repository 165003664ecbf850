"""Impulse responses, streams and measures of sound in a compiled scene."""
