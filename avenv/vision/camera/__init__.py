"""What a camera is: its optics, the pictures it makes and their noise."""
