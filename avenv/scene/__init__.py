"""What a world is made of: spec, builder, materials, object catalogue, compile."""
