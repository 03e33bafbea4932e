"""What `train` is made of: the feed, the loop, the schedule, checkpoints that resume exactly, calibration."""
