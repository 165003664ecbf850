"""Sound as samples: transforms, convolution, features."""
