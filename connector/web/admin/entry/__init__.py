"""Before the frame: how somebody comes in."""
