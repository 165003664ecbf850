"""One file per task: how an episode is built and what success is."""
