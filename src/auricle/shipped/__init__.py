"""Models that come with auricle, one exported file each, usable offline by name."""
