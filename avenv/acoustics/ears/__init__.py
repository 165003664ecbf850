"""What listens: heads, microphones and their filters."""
