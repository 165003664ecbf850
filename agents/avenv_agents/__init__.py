"""Agents for avenv: baselines, audio-visual encoders and their training."""
