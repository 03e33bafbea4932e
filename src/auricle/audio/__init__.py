"""Bytes to `Clip` and back: reading, writing, resampling, levels, windows. numpy only, never torch."""
