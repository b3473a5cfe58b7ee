"""What finally answers: vendors behind their own HTTP APIs."""
