"""What the commands of this package do, apart from reading their command lines."""
