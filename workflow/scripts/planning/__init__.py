"""What happens before a job runs: the configuration is checked, the table of runs is made, code is digested."""
