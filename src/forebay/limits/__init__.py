"""Who keeps counts against limits: this process for itself, or a Redis for many."""
