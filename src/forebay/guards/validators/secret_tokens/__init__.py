"""Secrets by the forms that their issuers give them, and what is assigned to a name that says it is one."""
