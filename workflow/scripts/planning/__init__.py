"""From a configuration to a study: what is read, checked and derived before any job runs."""
