"""What a job is, and its way through the buffers, for everyone who follows it."""
