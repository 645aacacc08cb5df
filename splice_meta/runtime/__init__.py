"""The running process: set-up, faults inside libraries, progress, time by stage."""
