"""Amazon SNS, as far as we ask it for something."""
