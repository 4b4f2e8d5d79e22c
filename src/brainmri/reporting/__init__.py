"""What a change did to metrics, params and pictures, for its review."""
