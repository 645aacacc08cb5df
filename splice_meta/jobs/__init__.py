"""Long jobs: plans as data, executors, a ledger, resume; nothing here knows of splice sites."""
