"""The command ``sb-sed``: one module a command."""
