"""One published primitive a file, for what two models use identically."""
