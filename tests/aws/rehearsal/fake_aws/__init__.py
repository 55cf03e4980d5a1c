"""AWS on this machine: moto for its APIs, the real Lambda runtime, a gateway for function URLs."""
