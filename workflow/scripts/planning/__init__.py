"""What happens before a job runs: the configuration is read and checked, the table of runs is made, code is digested."""
