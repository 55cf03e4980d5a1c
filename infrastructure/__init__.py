"""What happens on the deploying machine: the package, the stack beside Zappa, the hooks in Zappa."""
