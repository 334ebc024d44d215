"""What every suite and measurement shares: a raw protocol client and a way to run a server."""
