"""From bytes to faces: decode, detect, align, embed."""
