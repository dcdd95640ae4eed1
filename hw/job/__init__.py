"""The order of a job, for everyone who follows it."""
