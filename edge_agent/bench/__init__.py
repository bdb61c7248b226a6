"""What `leafgate bench` measures: ratios to a limit taken in the same run."""
